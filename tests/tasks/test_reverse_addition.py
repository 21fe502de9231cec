"""Addition in reverse: the digits, a zero in front, longer problems held out, and twins."""

from __future__ import annotations

from itertools import islice
from typing import Any

from selfplay import verifiers
from selfplay.tasks.reverse_addition import ReverseAddition


def first(count: int, split: Any = "train", **settings: Any) -> list[Any]:
    return list(islice(ReverseAddition(**settings).problems(split, 0), count))


def operands(problem: Any) -> list[str]:
    return list(problem.prompt.removesuffix("=").split("+"))


def test_the_answer_reads_backwards() -> None:
    for problem in first(300, digits=6):
        left, right = operands(problem)
        assert int(problem.solution[::-1]) == int(left) + int(right)
        assert problem.solution[-1] != "0" or problem.solution == "0"


def test_a_zero_in_front_counts() -> None:
    exact = verifiers.load("exact")
    ends_in_zero = [p for p in first(300) if p.solution.startswith("0") and len(p.solution) > 1]
    assert ends_in_zero
    for problem in ends_in_zero:
        assert exact.verify(problem.reference, problem.solution).outcome == "accepted"
        assert exact.verify(problem.reference, problem.solution.lstrip("0")).outcome == "rejected"


def test_longer_problems_can_be_held_out() -> None:
    lengths = {len(n) for problem in first(200, digits=3, evaluate_digits=5) for n in operands(problem)}
    assert lengths == {1, 2, 3}
    held_out = first(100, "evaluate", digits=3, evaluate_digits=5)
    assert {len(n) for problem in held_out for n in operands(problem)} == {5}
    assert {problem.difficulty for problem in held_out} == {5}


def test_swapped_operands_are_one_problem() -> None:
    keys = {ReverseAddition(digits=1).problem(0, index).twin_key for index in range(2000)}
    assert len(keys) == 55
