"""A verifier that fails is never a wrong answer: five ways to fail, each from a real plugin file."""

from __future__ import annotations

import textwrap
from collections import Counter
from pathlib import Path

import pytest

from selfplay.run.judging import Judge
from selfplay.verifiers import Row
from selfplay.verifiers.contract.spec import VerifierSpec

HEAD = """
import os, time
from typing import ClassVar
from pydantic import BaseModel
from selfplay.verifiers import Verdict, Verifier

class Settings(BaseModel):
    timeout: float = 0.1

class Plugin(Verifier):
    name: ClassVar[str] = "plugin"
    version: ClassVar[str] = "1"
    Settings: ClassVar = Settings

    def verify(self, asked):
        completion = asked.completion
"""
WAYS = {
    "raises": ("raise ZeroDivisionError('no judge today')", "raised ZeroDivisionError: no judge today"),
    "hangs": ("time.sleep(3600)", "gave no answer within 5.2 s"),
    "eats memory": ("return len([bytearray(1 << 24) for _ in range(1 << 20)])", "ran out of memory"),
    "returns rubbish": ("return 'correct'", "str"),
    "dies": ("os._exit(7)", "exited with status 7"),
}


def judge_with(folder: Path, body: str, completions: list[str], solution: str | None = None) -> list[dict[str, object]]:
    file = folder / "plugin.py"
    file.write_text(HEAD + textwrap.indent(body, "        ") + "\n")
    judge = Judge(1, 1024)
    rows = [Row(str(number), {}, completion) for number, completion in enumerate(completions)]
    try:
        return judge.judge(
            VerifierSpec(verifier=f"{file}:Plugin"), rows, {row.id: solution for row in rows} if solution else None
        )
    finally:
        judge.close()


@pytest.mark.parametrize("way", WAYS)
def test_a_broken_verifier_gives_undecided_with_its_reason(tmp_path: Path, way: str) -> None:
    body, evidence = WAYS[way]
    verdicts = judge_with(tmp_path, body, ["a"])
    assert [(verdict["outcome"], verdict["reason"]) for verdict in verdicts] == [("undecided", "fault")]
    assert evidence in str(verdicts[0]["detail"])


@pytest.mark.parametrize("way", WAYS)
def test_what_it_fails_on_does_not_touch_what_it_judges(tmp_path: Path, way: str) -> None:
    body = f"if completion == 'bad':\n    {WAYS[way][0]}\nreturn Verdict.accept()"
    verdicts = judge_with(tmp_path, body, ["a", "bad", "c"], solution="a")
    outcomes = [verdict["outcome"] for verdict in verdicts]
    assert outcomes[0] == outcomes[2] == "accepted"
    assert outcomes[1] != "accepted"


def test_a_completion_that_alone_kills_a_sound_verifier_is_rejected(tmp_path: Path) -> None:
    """The worked solution is judged as a control, so the blame lies where it belongs."""
    body = "if completion == 'bomb':\n    os._exit(7)\nreturn Verdict.accept()"
    (verdict,) = judge_with(tmp_path, body, ["bomb"], solution="a")
    assert (verdict["outcome"], verdict["reason"]) == ("rejected", "kills_its_judge")
    (verdict,) = judge_with(tmp_path, body, ["bomb"], solution="bomb")
    assert (verdict["outcome"], verdict["reason"]) == ("undecided", "fault")


def test_faults_are_counted(tmp_path: Path) -> None:
    body = "if completion.startswith('x'):\n    raise ValueError(completion)\nreturn Verdict.reject('no')"
    verdicts = judge_with(tmp_path, body, ["x1", "a", "x2", "b"])
    assert Counter(verdict["reason"] for verdict in verdicts) == {"fault": 2, "no": 2}
