"""Rows of task sources: what is right after all is left out, and rows depend on the seed alone."""

from __future__ import annotations

from pathlib import Path

from selfplay.verifiers.audit.corpus import NamedSource, source_rows

ZEROS = """
from typing import ClassVar
from selfplay.tasks import Problem, TaskSource
class Zeros(TaskSource):
    name: ClassVar[str] = "zeros"
    verifier: ClassVar[str] = "math"
    solution_origin: ClassVar[str] = "human"
    def problems(self, split, seed):
        for text in ("a", "b"):
            yield Problem(prompt=text, reference={"answer": "0"}, verifier="math", solution="#### 0",
                          solution_origin="human", source="zeros", split=split, twin_key=text)
"""


def test_a_flipped_sign_of_zero_is_right_after_all_and_left_out(tmp_path: Path) -> None:
    (tmp_path / "zeros.py").write_text(ZEROS)
    corpus = source_rows(NamedSource(f"{tmp_path}/zeros.py:Zeros"), 2, 0)
    assert corpus.left_out["flipped sign"] == 2
    assert not [row for row in corpus.rows if row.category == "flipped sign"]


def test_rows_of_a_source_say_who_wrote_them_and_depend_on_the_seed_alone() -> None:
    first, again, other = (source_rows(NamedSource("polynomials"), 6, seed) for seed in (0, 0, 1))
    assert first.rows == again.rows
    assert first.rows != other.rows
    assert {row.origin for row in first.rows} == {"procedural"}
    assert sum(row.label == "right" for row in first.rows) == 6
    assert len({row.id for row in first.rows}) == len(first.rows)
