"""GSM8K: rows as they are published, splits, bad files, and the real data where it is."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from selfplay import verifiers
from selfplay.tasks import Problem, SourceError, load_source

CLIPS = {
    "question": "Natalia sold 48 clips in April, and half as many in May. How many altogether?",
    "answer": "In May she sold 48/2 = <<48/2=24>>24 clips.\nShe sold 48+24 = <<48+24=72>>72 altogether.\n#### 72",
}
HOUSE = {"question": "What is the profit?", "answer": "It is $<<70000*1000=70000000>>70,000,000\n#### 70,000,000"}
DEBT = {"question": "What is left?", "answer": "5-8=-3\n#### -3"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write(tmp_path, "train", [CLIPS, HOUSE])
    write(tmp_path, "test", [DEBT])
    return tmp_path


def write(folder: Path, part: str, rows: list[dict[str, str]]) -> None:
    (folder / f"gsm8k_{part}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def train(folder: Path, seed: int = 0, **settings: object) -> dict[str, Problem]:
    problems = load_source("gsm8k", {"folder": str(folder), **settings}).problems("train", seed)
    return {problem.prompt.partition("\n")[0]: problem for problem in problems}


def test_a_row_becomes_a_problem(folder: Path) -> None:
    problem = train(folder)[CLIPS["question"]]
    assert problem.reference == {"answer": "72", "policy": {"percent": "either"}}
    assert problem.solution == "In May she sold 48/2 = 24 clips.\nShe sold 48+24 = 72 altogether.\n#### 72"
    assert "####" in problem.prompt
    assert (problem.verifier, problem.solution_origin, problem.split) == ("math", "human", "train")
    assert problem.difficulty == 2


def test_annotations_can_be_kept(folder: Path) -> None:
    assert train(folder, annotations=True)[CLIPS["question"]].solution == CLIPS["answer"]


def test_thousands_commas_and_signs(folder: Path) -> None:
    assert train(folder)[HOUSE["question"]].reference["answer"] == "70000000"
    (held_out,) = load_source("gsm8k", {"folder": str(folder)}).problems("evaluate", 0)
    assert (held_out.reference["answer"], held_out.split) == ("-3", "evaluate")


def test_a_question_in_another_spacing_appears_once(folder: Path) -> None:
    write(folder, "train", [CLIPS, {**CLIPS, "question": CLIPS["question"].upper().replace(" ", "  ")}])
    assert len(train(folder)) == 1


def test_the_seed_chooses_the_order(folder: Path) -> None:
    write(folder, "train", [{"question": f"How many is {n}?", "answer": f"#### {n}"} for n in range(30)])
    assert list(train(folder, 1)) == list(train(folder, 1))
    assert list(train(folder, 1)) != list(train(folder, 2))
    assert sorted(train(folder, 1)) == sorted(train(folder, 2))
    assert len(train(folder, limit=4)) == 4


@pytest.mark.parametrize("line", ["no JSON", '{"question": "Why?"}', '["question", "answer"]', "3"])
def test_a_bad_line_is_named(folder: Path, line: str) -> None:
    file = folder / "gsm8k_train.jsonl"
    file.write_text(json.dumps(CLIPS) + "\n" + line + "\n")
    with pytest.raises(SourceError, match=r"gsm8k_train\.jsonl, line 2"):
        train(folder)


def test_a_solution_without_an_answer_is_named(folder: Path) -> None:
    write(folder, "train", [CLIPS, {"question": "Why?", "answer": "Because."}])
    with pytest.raises(SourceError, match=r"line 2: the solution does not end with `#### answer`"):
        train(folder)


def test_a_missing_folder_names_the_key(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"gsm8k_train\.jsonl .*set `folder`"):
        train(tmp_path / "nowhere")


def test_the_real_rows_and_their_gold() -> None:
    data = os.environ.get("SELFPLAY_DATA")
    if data is None or not (Path(data) / "gsm8k_train.jsonl").is_file():
        pytest.skip("set SELFPLAY_DATA to the folder that holds gsm8k_train.jsonl and gsm8k_test.jsonl")
    source = load_source("gsm8k", {"folder": data})
    sides = {split: list(source.problems(split, 0)) for split in ("train", "evaluate")}  # type: ignore[arg-type]
    assert 7400 < len(sides["train"]) <= 7473
    assert 1300 < len(sides["evaluate"]) <= 1319
    assert {p.twin_key for p in sides["train"]}.isdisjoint(p.twin_key for p in sides["evaluate"])
    math = verifiers.load("math", {"answer": "marked"})
    for problem in sides["evaluate"]:
        assert problem.solution is not None
        assert "<<" not in problem.solution
        assert math.verify(problem.reference, problem.solution).outcome == "accepted", problem.id
        wrong = problem.solution.rpartition("####")[0] + f"#### {float(str(problem.reference['answer'])) + 1}"
        assert math.verify(problem.reference, wrong).outcome == "rejected", problem.id
