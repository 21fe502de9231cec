"""Comparing several things at once, in order or in any, by a comparison of two that the caller gives."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from selfplay.verifiers.math.canonical import canonical
from selfplay.verifiers.math.scalars import Finding
from selfplay.verifiers.math.tree import Node, Number, TooLarge

MOST_ITEMS = 200
MOST_PROVED = 30
"""Items of a collection that may need a proof each; more are too many to be done in time."""

Comparison = Callable[[Node, Node], Finding]


def pairwise(mine: Sequence[Node], theirs: Sequence[Node], same: Comparison, rule: str) -> Finding:
    """Whether the items agree one by one; `rule` is what that is called."""
    if len(mine) != len(theirs):
        return Finding(False, "different_size")
    undecided = None
    for left, right in zip(mine, theirs, strict=True):
        found = same(left, right)
        if found.equal is False:
            return found
        undecided = undecided or (found if found.equal is None else None)
    return undecided or Finding(True, rule)


def unordered(mine: Sequence[Node], theirs: Sequence[Node], same: Comparison) -> Finding:
    """Whether two collections hold the same items in any order.

    Raises:
        TooLarge: more items than are compared.
    """
    if max(len(mine), len(theirs)) > MOST_ITEMS:
        raise TooLarge(f"more than {MOST_ITEMS} items")
    if len(mine) != len(theirs):
        return Finding(False, "different_size")
    rest, left = _unmatched(mine, theirs)
    if len(rest) > MOST_PROVED:
        raise TooLarge(f"more than {MOST_PROVED} items that are not written alike")
    undecided = None
    for item in rest:
        found = [same(item, other) for other in left]
        at = next((n for n, each in enumerate(found) if each.equal), None)
        if at is None:
            at = next((n for n, each in enumerate(found) if each.equal is None), None)
            if at is None:
                return Finding(False, "different_items")
            undecided = found[at]
        del left[at]
    return undecided or Finding(True, "same_items")


def _unmatched(mine: Sequence[Node], theirs: Sequence[Node]) -> tuple[list[Node], list[Node]]:
    """The items of both sides that are not the same form as one of the other side."""
    forms = Counter(canonical(item) for item in theirs)
    rest: list[Node] = []
    for item in mine:
        form = canonical(item)
        if forms[form]:
            forms[form] -= 1
        else:
            rest.append(item)
    left: list[Node] = []
    for item in theirs:
        form = canonical(item)
        if forms[form]:
            forms[form] -= 1
            left.append(item)
    return rest, left


def distinct(items: Sequence[Node], same: Comparison) -> list[Node]:
    """The items without those that are proved to repeat an earlier one.

    Raises:
        TooLarge: more items than are compared.
    """
    if len(items) > MOST_ITEMS:
        raise TooLarge(f"more than {MOST_ITEMS} items")
    kept: list[Node] = []
    forms: set[Node] = set()
    for item in items:
        form = canonical(item)
        if form in forms:
            continue
        forms.add(form)
        if (len(items) > MOST_PROVED and not isinstance(form, Number)) or not any(
            same(item, other).equal for other in kept
        ):
            kept.append(item)
    return kept
