"""Answers of a program that speaks the language of the two processes, well formed, and says what nobody asked.

Each was once accepted, left undecided, or took the judge's own time. An honest program follows in the same worker.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from selfplay.verifiers.code import CodeVerifier
from tests.verifiers.code.conftest import judge


@pytest.fixture(scope="module")
def verifier() -> Iterator[CodeVerifier]:
    made = CodeVerifier(CodeVerifier.Settings.model_validate({"timeout": 1.0, "sandbox": "process"}))
    made.warm()
    yield made
    made.close()


SPEAKS = """
import json, os, struct
def say(message):
    body = json.dumps(message).encode()
    os.write(3, struct.pack(">I", len(body)) + body)
def take(size):
    data = b""
    while len(data) < size:
        data += os.read(3, size - len(data)) or os._exit(0)
    return data
def hear():
    return json.loads(take(struct.unpack(">I", take(4))[0]))
def thing(number, known=False):
    return ["ref", number, "thing", ["__call__", "__len__"], known]
"""
SERVES = "say({'loaded': True})\nwhile True:\n    asked = hear()\n"
NAMES = """
    if "globals" in asked:
        names = {name: thing(0) for name in asked["globals"]}
        say({"value": ["dict", *map(list, {**names, **more}.items())], "exceptions": errors})
        continue
"""
MORE_NAMES = (
    SPEAKS
    + "more = {name: thing(place) for place, name in enumerate(['abs', 'all', 'len', 'set', 'math', '@left'], 1)}\n"
    "errors = {'ValueError': {'bases': ['BaseException'], 'lineage': ['ValueError']}}\n"
)
TRUE_TO_ALL = (
    "    say({'value': 0 if asked['target'] in (0, 1) else thing(9) if asked['target'] == 'getattr' else True})\n"
)
FALSE_FRIEND = """
    target = asked["target"]
    say({"value": thing(1, True) if target == 0 else thing(2) if target == "getattr" else True})
"""
FORGED = {
    "all of its own": (
        MORE_NAMES + SERVES + NAMES + TRUE_TO_ALL,
        "assert all(f(x) == y for x, y in [(1, 2), (2, 3)])",
        "def f(x): return x + 1",
    ),
    "abs of its own": (
        MORE_NAMES + SERVES + NAMES + TRUE_TO_ALL,
        "for x in [4]:\n    assert abs(f(x) - 2.0) < 1e-6",
        "def f(x): return x ** 0.5",
    ),
    "a module of its own": (
        MORE_NAMES + SERVES + NAMES + TRUE_TO_ALL,
        "for x in [4]:\n    assert math.isclose(f(x), 2.0)",
        "def f(x): return x ** 0.5",
    ),
    "an object of a class that the tests do not name": (
        SPEAKS + "more, errors = {}, {}\n" + SERVES + NAMES + FALSE_FRIEND,
        "assert f(1).startswith('ab')",
        "def f(x): return 'abc'",
    ),
    "a named tuple with a method": (
        "from collections import namedtuple\nT = namedtuple('T', 'startswith')\ndef f(x): return T(lambda text: True)",
        "assert f(1).startswith('ab')",
        "def f(x): return 'abc'",
    ),
    "an object that a named class returned": (
        "class Solution:\n    def f(self, x): return self\n    def startswith(self, text): return True",
        "assert Solution().f(1).startswith('ab')",
        "class Solution:\n    def f(self, x): return 'abc'",
    ),
    "an object made by a function with a capital letter": (
        "class Near:\n    def __sub__(self, other): return self\n    def __abs__(self): return 0\n"
        "def Mean_Of(x): return Near()",
        "for x in [[1, 2]]:\n    assert abs(Mean_Of(x) - 1.5) < 1e-6",
        "def Mean_Of(x): return sum(x) / len(x)",
    ),
}


@pytest.mark.parametrize(("program", "tests", "honest"), FORGED.values(), ids=FORGED.keys())
def test_what_the_program_makes_up_is_no_pass(verifier: CodeVerifier, program: str, tests: str, honest: str) -> None:
    assert judge(verifier, program, tests=tests).outcome != "accepted"
    assert judge(verifier, honest, tests=tests).outcome in ("accepted", "undecided")


LOOP = "for x in [1]:\n    assert f(x) == 3"
CHECK = "def check(candidate):\n    for x in [1]:\n        assert candidate(x) == 3"
UNITTEST = "import unittest\nclass T(unittest.TestCase):\n    def test_a(self):\n        self.assertEqual(f(1), 3)"


@pytest.mark.parametrize("tests", [LOOP, CHECK, UNITTEST], ids=["loop", "check", "unittest"])
@pytest.mark.parametrize(
    "program", ["f = 3", "f = None", "import math as f", "f = [3]", "f = ValueError", "class f(Exception): pass"]
)
def test_what_cannot_be_called_is_the_fault_of_the_program(verifier: CodeVerifier, program: str, tests: str) -> None:
    assert judge(verifier, program, tests=tests, entry_point="f").outcome == "rejected"
    assert judge(verifier, "def f(x): return x + 2", tests=tests, entry_point="f").outcome == "accepted"


def test_tests_that_are_broken_stay_so_beside_a_constant_that_they_do_not_use(verifier: CodeVerifier) -> None:
    verdict = judge(verifier, "LIMIT = 3\ndef f(x): return x", tests="for x in 1:\n    assert f(x) == 3")
    assert (verdict.outcome, verdict.reason) == ("undecided", "fault")


@pytest.mark.parametrize("program", ["f = str", "def f(x): return str(x)"])
def test_a_built_in_type_is_a_function_like_any_other(verifier: CodeVerifier, program: str) -> None:
    assert judge(verifier, program, tests="for x in [1, 2]:\n    assert f(x) == '12'[x - 1]").outcome == "accepted"
    assert judge(verifier, program, tests="for x in [1, 2]:\n    assert f(x) == '21'[x - 1]").outcome == "rejected"


LATER = """
errors = []
for x in [1, 2]:
    try:
        assert f(x) == x + 2
    except Exception as error:
        errors.append(error)
