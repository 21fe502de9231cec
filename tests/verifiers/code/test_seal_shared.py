"""Tests that need the program in their own interpreter: `open` apart, and judged as plain Python does with `seal:
shared`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from selfplay.verifiers.code import CodeVerifier
from selfplay.verifiers.errors import BrokenVerifier
from tests.verifiers.code.conftest import judge, rows


def made(**settings: Any) -> CodeVerifier:
    verifier = CodeVerifier(CodeVerifier.Settings.model_validate({"timeout": 5.0, **settings}))
    try:
        verifier.warm()
    except BrokenVerifier as error:
        pytest.skip(str(error))
    return verifier


@pytest.fixture(scope="module")
def shared() -> Iterator[CodeVerifier]:
    verifier = made(seal="shared", packages=["pytest"])
    yield verifier
    verifier.close()


@pytest.fixture(scope="module")
def apart() -> Iterator[CodeVerifier]:
    verifier = made()
    yield verifier
    verifier.close()


ROWS = rows(Path(__file__).parent / "seal_shared.md")


@pytest.mark.parametrize("name", ROWS)
def test_what_apart_leaves_open_shared_decides(apart: CodeVerifier, shared: CodeVerifier, name: str) -> None:
    tests, right, wrong = ROWS[name]
    assert judge(apart, right, tests=tests).outcome == "undecided"
    verdict = judge(shared, right, tests=tests)
    assert verdict.outcome == "accepted", verdict
    assert verdict.detail["seal"] == "shared"
    if wrong is not None:
        assert judge(apart, wrong, tests=tests).outcome != "accepted"
        verdict = judge(shared, wrong, tests=tests)
        assert verdict.outcome == "rejected", verdict
    assert verdict.detail["seal"] == "shared"


PROGRAM = """
import asyncio, os
class Base:
    def greet(self): return "hi " + self.name()
def words(path): return open(path).read().split()
def place(): return os.environ.get("PLACE", "nowhere")
def add(a, b): return a + b
def helper(): return 1
def uses(): return helper() + 1
async def later(x): return x * 2
"""
PYTEST = """
import asyncio
from unittest import mock
import pytest
import solution
from solution import Base, add, later, place, words

@pytest.fixture
def file(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("a b")
    return path

class Mine(Base):
    def name(self): return "me"

def test_fixture_and_tmp_path(file): assert words(str(file)) == ["a", "b"]
def test_monkeypatch(monkeypatch):
    monkeypatch.setenv("PLACE", "here")
    assert place() == "here"
@pytest.mark.parametrize("a, b, c", [(1, 2, 3), (2, 2, 4)])
def test_rows(a, b, c): assert add(a, b) == c
def test_raises():
    with pytest.raises(TypeError): add(1, "a")
def test_patch():
    with mock.patch("solution.helper", return_value=41): assert solution.uses() == 42
def test_inheritance(): assert Mine().greet() == "hi me"
def test_printed(capsys):
    print("x")
    assert capsys.readouterr().out == "x\\n"
def test_coroutine(): assert asyncio.run(later(3)) == 6
"""
MOCKS = """
import unittest
from unittest.mock import patch
from solution import uses

class TestUses(unittest.TestCase):
    @patch("solution.helper")
    def test_uses(self, helper):
        helper.return_value = 6
        self.assertEqual(uses(), 7)

if __name__ == "__main__":
    unittest.main()
"""


def test_a_set_for_pytest_with_fixtures_runs_as_it_is(shared: CodeVerifier) -> None:
    verdict = judge(shared, PROGRAM, tests=PYTEST)
    assert verdict.outcome == "accepted", verdict
    assert verdict.detail["passed"] == 9
    for part, broken in (("a + b", "a - b"), ("split()", "split('b')"), ("helper() + 1", "2"), ('"hi "', '"ho "')):
        verdict = judge(shared, PROGRAM.replace(part, broken), tests=PYTEST)
        assert (verdict.outcome, verdict.reason) == ("rejected", "wrong_answer"), verdict
        assert "test_solution.py::test_" in str(verdict.detail["test"])


def test_a_set_for_unittest_with_mocks_runs_without_pytest() -> None:
    verifier = made(seal="shared")
    assert judge(verifier, PROGRAM, tests=MOCKS).outcome == "accepted"
    verdict = judge(verifier, PROGRAM.replace("helper() + 1", "helper() + 2"), tests=MOCKS)
    assert (verdict.outcome, verdict.reason, verdict.detail["error"]) == ("rejected", "wrong_answer", "8 != 7")
    for tests in (
        "import pytest\ndef test_a():\n    assert add(1, 2) == 3",
        "def test_a(tmp_path):\n    assert add(1, 2) == 3",
    ):
        verdict = judge(verifier, PROGRAM, tests=tests)
        assert verdict.reason == "fault", verdict
        assert "`packages" in str(verdict.detail["what"])
    verifier.close()


def test_asserts_and_check_functions_run_too(shared: CodeVerifier) -> None:
    for tests, entry_point in (("assert add(1, 2) == 3", None), ("def check(add):\n    assert add(1, 2) == 3", "add")):
        reference = {"tests": tests, "entry_point": entry_point}
        assert judge(shared, PROGRAM, **reference).outcome == "accepted"
        verdict = judge(shared, PROGRAM.replace("a + b", "a - b"), **reference)
        assert (verdict.reason, verdict.detail["got"], verdict.detail["expected"]) == ("wrong_answer", "-1", "3")
        assert judge(shared, "def sub(a, b): return a - b", **reference).outcome != "accepted"


def test_tests_that_are_broken_are_a_fault(shared: CodeVerifier) -> None:
    for tests in (
        "import no_such_package\ndef test_a():\n    assert add(1, 2) == 3",
        "def helper(): pass",
        "assert nobody(1)",
    ):
        verdict = judge(shared, PROGRAM, tests=tests)
        assert (verdict.outcome, verdict.reason) != ("accepted", "tests_passed"), verdict


def test_shared_needs_a_place_to_write() -> None:
    verifier = CodeVerifier(CodeVerifier.Settings.model_validate({"seal": "shared"}))
    verifier.warm()
    assert verifier.sandbox_level == "namespaces, seal: shared"
    verifier.close()


def test_what_the_program_says_of_itself_is_read_with_care(shared: CodeVerifier) -> None:
    speaks = "import json, os, struct\nbody = json.dumps({}).encode()\nos.write(3, struct.pack('>I', len(body)) + body)"
    for message in (
        {"failed": 3},
        {"failed": {"error": {}, "test": "x"}},
        {"broken": []},
        {"passed": [1] * 9},
        {"x": 1},
    ):
        verdict = judge(shared, speaks.format(message), tests="assert f(1) == 1")
        assert verdict.outcome in ("accepted", "rejected")
        assert verdict.detail["seal"] == "shared"
