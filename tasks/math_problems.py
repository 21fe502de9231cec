r"""MATH: 7,500 + 5,000 competition problems with solutions, written by people (Hendrycks et al. 2021, arXiv 2103.03874;
MIT licence). As it is published, one file a problem, FOLDER/train/algebra/1.json:

    {"problem": "What is $1+1$?", "level": "Level 1", "type": "Algebra", "solution": "We have $1+1=\\boxed{2}$."}

The answer is what the last \boxed{} of the solution holds. The official test split is `evaluate`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

from selfplay.tasks.errors import SourceError
from selfplay.tasks.problem import Origin, Problem, Split
from selfplay.tasks.row_source import RowSource
from selfplay.tasks.rows import PlacedRow, read_json, read_rows

HUB_ID = "EleutherAI/hendrycks_math"
INSTRUCTION = "\n\nThink step by step, and put the final answer in \\boxed{}."
Subject = Literal[
    "algebra",
    "counting_and_probability",
    "geometry",
    "intermediate_algebra",
    "number_theory",
    "prealgebra",
    "precalculus",
]
SUBJECTS: tuple[Subject, ...] = Subject.__args__  # type: ignore[attr-defined]
_BOX = re.compile(r"\\(?:fbox|boxed)\s*(\{|[^\s{$][^$\n]*)")
_LEVEL = re.compile(r"Level ([1-5])")


class MathProblems(RowSource):
    """Competition mathematics with solutions written by people."""

    name: ClassVar[str] = "math"
    verifier: ClassVar[str] = "math"
    solution_origin: ClassVar[Origin] = "human"

    folder: Path | None = None
    """Folder with train/SUBJECT/*.json and test/SUBJECT/*.json; unset: EleutherAI/hendrycks_math from the Hub."""
    subjects: tuple[Subject, ...] = SUBJECTS
    """Subjects to ask."""
    levels: tuple[Literal[1, 2, 3, 4, 5], ...] = (1, 2, 3, 4, 5)
    """Levels to ask, as the people who wrote the problems gave them. The dial of difficulty."""

    def rows(self, split: Split) -> Iterator[PlacedRow]:
        part = "train" if split == "train" else "test"
        for subject in self.subjects:
            for row in self._subject(part, subject):
                if self.levels == (1, 2, 3, 4, 5) or _level(row) in self.levels:
                    yield row

    def read(self, row: PlacedRow, split: Split) -> Problem:
        question, solution = row.text("problem"), row.text("solution")
        answer = last_boxed(solution)
        if not answer:
            raise SourceError(f"{row.place}: the solution has no \\boxed{{answer}}; repair or remove the row")
        level = _level(row)
        return self.asked(
            prompt=question + INSTRUCTION,
            reference={"answer": answer},
            solution=solution,
            split=split,
            twin_key=self.twin_key(question),
            difficulty=None if level is None else float(level),
            metadata={"type": row.text("type")},
        )

    def _subject(self, part: str, subject: Subject) -> Iterator[PlacedRow]:
        key = "`folder` of source `math`"
        if self.folder is None:
            yield from read_rows(HUB_ID, key=key, config=subject, split=part)
            return
        files = sorted((self.folder / part / subject).glob("*.json"), key=lambda file: (len(file.name), file.name))
        if not files:
            raise SourceError(f"{self.folder / part / subject} holds no .json files; set {key}, or its `subjects`")
        for file in files:
            yield read_json(file, key)


def last_boxed(text: str) -> str | None:
    r"""What the last \boxed{...} or \fbox{...} holds, or what follows in `\boxed 5$`; None where there is none."""
    boxes = list(_BOX.finditer(text))
    if not boxes:
        return None
    found = boxes[-1]
    if found[1] != "{":
        return found[1].strip()
    depth = 1
    for brace in re.finditer(r"\\.|[{}]", text[found.end() :], re.DOTALL):
        depth += {"{": 1, "}": -1}.get(brace[0], 0)
        if depth == 0:
            return text[found.end() :][: brace.start()].strip()
    return None


def _level(row: PlacedRow) -> int | None:
    found = _LEVEL.fullmatch(row.text("level"))
    return int(found[1]) if found else None
