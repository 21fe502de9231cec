"""GSM8K: 7,473 + 1,319 grade-school word problems with solutions, written by people (Cobbe et al. 2021,
arXiv 2110.14168; MIT licence). A row as it is published:

    {"question": "Natalia sold clips to 48 of her friends in April, ...",
     "answer": "Natalia sold 48/2 = <<48/2=24>>24 clips in May.\\n...\\n#### 72"}

The official test split is `evaluate`. The seed chooses the order.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import ClassVar

from pydantic import Field

from tasks.errors import SourceError, UnreachableSource
from tasks.problem import Origin, Problem, Split
from tasks.source import TaskSource

HUB_ID = "openai/gsm8k"
INSTRUCTION = "\n\nThink step by step, and end with a line that holds #### and the answer as a number."
_ANNOTATION = re.compile(r"<<[^<>]*>>")
_ANSWER = re.compile(r"####\s*(-?[\d,]*\.?\d+)\s*$")


class Gsm8k(TaskSource):
    """Grade-school word problems with solutions written by people."""

    name: ClassVar[str] = "gsm8k"
    verifier: ClassVar[str] = "math"
    solution_origin: ClassVar[Origin] = "human"

    folder: Path | None = None
    """Folder with gsm8k_train.jsonl and gsm8k_test.jsonl; unset: openai/gsm8k from the Hub."""
    annotations: bool = False
    """Keep the calculator annotations `<<48/2=24>>` in the solutions."""
    limit: int | None = Field(default=None, ge=1)
    """Use only the first rows of each split."""

    def problems(self, split: Split, seed: int) -> Iterator[Problem]:
        rows = self._rows("train" if split == "train" else "test")[: self.limit]
        problems = [self._problem(row, place, split) for row, place in rows]
        Random(f"gsm8k {seed}").shuffle(problems)
        distinct = {problem.twin_key: problem for problem in problems}
        yield from distinct.values()

    def _problem(self, row: dict[str, str], place: str, split: Split) -> Problem:
        question, solution = row["question"].strip(), row["answer"].strip()
        found = _ANSWER.search(solution)
        if found is None:
            raise SourceError(f"{place}: the solution does not end with `#### answer`; repair or remove the row")
        return Problem(
            prompt=question + INSTRUCTION,
            # answers to "what percentage" stand there without the sign
            reference={"answer": found.group(1).replace(",", ""), "policy": {"percent": "either"}},
            verifier=self.verifier,
            solution=solution if self.annotations else _ANNOTATION.sub("", solution),
            solution_origin=self.solution_origin,
            source=self.name,
            split=split,
            twin_key="gsm8k " + " ".join(question.lower().split()),
            difficulty=float(len(_ANNOTATION.findall(solution))),
        )

    def _rows(self, part: str) -> list[tuple[dict[str, str], str]]:
        if self.folder is None:
            return self._hub_rows(part)
        file = self.folder / f"gsm8k_{part}.jsonl"
        rows = []
        try:
            lines = file.read_text(encoding="utf-8").strip().split("\n")
        except (OSError, UnicodeDecodeError) as error:
            raise SourceError(f"cannot read {file} ({error}); set `folder` of source `gsm8k`") from None
        for number, line in enumerate(lines, start=1):
            try:
                row = json.loads(line)
                if not (str(row["question"] or "").strip() and row["answer"]):
                    raise KeyError("question")
                rows.append(({key: str(row[key]) for key in ("question", "answer")}, f"{file}, line {number}"))
            except (json.JSONDecodeError, KeyError, TypeError):
                raise SourceError(
                    f"{file}, line {number} is not a JSON object with `question` and `answer`; repair or remove it"
                ) from None
        return rows

    def _hub_rows(self, part: str) -> list[tuple[dict[str, str], str]]:
        import datasets

        try:
            rows = datasets.load_dataset(HUB_ID, "main", split=part)
        except (OSError, ConnectionError, ValueError) as error:
            raise UnreachableSource(
                f"{HUB_ID} is neither in the local cache nor reachable on the Hub ({type(error).__name__}); "
                "set `folder` of source `gsm8k` to a local copy"
            ) from None
        return [(row, f"{HUB_ID}, {part} row {number}") for number, row in enumerate(rows)]
