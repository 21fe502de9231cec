"""HumanEval: 164 Python functions to write from signature and docstring, with tests and solutions, written by people
(Chen et al. 2021, arXiv 2107.03374; MIT licence). A row as it is published:

    {"task_id": "HumanEval/0", "prompt": "from typing import List\\n\\n\\ndef has_close_elements(...", "entry_point":
     "has_close_elements", "canonical_solution": "    for idx, ...", "test": "def check(candidate):\\n    assert ..."}

It was made to measure with, so all of it is `evaluate` and nothing may be trained on.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

from selfplay.tasks.problem import Origin, Problem, Split
from selfplay.tasks.row_source import RowSource
from selfplay.tasks.rows import PlacedRow, read_rows

HUB_ID = "openai/openai_humaneval"
INSTRUCTION = "Complete this function. Answer with the whole program in a ```python block.\n\n"


class HumanEval(RowSource):
    """Python functions to complete, with tests and solutions written by people; held out as a whole."""

    name: ClassVar[str] = "humaneval"
    verifier: ClassVar[str] = "code"
    solution_origin: ClassVar[Origin] = "human"

    folder: Path | None = None
    """Folder with humaneval.jsonl; unset: openai/openai_humaneval from the Hub."""
    prompt: Literal["continue", "instruct"] = "continue"
    """`continue`: signature and docstring as published, for a model that goes on; `instruct`: asked in a sentence."""

    def rows(self, split: Split) -> Iterator[PlacedRow]:
        if split == "train":
            return iter(())
        path = HUB_ID if self.folder is None else str(self.folder / "humaneval.jsonl")
        return read_rows(path, key="`folder` of source `humaneval`", split="test")

    def read(self, row: PlacedRow, split: Split) -> Problem:
        row.text("prompt"), row.text("canonical_solution")
        # unstripped: the solution is the indented body that continues the prompt
        given, body = row.values["prompt"], row.values["canonical_solution"]
        continues = self.prompt == "continue"
        return self.asked(
            prompt=given if continues else INSTRUCTION + given,
            reference={"entry_point": row.text("entry_point"), "tests": row.text("test"), "prefix": given},
            solution=body if continues else f"```python\n{given}{body}```",
            split=split,
            twin_key=self.twin_key(given),
            metadata={"task_id": row.text("task_id")},
        )
