"""A source's problems as the rest of the program takes them.

A source that raises, or gives something that is no `Problem`, is a BrokenSource that names the source, the split, the
index and the cause. A source that hangs is not stopped; `selfplay tasks check` looks for problems that are wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import count
from typing import Any

from selfplay.tasks.errors import SourceError, blamed, no_problem
from selfplay.tasks.problem import Problem, Split
from selfplay.tasks.source import TaskSource

_END = object()


def drawn(source: TaskSource, split: Split, seed: int) -> Iterator[Problem]:
    """What `TaskSource.problems` gives.

    Raises:
        SourceError: the source says so itself.
        BrokenSource: it raises, or gives something else than a problem.
    """
    place = f"source `{source.name}`, split {split}"
    for index, problem in enumerate(_watched(place, "problems", lambda: source.problems(split, seed))):
        if not isinstance(problem, Problem):
            raise no_problem(f"{place}, index {index}", "problems", problem)
        yield problem


def drawn_each(source: TaskSource, split: Split) -> Iterator[Problem | SourceError]:
    """What `TaskSource.each` gives: problems, and what is wrong with single rows. Raises as `drawn`."""
    place = f"source `{source.name}`, split {split}"
    for index, problem in enumerate(_watched(place, "each", lambda: source.each(split))):
        if not isinstance(problem, Problem | SourceError):
            raise no_problem(f"{place}, index {index}", "each", problem)
        yield problem


def most_drawn(source: TaskSource, split: Split) -> int | None:
    """What `TaskSource.most` gives. Raises as `drawn`."""
    with blamed(f"source `{source.name}`, split {split}", "most"):
        return source.most(split)


def _watched(place: str, function: str, begin: Callable[[], Iterable[Any]]) -> Iterator[Any]:
    with blamed(f"{place}, index 0", function):  # also StopIteration, which would read as a source without problems
        stream = iter(begin())
    for index in count():
        with blamed(f"{place}, index {index}", function):
            item = next(stream, _END)
        if item is _END:
            return
        yield item
