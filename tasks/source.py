"""A task source: a named stream of problems, configured by its own pydantic fields.

    class Doubles(ProceduralFamily):
        name: ClassVar[str] = "doubles"
        verifier: ClassVar[str] = "math"
        largest: int = 99

        def problem(self, seed, index): ...

`ProceduralFamily` makes its problems, `RowSource` (row_source.py) reads them. A source is found through the entry-point
group `selfplay.tasks`, or as `path/to/file.py:name`.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, JsonValue

from selfplay.tasks.errors import SourceError, blamed, no_problem
from selfplay.tasks.problem import Origin, Problem, Split, content_hash

EVALUATE_SHARE_PERCENT = 10


class TaskSource(BaseModel, ABC):
    """Base of every source. Fields are the keys a config may set beside `source`."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: ClassVar[str]
    verifier: ClassVar[str]
    solution_origin: ClassVar[Origin]
    endless: ClassVar[bool] = False
    """True where `problems` never ends, as for procedural families."""
    verifier_settings: ClassVar[Mapping[str, JsonValue]] = {}
    """Settings of the verifier that the worked solutions ask for; `selfplay tasks check` judges with them."""

    @abstractmethod
    def problems(self, split: Split, seed: int) -> Iterator[Problem]:
        """Distinct problems of a split in an order that depends on the seed alone. Splits never share a `twin_key`.

        Raises SourceError: the data cannot be read, or there are fewer problems than were asked for.
        """

    def each(self, split: Split) -> Iterator[Problem | SourceError]:
        """All problems of a split as they come, for `selfplay tasks check`: those that repeat another among them, and
        in place of a row that is no problem what is wrong with it."""
        yield from self.problems(split, 0)

    def most(self, split: Split) -> int | None:
        """An upper bound of the problems that a split holds, where one is known without making them."""
        return None

    @classmethod
    def variant(cls, rest: str) -> type[TaskSource]:
        """The source behind `name:rest`, for a source that stands for many; raises SourceError where there is none."""
        raise SourceError(f"source `{cls.name}` has no variants such as `{cls.name}:{rest}`; name it `{cls.name}`")

    def asked(
        self,
        *,
        prompt: str,
        reference: dict[str, JsonValue],
        twin_key: str,
        solution: str | None = None,
        split: Split = "train",
        difficulty: float | None = None,
        metadata: dict[str, JsonValue] | None = None,
    ) -> Problem:
        """A problem of this source: its name, verifier and origin filled in."""
        return Problem(
            prompt=prompt,
            reference=reference,
            verifier=self.verifier,
            solution=solution,
            solution_origin=None if solution is None else self.solution_origin,
            source=self.name,
            split=split,
            twin_key=twin_key,
            difficulty=difficulty,
            metadata=metadata or {},
        )


class ProceduralFamily(TaskSource):
    """Problems that a program makes: one for each (seed, index), without end or until they repeat."""

    solution_origin: ClassVar[Origin] = "procedural"
    endless: ClassVar[bool] = True

    @abstractmethod
    def problem(self, seed: int, index: int) -> Problem:
        """The problem of a seed and index, a pure function of both and of the settings."""

    def different(self) -> int | None:
        """How many different problems there are at most, where a formula gives it."""
        return None

    def for_split(self, split: Split) -> Self:
        """The family that a split is drawn from: itself, unless held-out problems are made otherwise."""
        return self

    def problems(self, split: Split, seed: int) -> Iterator[Problem]:
        family = self.for_split(split)
        return distinct_problems(family.problem, split, seed, family.different())

    def most(self, split: Split) -> int | None:
        total = self.for_split(split).different()
        if total is None:
            return None
        share = EVALUATE_SHARE_PERCENT / 100 if split == "evaluate" else 1 - EVALUATE_SHARE_PERCENT / 100
        # the side of each is a fair draw by its hash: six standard deviations above the mean
        return min(total, math.ceil(total * share + 6 * math.sqrt(total * share * (1 - share))))


def split_of(twin_key: str) -> Split:
    """The side a problem belongs to, from its content alone: about 10 % go to `evaluate`."""
    return "evaluate" if int(content_hash("split", twin_key), 16) % 100 < EVALUATE_SHARE_PERCENT else "train"


MOST_REPEATS = 10_000
"""Repeats in a row after which a family counts as used up."""


def distinct_problems(
    problem: Callable[[int, int], Problem], split: Split, seed: int, different: int | None = None
) -> Iterator[Problem]:
    """The problems of a procedural family that belong to a split, each twin key once.

    `problem` makes one from (seed, index); `different` is how many there are at most, where that is known.

    Raises:
        SourceError: the family seems to have no further problems, or `problem` raises or gives something else.
    """
    seen: set[str] = set()
    repeats = 0
    source = getattr(getattr(problem, "__self__", None), "name", getattr(problem, "__name__", "problem"))
    for index in count():
        place = f"source `{source}`, split {split}, seed {seed}, index {index}"
        with blamed(place, "problem"):
            made: object = problem(seed, index)
        if not isinstance(made, Problem):
            raise no_problem(place, "problem", made)
        if made.twin_key in seen:
            repeats += 1
            if repeats > MOST_REPEATS or len(seen) == different:
                raise SourceError(
                    f"`{made.source}` has only about {len(seen):,} different problems with these settings; "
                    "ask for fewer, or raise its sizes"
                )
            continue
        seen.add(made.twin_key)
        repeats = 0
        if split_of(made.twin_key) == split:
            yield made.model_copy(update={"split": split})
