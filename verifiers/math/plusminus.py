"""Plus-minus written out: `1 ± a` is both `1 + a` and `1 - a`, with one choice for all signs of an answer."""

from __future__ import annotations

from dataclasses import replace

from selfplay.verifiers.math.tree import (
    Add,
    Call,
    Div,
    Group,
    Items,
    Mul,
    Node,
    PlusMinus,
    Pow,
    Relation,
    Unreadable,
    children,
    negate,
    walk,
)


def spread(node: Node) -> Node:
    """An answer with ± as the list of both answers; inside a set or list, as more items.

    Raises:
        Unreadable: ± in a form that is not spread, such as on both sides of an equation.
    """
    if not any(isinstance(part, PlusMinus) for part in walk(node)):
        return node
    if isinstance(node, Relation):
        *before, last = node.sides
        both = spread(last)
        if isinstance(both, Items) and not any(isinstance(p, PlusMinus) for side in before for p in walk(side)):
            return Relation(node.operators, (*before, both))
        raise Unreadable("plus-minus on both sides")
    if isinstance(node, Items) or (isinstance(node, Group) and node.left == "{"):
        items: list[Node] = []
        for item in node.items:
            both = spread(item)
            items += both.items if isinstance(both, Items) else (both,)
        return replace(node, items=tuple(items))
    return Items((_chosen(node, 1), _chosen(node, -1)))


def _chosen(node: Node, choice: int) -> Node:
    """The tree with every ± decided the same way."""
    match node:
        case PlusMinus(operand, sign):
            inner = _chosen(operand, choice)
            return inner if sign * choice > 0 else negate(inner)
        case Add(terms):
            return Add(tuple(_chosen(term, choice) for term in terms))
        case Mul(factors):
            return Mul(tuple(_chosen(factor, choice) for factor in factors))
        case Div(top, bottom):
            return Div(_chosen(top, choice), _chosen(bottom, choice))
        case Pow(base, exponent):
            return Pow(_chosen(base, choice), _chosen(exponent, choice))
        case Call(name, arguments):
            return Call(name, tuple(_chosen(argument, choice) for argument in arguments))
        case Group(left, items, right):
            return Group(left, tuple(_chosen(item, choice) for item in items), right)
        case _ if not children(node):
            return node
        case _:
            raise Unreadable("plus-minus inside such a form")
