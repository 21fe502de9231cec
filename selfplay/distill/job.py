"""What a training is told and what it reports; light enough for the driver to import."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from selfplay.config import DistillSection

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
