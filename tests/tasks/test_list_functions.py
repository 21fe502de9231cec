"""List functions: the tests' meaning, the writings, twins, and the code verifier's view of them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

import pytest

from selfplay.tasks.list_functions import LEAST_RESULT, ListFunctions
from selfplay.verifiers.code.reference import CodeReference
from selfplay.verifiers.code.verifier import CodeSettings, CodeVerifier
from selfplay.verifiers.contract.verifier import Asked


def first(count: int, seed: int = 0, **settings: Any) -> list[Any]:
    return list(islice(ListFunctions(**settings).problems("train", seed), count))


def cases(problem: Any) -> list[tuple[list[int], list[int]]]:
    """(input, expected) of each test, read as literals."""
    read = []
    for test in problem.reference["tests"]:
        given, wanted = test.removeprefix("assert f(").split(") == ")
        read.append((ast.literal_eval(given), ast.literal_eval(wanted)))
    return read


def by_the_prompt(prompt: str, values: list[int]) -> list[int]:
    """The answer by the words of the question, written apart from the generator."""
    addition, *steps = prompt.strip().removeprefix("add ").split(", ")
    result = [value + sum(map(int, addition.split("+"))) for value in values]
    for step in steps:
        operation, _, k = step.partition(" ")
        if operation == "reverse":
            result = list(reversed(result))
        else:
            kept = {"drop": lambda i, k: i >= k, "take": lambda i, k: i < k, "every": lambda i, k: i % k == 0}
            result = [value for i, value in enumerate(result) if kept[operation](i, int(k))]
    return result


@pytest.fixture(scope="module")
def code() -> Iterator[CodeVerifier]:
    verifier = CodeVerifier(CodeSettings(sandbox="process", timeout=10))
    verifier.warm()
    yield verifier
    verifier.close()


@pytest.mark.parametrize("settings", [{}, {"addends": 3, "smallest": 1, "largest": 9, "operations": 2}])
def test_expected_values_follow_from_the_words(settings: dict[str, int]) -> None:
    for problem in first(200, **settings):
        read = cases(problem)
        assert len(read) == 3
        assert len(read[0][1]) >= LEAST_RESULT
        assert all(by_the_prompt(problem.prompt, given) == wanted for given, wanted in read)


def test_every_worked_solution_passes_its_tests() -> None:
    for problem in first(300):
        scope: dict[str, Any] = {}
        exec(problem.solution, scope)  # written by our own generator
        for test in problem.reference["tests"]:
            exec(test, scope)


def test_several_writings_are_right_and_a_wrong_sum_is_not(code: CodeVerifier) -> None:
    for problem in first(6):
        reference = CodeReference.model_validate(problem.reference)
        a, b = map(int, re.findall(r"\d+", problem.prompt)[:2])
        slices = problem.solution[problem.solution.index(" in v]") + len(" in v]") :]
        right = [
            problem.solution,
            f"def f(v): return [x+{a + b} for x in v]{slices}",
            f"def f(v): return [x+{b}+{a} for x in v]{slices}",
            f"def f(v): return [x+{a}+{b} for x in v{slices}]",
            f"f = lambda v: [{a + b} + x for x in v{slices}]",
        ]
        for completion in right:
            verdict = code.verify(Asked(reference, completion))
            assert verdict.outcome == "accepted", (completion, verdict)
        for completion in (f"def f(v): return [x+{a + b + 1} for x in v]{slices}", "def f(v): return v", "def f(v):"):
            assert code.verify(Asked(reference, completion)).outcome == "rejected", completion


def test_the_tests_tell_the_operations_apart() -> None:
    """No operation's expected values fit another operation with the same addends."""
    for problem in first(60):
        words = problem.prompt.strip().split(", ")
        others = ["reverse", *(f"{name} {k}" for name in ("drop", "take", "every") for k in range(2, 10))]
        for other in others:
            if other != words[1]:
                prompt = f"{words[0]}, {other}"
                assert any(by_the_prompt(prompt, given) != wanted for given, wanted in cases(problem)), prompt


def test_a_share_of_the_solutions_folds_the_addends() -> None:
    def folded(**settings: Any) -> float:
        return sum(re.search(r"x\+\d+ for", p.solution) is not None for p in first(600, **settings)) / 600

    assert 0.45 < folded(folded=0.55) < 0.65
    assert folded(folded=0) == 0
    assert folded(folded=1) == 1


def test_addends_in_another_order_are_one_problem() -> None:
    keys: dict[str, set[str]] = {}
    for problem in (ListFunctions(smallest=10, largest=11).problem(0, index) for index in range(3000)):
        keys.setdefault(problem.twin_key, set()).add(problem.prompt)
    assert len(keys) == 75  # 3 pairs of addends, 25 operations
    for prompts in keys.values():
        assert {re.sub(r"(\d+)\+(\d+)", r"\2+\1", prompt) for prompt in prompts} == prompts


def test_no_question_has_a_nearly_empty_result() -> None:
    for problem in first(300, operations=3):
        assert len(cases(problem)[0][1]) >= LEAST_RESULT
