"""Rows of one's own by a mapping of columns: what becomes of them, splits, names, and each way to get it wrong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from selfplay import verifiers
from selfplay.tasks import SourceError, load_source

Write = Callable[[Path, list[Any]], Path]
ROWS = [
    {"n": n, "question": f"What is {n} + {n}?", "gold": str(2 * n), "worked": f"#### {2 * n}", "level": n % 5}
    for n in range(200)
]
COLUMNS = {"prompt": "question", "answer": "gold", "solution": "worked", "difficulty": "level"}


@pytest.fixture
def file(tmp_path: Path, write_jsonl: Write) -> Path:
    return write_jsonl(tmp_path / "rows.jsonl", ROWS)


def load(file: Path, name: str = "dataset", **settings: Any) -> Any:
    given = {"path": str(file), "columns": COLUMNS, "verifier": "math", "solution_origin": "human", **settings}
    return load_source(name, given)


def test_a_row_becomes_a_problem_that_its_verifier_reads(file: Path) -> None:
    source = load(file, reference={"policy": {"form": "number"}}, template="{n}) {prompt}\n")
    problem = next(p for p in source.problems("train", 0) if p.reference["answer"] == "14")
    assert problem.prompt == "7) What is 7 + 7?\n"
    assert problem.reference == {"answer": "14", "policy": {"form": "number"}}
    assert (problem.solution, problem.difficulty, problem.solution_origin) == ("#### 14", 2, "human")
    math = verifiers.load(problem.verifier)
    assert math.verify(problem.reference, problem.solution).outcome == "accepted"
    assert math.verify(problem.reference, "#### 7+7").reason == "unevaluated"


def test_about_a_tenth_is_held_out_by_content_and_the_seed_orders(file: Path) -> None:
    source = load(file)
    train, held_out = (list(source.problems(split, 1)) for split in ("train", "evaluate"))
    assert 5 < len(held_out) < 40
    assert len(train) + len(held_out) == 200
    assert {p.id for p in train}.isdisjoint(p.id for p in held_out)
    assert [p.id for p in train] == [p.id for p in source.problems("train", 1)]
    assert [p.id for p in train] != [p.id for p in source.problems("train", 2)]


def test_held_out_rows_of_another_file_or_split(
    file: Path, tmp_path: Path, write_jsonl: Write, hub_folder: Callable[..., Path]
) -> None:
    other = write_jsonl(tmp_path / "other.jsonl", [ROWS[0], {**ROWS[1], "question": "Another?"}])
    source = load(file, evaluate_path=str(other))
    assert len(list(source.problems("evaluate", 0))) == 2
    assert len(list(source.problems("train", 0))) == 199  # the first row is held out
    folder = hub_folder({"default": {"train": ROWS[:9], "test": ROWS[9:12]}})
    source = load(folder, evaluate_split="test")
    assert len(list(source.problems("train", 0))) == 9
    assert len(list(source.problems("evaluate", 0))) == 3


def test_two_data_sets_have_two_names(file: Path) -> None:
    sums, sums_again = load(file, "dataset:sums"), load(file, "dataset:again")
    assert (sums.name, sums_again.name) == ("dataset:sums", "dataset:again")
    assert next(sums.problems("train", 0)).source == "dataset:sums"
    assert (sums.verifier, load(file).name) == ("math", "dataset")


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"columns": {**COLUMNS, "answer": "golden"}}, r"rows\.jsonl, line 1 has no `golden`; it has `n`, `question`"),
        ({"columns": {**COLUMNS, "solution": "level"}}, r"rows\.jsonl, line 1: `level` must be a text"),
        ({"columns": {**COLUMNS, "difficulty": "gold"}}, r"rows\.jsonl, line 1: `gold` must be a number"),
        ({"template": "{prompt} {nothing}"}, r"rows\.jsonl, line 1 has no `nothing`"),
        ({"template": "Why?"}, "`template` names no column in braces"),
        ({"columns": {"answer": "gold"}}, r"`columns\.prompt` is missing"),
        ({"columns": {"prompt": "question"}}, "`columns` gives the reference nothing"),
        ({"reference": {"answer": "4"}}, r"`reference\.answer` is in `columns` as well"),
        ({"evaluate_path": "a", "evaluate_split": "b"}, "exclude each other"),
        ({"solution_origin": "synthetic"}, "`solution_origin`"),
        (
            {"path": "nowhere.jsonl"},
            r"cannot read nowhere\.jsonl .*set `path`, `config` or `split` of source `dataset`",
        ),
    ],
)
def test_what_is_wrong_is_named(file: Path, settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SourceError, match=sentence):
        list(load(file, **settings).problems("train", 0))


@pytest.mark.parametrize("key", ["path", "columns", "verifier", "solution_origin"])
def test_nothing_is_guessed(key: str) -> None:
    given = {"path": "a.jsonl", "columns": COLUMNS, "verifier": "math", "solution_origin": "human"}
    del given[key]
    with pytest.raises(SourceError, match=f"source `dataset`, `{key}`: Field required"):
        load_source("dataset", given)


def test_a_source_without_variants_says_so() -> None:
    with pytest.raises(SourceError, match="`polynomials` has no variants such as `polynomials:hard`"):
        load_source("polynomials:hard", {})
