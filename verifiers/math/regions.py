"""Sets of real numbers: intervals, unions and inequalities in one form, so that x < 3 is (-oo, 3)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from selfplay.verifiers.math import numeric
from selfplay.verifiers.math.exact import rational
from selfplay.verifiers.math.polynomial import degree
from selfplay.verifiers.math.relations import MIRROR
from selfplay.verifiers.math.scalars import Finding, Rules, compare_scalars
from selfplay.verifiers.math.tree import (
    Add,
    Call,
    Div,
    Group,
    Items,
    Name,
    Node,
    Number,
    Relation,
    SetOperation,
    is_scalar,
    names,
    negate,
    subtract,
)

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
            return _union([_alternative(item) for item in items])
        case Relation(("in",), (Name(name), inside)):
            region = as_region(inside)
            return Region(region.segments, name) if region is not None else None
        case Relation():
            return _solved(node)
        case _:
            return None


def _is_inequality(node: Node) -> bool:
    return isinstance(node, Relation) and bool(set(node.operators) & {"<", "<=", ">", ">=", "!="})


def _alternative(node: Node) -> Region | None:
    """One side of an "or", which may also be a point: `x > 1 or x = 1`."""
    match node:
        case Relation(("=",), (Name(name), value)) if not names(value) and is_scalar(value):
            return Region((Segment(value, True, value, True),), name)
        case _:
            return as_region(node)


def _union(regions: list[Region | None]) -> Region | None:
    known = [region for region in regions if region is not None]
    variables = {region.variable for region in known if region.variable}
    if len(known) != len(regions) or len(variables) > 1:
        return None
    return Region(tuple(part for region in known for part in region.segments), variables.pop() if variables else "")


def _intersection(regions: list[Region | None]) -> Region | None:
    known = [region for region in regions if region is not None]
    variables = {region.variable for region in known if region.variable}
    ends = tuple(end for region in known for part in region.segments for end in (part.low, part.high))
    if len(known) != len(regions) or len(variables) > 1 or not _keys(ends):
        return None
    common = list(known[0].segments)
    for region in known[1:]:
        common = [both for one in common for other in region.segments if (both := _overlap(one, other)) is not None]
    return Region(tuple(common), variables.pop() if variables else "")


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
    if merged is None or not _keys(tuple(end for part in merged for end in (part.low, part.high))):
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
    if len(sides) == 2 and operators[0] in ("<", "<=", ">", ">=", "!="):
        for operator, left, right in ((operators[0], *sides), (MIRROR[operators[0]], *sides[::-1])):
            if isinstance(left, Call) and left.name == "abs" and not names(right):
                return _around(operator, left.arguments[0], right)
        return _half_line(operators[0], *sides)
    if len(sides) == 3 and isinstance(sides[1], Name) and not names(sides[0]) | names(sides[2]):
        if set(operators) <= {">", ">="}:
            operators, sides = ("<" + operators[1][1:], "<" + operators[0][1:]), sides[::-1]
        if set(operators) <= {"<", "<="}:
            low, variable, high = sides
            assert isinstance(variable, Name)
            return Region((Segment(low, operators[0] == "<=", high, operators[1] == "<="),), variable.name)
    return None


def _around(operator: str, inside: Node, bound: Node) -> Region | None:
    """|a*x + b| against a positive bound: the points near -b/a, or those far from it."""
    solution = _linear(inside)
    if solution is None or not _keys((bound,)) or _key(bound) <= 0:
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
    at_zero, at_one = rational(node, {variable: Fraction(0)}), rational(node, {variable: Fraction(1)})
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
    if not all(_keys((part.low, part.high)) for part in segments):
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


def _keys(nodes: tuple[Node, ...]) -> bool:
    try:
        return all(_key(node) is not None for node in nodes)
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
