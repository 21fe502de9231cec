"""`selfplay tasks check`: each thing it finds, found in real rows by real verifiers, and nothing in sound ones."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from selfplay.cli.app import app
from selfplay.cli.task_findings import measure
from selfplay.errors import ModelError
from selfplay.experiment.task_check import check
from selfplay.tasks import load_source

SOUND = [{"question": f"How many is {n} and {n}?", "answer": f"Twice {n} is {2 * n}.\n#### {2 * n}"} for n in range(8)]


def source(tmp_path: Path, rows: list[Any], held_out: list[Any] | None = None) -> Any:
    for part, some in (("train", rows), ("test", held_out or SOUND[-1:])):
        (tmp_path / f"gsm8k_{part}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in some))
    return load_source("gsm8k", {"folder": str(tmp_path)})


def found(source: Any, **options: Any) -> list[tuple[str, str, int]]:
    return [(f.check, f.split, f.number) for f in check(source, **options).findings]


def test_nothing_is_found_in_sound_rows_and_everything_was_asked(tmp_path: Path) -> None:
    done = check(source(tmp_path, SOUND[:-1]), workers=2, tokens=lambda prompt, solution: 1, context=1)
    assert done.findings == []
    assert done.problems == {"train": 7, "evaluate": 1}
    assert set(done.asked.values()) == {8}


def test_what_is_wrong_with_rows_is_found_where_it_stands(tmp_path: Path) -> None:
    rows = [
        *SOUND[:3],
        {"question": "Why?", "answer": "Because."},
        {**SOUND[1], "question": SOUND[1]["question"].upper()},
        SOUND[7],
        {"question": "How many is one?", "answer": r"It is \boxed{2}, I think." + "\n#### 1"},
    ]
    assert found(source(tmp_path, rows)) == [
        ("row unreadable", "train", 4),
        ("question repeated", "train", 5),
        ("question repeated", "evaluate", 1),
        ("own solution rejected", "train", 7),
    ]


def dataset(tmp_path: Path, rows: list[dict[str, Any]], **settings: Any) -> Any:
    (tmp_path / "rows.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    columns = {"prompt": "q", "solution": "s", **settings.pop("columns", {"answer": "a"})}
    given = {"path": str(tmp_path / "rows.jsonl"), "columns": columns, "verifier": "math", "solution_origin": "human"}
    return load_source("dataset", {**given, "evaluate_path": str(tmp_path / "rows.jsonl"), "limit": 9, **settings})


def test_an_empty_answer_and_one_that_cannot_be_read_are_the_references_fault(tmp_path: Path) -> None:
    rows = [
        {"q": "a?", "a": "", "s": "#### 1"},
        {"q": "b?", "a": "{" * 9, "s": "#### 2"},
        {"q": "c?", "a": "3", "s": "#### 3"},
    ]
    of_train = [(kind, number) for kind, split, number in found(dataset(tmp_path, rows)) if split == "train"]
    assert set(of_train) == {
        ("part empty", 1),
        ("own solution undecided", 1),
        ("neighbour's solution undecided", 1),
        ("own solution undecided", 2),
        ("neighbour's solution undecided", 2),
    }


def test_tests_that_the_neighbour_passes_are_found(tmp_path: Path) -> None:
    rows = [
        {"q": "Add one.", "t": ["assert f(1) == 2"], "s": "def f(x): return x + 1"},
        {"q": "Double.", "t": ["assert f(3) == 6"], "s": "def f(x): return 2 * x"},
    ]
    source = dataset(tmp_path, rows, verifier="code", columns={"tests": "t"})
    of_train = [
        finding for finding in check(source, settings={"sandbox": "process"}).findings if finding.split == "train"
    ]
    assert [(finding.check, finding.number) for finding in of_train] == [("neighbour's solution accepted", 1)]
    assert of_train[0].reference == {"tests": ["assert f(1) == 2"]}


@pytest.mark.parametrize("name", ["polynomials", "fractions", "countdown", "reverse_addition"])
def test_families_pass(name: str) -> None:
    done = check(load_source(name, {}), count=60)
    assert done.findings == []
    assert done.problems == {"train": 60, "evaluate": 60}


def test_length_is_in_tokens_of_prompt_solution_and_end() -> None:
    count = measure("characters")
    assert count("2+2=", "4\n") == 7
    done = check(load_source("polynomials", {}), count=30, tokens=count, context=25)
    lengths = [len(finding.prompt) + len(finding.solution) + 1 for finding in done.findings]
    assert lengths
    assert all(length > 25 for length in lengths)
    assert {finding.check for finding in done.findings} == {"too long"}


def test_a_tokenizer_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"--tokenizer .* cannot be loaded"):
        measure(str(tmp_path / "none"))


def selfplay(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    done = CliRunner().invoke(app, ["tasks", "check", *map(str, arguments)])
    if not isinstance(done.exception, SystemExit | None):
        raise done.exception
    return subprocess.CompletedProcess(arguments, done.exit_code, done.stdout, done.stderr)


def test_the_command_prints_a_table_writes_rows_and_ends_with_1(tmp_path: Path) -> None:
    source(tmp_path, [*SOUND[:3], {"question": "Why \x1b[31m?", "answer": "So.\x1b[31m"}])
    output = tmp_path / "found.jsonl"
    done = selfplay("gsm8k", "--set", f"folder={tmp_path}", "--output", output)
    assert done.returncode == 1, done.stderr
    assert "own solution rejected" in done.stdout
    assert "train 4" in done.stdout
    assert "\x1b" not in done.stdout
    (row,) = map(json.loads, output.read_text().splitlines())
    assert (row["check"], row["split"], row["number"]) == ("row unreadable", "train", 4)
    sound = selfplay("gsm8k", "--set", f"folder={tmp_path}", "--set", "limit=3")
    assert sound.returncode == 0, sound.stdout + sound.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("polynomials", "--context", "9"), "`--tokenizer` and `--context` belong together"),
        (("polynomials", "--output", "/nowhere/found.jsonl"), "there is no folder /nowhere"),
        (("polynomials", "--verify", "answr=whole"), "`answr`"),
        (("gsm8k", "--set", "folder=/nowhere"), "set `folder`"),
        (("dataset",), "Field required"),
    ],
)
def test_a_wrong_call_is_one_sentence(arguments: tuple[str, ...], words: str) -> None:
    done = selfplay(*arguments)
    assert done.returncode == 2, done
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.slow
def test_the_published_findings_of_mbpp_are_still_so() -> None:
    """docs/tasks.md names them; the slow solution passes with more time."""
    data = os.environ.get("SELFPLAY_DATA")
    if data is None or not (Path(data) / "mbpp.jsonl").is_file():
        pytest.skip("set SELFPLAY_DATA to the folder that holds mbpp.jsonl")
    done = check(load_source("mbpp", {"folder": data}), workers=2, timeout=30)
    assert [(finding.check, finding.metadata["task_id"]) for finding in done.findings] == [
        ("question repeated", 216),
        ("question repeated", 217),
        ("question repeated", 248),
        ("question repeated", 347),
    ]
    assert done.asked["own solution rejected"] == 974
