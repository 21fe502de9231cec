"""Symbolic proof of identities with sympy. sympy is handed objects that we build, never text.

Numbers have at most 20,000 digits before sympy sees them, powers that would expand into too many terms are refused, and
a proof may make so many Python calls: counting calls, not seconds, gives the same verdict on a busy machine.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from functools import cache
from types import FrameType
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
from selfplay.verifiers.math.numeric import FUNCTION_NAMES, integer_names
from selfplay.verifiers.math.rational import rational

MOST_CALLS = 1_500_000
_COMPLEX_NAMES = frozenset({"z", "w", "omega"})
"""Symbols that stand for complex numbers by custom; any other stands for a real one."""
MOST_EXPANDED = 5_000
"""Terms that expanding a power may give."""


class _Spent(BaseException):
    """The budget of calls is spent. Not an Exception, so that nothing inside sympy catches it."""


_lock = threading.RLock()


@contextmanager
def _budget(calls: int) -> Iterator[None]:
    left = calls

    def count(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise _Spent

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        yield
    finally:
        sys.setprofile(before)


@cache
def warm() -> None:
    """Import what sympy imports late and run one proof of each kind, outside any budget.

    Without this the first proof of a process would pay for the imports, and could fail where a later one succeeds.
    """
    x, two = Name("x"), Number(Fraction(2))
    square = Pow(x, two)
    for left, right in (
        (square, x),
        (Call("sin", (x,)), Call("cos", (x,))),
        (Call("ln", (x,)), Call("ln", (square,))),
        (Call("root", (two, square)), Call("abs", (x,))),
        (Call("root", (two, two)), Call("root", (two, Number(Fraction(3))))),
        (Call("factorial", (Name("n"),)), Name("n")),
        (Pow(Name("e"), Mul((Name("i"), Name("pi"), Number(Fraction(1, 5))))), Name("i")),
        (Series("sum", Name("k"), "k", Number(Fraction(1)), Name("n")), Name("n")),
    ):
        with _giving_up(), _lock:
            _prove(left, right)


@contextmanager
def _giving_up() -> Iterator[None]:
    """sympy gives up in many ways; for us each of them is "no proof found"."""
    with suppress(
        NotImplementedError, RecursionError, ArithmeticError, TypeError, ValueError, AttributeError, KeyError
    ):
        yield


def prove_equal(left: Node, right: Node) -> bool:
    """Whether left - right is proved to be identically zero. False says only that no proof was found.

    Raises:
        TooLarge: a number or power past the bounds.
    """
    warm()
    # sympy's caches are shared; two threads in them at once have been seen to disturb each other
    with _lock, _giving_up():
        try:
            with _budget(MOST_CALLS):
                return _prove(left, right)
        except _Spent:
            from sympy.core.cache import clear_cache

            # an interrupted question about an object may be remembered as unanswerable
            clear_cache()
    return False


def _prove(left: Node, right: Node) -> bool:
    import sympy

    whole = integer_names(left, right)
    if _vanishes(sympy, _Builder(sympy, whole), left, right):
        return True
    symbols = names(left) | names(right)
    called = {part.name for node in (left, right) for part in walk(node) if isinstance(part, Call)}
    # the root of a square and its like are simpler over the reals
    if symbols and not symbols & _COMPLEX_NAMES and called & {"root", "abs", "sgn"}:
        return _vanishes(sympy, _Builder(sympy, whole, real=True), left, right)
    return False


def _vanishes(sympy: Any, build: _Builder, left: Node, right: Node) -> bool:
    difference = build.node(left) - build.node(right)
    if difference == 0:
        return True
    if difference.has(sympy.nan, sympy.zoo, sympy.oo):
        return False
    for step in _steps(sympy, difference):
        found = step(difference)
        if found == 0:
            return True
        if found.has(sympy.nan, sympy.zoo, sympy.oo):
            return False
    return False


def _steps(sympy: Any, difference: Any) -> list[Callable[[Any], Any]]:
    """Rewritings to try, cheap ones first. Each keeps the value, so a zero anywhere is a proof."""
    steps: list[Callable[[Any], Any]] = [sympy.expand, lambda d: sympy.cancel(sympy.together(d))]
    if difference.has(sympy.exp) and difference.has(sympy.I):
        steps += [lambda d: sympy.expand(d.rewrite(sympy.cos))]
    if difference.free_symbols or difference.atoms(sympy.Function):
        if difference.has(sympy.functions.elementary.trigonometric.TrigonometricFunction):
            steps += [sympy.trigsimp, lambda d: sympy.expand(sympy.expand_trig(d))]
            steps += [lambda d: sympy.simplify(sympy.expand(d.rewrite(sympy.exp)))]
        if difference.has(sympy.functions.elementary.hyperbolic.HyperbolicFunction):
            steps += [lambda d: sympy.expand(d.rewrite(sympy.exp))]
        if difference.has(sympy.log) and difference.has(sympy.Abs):
            steps += [lambda d: sympy.expand(_without_modulus(sympy, d))]
        if difference.has(sympy.log):
            steps += [lambda d: sympy.expand(sympy.expand_log(d)), sympy.logcombine]
        if difference.has(sympy.factorial, sympy.binomial, sympy.gamma):
            steps += [sympy.combsimp]
        steps += [sympy.radsimp, sympy.simplify]
        return steps
    steps += [lambda d: sympy.expand(sympy.expand_log(d)), sympy.radsimp, sympy.sqrtdenest]
    if difference.is_algebraic:
        steps += [lambda d: _algebraic(sympy, d)]
    steps += [sympy.simplify]
    return steps


def _without_modulus(sympy: Any, difference: Any) -> Any:
    """`ln |u|` as half of `ln u^2`, and logarithms of products and even powers of such so too: the same for real u."""

    def squared(logarithm: Any) -> Any:
        total = sympy.Integer(0)
        for factor in sympy.Mul.make_args(logarithm.args[0]):
            base, exponent = factor.as_base_exp()
            inside = base.args[0] if isinstance(base, sympy.Abs) else base
            powers = [part.as_base_exp() for part in sympy.Mul.make_args(inside)]
            real = all(of.is_real and power.is_integer for of, power in powers)
            if real and exponent.is_rational and (inside is not base or exponent.is_even):
                total += sum(sympy.log(of**2) * power * exponent / 2 for of, power in powers)
            elif factor.is_positive:
                total += sympy.log(factor)
            else:
                return logarithm
        return total

    return difference.replace(lambda part: isinstance(part, sympy.log), squared)


def _algebraic(sympy: Any, difference: Any) -> Any:
    """Zero exactly when the minimal polynomial over the rationals is x."""
    x = sympy.Dummy("x")
    return sympy.Integer(0) if sympy.minimal_polynomial(difference, x) == x else difference


class _Builder:
    def __init__(self, sympy: Any, whole: frozenset[str], *, real: bool = False) -> None:
        self._sympy = sympy
        self._real = real or None
        self._whole = whole
        self._bound: dict[str, Any] = {}

    def node(self, node: Node) -> Any:
        sympy = self._sympy
        value = rational(node) if not isinstance(node, Name) else None
        if value is not None:
            return sympy.Rational(value.numerator, value.denominator)
        match node:
            case Name(name):
                return self._name(name)
            case Add(terms):
                return sympy.Add(*map(self.node, terms))
            case Mul(factors):
                return sympy.Mul(*map(self.node, factors))
            case Div(top, bottom):
                return self.node(top) / self.node(bottom)
            case Pow(base, exponent):
                return self._power(self.node(base), self.node(exponent))
            case Call(name, arguments):
                return self._call(name, [self.node(argument) for argument in arguments])
            case Series(kind, body, variable, low, high) if kind != "int":
                return self._series(kind, body, variable, low, high)
            case _:
                raise NotImplementedError(type(node).__name__)

    def _name(self, name: str) -> Any:
        sympy = self._sympy
        constants = {"pi": sympy.pi, "e": sympy.E, "i": sympy.I, "oo": sympy.oo}
        if name in self._bound:
            return self._bound[name]
        if name in constants:
            return constants[name]
        if name in self._whole:
            return sympy.Symbol(name, integer=True, positive=True)
        return sympy.Symbol(name, real=self._real)

    def _power(self, base: Any, exponent: Any) -> Any:
        if exponent.is_Rational:
            size = abs(int(exponent)) + 1
            terms = len(base.args) if base.is_Add else 1
            if (base.is_Add and size ** min(terms - 1, 6) > MOST_EXPANDED) or size > 10**4:
                raise TooLarge(f"a power of a sum with {terms} terms")
            if base.is_Rational and base < 0 and exponent.q % 2 and exponent.q > 1:
                root: Any = self._sympy.root(-base, exponent.q)
                return (-root) ** exponent.p
        return base**exponent

    def _call(self, name: str, values: list[Any]) -> Any:
        sympy = self._sympy
        match name, values:
            case "root", [degree, value]:
                return self._power(value, 1 / degree)
            case "log_base", [base, value]:
                return sympy.log(value) / sympy.log(base)
            case "binomial", [top, bottom]:
                return sympy.binomial(top, bottom)
            case _, [value] if name in _FUNCTIONS:
                return getattr(sympy, _FUNCTIONS[name])(value)
            case _ if name.endswith(("_", "()")) or name == "angle":
                return sympy.Function(name)(*values)
            case _:
                raise NotImplementedError(name)

    def _series(self, kind: str, body: Node, variable: str, low: Node, high: Node) -> Any:
        if rational(low) is not None and rational(high) is not None:
            raise NotImplementedError("a sum of so many terms")  # few terms are summed exactly before this
        index = self._sympy.Dummy(variable, integer=True)
        before, self._bound = self._bound, self._bound | {variable: index}
        summand = self.node(body)
        self._bound = before
        series = self._sympy.Sum if kind == "sum" else self._sympy.Product
        return series(summand, (index, self.node(low), self.node(high))).doit()


_FUNCTIONS = FUNCTION_NAMES | {"ceil": "ceiling", "conjugate": "conjugate", "abs": "Abs", "sgn": "sign"}
"""What sympy calls a function of one argument."""
