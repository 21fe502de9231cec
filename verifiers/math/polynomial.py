"""Polynomials as trees: a bound on the degree, and the exact integral of one in one variable."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from selfplay.verifiers.math.tree import Add, Div, Mul, Name, Node, Number, Pow, names

MOST_INTEGRATED = 30
"""Degree up to which an integral is computed."""


def degree(node: Node) -> int | None:
    """A bound on the degree as a polynomial in all its symbols; None where it may be none."""
    if not names(node):
        return 0
    match node:
        case Name():
            return 1
        case Add(terms):
            return _combined([degree(term) for term in terms], max)
        case Mul(factors):
            return _combined([degree(factor) for factor in factors], sum)
        case Div(top, bottom) if not names(bottom):
            return degree(top)
        case Pow(base, Number(value)) if value.denominator == 1 and 0 <= value <= 100:
            inner = degree(base)
            return None if inner is None else inner * value.numerator
        case _:
            return None


def _combined(parts: list[int | None], how: Callable[[list[int]], int]) -> int | None:
    known = [part for part in parts if part is not None]
    return how(known) if len(known) == len(parts) else None


def integral(value: Callable[[Fraction], Fraction], size: int, low: Fraction, high: Fraction) -> Fraction:
    """The integral of a polynomial of at most degree `size`, from its values (Newton's divided differences)."""
    places = [Fraction(place) for place in range(size + 1)]
    differences = [value(place) for place in places]
    for order in range(1, size + 1):
        for at in range(size, order - 1, -1):
            differences[at] = (differences[at] - differences[at - 1]) / (places[at] - places[at - order])
    coefficients = [Fraction(0)]
    for place, difference in zip(reversed(places), reversed(differences), strict=True):
        shifted = [Fraction(0), *coefficients]
        coefficients = [a - place * b for a, b in zip(shifted, [*coefficients, Fraction(0)], strict=True)]
        coefficients[0] += difference
    return sum(
        (
            (high ** (power + 1) - low ** (power + 1)) * factor / (power + 1)
            for power, factor in enumerate(coefficients)
        ),
        Fraction(0),
    )
