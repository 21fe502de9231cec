"""Program repair: the bug fails a test, the program before it fails none, and the sandboxed verifier agrees."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from itertools import islice
from random import Random
from typing import Any

import pytest

from selfplay.tasks.program_repair import ProgramRepair
from selfplay.tasks.programs import Bug, bugs, outputs, program, with_bugs
from selfplay.verifiers.code.reference import CodeReference
from selfplay.verifiers.code.verifier import CodeSettings, CodeVerifier
from selfplay.verifiers.contract.verifier import Asked


def first(count: int, **settings: Any) -> list[Any]:
    return list(islice(ProgramRepair(**settings).problems("train", 0), count))


def broken_of(problem: Any) -> str:
    return str(problem.prompt.split("\n\n", 1)[1].split("\n\nIt fails:")[0])


def failures(source: str, tests: list[str]) -> list[str]:
    """The tests that a program fails, run as plain Python; the programs are our own."""
    scope: dict[str, Any] = {}
    exec(source, scope)
    failed = []
    for test in tests:
        try:
            exec(test, scope)
        except (AssertionError, ArithmeticError, LookupError):
            failed.append(test)
    return failed


@pytest.mark.parametrize("settings", [{}, {"steps": 4, "bugs": 3, "shown_tests": 3}, {"described": False}])
def test_the_bug_fails_a_shown_test_and_the_solution_none(settings: dict[str, Any]) -> None:
    for problem in first(40, **settings):
        tests = problem.reference["tests"]
        assert failures(problem.solution, tests) == []
        failed = failures(broken_of(problem), tests)
        assert failed
        shown = problem.prompt.split("It fails:\n\n")[1].split("\n\nWrite")[0].splitlines()
        assert [line.split("  # ")[0] for line in shown] == failed[: settings.get("shown_tests", 1)]
        assert ('"""' in problem.prompt) == settings.get("described", True)


@pytest.mark.parametrize("count", [1, 3])
def test_so_many_places_differ(count: int) -> None:
    for problem in first(30, steps=3, bugs=count):
        pairs = zip(broken_of(problem).splitlines(), problem.solution.splitlines(), strict=True)
        assert 1 <= sum(wrong != right for wrong, right in pairs) <= count


def test_every_bug_changes_the_program_and_only_there() -> None:
    right = program(Random(3), 3, True)
    texts = {ast.unparse(with_bugs(right, [bug])) for bug in bugs(right)}
    assert len(texts) == len(bugs(right))
    assert ast.unparse(ast.parse(right)) not in texts
    assert ast.unparse(with_bugs(right, [])) == ast.unparse(ast.parse(right))


def test_an_exception_of_a_bug_is_an_outcome() -> None:
    right = "def f(v):\n    return [v[i + 1] for i in range(len(v) - 1)]"
    worse = next(bug for bug in bugs(right) if outputs(with_bugs(right, [bug]), [[1, 2]]) == ["IndexError"])
    assert isinstance(worse, Bug)


@pytest.fixture(scope="module")
def code() -> Iterator[CodeVerifier]:
    verifier = CodeVerifier(CodeSettings(sandbox="process", timeout=10))
    verifier.warm()
    yield verifier
    verifier.close()


def test_the_verifier_refuses_the_program_with_its_bug(code: CodeVerifier) -> None:
    for problem in first(8):
        reference = CodeReference.model_validate(problem.reference)
        assert code.verify(Asked(reference, broken_of(problem))).outcome == "rejected"
        assert code.verify(Asked(reference, f"```python\n{problem.solution}\n```")).outcome == "accepted"


def test_bugs_that_other_inputs_show_hardly_ever_hide_from_the_tests() -> None:
    """An audit found tests that told `x > 4` from `x >= 4` in one case of three."""
    random = Random("other inputs")
    shown = hidden = 0
    for problem in first(60):
        others = [[random.randint(-9, 20) for _ in range(random.randint(1, 10))] for _ in range(100)]
        right = with_bugs(problem.solution, [])
        for bug in bugs(problem.solution):
            broken = with_bugs(problem.solution, [bug])
            if outputs(broken, others) != outputs(right, others):
                shown += 1
                hidden += not failures(ast.unparse(broken), problem.reference["tests"])
    assert shown > 500
    assert hidden < shown / 50
