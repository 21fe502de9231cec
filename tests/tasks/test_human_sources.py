"""GSM8K, MATH, MBPP and HumanEval share their bones: the same rows from a folder and through `datasets`."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from selfplay.tasks import SourceError, load_source
from selfplay.tasks.math_problems import last_boxed

Write = Callable[[Path, list[Any]], Path]
ADD: dict[str, Any] = {
    "text": "Write a function to add two numbers.",
    "code": "def add(a, b):\r\n    return a + b",
    "task_id": 700,
    "test_setup_code": "",
    "test_list": ["assert add(1, 2) == 3", "assert add(0, 0) == 0", "assert add(-1, 1) == 0"],
    "challenge_test_list": ["assert add(10**9, 1) == 1000000001"],
}
TWICE = {**ADD, "text": "Write a function to double.", "task_id": 11, "challenge_test_list": []}
DOUBLE = {
    "task_id": "HumanEval/0",
    "prompt": 'def double(x):\n    """Twice x."""\n',
    "entry_point": "double",
    "canonical_solution": "    return 2 * x\n",
    "test": "def check(candidate):\n    assert candidate(4) == 8\n",
}
CLIPS = {"question": "How many clips are 1 and 1?", "answer": "It is 1+1=<<1+1=2>>2.\n#### 2"}
DEBT = {"question": "What is left of 5 after 8?", "answer": "5-8=-3\n#### -3"}
SUM = {"problem": "What is $1+1$?", "level": "Level 2", "type": "Algebra", "solution": r"It is $\boxed{2}$."}
AREA = {
    "problem": "What is the area?",
    "level": "Level 5",
    "type": "Geometry",
    "solution": r"So $\boxed{\frac{1}{2}}$.",
}
"""Rows of our own in the published form."""


@pytest.fixture
def local(tmp_path: Path, write_jsonl: Write) -> Path:
    folder = tmp_path / "local"
    folder.mkdir()
    write_jsonl(folder / "gsm8k_train.jsonl", [CLIPS])
    write_jsonl(folder / "gsm8k_test.jsonl", [DEBT])
    write_jsonl(folder / "mbpp.jsonl", [ADD, TWICE])
    write_jsonl(folder / "humaneval.jsonl", [DOUBLE])
    for part, subject, number, row in (("train", "algebra", 10, SUM), ("test", "geometry", 3, AREA)):
        (folder / part / subject).mkdir(parents=True)
        (folder / part / subject / f"{number}.json").write_text(json.dumps(row))
    return folder


SUBJECTS = {"subjects": ["algebra"]}


@pytest.mark.parametrize(
    ("name", "module", "split", "settings", "configurations"),
    [
        ("gsm8k", "gsm8k", "train", {}, {"main": {"train": [CLIPS], "test": [DEBT]}}),
        ("gsm8k", "gsm8k", "evaluate", {}, {"main": {"train": [CLIPS], "test": [DEBT]}}),
        ("math", "math_problems", "evaluate", {"subjects": ["geometry"]}, {"geometry": {"test": [AREA]}}),
        ("mbpp", "mbpp", "evaluate", {}, {"full": {"test": [TWICE]}}),
        (
            "mbpp",
            "mbpp",
            "train",
            {},
            {"full": {"train": [ADD], "validation": [], "prompt": [], "test": [TWICE]}},
        ),
        ("humaneval", "humaneval", "evaluate", {}, {"default": {"test": [DOUBLE]}}),
    ],
)
def test_the_hubs_layout_gives_the_problems_of_the_folder(
    name: str,
    module: str,
    split: Any,
    settings: dict[str, Any],
    configurations: dict[str, Any],
    local: Path,
    hub_folder: Callable[..., Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    splits = {c: {s: rows or [ADD] for s, rows in found.items()} for c, found in configurations.items()}
    monkeypatch.setattr(f"selfplay.tasks.{module}.HUB_ID", str(hub_folder(splits)))
    from_hub = list(load_source(name, settings).problems(split, 0))
    from_folder = list(load_source(name, {**settings, "folder": str(local)}).problems(split, 0))
    assert from_hub == from_folder
    assert len(from_hub) == 1
    assert from_hub[0].solution_origin == "human"


def only(name: str, folder: Path, split: Any, **settings: Any) -> Any:
    (problem,) = load_source(name, {"folder": str(folder), **settings}).problems(split, 0)
    return problem


def test_an_mbpp_row_shows_its_tests_and_hides_the_challenge(local: Path) -> None:
    problem = only("mbpp", local, "train")
    assert problem.reference == {"tests": [*ADD["test_list"], *ADD["challenge_test_list"]], "setup": ""}
    assert all(test in problem.prompt for test in ADD["test_list"])
    assert "10**9" not in problem.prompt
    assert problem.solution == "```python\ndef add(a, b):\n    return a + b\n```"
    assert ADD["test_list"][1] not in only("mbpp", local, "train", shown_tests=1).prompt
    assert only("mbpp", local, "evaluate").metadata == {"task_id": 11}


def test_a_humaneval_row_is_held_out_and_asked_in_two_ways(local: Path) -> None:
    problem = only("humaneval", local, "evaluate")
    assert (problem.prompt, problem.solution) == (DOUBLE["prompt"], DOUBLE["canonical_solution"])
    asked = only("humaneval", local, "evaluate", prompt="instruct")
    assert asked.prompt.endswith(DOUBLE["prompt"])
    assert asked.solution == f"```python\n{DOUBLE['prompt']}{DOUBLE['canonical_solution']}```"
    assert asked.reference == problem.reference
    assert asked.twin_key == problem.twin_key
    assert list(load_source("humaneval", {"folder": str(local)}).problems("train", 0)) == []


def test_a_math_row_has_the_answer_of_its_last_box(local: Path) -> None:
    problem = only("math", local, "evaluate", subjects=["geometry"], levels=[4, 5])
    assert problem.reference == {"answer": r"\frac{1}{2}"}
    assert (problem.difficulty, problem.metadata) == (5, {"type": "Geometry"})
    assert list(load_source("math", {"folder": str(local), **SUBJECTS, "levels": [3]}).rows("train")) == []


@pytest.mark.parametrize(
    ("solution", "answer"),
    [
        (r"first \boxed{1}, then \boxed{\frac{a_{1}}{2}}.", r"\frac{a_{1}}{2}"),
        (r"so $\boxed 7$ it is", "7"),
        (r"so $\fbox{3}$", "3"),
        (r"a set \boxed{\{1, 2\}}", r"\{1, 2\}"),
        (r"never closed \boxed{1", None),
        ("no box", None),
    ],
)
def test_the_last_box(solution: str, answer: str | None) -> None:
    assert last_boxed(solution) == answer


@pytest.mark.parametrize(
    ("name", "file", "row", "sentence"),
    [
        ("mbpp", "mbpp.jsonl", {**TWICE, "test_list": []}, "line 1: `test_list` is empty"),
        ("mbpp", "mbpp.jsonl", {**TWICE, "test_list": [1]}, "line 1: `test_list` must be a list of texts"),
        ("mbpp", "mbpp.jsonl", {**TWICE, "code": ""}, "line 1: `code` must be a text"),
        ("mbpp", "mbpp.jsonl", {"text": "x"}, "line 1 has no `task_id`"),
        ("humaneval", "humaneval.jsonl", {**DOUBLE, "test": None}, "line 1: `test` must be a text"),
        ("math", "test/geometry/3.json", {**AREA, "solution": "None."}, r"3\.json: the solution has no \\boxed"),
        ("math", "test/geometry/3.json", [], r"3\.json is not a JSON object"),
    ],
)
def test_a_bad_row_is_named(name: str, file: str, row: Any, sentence: str, local: Path) -> None:
    (local / file).write_text(json.dumps(row))
    settings = {"subjects": ["geometry"]} if name == "math" else {}
    with pytest.raises(SourceError, match=sentence):
        list(load_source(name, {"folder": str(local), **settings}).problems("evaluate", 0))


def test_a_missing_folder_names_the_key(tmp_path: Path) -> None:
    for name in ("gsm8k", "math", "mbpp", "humaneval"):
        with pytest.raises(SourceError, match=f"set `folder` of source `{name}`"):
            list(load_source(name, {"folder": str(tmp_path / "none")}).problems("evaluate", 0))


def test_a_question_that_is_held_out_is_not_trained_on(local: Path, write_jsonl: Write) -> None:
    write_jsonl(local / "gsm8k_train.jsonl", [CLIPS, {**DEBT, "question": DEBT["question"].upper()}])
    assert only("gsm8k", local, "train").reference["answer"] == "2"
    assert len(list(load_source("gsm8k", {"folder": str(local)}).each("train"))) == 2


def test_the_real_rows_of_mbpp_and_humaneval() -> None:
    data = os.environ.get("SELFPLAY_DATA")
    if data is None or not (Path(data) / "mbpp.jsonl").is_file():
        pytest.skip("set SELFPLAY_DATA to the folder that holds mbpp.jsonl and humaneval.jsonl")
    counts = {
        (name, split): len(list(load_source(name, {"folder": data}).problems(split, 0)))
        for name in ("mbpp", "humaneval")
        for split in ("train", "evaluate")
    }
    # four questions of MBPP stand there twice
    assert counts == {
        ("mbpp", "train"): 471,
        ("mbpp", "evaluate"): 499,
        ("humaneval", "train"): 0,
        ("humaneval", "evaluate"): 164,
    }
