"""The keys of `distill` that every method has. Light to import: no training library is loaded here."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class DistillSettings(BaseModel):
    """The training step. A method with further keys derives its `Settings` from this."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)

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
