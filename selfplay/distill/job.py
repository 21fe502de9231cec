"""What a training is told and what it reports; light enough for the driver to import."""

from __future__ import annotations

import shutil
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from selfplay.experiment.schema import DistillSection

RESULT_FILE = "training.json"
"""A `TrainingResult` beside the weights that it made."""


class TrainingJob(BaseModel):
    """One training, complete: the same job always gives the same student on the same CPU."""

    model_config = ConfigDict(frozen=True)

    start: Path
    """Folder of the weights that training starts from."""
    rows: Path
    """Parquet file with the text columns `prompt` and `completion`."""
    target: Path
    """Folder to write the student to; it appears when whole."""
    settings: DistillSection
    chat: bool | None
    """Use the chat template; None: exactly when the tokenizer has one."""
    seed: int
    trust_remote_code: bool = False


class TrainingResult(BaseModel):
    """What a training did."""

    model_config = ConfigDict(frozen=True)

    steps: int
    rows: int
    too_long: int
    """Rows left out because they exceed `max_length`."""
    tokens: int
    """Tokens of one pass over the rows, prompts included."""
    loss: float
    """Mean training loss over the last tenth of the steps, in nats a token."""
    seconds: float


def unfinished_name(target: Path, process: int) -> Path:
    """Where the process with this id writes a student that is not whole yet.

    A process that outlives its killed driver for a moment so never writes into another's.
    """
    return target.with_name(f"{target.name}.{process}.tmp")


def remove_unfinished(target: Path) -> None:
    """Remove a student that nobody recorded, and what trainings that died left of it."""
    for leftover in (target, *target.parent.glob(f"{target.name}.*.tmp")):
        shutil.rmtree(leftover, ignore_errors=True)
