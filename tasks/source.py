"""A task source: a named stream of problems, configured by its own pydantic fields.

    class Doubles(TaskSource):
        name: ClassVar[str] = "doubles"
        verifier: ClassVar[str] = "math"
        solution_origin: ClassVar[Origin] = "procedural"
        largest: int = 99

        def problems(self, split, seed): ...

A source is found through the entry-point group `selfplay.tasks`, or as `path/to/file.py:name`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from itertools import count
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from tasks.errors import SourceError
from tasks.problem import Origin, Problem, Split, content_hash

EVALUATE_SHARE_PERCENT = 10


class TaskSource(BaseModel, ABC):
    """Base of every source. Fields are the keys a config may set beside `source`."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: ClassVar[str]
    verifier: ClassVar[str]
    solution_origin: ClassVar[Origin]
    endless: ClassVar[bool] = False
    """True where `problems` never ends, as for procedural families."""

    @abstractmethod
    def problems(self, split: Split, seed: int) -> Iterator[Problem]:
        """Distinct problems of a split in an order that depends on the seed alone.

        Args:
            split: `train` or `evaluate`; the two never share a `twin_key`.
            seed: chooses the order (and, for an endless source, which problems come first).

        Raises:
            tasks.errors.SourceError: the data cannot be read, or there are fewer problems than were asked for.
        """


def split_of(twin_key: str) -> Split:
    """The side a problem belongs to, from its content alone: about 10 % go to `evaluate`."""
    return "evaluate" if int(content_hash("split", twin_key), 16) % 100 < EVALUATE_SHARE_PERCENT else "train"


MOST_REPEATS = 10_000
"""Repeats in a row after which a family counts as used up."""


def distinct_problems(problem: Callable[[int, int], Problem], split: Split, seed: int) -> Iterator[Problem]:
    """The problems of a procedural family that belong to a split, each twin key once.

    Args:
        problem: makes a problem from (seed, index); a pure function.

    Raises:
        SourceError: the family seems to have no further problems.
    """
    seen: set[str] = set()
    repeats = 0
    for index in count():
        made = problem(seed, index)
        if made.twin_key in seen:
            repeats += 1
            if repeats > MOST_REPEATS:
                raise SourceError(
                    f"`{made.source}` has only about {len(seen):,} different problems with these settings; "
                    "ask for fewer, or raise its sizes"
                )
            continue
        seen.add(made.twin_key)
        repeats = 0
        if split_of(made.twin_key) == split:
            yield made.model_copy(update={"split": split})
