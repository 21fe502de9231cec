"""The form of an answer, where a policy asks for one: equality alone would accept the question itself.

`collected`: a polynomial whose like terms are collected: a sum of monomials, each a number times powers of
names, no two with the same powers. Any order of terms is in form. What is not covered: factored or nested
forms, which are never in form here.
"""

from __future__ import annotations

from fractions import Fraction

from selfplay.verifiers.math.tree import Add, Div, Mul, Name, Node, Number, Pow

Powers = frozenset[tuple[str, Fraction]]


def is_collected(node: Node | None) -> bool:
    """Whether a scalar is a polynomial with its like terms collected."""
    if node is None:
        return False
    powers = [_powers(term) for term in (node.terms if isinstance(node, Add) else (node,))]
    return None not in powers and len(set(powers)) == len(powers)


def _powers(term: Node) -> Powers | None:
    """The powers of a monomial's names; None where the term is no monomial in form."""
    found: dict[str, Fraction] = {}
    numbers = 0
    for factor in term.factors if isinstance(term, Mul) else (term,):
        if _is_coefficient(factor):
            numbers += 1
            continue
        name, exponent = _power(factor)
        if name is None or name in found:
            return None
        found[name] = exponent
    return frozenset(found.items()) if numbers <= 1 else None


def _power(factor: Node) -> tuple[str | None, Fraction]:
    match factor:
        case Name(name):
            return name, Fraction(1)
        case Pow(Name(name), Number(value)) if value.denominator == 1 and value >= 1:
            return name, value
        case _:
            return None, Fraction(0)


def _is_coefficient(node: Node) -> bool:
    if isinstance(node, Div):
        return isinstance(node.top, Number) and isinstance(node.bottom, Number)
    return isinstance(node, Number)
