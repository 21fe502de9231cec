"""Equations, inequalities and sets of real numbers: what they name, and when two of them say the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from selfplay.verifiers.math import numeric
from selfplay.verifiers.math.expression import (
    CONSTANTS,
    MINUS_ONE,
    Add,
    Call,
    Div,
    Group,
    Items,
    Mul,
    Name,
    Node,
    Number,
    Relation,
    SetOperation,
    TooLarge,
    is_scalar,
    names,
    negate,
    show,
    subtract,
)
from selfplay.verifiers.math.rational import degree, rational
from selfplay.verifiers.math.scalars import Finding, Rules, compare_scalars

MIRROR = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "!=": "!="}
"""Each relation as it reads from the other side."""


@dataclass(frozen=True)
class Meaning:
    """What an answer gives, and under which names: `p = 5, q = 2` gives (5, 2) for p, q."""

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
        case Call("abs", (Name(name),)):
            return len(name) == 2 and name.isupper()  # a length
        case Call(name, _):
            return name in ("angle", "det")
        case Mul((Name("m"), Call("angle", _))):
            return True
        case Mul(factors):
            return all(isinstance(factor, Name) and factor.name.isupper() for factor in factors)
        case Div(Mul() | Name() as top, Mul() | Name() as bottom):
            named = [part.name for part in (top, bottom) if isinstance(part, Name)]
            return is_label(top) and is_label(bottom) and all(map(str.isupper, named))
        case _:
            return False


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
    found = compare_scalars(left, right, rules)
    if found.equal or operator != "=":
        return found
    mirrored = compare_scalars(left, Mul((MINUS_ONE, right)), rules)
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


INFINITY = Name("oo")


@dataclass(frozen=True)
class Segment:
    """From `low` to `high`, each included or not; a point has both ends equal and included."""

    low: Node
    low_in: bool
    high: Node
    high_in: bool


@dataclass(frozen=True)
class Region:
    segments: tuple[Segment, ...]
    variable: str = ""
    """The symbol that an inequality was written in."""


def as_region(node: Node) -> Region | None:
    """The set of reals that a tree describes, or None where it describes none that we can take apart."""
    match node:
        case Group("{", items, _) if all(is_scalar(item) for item in items):
            return Region(tuple(Segment(item, True, item, True) for item in items))
        case Group(left, (low, high), right) if is_scalar(low) and is_scalar(high):
            return Region((Segment(low, left == "[", high, right == "]"),))
        case SetOperation("union", parts):
            return _union([as_region(part) for part in parts])
        case SetOperation("intersection", parts):
            return _intersection([as_region(part) for part in parts])
        case SetOperation("minus", (whole, removed)):
            taken = as_region(removed)
            return _intersection([as_region(whole), _complement(taken) if taken is not None else None])
        case Items(items, "and") if all(isinstance(item, Relation) for item in items):
            return _intersection([as_region(item) for item in items])
        case Items(items, ",") if len(items) > 1 and all(_is_inequality(item) for item in items):
            # "x >= 0, x != 1" holds together; "x < -2, x > 2" cannot, so it is meant as either
            regions = [as_region(item) for item in items]
            both = _intersection(regions)
            return both if both is None or both.segments else _union(regions)
        case Items(items, "or") if all(isinstance(item, Relation) for item in items):
            # one of them may also be a point: `x > 1 or x = 1`
            return _union([_point(item) or as_region(item) for item in items])
        case Relation(("in",), (Name(name), inside)):
            region = as_region(inside)
            return Region(region.segments, name) if region is not None else None
        case Relation():
            return _solved(node)
        case _:
            return None


def _is_inequality(node: Node) -> bool:
    return isinstance(node, Relation) and bool(set(node.operators) & {"<", "<=", ">", ">=", "!="})


def _point(node: Node) -> Region | None:
    match node:
        case Relation(("=",), (Name(name), value)) if not names(value) and is_scalar(value):
            return Region((Segment(value, True, value, True),), name)
        case _:
            return None


def _union(regions: list[Region | None]) -> Region | None:
    """All segments of all regions; None where one is None or two are written in different symbols."""
    known = [region for region in regions if region is not None]
    variables = {region.variable for region in known if region.variable}
    if len(known) != len(regions) or len(variables) > 1:
        return None
    return Region(tuple(part for region in known for part in region.segments), variables.pop() if variables else "")


def _intersection(regions: list[Region | None]) -> Region | None:
    union = _union(regions)
    if union is None or not _ordered(union.segments):
        return None
    first, *others = (region.segments for region in regions if region is not None)
    common = list(first)
    for segments in others:
        common = [both for one in common for other in segments if (both := _overlap(one, other)) is not None]
    return Region(tuple(common), union.variable)


def _overlap(one: Segment, other: Segment) -> Segment | None:
    # the later of the two beginnings and the earlier of the two ends; an end left out by either is left out
    low = max(one, other, key=lambda part: (_key(part.low), not part.low_in))
    high = min(one, other, key=lambda part: (_key(part.high), part.high_in))
    if _key(low.low) > _key(high.high) or (_key(low.low) == _key(high.high) and not (low.low_in and high.high_in)):
        return None
    return Segment(low.low, low.low_in, high.high, high.high_in)


def _complement(region: Region) -> Region | None:
    """All reals outside the segments."""
    merged = _merged(region.segments)
    if merged is None or not _ordered(merged):
        return None
    low, low_in = negate(INFINITY), False
    outside: list[Segment] = []
    for part in merged:
        if part.low != negate(INFINITY):
            outside.append(Segment(low, low_in, part.low, not part.low_in))
        low, low_in = part.high, not part.high_in
    if low != INFINITY:
        outside.append(Segment(low, low_in, INFINITY, False))
    return Region(tuple(outside), region.variable)


def _solved(relation: Relation) -> Region | None:
    """One linear inequality in one symbol, or a chain with the symbol alone in the middle."""
    operators, sides = relation.operators, relation.sides
    if len(sides) == 2 and _is_inequality(relation):
        for operator, left, right in ((operators[0], *sides), (MIRROR[operators[0]], *sides[::-1])):
            if isinstance(left, Call) and left.name == "abs" and not names(right):
                return _around(operator, left.arguments[0], right)
        return _half_line(operators[0], *sides)
    if len(sides) == 3 and isinstance(sides[1], Name) and not names(sides[0]) | names(sides[2]):
        if set(operators) <= {">", ">="}:
            operators, sides = ("<" + operators[1][1:], "<" + operators[0][1:]), sides[::-1]
        if set(operators) <= {"<", "<="}:
            segment = Segment(sides[0], operators[0] == "<=", sides[2], operators[1] == "<=")
            return Region((segment,), show(sides[1]))
    return None


def _around(operator: str, inside: Node, bound: Node) -> Region | None:
    """|a*x + b| against a positive bound: the points near -b/a, or those far from it."""
    solution = _linear(inside)
    if solution is None or not _ordered([Segment(bound, True, bound, True)]) or _key(bound) <= 0:
        return None
    variable, slope, middle = solution
    reach = Div(bound, Number(abs(slope)))
    low, high = subtract(middle, reach), Add((middle, reach))
    closed = operator in ("<=", ">=")
    if operator in ("<", "<="):
        return Region((Segment(low, closed, high, closed),), variable)
    if operator in (">", ">="):
        below = Segment(negate(INFINITY), False, low, closed)
        return Region((below, Segment(high, closed, INFINITY, False)), variable)
    return None


def _half_line(operator: str, left: Node, right: Node) -> Region | None:
    if not isinstance(left, Name) and isinstance(right, Name):
        operator, left, right = MIRROR[operator], right, left
    if not (isinstance(left, Name) and left.name in names(left) and left.name not in names(right)):
        solution = _linear(subtract(left, right))
        if solution is None:
            return None
        variable, slope, bound = solution
        operator = operator if slope > 0 else MIRROR[operator]
        left, right = Name(variable), bound
    if names(right) or not isinstance(left, Name):
        return None
    below = Segment(negate(INFINITY), False, right, operator == "<=")
    above = Segment(right, operator == ">=", INFINITY, False)
    parts = (below, above) if operator == "!=" else (below,) if operator in ("<", "<=") else (above,)
    return Region(parts, left.name)


def _linear(node: Node) -> tuple[str, Fraction, Node] | None:
    """(x, a, -b/a) of a*x + b with rational a, b; None for anything else."""
    found = names(node)
    if len(found) != 1 or degree(node) != 1:
        return None
    variable = next(iter(found))
    at_zero, at_one = (rational(node, {variable: Fraction(value)}) for value in (0, 1))
    if at_zero is None or at_one is None or at_zero == at_one:
        return None
    slope = at_one - at_zero
    return variable, slope, Number(-at_zero / slope)


def compare_regions(reference: Region, answer: Region, rules: Rules) -> Finding:
    """Equal when the same segments remain after overlapping and touching ones are merged."""
    if reference.variable and answer.variable and reference.variable != answer.variable:
        return Finding(False, "different_symbols")
    left, right = _merged(reference.segments), _merged(answer.segments)
    if left is None or right is None:
        return Finding(None, "endpoints_not_ordered")
    if len(left) != len(right):
        return Finding(False, "different_region")
    undecided = None
    for mine, theirs in zip(left, right, strict=True):
        if (mine.low_in, mine.high_in) != (theirs.low_in, theirs.high_in):
            return Finding(False, "different_endpoints")
        for ours, given in ((mine.low, theirs.low), (mine.high, theirs.high)):
            found = compare_scalars(ours, given, rules)
            if found.equal is False:
                return Finding(False, "different_endpoints")
            undecided = undecided or (found if found.equal is None else None)
    return undecided or Finding(True, "same_region")


def _merged(segments: tuple[Segment, ...]) -> list[Segment] | None:
    if len(segments) < 2:
        return list(segments)
    if not _ordered(segments):
        return None
    # empty ones, such as (3, 3), say nothing
    real = [p for p in segments if _key(p.low) < _key(p.high) or (p.low_in and p.high_in and p.low == p.high)]
    done: list[Segment] = []
    for part in sorted(real, key=lambda part: (_key(part.low), not part.low_in)):
        if done:
            last = done[-1]
            gap = _key(part.low) - _key(last.high) if abs(_key(last.high)) != float("inf") else -1
            if gap < 0 or (gap == 0 and (part.low_in or last.high_in)):
                further = _key(part.high) > _key(last.high)
                same = _key(part.high) == _key(last.high)
                high, high_in = (part.high, part.high_in) if further else (last.high, last.high_in)
                done[-1] = Segment(last.low, last.low_in, high, high_in or (same and part.high_in))
                continue
        done.append(part)
    return done


def _ordered(segments: Sequence[Segment]) -> bool:
    """Whether all ends are real numbers."""
    try:
        return all(_key(end) is not None for part in segments for end in (part.low, part.high))
    except (numeric.Undefined, TypeError):
        return False


def _key(node: Node) -> Any:
    """A number to order endpoints by."""
    if node == INFINITY:
        return float("inf")
    if node == negate(INFINITY):
        return float("-inf")
    value, _ = numeric.values(node, {})
    return value if value == value.real else None
