"""A model of a run, as the loop passes it on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

START = "start"
"""Name under which generation 0, shared by all arms, is recorded; no arm may take it."""
INITIAL = "initial"
"""Folder of the weights that trainings start from, beside the arms' folders."""


@dataclass(frozen=True)
class ModelState:
    """Weights on disk and where they stand in the run."""

    fingerprint: str
    folder: Path
    seed: int
    arm: str
    generation: int