if errors:
    raise errors[0]
"""
SKIPS = """
from unittest import TestCase, SkipTest
class T(TestCase):
    def test_a(self):
        self.assertEqual(f(1), 3)
"""
PRINTS = "for x in [1]:\n    print(f(x))\n    assert f(x) == 3"
SENDS = "for x in [1]:\n    assert f(f(x) * 3) == 11"
BLAME = {
    "an import error raised again later": (LATER, "def f(x): raise ImportError(x)"),
    "a name error raised again later": (LATER, "def f(x): raise NameError(x)"),
    "a word of unittest": (SKIPS, "from unittest import SkipTest\ndef f(x): raise SkipTest('later')"),
    "what the tests print": (PRINTS, "def f(x): return 'x' * 500000"),
    "what the tests say": (SENDS, "def f(x): return 'x' * 500000"),
    "prompts": (PRINTS, "def f(x):\n    try:\n        input('x' * 500000)\n    finally:\n        return 4"),
}


@pytest.mark.parametrize(("tests", "program"), BLAME.values(), ids=BLAME.keys())
def test_what_the_program_does_to_the_tests_is_its_own_fault(verifier: CodeVerifier, tests: str, program: str) -> None:
    assert judge(verifier, program, tests=tests).outcome == "rejected"
    assert judge(verifier, "def f(x): return x + 2", tests=tests).outcome == "accepted"


SLOW = {
    "a set of which half share their hash": (
        "['set', *[['int', format((k + 3) * (2**61 - 1), 'x')] for k in range(20000)], *range(100, 22000)]"
    ),
    "long keys that differ at their ends": (
        "['set', *[['tuple', *[1] * 300, ['int', format((k + 3) * (2**61 - 1), 'x')]] for k in range(999)]]"
    ),
    "a fraction without an end": "['Fraction', '7' * 450000, 'd' * 440000 + '1']",
}


@pytest.mark.parametrize("value", SLOW.values(), ids=SLOW.keys())
@pytest.mark.parametrize("tests", ["assert f(1) == 3", LOOP], ids=["apart", "whole"])
def test_an_answer_takes_none_of_the_time_of_who_reads_it(verifier: CodeVerifier, value: str, tests: str) -> None:
    ahead = f"{SPEAKS}\nsay({{'value': {value}}})\ndef f(x): return 3"
    names = f"{SPEAKS}{SERVES}    say({{'value': ['dict', ['f', {value}]]}})"
    began = time.monotonic()
    assert judge(verifier, ahead if tests != LOOP else names, tests=tests).outcome == "rejected"
    assert time.monotonic() - began < 10
    assert judge(verifier, "def f(x): return 3", tests=tests).outcome == "accepted"


def test_keys_that_share_their_hashes_by_nature_are_read(verifier: CodeVerifier) -> None:
    powers = "def f(n): return {2**k: k for k in range(n)}"
    assert judge(verifier, powers, tests="for n in [2000]:\n    assert f(n)[2**70] == 70").outcome == "accepted"
    grid = "def f(n): return {(x, y, z) for x in range(-n, n) for y in range(-n, n) for z in range(-n, n)}"
    assert judge(verifier, grid, tests="for n in [8]:\n    assert len(f(n)) == 4096").outcome == "accepted"


@pytest.mark.parametrize("code", ["'x' * 900000", "[[1]] * 9000", "10 ** 4000", "0.0", "None"])
def test_an_exit_code_that_is_none_is_told_in_few_bytes(verifier: CodeVerifier, code: str) -> None:
    verdict = judge(
        verifier,
        f"{SPEAKS}\nprint(1, flush=True)\nsay({{'exit': {code}}})\nos._exit(0)",
        cases=[{"stdin": "", "stdout": "1"}],
    )
    assert verdict.outcome == "rejected"
    assert len(json.dumps(verdict.detail)) < 4000


FORGE = """
import json, os, struct
def say(message):
    body = json.dumps(message).encode()
    os.write(3, struct.pack(">I", len(body)) + body)
say({"loaded": True})
"""


@pytest.mark.parametrize(
    "messages",
    [
        [{"value": 5}],
        [{"value": ["dict", ["f", 0], ["sorted", 1]], "exceptions": {"E": 3}}],
        [{"value": ["dict", ["f", ["ref", 0, "function"]]]}, {"value": ["list"], "changed": 5}],
        [{"value": ["dict", ["f", ["ref", 0, "function"]]]}, {"value": ["lent", 99]}],
        [{"value": ["dict", ["f", ["ref", 0, "function"]]]}, {"value": None, "changed": [[0, ["list", 1, 2]]]}],
        [{"value": ["dict", ["f", ["ref", 0, "function"]]]}, {"error": {"type": "StopIteration"}}],
        [{"value": ["dict", ["f", ["ref", 0, "function"]]]}, {"callback": 0, "args": [], "kwargs": {}}],
        [{"value": ["dict", ["f", ["ref", 0, "function"]]]}, {"value": ["named", "P", ["class"], ["tuple", 1]]}],
    ],
)
def test_forged_answers_are_the_programs_own_failure(verifier: CodeVerifier, messages: list[Any]) -> None:
    program = FORGE + "".join(f"say({message!r})\n" for message in messages) + "def f(x): return 0"
    verdict = judge(verifier, program, tests="a = [2, 1]\nassert f(a) == [1, 2]\nassert sorted(a) == [1, 2]")
    assert verdict.outcome == "rejected", verdict
