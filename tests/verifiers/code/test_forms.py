"""The forms that tests have, and what the author of a test may expect of each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from selfplay.verifiers.code import CodeVerifier
from selfplay.verifiers.code.reference import plan
from selfplay.verifiers.contract.verifier import Asked
from tests.verifiers.code.conftest import judge


@pytest.fixture(scope="module")
def verifier() -> Iterator[CodeVerifier]:
    made = CodeVerifier(CodeVerifier.Settings.model_validate({"timeout": 2.0, "sandbox": "process"}))
    made.warm()
    yield made
    made.close()


APART = [
    ("assert f(2) == 4", "lambda x: x * 2", "lambda x: x + 1"),
    ("assert 4 == f(2)", "lambda x: x * 2", "lambda x: x + 1"),
    ("assert f(2, k=[1]) == [2, [1]]", "lambda x, k: [x, k]", "lambda x, k: (x, k)"),
    ("assert f(2)", "lambda x: x", "lambda x: []"),
    ("assert not f(2)", "lambda x: 0", "lambda x: x"),
    ("assert f(2) is None", "lambda x: None", "lambda x: 0"),
    ("assert f(2) is True", "lambda x: True", "lambda x: 1"),
    ("assert f(2) != 3", "lambda x: x", "lambda x: 3"),
    ("assert f(2) in (1, 2)", "lambda x: x", "lambda x: 3"),
    ("assert f(2) not in {1, 3}", "lambda x: x", "lambda x: 3"),
    ("assert f(2) > 1.5", "lambda x: x", "lambda x: 'a'"),
    ("assert 1.5 < f(2)", "lambda x: x", "lambda x: 1"),
    ("assert abs(f(2) - 0.5) < 1e-6", "lambda x: 0.5000001", "lambda x: 0.51"),
    ("assert f({1: 'a'}) == {1, 2}", "lambda x: {1, 2}", "lambda x: [1, 2]"),
    ("assert f(2) == (1+2j)", "lambda x: 1 + 2j", "lambda x: 1"),
    ("assert f(-2) == 2**5", "lambda x: 32", "lambda x: 31"),
    ("assert f(3 * 19) == [3, 19] + [1 / 2]", "lambda x: [3, x // 3, 0.5]", "lambda x: [3, x]"),
    ("assert f('a' + 'b') == ('ab', set()), 'a message'", "lambda x: (x, set())", "lambda x: [x, set()]"),
    ("assert abs(f(2) - 2.0 / 3) < 1e-6", "lambda x: 2 / 3", "lambda x: 0.66"),
    ("assert f(2) == 2 ** (2 ** 50)", None, None),
    ("assert f(2) == 1", "lambda x: True", "lambda x: False"),
    ("assert f(2) == b'ab'", "lambda x: bytearray(b'ab')", "lambda x: 'ab'"),
    ("assert f(2) == 100000000000000000000000", "lambda x: 10**23", "lambda x: 10.0**23 + 1e8"),
]


@pytest.mark.parametrize(("test", "right", "wrong"), APART)
def test_an_assert_is_taken_apart_and_means_what_it_says(
    verifier: CodeVerifier, test: str, right: str | None, wrong: str | None
) -> None:
    made = plan(CodeVerifier.Reference.model_validate({"tests": [test]}))
    if right is None:
        assert not made.checks
        return
    assert len(made.checks) == 1
    assert judge(verifier, f"f = {right}", tests=[test]).outcome == "accepted"
    verdict = judge(verifier, f"f = {wrong}", tests=[test])
    assert (verdict.outcome, verdict.reason) == ("rejected", "wrong_answer")


@pytest.mark.parametrize(
    ("value", "literal"),
    [
        ("collections.Counter('aab')", "{'a': 2, 'b': 1}"),
        ("collections.defaultdict(list, {1: [2]})", "{1: [2]}"),
        ("collections.namedtuple('P', 'x y')(1, 2)", "(1, 2)"),
        ("collections.OrderedDict(a=1)", "{'a': 1}"),
        ("enum.IntEnum('E', 'A B').B", "2"),
        ("fractions.Fraction(1, 2)", "0.5"),
        ("decimal.Decimal('2')", "2"),
        ("frozenset([1])", "{1}"),
        ("float('1e300') * 10", "1e301"),
    ],
)
def test_content_of_standard_types_is_compared(verifier: CodeVerifier, value: str, literal: str) -> None:
    program = f"import collections, decimal, enum, fractions\ndef f(): return {value}"
    assert judge(verifier, program, tests=[f"assert f() == {literal}"]).outcome == "accepted"


@pytest.mark.parametrize(
    ("compare", "expected", "outcome"),
    [
        ("lines", "1  \n2\n\n", "accepted"),
        ("lines", "1 2", "rejected"),
        ("tokens", "1 2", "accepted"),
        ("exact", "1\n2\n", "accepted"),
        ("exact", "1\n2", "rejected"),
    ],
)
def test_whole_programs_are_judged_by_their_output(
    verifier: CodeVerifier, compare: str, expected: str, outcome: str
) -> None:
    program = "for number in input().split():\n    print(number)"
    verdict = judge(verifier, program, cases=[{"stdin": "1 2\n", "stdout": expected}], compare=compare)
    assert verdict.outcome == outcome


def test_a_whole_program_may_read_everything_and_end_itself(verifier: CodeVerifier) -> None:
    long = "7\n" * 200_000
    program = "import sys\nif __name__ == '__main__':\n    print(sum(map(int, sys.stdin)))\n    sys.exit()"
    cases = [{"stdin": long, "stdout": "1400000"}, {"stdin": "1\n", "stdout": "1"}]
    verdict = judge(verifier, program, cases=cases)
    assert (verdict.outcome, verdict.detail["passed"]) == ("accepted", 2)


@pytest.mark.parametrize(
    ("tests", "part"),
    [
        ("assert f(1) ==", "cannot be read"),
        ("raise KeyError('x')\nassert f(1) == f(1)", "broken"),
        ("import no_such_module\nassert f(1) == f(1)", "broken"),
        ("def helper(): assert f(1) == 0", "never call"),
        ("while True: pass\nassert f(1) == f(1)", "did not run"),
    ],
)
def test_broken_tests_are_a_fault_and_not_the_programs(verifier: CodeVerifier, tests: str, part: str) -> None:
    verdict = judge(verifier, "def f(x): return 0", tests=tests)
    assert (verdict.outcome, verdict.reason) == ("undecided", "fault")
    assert part in str(verdict.detail["what"])


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("def f(x): return 1", "wrong_answer"),
        ("def f(x): return 1 / 0", "exception"),
        ("def g(x): return 2", "missing_function"),
        ("def f(x: return 2", "not_python"),
        ("def f(x):\n    while True: pass", "time_limit"),
        ("import time\ndef f(x): time.sleep(60)", "time_limit"),
        ("def f(x): return [0] * 10**10", "memory_limit"),
        ("def f(x): print('y' * 10**6)", "output_limit"),
        ("def f(x): return 'x' * 2_000_000", "output_limit"),
        ("import os\ndef f(x): os._exit(0)", "ended_early"),
        ("   \n", "no_program"),
        ("```python\n```", "no_program"),
        ("#" * (1 << 20) + "\n", "too_large"),
    ],
)
def test_each_way_to_fail_has_its_reason(verifier: CodeVerifier, program: str, reason: str) -> None:
    verdict = judge(verifier, program, tests=["assert f(1) == 2"])
    assert (verdict.outcome, verdict.reason) == ("rejected", reason)


def test_a_rejection_shows_the_first_failing_test(verifier: CodeVerifier) -> None:
    tests = ["assert f(1) == 2", "assert f(2) == 5", "assert f(3) == 7"]
    detail = judge(verifier, "def f(x): return x + 1", tests=tests).detail
    assert detail["test"] == "assert f(2) == 5"
    assert (detail["expected"], detail["got"], detail["passed"], detail["of"]) == ("5", "3", 1, 3)
    detail = judge(verifier, "def f(x):\n    y = x\n    return y / 0", tests=tests).detail
    assert (detail["error"], detail["line"]) == ("ZeroDivisionError: division by zero", 3)


def test_the_budget_of_a_call_replaces_the_setting(verifier: CodeVerifier) -> None:
    reference = CodeVerifier.Reference.model_validate({"tests": ["assert f(1) == 2"]})
    program = "import time\ndef f(x):\n    time.sleep(0.5)\n    return 2"
    assert verifier.verify(Asked(reference, program, timeout=0.2)).reason == "time_limit"
    assert verifier.verify(Asked(reference, program, timeout=2.0)).outcome == "accepted"


def test_time_in_which_a_program_did_not_run_is_not_counted_at_once(verifier: CodeVerifier) -> None:
    reference = CodeVerifier.Reference.model_validate({"tests": ["assert f(1) == 2"]})
    waits = "import time\ndef f(x):\n    time.sleep({})\n    return 2"
    assert verifier.verify(Asked(reference, waits.format(2.3), timeout=2.0)).outcome == "accepted"
    assert verifier.verify(Asked(reference, waits.format(1.5), timeout=0.5)).reason == "time_limit"


@pytest.mark.parametrize(
    "reference",
    [
        {},
        {"tests": []},
        {"tests": ["assert f(1)"], "cases": [{"stdout": "1"}]},
        {"tests": "def check(candidate): pass"},
        {"tests": ["assert f(1)"], "entry_point": "not a name"},
        {"tests": ["assert f(1)"], "unknown": 1},
    ],
)
def test_a_reference_that_makes_no_sense_is_refused(reference: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"tests|entry_point|unknown"):
        CodeVerifier.Reference.model_validate(reference)


@pytest.mark.parametrize("ending", ["exit()", "quit(0)", "exit(3)"])
def test_a_program_ends_by_exit_and_quit(verifier: CodeVerifier, ending: str) -> None:
    verdict = judge(verifier, f"print(1)\n{ending}\nprint(2)", cases=[{"stdin": "", "stdout": "1"}])
    assert verdict.outcome == ("rejected" if "3" in ending else "accepted"), verdict
