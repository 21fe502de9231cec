"""The contract of a distillation method: what it is told, what it does, what it reports.

    class Doubled(Method):
        name = "doubled"
        about = "supervised, on every row twice"

        def train(self, job, on_step): ...

It is registered under the entry-point group `selfplay.distill`, or named as `path/to/file.py:name` in `distill.method`.
The process it runs in, its restarts, progress and the ledger are the framework's (trainer.py).
"""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, SerializeAsAny

from selfplay.distill.settings import DistillSettings

RESULT_FILE = "training.json"
"""A `TrainingResult` beside the weights that it made."""
OnStep = Callable[[int, float], None]
"""Called with (step, loss) while training goes on."""


class TrainingJob(BaseModel):
    """One training, complete: the same job always gives the same student on the same CPU."""

    model_config = ConfigDict(frozen=True)

    start: Path
    """Folder of the weights that training starts from."""
    rows: Path
    """Parquet file with the text columns `prompt` and `completion`."""
    target: Path
    """Folder to write the student to; it appears when whole."""
    settings: SerializeAsAny[DistillSettings]
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


class Method(ABC):
    """One way to train a student on selected rows. Libraries are imported inside `train`, not with the class."""

    name: ClassVar[str]
    about: ClassVar[str] = ""
    """What it does, in one line."""
    Settings: ClassVar[type[DistillSettings]] = DistillSettings
    """Its keys of `distill`."""

    @abstractmethod
    def train(self, job: TrainingJob, on_step: OnStep) -> TrainingResult:
        """Train a student and write it to `job.target`, whole or not at all.

        Raises:
            selfplay.errors.LossNotFinite: the loss or the weights are not finite.
            selfplay.errors.TrainingError: no rows, fewer steps than asked for, or weights that did not move.
        """


def unfinished_name(target: Path, process: int) -> Path:
    """Where the process with this id writes a student that is not whole yet.

    A process that outlives its killed driver for a moment so never writes into another's.
    """
    return target.with_name(f"{target.name}.{process}.tmp")


def remove_unfinished(target: Path) -> None:
    """Remove a student that nobody recorded, and what trainings that died left of it."""
    for leftover in (target, *target.parent.glob(f"{target.name}.*.tmp")):
        shutil.rmtree(leftover, ignore_errors=True)
