"""Tests whose expectation a program could change through its arguments are recognised, and such programs are not
accepted."""

from __future__ import annotations

import ast

import pytest

from selfplay.verifiers.code import CodeVerifier
from selfplay.verifiers.code.changed_arguments import reads_changed
from selfplay.verifiers.contract.verifier import Asked

DOUBTFUL = [
    "a = [2, 1]\nassert f(a) == sorted(a)",
    "a = [2, 1]\ngot = f(a)\nwant = sorted(a)\nassert got == want",
    "a = [2, 1]\nb = a\nassert f(b) == sorted(a)",
    "for a in ([2, 1], [3]):\n    assert f(a) == sorted(a)",
    "xs = [[2, 1], [3]]\nassert [f(x) for x in xs] == [sorted(x) for x in xs]",
    "xs = [[2, 1], [3]]\nassert list(map(f, xs)) == list(map(sorted, xs))",
    "def same(got, want):\n    assert f(got) == want\na = [2, 1]\nsame(a, a)",
    "def check(candidate):\n    a = [2, 1]\n    assert candidate(a) == sorted(a)",
    "import unittest\nclass T(unittest.TestCase):\n    def test(self):\n        a = [1]\n"
    "        self.assertEqual(f(a), sorted(a))",
    "a = [2, 1]\nassert list(f(a)) == sorted(a)",
]
CERTAIN = [
    "a = [2, 1]\nassert f(a) == [1, 2]\nassert a == [2, 1]",
    "cases = [([2, 1], [1, 2])]\nfor nums, want in cases:\n    k = f(nums)\n    assert nums[:k] == want and k == 2",
    "for a, want in (([2, 1], [1, 2]),):\n    assert f(a) == want",
    "a = [2, 1]\nassert f(a) is a",
    "a = [2, 1]\nx = f(a)\nassert x == 1\nassert a == [2]",
]


@pytest.mark.parametrize("tests", DOUBTFUL)
def test_an_expectation_made_of_arguments_is_recognised(tests: str) -> None:
    assert reads_changed([ast.parse(tests)])


@pytest.mark.parametrize("tests", CERTAIN)
def test_an_expectation_of_its_own_is_left_alone(tests: str) -> None:
    assert not reads_changed([ast.parse(tests)])


CHEATS = [
    "def f(x):\n    x.clear()\n    return x",
    "def f(x):\n    x.clear()\n    return []",
    "def f(x):\n    x.clear()\n    yield from ()",
    "class f(list):\n    def __init__(self, x): x.clear()",
]


@pytest.mark.parametrize("cheat", CHEATS)
def test_emptying_the_arguments_is_no_way_to_pass(cheat: str) -> None:
    verifier = CodeVerifier(CodeVerifier.Settings.model_validate({"sandbox": "process"}))
    for tests in DOUBTFUL:
        about = {"tests": tests, "entry_point": "f" if "check" in tests else None}
        reference = CodeVerifier.Reference.model_validate(about)
        verdict = verifier.verify(Asked(reference, cheat))
        assert verdict.outcome != "accepted", (tests, verdict)
        honest = "def f(x):\n    x.sort()\n    return x" if "same" not in tests else "def f(x): return x"
        assert verifier.verify(Asked(reference, honest)).outcome in ("accepted", "undecided"), tests
    verifier.close()


def test_names_that_are_only_values_do_not_pass_for_use() -> None:
    verifier = CodeVerifier(CodeVerifier.Settings.model_validate({"sandbox": "process"}))
    for tests in ("def never(): assert f(1) == 0", "g = lambda: f(1)"):
        verdict = verifier.verify(Asked(CodeVerifier.Reference.model_validate({"tests": tests}), "f = 0"))
        assert verdict.outcome == "undecided", verdict
    verifier.close()
