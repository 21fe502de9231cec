"""Expressions that make a number: solvable, whole on the way, and other solutions than the worked one are right."""

from __future__ import annotations

import re
from itertools import islice, permutations, product
from typing import Any

import pytest

from selfplay import verifiers
from selfplay.tasks import SourceError, load_source
from selfplay.tasks.countdown import Countdown


def first(count: int, **settings: Any) -> list[Any]:
    return list(islice(Countdown(**settings).problems("train", 0), count))


@pytest.mark.parametrize("numbers", [2, 4, 7])
def test_the_solution_uses_the_numbers_and_makes_the_target(numbers: int) -> None:
    for problem in first(150, numbers=numbers, largest=50, largest_target=999):
        assert sorted(map(int, re.findall(r"\d+", problem.solution))) == sorted(problem.reference["numbers"])
        assert eval(problem.solution) == problem.reference["target"]  # written by our own generator
        assert 0 < problem.reference["target"] <= 999
        assert problem.reference["target"] not in problem.reference["numbers"]
        asked = [int(n) for n in re.findall(r"\d+", problem.prompt)]
        assert asked == [problem.reference["target"], *problem.reference["numbers"]]


def test_many_solutions_are_right() -> None:
    """Every way to write two operations between the numbers is judged as its value says."""
    judge = verifiers.load("makes_number")
    more_than_one = 0
    for problem in first(12, largest=9):
        right = 0
        for numbers in permutations(problem.reference["numbers"]):
            for one, two in product("+-*/", repeat=2):
                a, b, c = numbers
                for text in (f"({a}{one}{b}){two}{c}", f"{a}{one}({b}{two}{c})"):
                    try:
                        makes = eval(text) == problem.reference["target"]  # written here
                    except ZeroDivisionError:
                        makes = False
                    accepted = judge.verify(problem.reference, text).outcome == "accepted"
                    # floats may miss what exact fractions hit, never the other way round
                    assert accepted or not makes, text
                    assert not accepted or abs(eval(text) - problem.reference["target"]) < 1e-9
                    right += accepted
        assert right
        more_than_one += right > 2
    assert more_than_one > 6


def test_numbers_in_another_order_are_one_problem() -> None:
    keys: dict[str, set[str]] = {}
    for problem in (Countdown(numbers=2, largest=4).problem(0, index) for index in range(500)):
        keys.setdefault(problem.twin_key, set()).add(problem.prompt)
    assert max(map(len, keys.values())) == 2


def test_a_target_that_is_hardly_ever_made_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("selfplay.tasks.countdown.MOST_TRIES", 3)
    source: Any = load_source("countdown", {"numbers": 8, "smallest": 900, "largest": 999, "largest_target": 2})
    with pytest.raises(SourceError, match=r"made no number up to 2 of 8 numbers .*raise `largest_target`"):
        source.problem(0, 0)
