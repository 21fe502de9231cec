"""Any JSONL or parquet file, folder of data files or data set on the Hub, by a mapping of its columns.

    tasks:
      - source: dataset:capitals
        path: capitals.jsonl                    # or a .parquet file, a folder, or a Hub id such as openai/gsm8k
        columns: {prompt: country, answer: capital, solution: capital}
        template: "What is the capital of {country}?"
        reference: {policy: {answer: whole}}    # the same for every row
        verifier: math
        solution_origin: human
        problems: 100

`prompt`, `solution` and `difficulty` are the problem's own; any other key of `columns` becomes a key of its reference.
The part after `dataset:` is free: it is the source's name in the ledger and the report.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar, Self

from pydantic import Field, JsonValue, TypeAdapter, ValidationError, model_validator

from selfplay.tasks.errors import SourceError
from selfplay.tasks.problem import Origin, Problem, Split
from selfplay.tasks.row_source import RowSource
from selfplay.tasks.rows import PlacedRow, read_rows
from selfplay.tasks.source import TaskSource, split_of

_OF_THE_PROBLEM = ("prompt", "solution", "difficulty")
_PLACEHOLDER = re.compile(r"\{(\w+)\}")
_JSON: TypeAdapter[JsonValue] = TypeAdapter(JsonValue)


class Dataset(RowSource):
    """Rows of your own file, folder or Hub data set, by a mapping of its columns."""

    name: ClassVar[str] = "dataset"

    path: str
    """A .jsonl or .parquet file, a folder of data files, or a Hub id."""
    config: str | None = None
    """The data set's configuration, for a folder or Hub id."""
    revision: str | None = None
    """Commit or tag on the Hub."""
    split: str = "train"
    """The data set's split to use, for a folder or Hub id."""
    evaluate_split: str | None = None
    """Its split to hold out; unset: about a tenth of `split`, by content."""
    evaluate_path: str | None = None
    """A file or data set to hold out, instead of a split."""
    columns: dict[str, str]
    """Which column holds `prompt`, `solution`, `difficulty`; any other key becomes a key of the reference."""
    reference: dict[str, JsonValue] = Field(default={})
    """Keys of every reference beside those from columns."""
    template: str = "{prompt}"
    """The prompt: a name in braces is a key of `columns`, or else a column."""
    verifier: str  # type: ignore[misc]  # the other sources fix it for their class, here it is a key
    """Name of the verifier that judges."""
    solution_origin: Origin  # type: ignore[misc]  # as above
    """`human` where people wrote the solutions, `procedural` where a program did."""

    @classmethod
    def variant(cls, rest: str) -> type[TaskSource]:
        return type(
            cls.__name__, (cls,), {"name": f"{cls.name}:{rest}", "__doc__": cls.__doc__, "__module__": __name__}
        )

    @model_validator(mode="after")
    def _mapped(self) -> Self:
        if not _PLACEHOLDER.search(self.template):
            raise ValueError("`template` names no column in braces, such as {prompt}")
        if "{prompt}" in self.template and "prompt" not in self.columns:
            raise ValueError("`columns.prompt` is missing; name the prompt's column, or set `template`")
        if not self.reference and set(self.columns) <= set(_OF_THE_PROBLEM):
            raise ValueError("`columns` gives the reference nothing; map the answer, such as `answer: COLUMN`")
        both = set(self.reference) & set(self.columns)
        if both:
            raise ValueError(f"`reference.{min(both)}` is in `columns` as well; remove one")
        if self.evaluate_path is not None and self.evaluate_split is not None:
            raise ValueError("`evaluate_path` and `evaluate_split` exclude each other; remove one")
        return self

    @property
    def _held_out_by_content(self) -> bool:
        return self.evaluate_path is None and self.evaluate_split is None

    def rows(self, split: Split) -> Iterator[PlacedRow]:
        path, part, key = self.path, self.split, "`path`, `config` or `split`"
        if split == "evaluate" and not self._held_out_by_content:
            path, part = self.evaluate_path or path, self.evaluate_split or part
            key = "`evaluate_path` or `evaluate_split`"
        return read_rows(
            path, key=f"{key} of source `{self.name}`", config=self.config, split=part, revision=self.revision
        )

    def each(self, split: Split) -> Iterator[Problem | SourceError]:
        for problem in super().each(split):
            # a bad row has no content to hold it out by
            side = "train" if isinstance(problem, SourceError) else split_of(problem.twin_key)
            if not self._held_out_by_content or side == split:
                yield problem

    def read(self, row: PlacedRow, split: Split) -> Problem:
        prompt = _PLACEHOLDER.sub(lambda name: _shown(row, self.columns.get(name[1], name[1])), self.template)
        given = {key: row.value(column) for key, column in self.columns.items() if key not in _OF_THE_PROBLEM}
        try:
            mapped = {key: _JSON.validate_python(value) for key, value in given.items()}
        except ValidationError:
            raise SourceError(f"{row.place}: a column of the reference holds what is no JSON; map another") from None
        return self.asked(
            prompt=prompt,
            reference={**self.reference, **mapped},
            solution=row.text(self.columns["solution"]) if "solution" in self.columns else None,
            split=split,
            twin_key=self.twin_key(prompt),
            difficulty=_number(row, self.columns["difficulty"]) if "difficulty" in self.columns else None,
        )


def _shown(row: PlacedRow, column: str) -> str:
    value = row.value(column)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return row.text(column)
    return str(value)


def _number(row: PlacedRow, column: str) -> float | None:
    value = row.value(column)
    if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
        raise SourceError(f"{row.place}: `{column}` must be a number; repair the row, or map no `difficulty`")
    return None if value is None else float(value)
