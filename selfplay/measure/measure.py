"""The contract of a measure: one function that yields scores.

    from selfplay.measure import Drawn, Score, measure

    @measure(name="mean_length", of="samples")
    def mean_length(drawn: Drawn):
        \"\"\"mean length of the completions drawn for training, in characters\"\"\"
        lengths = [len(text) for text in drawn.texts()]
        yield Score(sum(lengths) / len(lengths), n=len(lengths))

It is registered under the entry-point group `selfplay.measures`, or named in a config as `mine.py:mean_length`.
What it yields goes into the ledger's `scores`, under the model that was evaluated or trained, and `warn_when` and
`stop_when` may name it.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from selfplay.tasks.intervals import wilson

if TYPE_CHECKING:
    from selfplay.ledger.ledger import Ledger

ALL_TASKS = "all"
"""Name of the task under which a score over all tasks together is filed."""
Of = Literal["held_out", "validation", "samples", "training"]
"""What is measured. `held_out`, `validation`: a model's completions of those problems, one each. `samples`: what a
model wrote for the next training, filed under the model that was trained on it. `training`: the training itself."""


@dataclass(frozen=True, slots=True)
class Score:
    """One value of a measure."""

    value: float
    n: int
    """How many samples (rows, n-grams) it was taken over."""
    task: str = ALL_TASKS
    low: float | None = None
    """Lower end of its 95 % interval; None where no interval is known."""
    high: float | None = None


def share(count: int, n: int, task: str) -> Score:
    """A share with Wilson's 95 % interval (Wilson 1927)."""
    low, high = wilson(count, n)
    return Score(count / n, n, task, low, high)


@dataclass(frozen=True, slots=True)
class OfTask:
    """Counts over the samples of one task, or over all of them (`task` is `all`)."""

    task: str
    n: int
    accepted: int
    undecided: int
    faults: int
    """Undecided because the judge or the engine failed."""
    truncated: int
    """Cut off at `max_tokens`."""
    distinct: int
    """Different completions."""


class Drawn:
    """Judged samples of one model, by their ids in a ledger."""

    def __init__(self, ledger: Ledger, ids: Sequence[str]) -> None:
        self.ledger, self.ids = ledger, list(ids)

    @cached_property
    def tasks(self) -> list[OfTask]:
        """Counts for each task and for all of them together, in the order of the tasks' names."""
        from selfplay.ledger.tables import FAULTS

        sql = """
            SELECT coalesce(p.source, ?), count(*), count(*) FILTER (v.outcome = 'accepted'),
                   count(*) FILTER (v.outcome = 'undecided'), count(*) FILTER (list_contains(?, v.reason)),
                   count(*) FILTER (s.finish_reason = 'length'), count(DISTINCT s.completion)
            FROM samples s JOIN verdicts v ON v.sample_id = s.id JOIN problems p ON p.id = s.problem_id
            WHERE s.id IN (SELECT unnest(?)) GROUP BY GROUPING SETS ((p.source), ()) ORDER BY 1
        """
        return [OfTask(*row) for row in self.ledger.rows(sql, [ALL_TASKS, sorted(FAULTS), self.ids]) if row[1]]

    def texts(self, most: int | None = None) -> Iterator[str]:
        """The completions in the order of the samples' ids, at most `most` of them."""
        limit = "" if most is None else f"LIMIT {most:d}"
        sql = f"SELECT completion FROM samples WHERE id IN (SELECT unnest(?)) ORDER BY id {limit}"
        for rows in self.ledger.batches(sql, [self.ids]):
            yield from (text for (text,) in rows)


@dataclass(frozen=True, slots=True)
class Trained:
    """One training."""

    loss: float
    """Mean training loss over the last tenth of the steps, in nats a token."""
    rows: int


@dataclass(frozen=True)
class Measure:
    """A declared measure."""

    name: str
    of: Of
    about: str
    """What it is, in one line."""
    by_task: bool
    """Whether it has a value for each task; otherwise for all tasks together alone."""
    function: Callable[[Any], Iterator[Score]]

    def scores(self, measured: Drawn | Trained) -> list[Score]:
        """Its scores of what is measured: `Trained` where `of` is training, else `Drawn`.

        Raises:
            TypeError: the function yields something else than scores.
            Exception: whatever the function raises.
        """
        scores = list(self.function(measured))
        wrong = next((score for score in scores if not isinstance(score, Score)), None)
        if wrong is not None:
            raise TypeError(f"it gave {type(wrong).__name__} where a Score is due")
        for score in scores:
            numbers = [score.value, *(end for end in (score.low, score.high) if end is not None)]
            if not all(isinstance(number, int | float) for number in numbers) or not isinstance(score.n, int):
                raise TypeError(f"it gave {score}, whose `n` has to be a whole number and whose others numbers")
        tasks = [score.task for score in scores]
        if len(set(tasks)) < len(tasks):
            raise TypeError(f"it gave two scores for the task {max(tasks, key=tasks.count)}")
        return scores


def measure(*, name: str, of: Of, by_task: bool = True) -> Callable[[Callable[[Any], Iterator[Score]]], Measure]:
    """Declare a function that yields scores of `Of` to be a measure; the first line of its docstring says what it is.

    `by_task`: it yields a score for each task, and not only one for all of them.
    """

    def declare(function: Callable[[Any], Iterator[Score]]) -> Measure:
        about = (inspect.getdoc(function) or "").partition("\n")[0]
        return Measure(name, of, about, by_task, function)

    return declare
