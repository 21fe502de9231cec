"""Conditions on measures, as the config's `warn_when` and `stop_when` write them.

    warn_when: [{measure: accepted_share, below: 0.05}, {measure: distinct_2, below: 0.2, arm: unfiltered}]
    stop_when: [{measure: accuracy, falling_for: 2}, {measure: train_loss, not_finite: true, stop: run}]

A value that is not a finite number meets `below` and `above` too. A generation without the measure meets nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator


class Condition(BaseModel):
    """One condition on one measure; a warning where it is met."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)

    measure: str
    """A measure of the scores, such as accuracy, accepted_share, distinct_2 or train_loss."""
    task: str = "all"
    """A task's name, or `all` for all of them together."""
    arm: Annotated[str, StringConstraints(min_length=1)] | None = None
    """Unset: every arm."""
    below: float | None = None
    """Met where the value is lower."""
    above: float | None = None
    """Met where the value is higher."""
    falling_for: int | None = Field(default=None, ge=1)
    """Met where the value fell in each of the last so many generations."""
    not_finite: bool | None = None
    """true: met where the value is NaN or infinite."""

    @model_validator(mode="after")
    def _one_test(self) -> Self:
        tests = [self.below, self.above, self.falling_for, self.not_finite]
        if sum(test is not None for test in tests) != 1 or self.not_finite is False:
            raise ValueError("give exactly one of `below`, `above`, `falling_for` and `not_finite: true`")
        return self

    def is_met(self, values: Sequence[float | None]) -> bool:
        """Whether the last of these values meets the condition.

        Args:
            values: the measure of one arm by generation, from generation 0 on; None where it was not measured.
        """
        last = values[-1] if values else None
        if last is None:
            return False
        if self.falling_for is not None:
            known = [value for value in values[-self.falling_for - 1 :] if value is not None]
            fell = all(later < earlier for earlier, later in pairwise(known))
            return fell and len(known) == self.falling_for + 1
        if not math.isfinite(last):
            return True
        return (self.below is not None and last < self.below) or (self.above is not None and last > self.above)

    def in_words(self, values: Sequence[float | None]) -> str:
        """Such as `accuracy is 0.12, below 0.2`."""
        subject = self.measure + ("" if self.task == "all" else f" on {self.task}")
        if self.falling_for is not None:
            line = ", ".join(f"{value:.4g}" for value in values[-self.falling_for - 1 :] if value is not None)
            return f"{subject} fell for {self.falling_for} generation(s): {line}"
        limits = [
            f", {way} {limit:g}" for way, limit in (("below", self.below), ("above", self.above)) if limit is not None
        ]
        return f"{subject} is {values[-1]:.4g}{''.join(limits)}"


class StopCondition(Condition):
    """One condition that ends an arm or the run where it is met."""

    stop: Literal["arm", "run"] = "arm"
    """`arm`: this arm of this seed makes no further generation, the others go on. `run`: nothing further is made."""
