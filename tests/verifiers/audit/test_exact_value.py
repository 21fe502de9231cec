"""Values of short answers are exact, and only proved differences count as differences."""

from __future__ import annotations

from fractions import Fraction

import pytest

from selfplay.verifiers.audit.exact_value import certainly_differ, value


@pytest.mark.parametrize(
    ("first", "second", "differ"),
    [
        ("7x^2+7x+8", "8+7x+7x^2", False),
        ("7x^2+8", "7x^2+9", True),
        ("0", "-0", False),
        (r"\frac{1}{2}", "0.5", False),
        ("1,200", "1200", False),
        ("2(x+1)", "2x+2", False),
        ("blue", "red", None),
        ("x^(2", "x", None),
        ("1/0", "1", None),
        ("2^100000", "1", None),
    ],
)
def test_values_that_differ_are_proved_to(first: str, second: str, differ: bool | None) -> None:
    assert certainly_differ(first, second) is differ


def test_values_are_exact() -> None:
    assert value("-2^2+3*(1-0.5)/6", 0) == Fraction(-15, 4)
    assert value("6/2*3", 0) == 9
