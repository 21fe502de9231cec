"""MBPP: 974 small Python problems with three tests each and a solution, written by people (Austin et al. 2021,
arXiv 2108.07732; CC-BY 4.0). A row as it is published:

    {"text": "Write a function to find the similar elements from the given two tuple lists.",
     "code": "def similar_elements(test_tup1, test_tup2):\\r\\n  ...", "task_id": 2, "test_setup_code": "",
     "test_list": ["assert similar_elements((3, 4, 5, 6),(5, 7, 4, 10)) == (4, 5)", ...], "challenge_test_list": []}

As in the paper, tasks 11 to 510 are held out (`evaluate`). All others may be trained on: 601 to 974, the validation
tasks 511 to 600 and the few-shot examples 1 to 10.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from selfplay.tasks.errors import SourceError
from selfplay.tasks.problem import Origin, Problem, Split
from selfplay.tasks.row_source import RowSource
from selfplay.tasks.rows import PlacedRow, read_rows

HUB_ID = "google-research-datasets/mbpp"
HELD_OUT = range(11, 511)
HUB_SPLITS: dict[Split, tuple[str, ...]] = {"evaluate": ("test",), "train": ("train", "validation", "prompt")}


class Mbpp(RowSource):
    """Small Python problems with tests and solutions written by people."""

    name: ClassVar[str] = "mbpp"
    verifier: ClassVar[str] = "code"
    solution_origin: ClassVar[Origin] = "human"

    folder: Path | None = None
    """Folder with mbpp.jsonl; unset: google-research-datasets/mbpp from the Hub."""
    shown_tests: int = Field(default=3, ge=1)
    """Tests that the prompt shows; the first one tells the function's name. The challenge tests are never shown."""

    def rows(self, split: Split) -> Iterator[PlacedRow]:
        key = "`folder` of source `mbpp`"
        if self.folder is None:
            for part in HUB_SPLITS[split]:
                yield from read_rows(HUB_ID, key=key, config="full", split=part)
            return
        for row in read_rows(str(self.folder / "mbpp.jsonl"), key=key):
            if (row.value("task_id") in HELD_OUT) == (split == "evaluate"):
                yield row

    def read(self, row: PlacedRow, split: Split) -> Problem:
        question, code = row.text("text"), row.text("code").replace("\r\n", "\n")
        tests = _texts(row, "test_list")
        if not tests:
            raise SourceError(f"{row.place}: `test_list` is empty; repair or remove the row")
        setup = str(row.value("test_setup_code"))
        shown = "\n".join(test.strip() for test in tests[: self.shown_tests])
        return self.asked(
            prompt=f"{question}\n\nYour program must pass:\n\n{shown}\n\nAnswer with the program in a ```python block.",
            reference={"tests": [*tests, *_texts(row, "challenge_test_list")], "setup": setup},
            solution=f"```python\n{code}\n```",
            split=split,
            twin_key=self.twin_key(question),
            metadata={"task_id": row.value("task_id")},
        )


def _texts(row: PlacedRow, column: str) -> list[Any]:
    value = row.value(column)
    if not (isinstance(value, list) and all(isinstance(text, str) for text in value)):
        raise SourceError(f"{row.place}: `{column}` must be a list of texts; repair or remove the row")
    return value
