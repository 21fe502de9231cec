"""What is measured of a model, of the samples it wrote and of its training; each measure is one decorated function."""

from __future__ import annotations

from selfplay.measure.measure import ALL_TASKS, Drawn, Measure, OfTask, Score, Trained, measure, share

__all__ = ["ALL_TASKS", "Drawn", "Measure", "OfTask", "Score", "Trained", "measure", "share"]
