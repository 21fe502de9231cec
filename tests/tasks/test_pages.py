"""docs/tasks.md names every source with a true example; the file source of docs/write-a-task.md works."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from selfplay.tasks import available_sources, load_source

DOCS = Path(__file__).parent.parent.parent / "docs"
PAGE = (DOCS / "tasks.md").read_text()
FAMILIES = ["polynomials", "fractions", "reverse_addition", "countdown", "list_functions", "program_repair"]


def section(name: str) -> str:
    return PAGE.split(f"\n### {name}\n")[1].split("\n### ")[0].split("\n## ")[0]


@pytest.mark.parametrize("name", FAMILIES)
def test_the_example_is_the_first_problem(name: str) -> None:
    problem = next(load_source(name, {}).problems("train", 0))
    example = re.search(r"```\n(.*?)```", section(name), re.DOTALL)
    assert example is not None
    assert example[1].rstrip("\n") == problem.prompt.rstrip("\n")


def test_every_source_and_key_is_named() -> None:
    shipped = {
        name: kind for name, kind in available_sources().items() if kind.__module__.startswith("selfplay.tasks.")
    }
    assert len(shipped) >= 12
    for name, kind in shipped.items():
        about = section(name)
        assert f"(#{name})" in PAGE
        for key in set(kind.model_fields) - {"folder", "limit", "subtraction"}:
            assert re.search(rf"\b{key}\b", about), (name, key)


def test_the_source_of_a_file_works(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / "write-a-task.md").read_text(), re.DOTALL)
    (tmp_path / "quiz.py").write_text(blocks[1])
    for name, lines in (("quiz", ["Capital of France: Paris", "Capital of Spain: Madrid"]), ("quiz_test", ["1+1: 2"])):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps({"line": line}) + "\n" for line in lines))
    source: Any = load_source(f"{tmp_path / 'quiz.py'}:Quiz", {"file": str(tmp_path / "quiz.jsonl")})
    assert sorted(problem.solution for problem in source.problems("train", 0)) == ["Madrid", "Paris"]
    (held_out,) = source.problems("evaluate", 0)
    assert (held_out.prompt, held_out.reference) == ("1+1?", {"answer": "2"})
