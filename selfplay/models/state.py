"""A model of a run, as the loop passes it on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class ModelState:
    """Weights on disk and where they stand in the run."""

    fingerprint: str
    folder: Path
    seed: int
    arm: str
    generation: int
