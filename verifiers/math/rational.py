"""Exact rational values of trees, also of definite integrals of polynomials; most answers are rational.

Every magnitude is bounded before it is computed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction

from selfplay.verifiers.math.expression import (
    Add,
    Call,
    Div,
    Mul,
    Name,
    Node,
    Number,
    Pow,
    Series,
    TooLarge,
    digits,
    names,
)

MOST_DIGITS = 20_000
LARGEST_FACTORIAL = 5_000
MOST_TERMS = 2_000
MOST_TERMS_TOGETHER = 20_000
"""Terms of all sums in one evaluation, those inside others counted each time."""
MOST_WORK = 2_000_000
"""Digits computed with in one evaluation, all steps together."""


class NotRational(Exception):
    """The value is not rational, or is not found to be by arithmetic alone."""


def rational(node: Node, at: Mapping[str, Fraction] | None = None) -> Fraction | None:
    """The exact value, or None where it is irrational, undefined or has free symbols.

    Args:
        at: values for free symbols.

    Raises:
        TooLarge: numerator or denominator would pass 20,000 digits, or the arithmetic as a whole its bound.
    """
    try:
        return _Evaluation().value(node, at or {})
    except (NotRational, ZeroDivisionError):
        return None


class _Evaluation:
    """One evaluation, which also counts the digits it has computed with."""

    def __init__(self) -> None:
        self._work = 0
        self._terms = 0

    def value(self, node: Node, at: Mapping[str, Fraction]) -> Fraction:
        match node:
            case Number(value):
                return value
            case Name(name):
                if name in at:
                    return at[name]
                raise NotRational
            case Add(terms):
                total = Fraction(0)
                for term in terms:
                    total = self._bounded(total + self.value(term, at))
                return total
            case Mul(factors):
                product = Fraction(1)
                for factor in factors:
                    product = self._bounded(product * self.value(factor, at))
                return product
            case Div(top, bottom):
                return self._bounded(self.value(top, at) / self.value(bottom, at))
            case Pow(base, exponent):
                return self._bounded(power(self.value(base, at), self.value(exponent, at)))
            case Call(name, arguments):
                return self._bounded(_call(name, [self.value(argument, at) for argument in arguments]))
            case Series():
                return self._series(node, self.value(node.low, at), self.value(node.high, at), at)
            case _:
                raise NotRational

    def _bounded(self, value: Fraction) -> Fraction:
        size = digits(value)
        self._work += size
        if size > MOST_DIGITS or self._work > MOST_WORK:
            raise TooLarge(f"a number of {size} digits")
        return value

    def _series(self, node: Series, low: Fraction, high: Fraction, at: Mapping[str, Fraction]) -> Fraction:
        def body(place: Fraction) -> Fraction:
            return self.value(node.body, {**at, node.variable: place})

        if node.kind == "int":
            size = degree(node.body)
            if size is None or size > MOST_INTEGRATED or max(digits(low), digits(high)) > 100:
                raise NotRational
            return self._bounded(integral(body, size, low, high))
        if low.denominator != 1 or high.denominator != 1 or high - low > MOST_TERMS:
            raise NotRational
        self._terms += max(0, int(high - low) + 1)
        if self._terms > MOST_TERMS_TOGETHER:
            raise TooLarge(f"sums of more than {MOST_TERMS_TOGETHER} terms together")
        total = Fraction(0 if node.kind == "sum" else 1)
        for index in range(low.numerator, high.numerator + 1):
            term = body(Fraction(index))
            total = self._bounded(total + term if node.kind == "sum" else total * term)
        return total


def power(base: Fraction, exponent: Fraction) -> Fraction:
    """base**exponent where that is rational. 0**0 is left undefined."""
    if exponent.denominator != 1:
        return power(root(base, exponent.denominator), Fraction(exponent.numerator))
    if base == 0 and exponent <= 0:
        raise NotRational
    if base in (0, 1):
        return base
    if base == -1:
        return Fraction(-1 if exponent.numerator % 2 else 1)
    # a number of b bits is at least 2**(b-1)
    bits = max(abs(base.numerator).bit_length(), base.denominator.bit_length()) - 1
    size = abs(exponent.numerator) * bits * 30103 // 100000
    if size > MOST_DIGITS:
        raise TooLarge(f"a power of about {_shown(size)} digits")
    return Fraction(base**exponent.numerator)


def root(value: Fraction, degree: int) -> Fraction:
    """The real root where it is rational; of a negative number only for an odd degree."""
    if value < 0:
        if degree % 2 == 0:
            raise NotRational
        return -root(-value, degree)
    return Fraction(_integer_root(value.numerator, degree), _integer_root(value.denominator, degree))


def _integer_root(value: int, degree: int) -> int:
    if degree == 2:
        found = math.isqrt(value)
    elif value < 2:
        found = value
    elif degree > value.bit_length():
        raise NotRational
    else:
        low, high = 1, 1 << (value.bit_length() // degree + 1)
        while low < high:
            middle = (low + high + 1) // 2
            low, high = (middle, high) if middle**degree <= value else (low, middle - 1)
        found = low
    if found**degree != value:
        raise NotRational
    return found


def _call(name: str, values: list[Fraction]) -> Fraction:
    match name, values:
        case "abs", [value]:
            return abs(value)
        case "floor", [value]:
            return Fraction(math.floor(value))
        case "ceil", [value]:
            return Fraction(math.ceil(value))
        case "root", [degree, value] if degree.denominator == 1 and 0 < degree <= 1000:
            return root(value, degree.numerator)
        case "factorial" | "double_factorial", [value] if value.denominator == 1 and value >= 0:
            if value > LARGEST_FACTORIAL:
                raise TooLarge(f"the {name.replace('_', ' ')} of {_shown(value.numerator)}")
            single = name == "factorial"
            return Fraction(math.factorial(value.numerator) if single else math.prod(range(value.numerator, 0, -2)))
        case "mod", [value, modulus] if modulus > 0:
            return value - modulus * math.floor(value / modulus)
        case "conjugate", [value]:
            return value
        case "binomial", [top, bottom] if top.denominator == bottom.denominator == 1 and top >= 0:
            if top > 10**6 or min(abs(bottom), abs(top - bottom)) > 2_000:
                raise TooLarge("a binomial coefficient of large numbers")
            return Fraction(math.comb(top.numerator, bottom.numerator) if bottom >= 0 else 0)
        case "gcd" | "lcm", [_, *_] if all(value.denominator == 1 for value in values):
            combine = math.gcd if name == "gcd" else math.lcm
            return Fraction(combine(*(value.numerator for value in values)))
        case "min" | "max", [_, *_]:
            return min(values) if name == "min" else max(values)
        case _:
            raise NotRational


def _shown(value: int) -> str:
    return str(value) if abs(value) < 10**15 else f"10^{value.bit_length() * 30103 // 100000}"


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
    terms = ((high**power - low**power) * factor / power for power, factor in enumerate(coefficients, 1))
    return sum(terms, Fraction(0))
