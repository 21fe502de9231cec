"""Fraction sums: the arithmetic, the many equal forms, and twins."""

from __future__ import annotations

import re
from fractions import Fraction
from itertools import islice
from typing import Any

import pytest

from selfplay import verifiers
from selfplay.tasks.fractions import Fractions


def first(count: int, **settings: Any) -> list[Any]:
    return list(islice(Fractions(**settings).problems("train", 0), count))


def value(text: str) -> Fraction:
    """The sum of terms such as `-3/4`, read apart from the generator."""
    return sum(
        (Fraction(int(sign + top), int(bottom or 1)) for sign, top, bottom in re.findall(r"([+-]?)(\d+)/?(\d*)", text)),
        Fraction(0),
    )


@pytest.mark.parametrize("terms", [2, 3, 6])
def test_reference_and_solution_are_the_sum(terms: int) -> None:
    for problem in first(150, terms=terms):
        assert problem.prompt.count("/") == terms
        assert value(problem.prompt.removesuffix("=")) == value(problem.reference["answer"]) == value(problem.solution)


def test_every_equal_form_is_accepted_and_no_other_value() -> None:
    math = verifiers.load("math")
    for problem in first(40):
        total = value(problem.reference["answer"])
        top, bottom = total.numerator, total.denominator
        for right in (f"{3 * top}/{3 * bottom}", rf"\frac{{{top}}}{{{bottom}}}"):
            assert math.verify(problem.reference, right).outcome == "accepted", (problem, right)
        for wrong in (f"{top + 1}/{bottom}", f"{top}/{bottom + 1}" if top else "1", problem.prompt.removesuffix("=")):
            assert math.verify(problem.reference, wrong).outcome == "rejected", (problem, wrong)


def test_a_share_of_the_solutions_is_reduced() -> None:
    differ = sum(p.solution != p.reference["answer"] for p in first(400, reduced=0)) / 400
    assert differ > 0.5
    assert all(p.solution == p.reference["answer"] for p in first(100, reduced=1))


def test_order_and_writing_make_no_other_problem() -> None:
    keys: dict[str, set[Fraction]] = {}
    prompts = set()
    for problem in (Fractions(largest=4, subtraction=False).problem(0, index) for index in range(800)):
        keys.setdefault(problem.twin_key, set()).add(value(problem.prompt.removesuffix("=")))
        prompts.add(problem.prompt)
    assert all(len(values) == 1 for values in keys.values())
    assert {"1/2+3/4=", "3/4+1/2=", "2/4+3/4="} <= prompts
    assert len(keys) == 45  # 9 values from 1/4 to 4/2, 9*10/2 pairs
