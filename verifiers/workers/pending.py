"""Rows on their way through the dispatcher."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field

from selfplay.verifiers.contract.verdict import Judgement, Row


@dataclass(frozen=True)
class WorkerDeath:
    """How a worker ended on a completion, and after how many seconds."""

    how: str
    seconds: float


@dataclass
class PendingRow:
    """A row that waits to be judged, or that a worker is judging."""

    row: Row
    future: Future[Judgement] = field(default_factory=Future)
    killed_a_worker: bool = False
    faulted_once: bool = False
    in_batch: bool = False
    """Whether it was sent together with others; what fails then is judged again without them."""
    never_batch: bool = False
    """Whether it must not be sent together with others any more."""
    tests_the_judge_after: WorkerDeath | None = None
    """Set where the row's own completion has killed two workers and a harmless one is judged in its place, which says
    whose fault that was; the future is still the row's own."""
