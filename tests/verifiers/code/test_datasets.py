"""Published solutions are accepted, and another problem's solution is judged as plain Python judges it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from verifiers.code import CodeVerifier

# 123 is right, but its last test alone takes longer than three seconds on a slow machine
SLOW_MBPP = {123}


def rows(name: str) -> list[dict[str, Any]]:
    folder = os.environ.get("SELFPLAY_DATA")
    if not folder:
        pytest.skip(f"set SELFPLAY_DATA to the folder that holds {name}")
    return [json.loads(line) for line in (Path(folder) / name).read_text().splitlines()]


@pytest.fixture(scope="module")
def verifier() -> Iterator[CodeVerifier]:
    made = CodeVerifier(CodeVerifier.Settings.model_validate({"timeout": 10.0}))
    made.warm()
    yield made
    made.close()


def humaneval_reference(row: dict[str, Any]) -> Any:
    return CodeVerifier.Reference.model_validate(
        {"entry_point": row["entry_point"], "tests": row["test"], "prefix": row["prompt"]}
    )


def test_all_humaneval_solutions_are_accepted(verifier: CodeVerifier) -> None:
    problems = rows("humaneval.jsonl")
    verdicts = {
        row["task_id"]: verifier.verify(humaneval_reference(row), row["canonical_solution"]) for row in problems
    }
    assert len(verdicts) == 164
    assert not {task: verdict for task, verdict in verdicts.items() if verdict.outcome != "accepted"}


def test_a_spread_of_mbpp_solutions_is_accepted(verifier: CodeVerifier) -> None:
    # all that need more than single calls, and every eleventh of the others
    beyond = {367, 486, 533, 596, 601, 912, 927}
    chosen = [row for row in rows("mbpp.jsonl") if row["task_id"] in beyond or row["task_id"] % 11 == 0]
    wrong = {}
    for row in chosen:
        tests = row["test_list"] + row["challenge_test_list"]
        reference = {"tests": tests, "setup": row["test_setup_code"]}
        verdict = verifier.verify(CodeVerifier.Reference.model_validate(reference), f"```python\n{row['code']}\n```")
        if verdict.outcome != "accepted" and row["task_id"] not in SLOW_MBPP:
            wrong[row["task_id"]] = verdict
    assert len(chosen) > 90
    assert not wrong


def test_another_problems_solution_is_judged_as_plain_python_judges_it(verifier: CodeVerifier) -> None:
    problems = rows("humaneval.jsonl")
    # every eighth problem, with the body of the problem three further
    for row, other in zip(problems[::8], problems[3::8], strict=False):
        program = row["prompt"] + other["canonical_solution"]
        script = f"{program}\n{row['test']}\ncheck({row['entry_point']})\n"
        plain = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=60)
        verdict = verifier.verify(humaneval_reference(row), other["canonical_solution"])
        assert (verdict.outcome == "accepted") == (plain.returncode == 0), (row["task_id"], verdict)
