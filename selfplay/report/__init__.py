"""The report of a run: one HTML page that opens offline, its figures, `scores.csv`, and tables for a terminal."""
