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

from selfplay.verifiers.code import CodeVerifier
from selfplay.verifiers.contract.verifier import Asked

EXCEPTIONS = json.loads((Path(__file__).parent / "mbpp_exceptions.json").read_text())
"""Tasks of MBPP whose reference solution is not accepted within the default limits: why, and within which it is."""


def rows(name: str) -> list[dict[str, Any]]:
    folder = os.environ.get("SELFPLAY_DATA")
    if not folder:
        pytest.skip(f"set SELFPLAY_DATA to the folder that holds {name}")
    return [json.loads(line) for line in (Path(folder) / name).read_text().splitlines()]


@pytest.fixture(scope="module")
def verifier() -> Iterator[CodeVerifier]:
    made = CodeVerifier(CodeVerifier.Settings.model_validate({}))
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
        row["task_id"]: verifier.verify(Asked(humaneval_reference(row), row["canonical_solution"])) for row in problems
    }
    assert len(verdicts) == 164
    assert not {task: verdict for task, verdict in verdicts.items() if verdict.outcome != "accepted"}


def test_all_mbpp_solutions_are_accepted(verifier: CodeVerifier) -> None:
    problems = rows("mbpp.jsonl")
    wrong = {}
    for row in problems:
        tests = row["test_list"] + row["challenge_test_list"]
        reference = CodeVerifier.Reference.model_validate({"tests": tests, "setup": row["test_setup_code"]})
        own = EXCEPTIONS.get(str(row["task_id"]), {})
        verdict = verifier.verify(Asked(reference, f"```python\n{row['code']}\n```", timeout=own.get("timeout")))
        if verdict.outcome != "accepted":
            wrong[row["task_id"]] = verdict
    assert len(problems) == 974
    assert not wrong


def test_another_problems_solution_is_judged_as_plain_python_judges_it(verifier: CodeVerifier) -> None:
    problems = rows("humaneval.jsonl")
    # every eighth problem, with the body of the problem three further
    for row, other in zip(problems[::8], problems[3::8], strict=False):
        program = row["prompt"] + other["canonical_solution"]
        script = f"{program}\n{row['test']}\ncheck({row['entry_point']})\n"
        plain = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=60)
        verdict = verifier.verify(Asked(humaneval_reference(row), other["canonical_solution"]))
        assert (verdict.outcome == "accepted") == (plain.returncode == 0), (row["task_id"], verdict)
