"""The benchmark of mutants, small: our verdict equals that of a plain run of the same tests."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from selfplay.verifiers.audit.mutants import mutants

BENCHMARKS = Path(__file__).resolve().parents[3] / "benchmarks"


def test_verdicts_equal_those_of_plain_runs() -> None:
    if not os.environ.get("SELFPLAY_DATA"):
        pytest.skip("set SELFPLAY_DATA to the folder that holds humaneval.jsonl")
    command = [sys.executable, "code_mutants.py", "--problems", "6", "--mutants", "4", "--workers", "2"]
    ended = subprocess.run(command, cwd=BENCHMARKS, capture_output=True, text=True, timeout=300)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "53 programs for 6 HumanEval problems" in ended.stdout
    assert "\n0 disagreements" in ended.stdout


def test_each_mutant_changes_one_thing_and_nothing_before_the_first_line() -> None:
    text = 'def f(x, y=1):\n    """Add 1."""\n    if x < -1 and y:\n        x += 2\n    return f"{x + 1}" * True\n'
    found = mutants(text, first_line=2)
    lines = text.splitlines()
    for mutant in found:
        changed = [(a, b) for a, b in zip(lines, mutant.text.splitlines(), strict=True) if a != b]
        assert len(changed) == 1
        assert changed[0][0] not in lines[:2]
    assert {mutant.kind for mutant in found} == {"operator", "constant", "comparison"}
    assert [mutant.change for mutant in found if "line 4" in mutant.change] == [
        "line 4: x += 2 -> x -= 2",
        "line 4: 2 -> 3",
    ]
