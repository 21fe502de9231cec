"""Comparing an answer with a reference by the reference's kind. Whole answers only: nothing is ever looked
for in a larger one, so hedging ("3 or 5" for 3) is a different answer.

Left out or added without harm, by default: a unit, a degree sign, a percent sign of a number above 1, the
name before `=`, the brackets' shape of three or more items, the order of a list. What is stated must agree.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction

from verifiers.math.exact import rational
from verifiers.math.reading import Reading
from verifiers.math.regions import as_region, compare_regions
from verifiers.math.relations import Meaning, compare_relations, meaning, reordered
from verifiers.math.scalars import Finding, Rules, compare_scalars
from verifiers.math.tree import (
    Div,
    Group,
    Items,
    Matrix,
    Mul,
    Node,
    Number,
    Relation,
    SetOperation,
    TooLarge,
    is_scalar,
    names,
)

MOST_ITEMS = 200
DIFFERENT_KIND = Finding(False, "different_kind")


def compare(reference: Reading, answer: Reading, rules: Rules, *, ordered: bool = False) -> Finding:
    """Whether an answer says what the reference says.

    Args:
        ordered: whether the order of a list without brackets counts.

    Raises:
        TooLarge: a side cannot be evaluated within bounds.
    """
    if reference.kind in ("text", "choice", "time") and not _as_math(reference, answer):
        return _compare_texts(reference, answer)
    if reference.node is None or answer.node is None:
        return DIFFERENT_KIND
    mine, theirs = meaning(reference.node), meaning(answer.node)
    if _two_equations(reference.node, answer.node, mine, theirs):
        return compare_nodes(reference.node, answer.node, rules, ordered)
    if is_scalar(mine.node) and is_scalar(theirs.node):
        return _compare_measured(reference, answer, mine, theirs, rules)
    return compare_meanings(mine, theirs, rules, ordered)


def _two_equations(left: Node, right: Node, mine: Meaning, theirs: Meaning) -> bool:
    """Whether both are equations of several unknowns, solved for different ones or for none."""
    if not (isinstance(left, Relation) and isinstance(right, Relation)):
        return False
    return mine.called != theirs.called and left.operators == right.operators == ("=",) and len(names(left)) > 1


def _as_math(reference: Reading, answer: Reading) -> bool:
    return reference.node is not None and answer.node is not None and answer.kind != "choice"


def _compare_texts(reference: Reading, answer: Reading) -> Finding:
    with_text = re.fullmatch(r"\(([A-Z])\)\s*(\S.*)", reference.text) if reference.kind == "choice" else None
    spellings = {_plain(reference.text)}
    if with_text:
        spellings |= {_plain(with_text[1]), _plain(with_text[2])}
    same = _plain(answer.text) in spellings
    return Finding(same, "same_text" if same else "different_text")


def _plain(text: str) -> str:
    return re.sub(r"[\s.,;!?'\"()\\${}]+|\\text", "", text).casefold()


def _compare_measured(reference: Reading, answer: Reading, mine: Meaning, theirs: Meaning, rules: Rules) -> Finding:
    """Two scalars, with their names, units and percent signs."""
    if mine.called and theirs.called and mine.called != theirs.called:
        return Finding(False, "different_symbols")
    for side in (mine, theirs):
        for member in side.chain:
            if not is_scalar(member) or compare_scalars(member, side.node, rules).equal is not True:
                return Finding(False, "inconsistent_chain")
    left, right = mine.node, theirs.node
    if reference.unit is not None and answer.unit is not None:
        if reference.unit.dimensions != answer.unit.dimensions:
            return Finding(False, "wrong_unit")
        if reference.unit.factor != answer.unit.factor:
            left, right = _scaled(left, reference.unit.factor), _scaled(right, answer.unit.factor)
    if reference.percent or answer.percent:
        if reference.unit is not None or answer.unit is not None:
            return Finding(False, "wrong_unit")
        return _compare_percentages(reference.percent, left, answer.percent, right, rules)
    return compare_scalars(left, right, rules)


def _scaled(node: Node, factor: Fraction) -> Node:
    if isinstance(node, Number):
        return Number(node.value * factor)
    return Mul((Number(factor), node))


def _compare_percentages(mine_is: bool, left: Node, theirs_is: bool, right: Node, rules: Rules) -> Finding:
    if mine_is and theirs_is:
        return compare_scalars(left, right, rules)
    found = compare_scalars(_hundredth(left) if mine_is else left, _hundredth(right) if theirs_is else right, rules)
    if found.equal:
        return found
    # a sign left out: only above 1, since 0.5 could be meant as one half
    bare = rational(right if mine_is else left)
    if bare is not None and abs(bare) > 1:
        without = compare_scalars(left, right, rules)
        return Finding(without.equal, "percent_sign_left_out" if without.equal else without.rule)
    return found


def _hundredth(node: Node) -> Node:
    if isinstance(node, Number):
        return Number(node.value / 100, None if node.places is None else node.places + 2)
    return Div(node, Number(Fraction(100)))


def compare_meanings(mine: Meaning, theirs: Meaning, rules: Rules, ordered: bool) -> Finding:
    """Anything but two scalars at the top."""
    if mine.called and theirs.called and sorted(mine.called) != sorted(theirs.called):
        return Finding(False, "different_symbols")
    if theirs.chain:
        return Finding(False, "inconsistent_chain")
    return compare_nodes(mine.node, reordered(theirs, mine.called), rules, ordered)


def compare_nodes(mine: Node, theirs: Node, rules: Rules, ordered: bool) -> Finding:
    """Two trees of any kind, names already taken off."""
    if mine == theirs:
        return Finding(True, "same_form")
    mine, theirs = _vector(mine), _vector(theirs)
    if is_scalar(mine) and is_scalar(theirs):
        return compare_scalars(mine, theirs, rules)
    if isinstance(mine, Matrix) or isinstance(theirs, Matrix):
        return _compare_matrices(mine, theirs, rules)
    if isinstance(mine, Relation) and isinstance(theirs, Relation):
        if set(mine.operators) == set(theirs.operators) == {":"}:
            return _compare_ratios(mine.sides, theirs.sides, rules)
        first, second = as_region(mine), as_region(theirs)
        if first is not None and second is not None:
            return compare_regions(first, second, rules)
        return compare_relations(mine, theirs, rules)
    if (
        isinstance(mine, Relation | SetOperation)
        or isinstance(theirs, Relation | SetOperation)
        or _either(mine, theirs)
    ):
        first, second = as_region(mine), as_region(theirs)
        if first is None or second is None:
            return DIFFERENT_KIND
        return compare_regions(first, second, rules)
    return _compare_collections(mine, theirs, rules, ordered)


def _either(*sides: Node) -> bool:
    """Whether one of them is alternatives such as `x < 1 or x > 3`."""
    return any(
        isinstance(side, Items) and side.separator == "or" and any(isinstance(item, Relation) for item in side.items)
        for side in sides
    )


def _compare_ratios(mine: tuple[Node, ...], theirs: tuple[Node, ...], rules: Rules) -> Finding:
    """a : b equals c : d when a*d = b*c, and so on for longer ones."""
    if len(mine) != len(theirs) or not all(is_scalar(part) for part in (*mine, *theirs)):
        return DIFFERENT_KIND
    left = [Mul((part, theirs[0])) for part in mine[1:]]
    right = [Mul((part, mine[0])) for part in theirs[1:]]
    return _pairwise(left, right, rules, "same_ratio")


def _vector(node: Node) -> Node:
    """A matrix of one row or column is a tuple, except as 1 by 1."""
    if isinstance(node, Matrix):
        cells = [cell for row in node.rows for cell in row]
        if len(cells) > 1 and 1 in (len(node.rows), len(node.rows[0])):
            return Group("(", tuple(cells), ")")
        if len(cells) == 1:
            return cells[0]
    return node


def _compare_matrices(mine: Node, theirs: Node, rules: Rules) -> Finding:
    if not (isinstance(mine, Matrix) and isinstance(theirs, Matrix)):
        return DIFFERENT_KIND
    if [len(row) for row in mine.rows] != [len(row) for row in theirs.rows]:
        return Finding(False, "different_size")
    return _pairwise(
        [c for row in mine.rows for c in row], [c for row in theirs.rows for c in row], rules, "same_entries"
    )


def _compare_collections(mine: Node, theirs: Node, rules: Rules, ordered: bool) -> Finding:
    left, right = _collection(mine), _collection(theirs)
    if left == "scalar" or right == "scalar":
        # a set of one thing is that thing; a list of more is not
        other = theirs if left == "scalar" else mine
        scalar = mine if left == "scalar" else theirs
        if isinstance(other, Group) and other.left == "{" and len(other.items) == 1:
            pair = (scalar, other.items[0]) if left == "scalar" else (other.items[0], scalar)
            return compare_nodes(*pair, rules, ordered)
        return DIFFERENT_KIND
    assert isinstance(mine, Group | Items)
    assert isinstance(theirs, Group | Items)
    if {left, right} <= {"set", "list"}:
        if ordered and left == right == "list":
            return _pairwise(list(mine.items), list(theirs.items), rules, "same_items")
        return _unordered(list(mine.items), list(theirs.items), rules, distinct="set" in (left, right))
    if left != right:
        return DIFFERENT_KIND
    assert isinstance(mine, Group)
    assert isinstance(theirs, Group)
    if len(mine.items) == 2 and (mine.left, mine.right) != (theirs.left, theirs.right):
        return Finding(False, "different_brackets")
    return _pairwise(list(mine.items), list(theirs.items), rules, "same_items")


def _collection(node: Node) -> str:
    if isinstance(node, Group):
        return "set" if node.left == "{" else "tuple"
    return "list" if isinstance(node, Items) else "scalar"


def _pairwise(mine: Sequence[Node], theirs: Sequence[Node], rules: Rules, rule: str) -> Finding:
    if len(mine) != len(theirs):
        return Finding(False, "different_size")
    undecided = None
    for left, right in zip(mine, theirs, strict=True):
        found = compare_meanings(meaning(left), meaning(right), rules, ordered=False)
        if found.equal is False:
            return found
        undecided = undecided or (found if found.equal is None else None)
    return undecided or Finding(True, rule)


def _unordered(mine: list[Node], theirs: list[Node], rules: Rules, *, distinct: bool) -> Finding:
    if max(len(mine), len(theirs)) > MOST_ITEMS:
        raise TooLarge(f"more than {MOST_ITEMS} items")
    if distinct:
        mine, theirs = _distinct(mine, rules), _distinct(theirs, rules)
    if len(mine) != len(theirs):
        return Finding(False, "different_size")
    left = list(theirs)
    undecided = None
    for item in mine:
        found = [compare_nodes(item, other, rules, False) for other in left]
        at = next((n for n, each in enumerate(found) if each.equal), None)
        if at is None:
            at = next((n for n, each in enumerate(found) if each.equal is None), None)
            if at is None:
                return Finding(False, "different_items")
            undecided = found[at]
        del left[at]
    return undecided or Finding(True, "same_items")


def _distinct(items: list[Node], rules: Rules) -> list[Node]:
    kept: list[Node] = []
    for item in items:
        if not any(compare_nodes(item, other, Rules(rounding=False), False).equal for other in kept):
            kept.append(item)
    return kept
