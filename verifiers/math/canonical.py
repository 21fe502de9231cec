"""One order for what may be written in any order, so that `F_a F_b` and `F_b F_a` are the same form.

Sums and products are flattened and sorted, numbers lose their printed form, bound variables get one name.
Two trees with the same canonical form are equal; nothing is evaluated, so different forms prove nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from selfplay.verifiers.math.tree import Add, Call, Div, Mul, Name, Node, Number, Pow, Series, show


def canonical(node: Node) -> Node:
    """The scalar tree in canonical order; nodes that are no scalars are left as they are."""
    return _ordered(node, {})


def _ordered(node: Node, bound: Mapping[str, str]) -> Node:
    match node:
        case Number(value):
            return Number(value)
        case Name(name):
            return Name(bound.get(name, name))
        case Call(name, arguments):
            given = [_ordered(argument, bound) for argument in arguments]
            return Call(name, _sorted(given) if name in ("gcd", "lcm", "min", "max") else tuple(given))
        case Add(terms):
            parts = [_ordered(term, bound) for term in terms]
            return Add(
                _sorted([inner for part in parts for inner in (part.terms if isinstance(part, Add) else (part,))])
            )
        case Mul(factors):
            return _product([_ordered(factor, bound) for factor in factors])
        case Div(top, bottom):
            return Div(_ordered(top, bound), _ordered(bottom, bound))
        case Pow(base, exponent):
            return Pow(_ordered(base, bound), _ordered(exponent, bound))
        case Series(kind, body, variable, low, high):
            inner = {**bound, variable: f"#{len(bound)}"}
            return Series(kind, _ordered(body, inner), f"#{len(bound)}", _ordered(low, bound), _ordered(high, bound))
        case _:
            return node


def _product(parts: list[Node]) -> Node:
    factors = [inner for part in parts for inner in (part.factors if isinstance(part, Mul) else (part,))]
    sign = Fraction(1)
    rest: list[Node] = []
    for factor in factors:
        if isinstance(factor, Number) and abs(factor.value) == 1:
            sign *= factor.value
        else:
            rest.append(factor)
    if sign < 0 or not rest:
        rest.append(Number(sign))
    return Mul(_sorted(rest)) if len(rest) > 1 else rest[0]


def _sorted(nodes: list[Node]) -> tuple[Node, ...]:
    # the text is only an order: what it leaves equal is still compared as trees
    return tuple(sorted(nodes, key=lambda node: show(node, 2000)))
