"""The contract of a distillation method: its keys, what it is told, what it reports. Light to import.

    class Doubled(Method):
        name = "doubled"
        about = "supervised, on every row twice"

        def train(self, job, on_step): ...

It is registered under the entry-point group `selfplay.distill`, or named as `path/to/file.py:name` in `distill.method`.
trainer.py runs it in a process of its own.
"""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, SerializeAsAny, model_validator

from selfplay.tasks.whole_file import write_whole

RESULT_FILE = "training.json"
"""A `TrainingResult` beside the weights that it made."""
OnStep = Callable[[int, float], None]
"""Called with (step, loss) while training goes on."""


class DistillSettings(BaseModel):
    """The training step. A method with further keys derives its `Settings` from this."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
        allow_inf_nan=False,
        json_schema_extra={"additionalProperties": True},  # a method may have more, which an editor cannot know
    )

    method: str = "supervised"
    """A method's name (`selfplay distill list`), or `path/to/file.py:name`."""
    steps: int = Field(ge=1)
    """Optimiser steps of every training, the same for all arms."""
    batch_size: int = Field(default=32, ge=1)
    """Rows in an optimiser step, over all devices."""
    micro_batch_size: int | None = Field(default=None, ge=1)
    """Rows in one forward pass; unset: the whole batch. Must divide `batch_size`."""
    learning_rate: float = Field(default=1e-3, gt=0)
    schedule: Literal["constant", "linear", "cosine"] = "cosine"
    warmup: float = Field(default=0.05, ge=0, lt=1)
    """Share of the steps in which the learning rate rises from 0."""
    weight_decay: float = Field(default=0.0, ge=0)
    beta2: float = Field(default=0.999, gt=0, lt=1)
    """AdamW's second-moment decay."""
    max_length: int | None = Field(default=None, ge=2)
    """Longest row in tokens; longer rows are left out and counted, never cut. Unset: the model's context."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """`auto`: bfloat16 on a GPU that has it, else float32."""
    threads: int | None = Field(default=None, ge=1)
    """CPU threads; unset: one for models up to a million parameters, else all cores."""

    @model_validator(mode="after")
    def _divides(self) -> Self:
        if self.micro_batch_size and self.batch_size % self.micro_batch_size:
            raise ValueError("`micro_batch_size` must divide `batch_size`")
        return self


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


def write_result(target: Path, result: TrainingResult) -> None:
    """Put what a training did beside its student, where the loop finds it."""
    write_whole(target / RESULT_FILE, result.model_dump_json(indent=2) + "\n")


def unfinished_name(target: Path, process: int) -> Path:
    """Where a process writes a student that is not whole yet: by its id, as it may outlive its driver for a moment."""
    return target.with_name(f"{target.name}.{process}.tmp")


def remove_unfinished(target: Path) -> None:
    """Remove a student that nobody recorded, and what trainings that died left of it."""
    for leftover in (target, *target.parent.glob(f"{target.name}.*.tmp")):
        shutil.rmtree(leftover, ignore_errors=True)
