"""Confidence intervals: of a share, of a difference of two shares, of a mean over seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist, fmean, stdev

from pydantic import BaseModel, ConfigDict


class Share(BaseModel):
    """`count` of `n`, with Wilson's 95 % interval; without share and interval where n is 0."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    count: int
    n: int
    value: float | None = None
    low: float | None = None
    high: float | None = None

    @classmethod
    def of(cls, count: int, n: int) -> Share:
        if n == 0:
            return cls(count=0, n=0)
        low, high = wilson(count, n)
        return cls(count=count, n=n, value=count / n, low=low, high=high)


def wilson(successes: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval for a proportion of at least one trial (Wilson 1927, JASA 22:209)."""
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    middle = (successes + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * math.sqrt(successes * (n - successes) / n + z * z / 4)
    return 0.0 if successes == 0 else middle - half, 1.0 if successes == n else middle + half


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of the values do not exceed. Of at least one value."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def over_seeds(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float, float]:
    """Mean of one value a seed, with Student's t interval; without an interval (equal ends) for one seed."""
    from scipy import stats

    mean = fmean(values)
    if len(values) < 2:
        return mean, mean, mean
    half = float(stats.t.ppf((1 + confidence) / 2, len(values) - 1)) * stdev(values) / math.sqrt(len(values))
    return mean, mean - half, mean + half
