"""High-precision values of trees at points, to refute equality. Agreement here proves nothing.

Each value is computed at 110 and at 150 digits; their gap is taken as the error, and values differ only when they lie a
million errors apart. Odd roots of negative numbers are the real ones; everything else is the principal branch.
Functions without a meaning (`f(x)`) get values hashed from name and arguments.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any

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
    names,
    walk,
)
from selfplay.verifiers.math.rational import rational

LOW, HIGH = 110, 150
POINTS = 6
MOST_TERMS = 300
MOST_TERMS_TOGETHER = 3_000
"""Terms of all sums in one evaluation, those inside others counted each time."""
LARGEST_EXPONENT = 10**5
"""Decimal exponent past which a value counts as too large."""
INTEGER_NAMES_IN = frozenset({"factorial", "binomial", "gcd", "lcm"})


class Undefined(Exception):
    """No value at this point."""


class Unsupported(Undefined):
    """A construct that is not evaluated here (an integral, infinity, a greatest common divisor)."""


_local = threading.local()


def _context(digits: int) -> Any:
    # mpmath's own global context is shared by all threads; each thread here has its own
    contexts: dict[int, Any] = _local.__dict__.setdefault("contexts", {})
    if digits not in contexts:
        import mpmath  # type: ignore[import-untyped]

        contexts[digits] = mpmath.MPContext()
        contexts[digits].dps = digits
    return contexts[digits]


def values(node: Node, point: Mapping[str, Fraction]) -> tuple[Any, Any]:
    """The value at 150 digits and a bound on its error, both as mpmath numbers.

    Raises:
        Undefined: no value. TooLarge: a magnitude beyond 10^100000.
    """
    low = _Evaluation(LOW).value(node, point)
    context = _context(HIGH)
    high = context.convert(_Evaluation(HIGH).value(node, point))
    return high, abs(high - context.convert(low)) + abs(high) * context.mpf(10) ** (5 - LOW)


def differ(left: Node, right: Node, point: Mapping[str, Fraction]) -> bool:
    """Whether the two have clearly different values at the point. Raises Undefined or TooLarge."""
    (a, a_error), (b, b_error) = values(left, point), values(right, point)
    return bool(abs(a - b) > 10**6 * (a_error + b_error) + _context(HIGH).mpf(10) ** -140)


def points(*nodes: Node) -> Iterator[dict[str, Fraction]]:
    """Deterministic points for all free symbols: first positive, then of both signs."""
    symbols = sorted(frozenset().union(*(names(node) for node in nodes)))
    whole = integer_names(*nodes)
    for number in range(POINTS if symbols else 1):
        point = {}
        for place, symbol in enumerate(symbols):
            seed = int.from_bytes(hashlib.sha256(f"{symbol}/{number}".encode()).digest()[:6], "big")
            if symbol in whole:
                point[symbol] = Fraction(2 + (seed + place) % 6)
            else:
                size = Fraction(100 + seed % 2900, 701)
                point[symbol] = -size if number >= POINTS // 2 and (seed >> 20) % 2 else size
        if number == POINTS - 1:
            point = {symbol: value if symbol in whole else -abs(value) for symbol, value in point.items()}
        yield point


def integer_names(*nodes: Node) -> frozenset[str]:
    """Symbols that only make sense as whole numbers: bounds of sums, arguments of factorials, indices."""
    found: frozenset[str] = frozenset()
    for node in nodes:
        for part in walk(node):
            if isinstance(part, Series) and part.kind != "int":
                found |= names(part.low) | names(part.high)
            elif isinstance(part, Call) and (part.name in INTEGER_NAMES_IN or part.name.endswith("_")):
                found |= names(part)
    return found


class _Evaluation:
    def __init__(self, digits: int) -> None:
        self._mp = _context(digits)
        self._terms = 0

    def value(self, node: Node, at: Mapping[str, Any]) -> Any:
        value = self._value(node, at)
        if self._mp.isinf(value) or self._mp.isnan(value):
            raise Undefined
        if value and abs(self._mp.mag(value)) > LARGEST_EXPONENT * 4:
            raise TooLarge(f"a value beyond 10^{LARGEST_EXPONENT}")
        return value

    def _value(self, node: Node, at: Mapping[str, Any]) -> Any:
        mp = self._mp
        match node:
            case Number(value):
                return mp.mpf(value.numerator) / value.denominator
            case Name(name):
                return self._name(name, at)
            case Add(terms):
                return mp.fsum(self.value(term, at) for term in terms)
            case Mul(factors):
                return mp.fprod(self.value(factor, at) for factor in factors)
            case Div(top, bottom):
                below = self.value(bottom, at)
                if not below:
                    raise Undefined
                return self.value(top, at) / below
            case Pow(base, exponent):
                return self._power(base, exponent, at)
            case Call(name, arguments):
                return self._call(name, [self.value(argument, at) for argument in arguments])
            case Series():
                return self._series(node, at)
            case _:
                raise Unsupported

    def _name(self, name: str, at: Mapping[str, Any]) -> Any:
        mp = self._mp
        if name in at:
            value = at[name]
            return mp.mpf(value.numerator) / value.denominator if isinstance(value, Fraction) else value
        constants = {"pi": +mp.pi, "e": +mp.e, "i": mp.mpc(0, 1)}
        if name not in constants:
            raise Unsupported
        return constants[name]

    def _power(self, base_node: Node, exponent_node: Node, at: Mapping[str, Any]) -> Any:
        mp = self._mp
        base, exponent = self.value(base_node, at), self.value(exponent_node, at)
        if not base:
            if mp.re(exponent) <= 0:
                raise Undefined
            return base
        if abs(mp.log(abs(base)) * abs(exponent)) > LARGEST_EXPONENT * 2.302585 and abs(base) != 1:
            raise TooLarge(f"a power beyond 10^{LARGEST_EXPONENT}")
        degree = _odd_degree(exponent_node)
        if degree is not None and isinstance(base, mp.mpf) and base < 0:
            top, bottom = degree
            return (-mp.root(-base, bottom)) ** top
        return mp.power(base, exponent)

    def _call(self, name: str, values: list[Any]) -> Any:
        mp = self._mp
        if name.endswith(("_", "()")) or name == "angle":
            text = name + ",".join(mp.nstr(value, 30) for value in values)
            seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:6], "big")
            return mp.mpf(1) + mp.mpf(seed) / 2**47
        value = values[-1] if values else mp.mpf(0)
        if name in ("sin", "cos", "tan", "sec", "csc", "cot") and value and mp.mag(value) > 300:
            raise TooLarge("a trigonometric function of a huge number")
        if name in ("sinh", "cosh", "tanh", "coth") and abs(value) > LARGEST_EXPONENT:
            raise TooLarge("a hyperbolic function of a huge number")
        if name in ("factorial", "binomial") and any(abs(each) > 10**5 for each in values):
            raise TooLarge(f"a {name} of a huge number")
        try:
            return self._known(name, values)
        except (ValueError, ZeroDivisionError, TypeError):
            # mpmath says so of poles, branch points and complex numbers where only real ones are ordered
            raise Undefined from None

    def _known(self, name: str, values: list[Any]) -> Any:
        mp = self._mp
        match name, values:
            case "root", [degree, value]:
                if degree == int(degree) and int(degree) % 2 and isinstance(value, mp.mpf) and value < 0:
                    return -mp.root(-value, int(degree))
                return mp.power(value, 1 / degree) if value else value
            case "log_base", [base, value]:
                return mp.log(value) / mp.log(base)
            case "abs", [value]:
                return abs(value)
            case "conjugate", [value]:
                return mp.conj(value)
            case "min" | "max", _:
                return min(values) if name == "min" else max(values)
            case "sgn", [value]:
                return mp.sign(value)
            case "binomial", [top, bottom]:
                return mp.binomial(top, bottom)
            case _, [value] if name in FUNCTION_NAMES:
                return getattr(mp, FUNCTION_NAMES[name])(value)
            case _:
                raise Unsupported

    def _series(self, node: Series, at: Mapping[str, Any]) -> Any:
        if node.kind == "int":
            raise Unsupported
        mp = self._mp
        low, high = self.value(node.low, at), self.value(node.high, at)
        if low != int(low) or high != int(high) or high - low > MOST_TERMS:
            raise Unsupported
        self._terms += max(0, int(high - low) + 1)
        if self._terms > MOST_TERMS_TOGETHER:
            raise TooLarge(f"sums of more than {MOST_TERMS_TOGETHER} terms together")
        terms = [
            self.value(node.body, {**at, node.variable: Fraction(index)}) for index in range(int(low), int(high) + 1)
        ]
        return mp.fsum(terms) if node.kind == "sum" else mp.fprod(terms)


FUNCTION_NAMES = {
    "sin": "sin", "cos": "cos", "tan": "tan", "sec": "sec", "csc": "csc", "cot": "cot", "arcsin": "asin",
    "arccos": "acos", "arctan": "atan", "sinh": "sinh", "cosh": "cosh", "tanh": "tanh", "coth": "coth", "ln": "log",
    "floor": "floor", "ceil": "ceil", "factorial": "factorial",
}  # fmt: skip
"""What mpmath calls a function of one argument."""


def _odd_degree(exponent: Node) -> tuple[int, int] | None:
    """(p, q) of an exponent p/q with odd q > 1, else None."""
    value = rational(exponent)
    if value is None or value.denominator == 1 or value.denominator % 2 == 0 or value.denominator > 1000:
        return None
    return value.numerator, value.denominator
