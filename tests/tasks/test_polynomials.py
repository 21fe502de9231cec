"""Polynomial sums: the algebra, the writings, twins, and the math verifier's view of gold and wrong answers."""

from __future__ import annotations

import re
from itertools import islice
from typing import Any

import pytest

from selfplay import verifiers
from selfplay.tasks.polynomials import Polynomials


def first(count: int, seed: int = 0, **settings: Any) -> list[Any]:
    return list(islice(Polynomials(**settings).problems("train", seed), count))


def value(text: str, x: int) -> int:
    """The value of a sum of terms such as `3x^2`, `x` or `5`."""
    total = 0
    for sign, factor, variable, power in re.findall(r"([+-]?)(\d*)(x?)\^?(\d*)", text.strip("()")):
        if factor or variable:
            term = int(factor or 1) * (x ** int(power or 1) if variable else 1)
            total += -term if sign == "-" else term
    return total


@pytest.fixture(scope="module")
def math() -> verifiers.LoadedVerifier:
    return verifiers.load("math", {"answer": "whole"})


@pytest.mark.parametrize("degree", [1, 2, 4])
@pytest.mark.parametrize("smallest", [1, 2])
def test_solution_and_reference_are_the_sum(degree: int, smallest: int) -> None:
    for problem in first(100, degree=degree, smallest=smallest):
        left, right = problem.prompt.removesuffix("=").split(")+(")
        for x in range(degree + 2):  # more points than the degree: equal there is equal everywhere
            wanted = value(left, x) + value(right, x)
            assert value(problem.reference["answer"], x) == wanted
            assert value(problem.solution, x) == wanted


def test_the_verifier_accepts_every_worked_solution_and_no_near_miss(math: verifiers.LoadedVerifier) -> None:
    for problem in first(150, rising=0.5):
        assert math.verify(problem.reference, problem.solution).outcome == "accepted", problem
        constant = re.search(r"(?<!\^)(?<![\dx^])(\d+)(?!\d*x)", problem.solution)
        assert constant is not None
        start, end = constant.span()
        wrong = f"{problem.solution[:start]}{int(constant[0]) + 1}{problem.solution[end:]}"
        assert math.verify(problem.reference, wrong).outcome == "rejected", wrong


def test_repeating_the_question_is_refused(math: verifiers.LoadedVerifier) -> None:
    for problem in first(50):
        echo = problem.prompt.removesuffix("=")
        for answer in (echo, echo.replace("(", "").replace(")", "")):
            assert math.verify(problem.reference, answer).outcome == "rejected", answer


def test_right_answers_need_algebra_because_terms_may_be_reordered() -> None:
    differ = sum(p.solution != p.reference["answer"] for p in first(600, rising=0.3)) / 600
    assert 0.2 < differ < 0.4
    assert all(p.solution == p.reference["answer"] for p in first(50, rising=0))
    assert all(p.solution[0].isdigit() and p.solution.endswith("x^2") for p in first(50, rising=1))


def test_swapped_operands_are_one_problem() -> None:
    keys: dict[str, set[str]] = {}
    for problem in (Polynomials(degree=1, smallest=2, largest=3).problem(0, index) for index in range(500)):
        keys.setdefault(problem.twin_key, set()).add(problem.prompt)
    assert len(keys) == 10  # 4 polynomials: 4*5/2 unordered pairs
    for prompts in keys.values():
        swapped = {re.sub(r"\((.*)\)\+\((.*)\)=", r"(\2)+(\1)=", prompt) for prompt in prompts}
        assert swapped == prompts


def test_difficulty_counts_two_digit_sums() -> None:
    for problem in first(100):
        assert problem.difficulty == sum(int(c) > 9 for c in re.findall(r"(?<!\^)\b\d+", problem.reference["answer"]))
