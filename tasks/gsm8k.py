"""GSM8K: 7,473 + 1,319 grade-school word problems with solutions, written by people (Cobbe et al. 2021,
arXiv 2110.14168; MIT licence). A row as it is published:

    {"question": "Natalia sold clips to 48 of her friends in April, ...",
     "answer": "Natalia sold 48/2 = <<48/2=24>>24 clips in May.\\n...\\n#### 72"}

The official test split is `evaluate`. The seed chooses the order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from selfplay.tasks.errors import SourceError
from selfplay.tasks.problem import Origin, Problem, Split
from selfplay.tasks.row_source import RowSource
from selfplay.tasks.rows import PlacedRow, read_rows

HUB_ID = "openai/gsm8k"
INSTRUCTION = "\n\nThink step by step, and end with a line that holds #### and the answer as a number."
_ANNOTATION = re.compile(r"<<[^<>]*>>")
_ANSWER = re.compile(r"####\s*(-?[\d,]*\.?\d+)\s*$")


class Gsm8k(RowSource):
    """Grade-school word problems with solutions written by people."""

    name: ClassVar[str] = "gsm8k"
    verifier: ClassVar[str] = "math"
    solution_origin: ClassVar[Origin] = "human"

    folder: Path | None = None
    """Folder with gsm8k_train.jsonl and gsm8k_test.jsonl; unset: openai/gsm8k from the Hub."""
    annotations: bool = False
    """Keep the calculator annotations `<<48/2=24>>` in the solutions."""

    def rows(self, split: Split) -> Iterator[PlacedRow]:
        part = "train" if split == "train" else "test"
        path = HUB_ID if self.folder is None else str(self.folder / f"gsm8k_{part}.jsonl")
        return read_rows(path, key="`folder` of source `gsm8k`", config="main", split=part)

    def read(self, row: PlacedRow, split: Split) -> Problem:
        question, solution = row.text("question"), row.text("answer")
        found = _ANSWER.search(solution)
        if found is None:
            raise SourceError(f"{row.place}: the solution does not end with `#### answer`; repair or remove the row")
        return self.asked(
            prompt=question + INSTRUCTION,
            # answers to "what percentage" stand there without the sign
            reference={"answer": found.group(1).replace(",", ""), "policy": {"percent": "either"}},
            solution=solution if self.annotations else _ANNOTATION.sub("", solution),
            split=split,
            twin_key=self.twin_key(question),
            difficulty=float(len(_ANNOTATION.findall(solution))),
        )
