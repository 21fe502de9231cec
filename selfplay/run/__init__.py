"""A run: the loop, its steps, and the directory that it writes."""
