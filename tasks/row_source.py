"""A source whose problems are the rows of a data set: what gsm8k, math, mbpp, humaneval and dataset share.

A subclass says where the rows of a split are (`rows`) and what problem a row is (`read`). Repeats are dropped here: a
question that comes again in another spacing or case, and a training question that is held out as well.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from itertools import islice
from random import Random

from pydantic import Field

from selfplay.tasks.errors import PLUGIN_ERRORS, SourceError, failed, no_problem
from selfplay.tasks.problem import Problem, Split
from selfplay.tasks.rows import PlacedRow
from selfplay.tasks.source import TaskSource


class RowSource(TaskSource):
    """Base of the sources that read rows."""

    limit: int | None = Field(default=None, ge=1)
    """Use only the first rows of each split."""

    @abstractmethod
    def rows(self, split: Split) -> Iterator[PlacedRow]:
        """The rows of a split in their own order.

        Raises SourceError: they cannot be read; names the file, the row and the key.
        """

    @abstractmethod
    def read(self, row: PlacedRow, split: Split) -> Problem:
        """The problem that a row is; SourceError: the row lacks something; names its place."""

    def each(self, split: Split) -> Iterator[Problem | SourceError]:
        for row in islice(self.rows(split), self.limit):
            yield self._read(row, split)

    def problems(self, split: Split, seed: int) -> Iterator[Problem]:
        problems = list(self._all(split))
        held_out = {problem.twin_key for problem in self._all("evaluate")} if split == "train" else set()
        Random(f"{self.name} {seed}").shuffle(problems)
        distinct = {problem.twin_key: problem for problem in problems if problem.twin_key not in held_out}
        yield from distinct.values()

    def _read(self, row: PlacedRow, split: Split) -> Problem | SourceError:
        place = f"{getattr(row, 'place', row)!s:.200}, source `{self.name}`, split {split}"
        try:
            problem: object = self.read(row, split)
        except SourceError as error:
            return error
        except PLUGIN_ERRORS as error:
            return failed(place, "read", error)
        return problem if isinstance(problem, Problem) else no_problem(place, "read", problem)

    def _all(self, split: Split) -> Iterator[Problem]:
        for problem in self.each(split):
            if isinstance(problem, SourceError):
                raise problem
            yield problem

    def twin_key(self, question: str) -> str:
        """Equal for questions that differ in spacing and case alone."""
        return f"{self.name} {' '.join(question.lower().split())}"
