"""Equations and inequalities: what is named, what is its value, and when two relations say the same."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from selfplay.verifiers.math import numeric
from selfplay.verifiers.math.exact import rational
from selfplay.verifiers.math.scalars import Finding, Rules, compare_scalars
from selfplay.verifiers.math.tree import (
    CONSTANTS,
    Call,
    Div,
    Group,
    Items,
    Mul,
    Name,
    Node,
    Number,
    Relation,
    TooLarge,
    is_scalar,
    names,
    show,
    subtract,
)

MIRROR = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "!=": "!="}
"""Each relation as it reads from the other side."""


@dataclass(frozen=True)
class Meaning:
    """What an answer gives, and under which names: `x = 5` gives 5 for x; `p = 5, q = 2` gives (5, 2) for p,
    q."""

    node: Node
    called: tuple[str, ...] = ()
    chain: tuple[Node, ...] = ()
    """The other members of `x = 5 + 6 = 11`, which must agree with the last."""


def meaning(node: Node) -> Meaning:
    """Names taken off where the node only assigns values; else the node itself."""
    match node:
        case Relation(("in",), (left, inside)) if isinstance(left, Name) and not is_scalar(inside):
            return Meaning(inside, (left.name,))
        case Relation(operators, sides) if set(operators) == {"="}:
            return _assigned(node, sides)
        case Items(groups, ";"):
            return _groups(node, groups)
        case Items(items, _):
            return _several(node, items)
        case _:
            return Meaning(node)


def _assigned(node: Relation, sides: tuple[Node, ...]) -> Meaning:
    first, last = sides[0], sides[-1]
    match sides:
        case (Group(_, labels, _), Group(_, values, _)) if len(labels) == len(values):
            if all(isinstance(label, Name) for label in labels):
                return Meaning(last, tuple(show(label) for label in labels))
    if isinstance(first, Name | Call | Div | Mul) and is_label(first) and not _mentions(sides[1:], first):
        return Meaning(last, (show(first),), sides[1:-1])
    if all(is_scalar(side) and not names(side) for side in sides):
        return Meaning(last, (), sides[:-1])
    if len(sides) == 2 and isinstance(last, Name) and is_label(last) and not _mentions((first,), last):
        return Meaning(first, (last.name,))
    return Meaning(node)


def _mentions(sides: tuple[Node, ...], label: Node) -> bool:
    return any(names(side) & names(label) for side in sides if is_scalar(label)) and isinstance(label, Name)


def is_label(node: Node) -> bool:
    r"""Whether a left side only names a quantity: `x`, `a_3`, `f(2)`, `AB`, `\frac{NO}{BO}`, `\angle A`."""
    match node:
        case Name(name):
            return name not in CONSTANTS
        case Call("P()", [_]):
            return True  # the probability of whatever event
        case Call(name, arguments) if name.endswith(("_", "()")):
            return all(isinstance(argument, Name | Number) for argument in arguments)
        case Call(name, _):
            return name in ("angle", "det") or _is_length(node)
        case Mul((Name("m"), Call("angle", _))):
            return True
        case Mul(factors):
            return all(isinstance(factor, Name) and factor.name.isupper() for factor in factors)
        case Div(top, bottom):
            sides = (top, bottom)
            segments = all(isinstance(side, Mul | Name) and is_label(side) and _upper(side) for side in sides)
            return segments
        case _:
            return False


def _is_length(node: Node) -> bool:
    match node:
        case Call("abs", (Name(name),)):
            return len(name) == 2 and name.isupper()
        case _:
            return False


def _upper(node: Node) -> bool:
    return node.name.isupper() if isinstance(node, Name) else True


def _several(node: Items, items: tuple[Node, ...]) -> Meaning:
    parts = [meaning(item) if isinstance(item, Relation) else Meaning(item) for item in items]
    if not parts[0].called or any(part.chain for part in parts):
        return Meaning(node)
    titles = [part.called for part in parts]
    if all(title in ((), titles[0]) for title in titles):
        spread = [p.node.items if isinstance(p.node, Items) else (p.node,) for p in parts]
        return Meaning(Items(tuple(item for part in spread for item in part)), titles[0])
    if node.separator != "or" and all(len(title) == 1 for title in titles) and len(set(titles)) == len(titles):
        return Meaning(Group("(", tuple(part.node for part in parts), ")"), tuple(title[0] for title in titles))
    return Meaning(node)


def _groups(node: Items, groups: tuple[Node, ...]) -> Meaning:
    parts = [meaning(group) for group in groups]
    first = parts[0].called
    if not first or any(sorted(part.called) != sorted(first) for part in parts):
        return Meaning(Items(groups, ","))
    return Meaning(Items(tuple(reordered(part, first) for part in parts)), first)


def reordered(given: Meaning, called: tuple[str, ...]) -> Node:
    """The values of `given` in the order of the names; the node as it is where it names nothing."""
    if not isinstance(given.node, Group) or len(called) < 2 or sorted(given.called) != sorted(called):
        return given.node
    values = dict(zip(given.called, given.node.items, strict=True))
    return Group("(", tuple(values[name] for name in called), ")")


def compare_relations(reference: Relation, answer: Relation, rules: Rules) -> Finding:
    """Two equations, or two inequalities of one direction, whose differences of sides are proportional."""
    if len(reference.sides) != 2 or len(answer.sides) != 2:
        return _compare_chains(reference, answer, rules)
    mine, theirs = _oriented(reference), _oriented(answer)
    scalars = all(map(is_scalar, (*reference.sides, *answer.sides)))
    if mine is None and theirs is None and reference.operators == answer.operators and scalars:
        return _compare_chains(reference, answer, rules)
    if mine is None or theirs is None or mine[0] != theirs[0]:
        return Finding(False, "different_relation")
    operator, left, right = mine[0], mine[1], theirs[1]
    if names(left) != names(right):
        return Finding(False, "different_symbols")
    for point in numeric.points(left, right):
        try:
            a, b = rational(left, point), rational(right, point)
        except TooLarge:
            continue
        if a is None or b is None:
            continue
        if a == 0 or b == 0:
            if a != b:
                return Finding(False, "different_relation")
            continue
        ratio = a / b
        if operator in ("<", "<=") and ratio < 0:
            return Finding(False, "different_relation")
        found = compare_scalars(left, Mul((Number(ratio), right)), rules)
        return found if found.equal is not False else Finding(False, "different_relation")
    return compare_scalars(left, right, rules) if operator != "=" else _up_to_sign(left, right, rules)


def _up_to_sign(left: Node, right: Node, rules: Rules) -> Finding:
    found = compare_scalars(left, right, rules)
    if found.equal:
        return found
    mirrored = compare_scalars(left, Mul((Number(Fraction(-1)), right)), rules)
    if mirrored.equal:
        return mirrored
    # another constant factor, or another way to say the same, may still be there
    return Finding(None, "relations_not_compared")


def _oriented(relation: Relation) -> tuple[str, Node] | None:
    """(operator, left - right) with > turned into <; None for other relations."""
    operator = relation.operators[0]
    left, right = relation.sides
    if not (is_scalar(left) and is_scalar(right)):
        return None
    if operator in (">", ">="):
        return "<" + operator[1:], subtract(right, left)
    return (operator, subtract(left, right)) if operator in ("<", "<=", "=", "!=") else None


def _compare_chains(reference: Relation, answer: Relation, rules: Rules) -> Finding:
    if reference.operators != answer.operators:
        mirrored = tuple(MIRROR.get(operator, operator) for operator in reversed(answer.operators))
        if reference.operators != mirrored:
            return Finding(False, "different_relation")
        answer = Relation(mirrored, answer.sides[::-1])
    finding = Finding(True, "same_form")
    for mine, theirs in zip(reference.sides, answer.sides, strict=True):
        if not (is_scalar(mine) and is_scalar(theirs)):
            return Finding(mine == theirs or None, "same_form")
        found = compare_scalars(mine, theirs, rules)
        if found.equal is not True:
            return Finding(found.equal, "different_relation")
        finding = found
    return finding
