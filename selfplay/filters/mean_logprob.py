"""`mean_logprob`: what the model itself finds likely."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from selfplay.filters.group_filter import Candidate, Choice, Group, GroupFilter

DIGITS = 9
"""Decimals that count. The last bits of a sum hang on the batch, and equal texts must have equal ranks."""


class LogprobSettings(BaseModel):
    """One bound of the two."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)

    threshold: float | None = Field(default=None, le=0)
    """Least mean log-probability of a token, in nats, such as -0.5."""
    top: float | None = Field(default=None, gt=0, le=1)
    """Share of each problem's samples to keep, the likeliest first; rounded up to whole samples."""

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if (self.threshold is None) == (self.top is None):
            raise ValueError("give exactly one of `threshold` and `top`")
        return self


class MeanLogprob(GroupFilter):
    """Keeps the samples whose tokens have a high mean log-probability under the model that wrote them.

    The mean runs over the drawn tokens with the end token, so that length itself is neither paid nor punished.
    A sample that was cut off has no end token and is not kept.
    """

    name: ClassVar[str] = "mean_logprob"
    version: ClassVar[str] = "1"
    keeps: ClassVar[str] = "that the model which wrote it finds it likely"
    does_not_catch: ClassVar[str] = "confident errors; repetition is likely too"
    Settings: ClassVar[type[BaseModel]] = LogprobSettings
    logprobs: ClassVar[bool] = True

    def choose(self, group: Group) -> Sequence[Choice]:
        ranked = sorted((c for c in group.own if not c.truncated), key=lambda c: (-_likely(c), c.id))
        if self.settings.top is not None:
            kept = {candidate.id for candidate in ranked[: math.ceil(round(self.settings.top * len(group.own), 9))]}
        else:
            kept = {candidate.id for candidate in ranked if _likely(candidate) >= self.settings.threshold}
        return [
            Choice(c.id, c.id in kept, "truncated" if c.truncated else "likely" if c.id in kept else "unlikely")
            for c in group.own
        ]


def _likely(candidate: Candidate) -> float:
    assert candidate.mean_logprob is not None, "the framework refuses samples without it"
    return round(candidate.mean_logprob, DIGITS)
