"""Whole programs judged by their output: how it is compared, and special judges."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from selfplay.verifiers.code import CodeVerifier, special_judge
from selfplay.verifiers.code.whole_programs import same_output
from selfplay.verifiers.contract.spec import load
from selfplay.verifiers.errors import BadReference
from tests.verifiers.code.conftest import judge

SUMS = """
import time
from selfplay.verifiers import Verdict

def two_summands(stdin, output, expected):
    words = output.split()
    if len(words) != 2 or not all(word.isascii() and word.isdigit() and len(word) < 9 for word in words):
        return Verdict.reject("two_numbers_wanted", words=len(words))
    right = int(words[0]) + int(words[1]) == int(stdin)
    return Verdict.accept() if right else Verdict.reject("wrong_sum")

def fails(stdin, output, expected):
    return 1 / 0

def says_yes(stdin, output, expected):
    return True

number = 3
"""


@pytest.fixture(scope="module")
def verifier() -> Iterator[CodeVerifier]:
    made = CodeVerifier(CodeVerifier.Settings.model_validate({"timeout": 2.0, "sandbox": "process"}))
    made.warm()
    yield made
    made.close()


@pytest.fixture(scope="module")
def judges(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("judges") / "sums.py"
    path.write_text(SUMS)
    return path


@pytest.mark.parametrize(
    ("got", "expected", "compare", "tolerance", "same"),
    [
        ("a b\n", "a b", "lines", None, True),
        ("a b  \r\nc\n\n", "a b\nc", "lines", None, True),
        ("a  b", "a b", "lines", None, False),
        (" a", "a", "lines", None, False),
        ("a\nb", "a b", "tokens", None, True),
        ("ab", "a b", "tokens", None, False),
        ("a\n", "a", "exact", None, False),
        ("0.333", "0.3333", "lines", None, False),
        ("0.3333330", "0.3333333", "lines", 1e-6, True),
        ("x 1000001", "x 1000000", "lines", 1e-6, True),
        ("1.1", "1.0", "lines", 1e-6, False),
        ("1\n2", "1 2", "lines", 1e-6, False),
        ("1\n2.0", "1 2", "tokens", 1e-6, True),
        ("nan", "1", "tokens", 0.5, False),
        ("inf", "1e999", "tokens", 0.5, False),
        ("1_0", "10", "tokens", 0.5, False),
        ("٣", "3", "tokens", 0.5, False),
        ("yes", "no", "tokens", 0.5, False),
        ("", "", "lines", None, True),
    ],
)
def test_outputs_are_compared_as_declared(
    got: str, expected: str, compare: str, tolerance: float | None, same: bool
) -> None:
    assert same_output(got, expected, compare, tolerance) is same


def test_a_tolerance_is_the_references(verifier: CodeVerifier) -> None:
    cases = [{"stdin": "2", "stdout": "1.414213"}]
    program = "print(int(input()) ** 0.5)"
    assert judge(verifier, program, cases=cases, tolerance=1e-5).outcome == "accepted"
    assert judge(verifier, program, cases=cases).reason == "wrong_answer"


def test_a_special_judge_decides_where_several_outputs_are_right(verifier: CodeVerifier, judges: Path) -> None:
    reference = {
        "cases": [{"stdin": "7", "stdout": ""}, {"stdin": "9", "stdout": ""}],
        "judge": f"{judges}:two_summands",
    }
    assert judge(verifier, "n = int(input())\nprint(1, n - 1)", **reference).outcome == "accepted"
    assert judge(verifier, "n = int(input())\nprint(n - 3, 3)", **reference).outcome == "accepted"
    verdict = judge(verifier, "input()\nprint(1, 6)", **reference)
    assert (verdict.outcome, verdict.reason, verdict.detail["passed"]) == ("rejected", "wrong_sum", 1)
    assert verdict.detail["test"] == "stdin '9'"
    verdict = judge(verifier, "print('accept me')", **reference)
    assert (verdict.reason, verdict.detail["got"]) == ("two_numbers_wanted", "'accept me\\n'")
    # what did not end well is never shown to the judge
    assert judge(verifier, "print(3, 4)\nraise SystemExit(1)", **reference).reason == "exit_code"


@pytest.mark.parametrize(("name", "part"), [("fails", "ZeroDivisionError"), ("says_yes", "returned bool")])
def test_a_special_judge_that_fails_is_a_fault(verifier: CodeVerifier, judges: Path, name: str, part: str) -> None:
    verdict = judge(verifier, "print(1)", cases=[{"stdout": ""}], judge=f"{judges}:{name}")
    assert (verdict.outcome, verdict.reason) == ("undecided", "fault")
    assert part in str(verdict.detail["what"])


@pytest.mark.parametrize(
    ("reference", "part"),
    [
        ({"cases": [{"stdout": ""}], "judge": "nobody"}, "there is no special judge `nobody`"),
        ({"cases": [{"stdout": ""}], "judge": "nowhere.py:f"}, "no file nowhere.py"),
        ({"cases": [{"stdout": ""}], "judge": "{}:missing"}, "defines no special judge `missing`"),
        ({"cases": [{"stdout": ""}], "judge": "{}:number"}, "is no function"),
        ({"tests": ["assert f()"], "judge": "{}:two_summands"}, "`cases`"),
        ({"tests": ["assert f()"], "tolerance": 0.1}, "`tolerance` needs `cases`"),
        ({"cases": [{"stdout": ""}], "tolerance": 0.1, "compare": "exact"}, "`tolerance` needs `cases`"),
        ({"cases": [{"stdout": ""}], "tolerance": 0.1, "judge": "{}:two_summands"}, "without a `judge`"),
    ],
)
def test_a_reference_that_cannot_be_judged_is_refused_in_words(
    judges: Path, reference: dict[str, Any], part: str
) -> None:
    if "judge" in reference:
        reference = {**reference, "judge": reference["judge"].replace("{}", str(judges))}
    with pytest.raises(BadReference, match=part.replace("(", r"\(")):
        load("code").read_reference(reference)


def test_a_package_registers_a_special_judge(
    verifier: CodeVerifier, judges: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "summing.py").write_text(SUMS)
    installed = tmp_path / "summing-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: summing\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text("[selfplay.judges]\nsumming = summing:two_summands\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    special_judge.find.cache_clear()
    assert judge(verifier, "print(3, 4)", cases=[{"stdin": "7", "stdout": ""}], judge="summing").outcome == "accepted"
    sys.modules.pop("summing")
