"""Comparing an answer with a reference by the reference's kind. Whole answers only, so that hedging ("3 or 5" for 3)
is a different answer.

An answer may leave out, by default: a unit, a degree sign, a percent sign of a number above 1, half of the day, the
name before `=`, the brackets' shape of three or more items, the order of a list. What is stated must agree.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import partial

from selfplay.verifiers.math.answer_reading import CHOICE_WITH_TEXT, HEDGE, REAL_LINE, Reading
from selfplay.verifiers.math.expression import (
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
    children,
    is_scalar,
    names,
)
from selfplay.verifiers.math.rational import rational
from selfplay.verifiers.math.relations import Meaning, as_region, compare_regions, compare_relations, meaning, reordered
from selfplay.verifiers.math.rewriting import canonical, nested
from selfplay.verifiers.math.scalars import Finding, Rules, compare_scalars

DIFFERENT_KIND = Finding(False, "different_kind")
_ARTICLE = re.compile(r"^\s*(?:an?|the)\s+(?=\w{2})", re.IGNORECASE)


def compare(reference: Reading, answer: Reading, rules: Rules, *, ordered: bool = False) -> Finding:
    """Whether an answer says what the reference says.

    Args:
        ordered: whether the order of a list without brackets counts.

    Raises:
        TooLarge: a side cannot be evaluated within bounds.
    """
    if reference.kind == "choice" and re.fullmatch(r"\(([a-z])\)", answer.text):
        return compare_texts(reference, answer)
    if reference.node == REAL_LINE and answer.text == "R":
        return Finding(True, "same_region")
    as_math = reference.node is not None and answer.node is not None and answer.kind != "choice"
    if reference.kind in ("text", "choice", "time") and not as_math:
        return compare_texts(reference, answer)
    if reference.node is None or answer.node is None:
        return DIFFERENT_KIND
    mine, theirs = meaning(reference.node), meaning(answer.node)
    match reference.node, answer.node:
        case Relation(("=",)), Relation(("=",)) if mine.called != theirs.called and len(names(reference.node)) > 1:
            # equations of several unknowns, solved for different ones or for none
            return compare_nodes(reference.node, answer.node, rules, ordered)
    if mine.called and not theirs.called and isinstance(answer.node, Relation) and answer.node.operators[0] == "=":
        return DIFFERENT_KIND  # "2 + 3 = 5" says nothing of x
    if is_scalar(mine.node) and is_scalar(theirs.node):
        return compare_measured(reference, answer, mine, theirs, rules)
    return compare_meanings(mine, theirs, rules, ordered)


def compare_meanings(mine: Meaning, theirs: Meaning, rules: Rules, ordered: bool) -> Finding:
    """Anything but two scalars at the top."""
    if not mine.called and isinstance(mine.node, Items) and _indexed(theirs.called):
        theirs = _solutions(theirs)
    elif len(theirs.called) == 1 and _indexed(mine.called) == theirs.called[0]:
        mine = _solutions(mine)
    elif len(mine.called) == 1 and _indexed(theirs.called) == mine.called[0]:
        theirs = _solutions(theirs)
    elif not theirs.called and isinstance(theirs.node, Items) and _indexed(mine.called):
        # which is which is not said, so they must stand in the order of the names
        theirs = Meaning(Group("(", theirs.node.items, ")"), mine.called)
    if mine.called and theirs.called and sorted(mine.called) != sorted(theirs.called):
        return Finding(False, "different_symbols")
    if theirs.chain:
        return Finding(False, "inconsistent_chain")
    # a bare tuple stands for its unknowns in the order of their names: y = 1, x = 2 is (2, 1)
    order = mine.called or tuple(sorted(theirs.called))
    return compare_nodes(mine.node, reordered(theirs, order), rules, ordered)


def _indexed(called: tuple[str, ...]) -> str:
    """The x of names such as x_1, x_2: several values of one unknown. Empty for other names."""
    stems = {name.partition("_")[0] if "_" in name else "" for name in called}
    return stems.pop() if len(called) > 1 and len(stems) == 1 else ""


def _solutions(named: Meaning) -> Meaning:
    """`x_1 = 1, x_2 = 2` as the values 1 and 2 of x."""
    assert isinstance(named.node, Group)
    return Meaning(Items(named.node.items), (_indexed(named.called),))


def compare_nodes(mine: Node, theirs: Node, rules: Rules, ordered: bool) -> Finding:
    """Two trees of any kind, names already taken off."""
    if mine == theirs:
        return Finding(True, "same_form")
    if isinstance(mine, Matrix) or isinstance(theirs, Matrix):
        mine, theirs = nested(mine), nested(theirs)
    if not (isinstance(mine, Matrix) and isinstance(theirs, Matrix)):
        mine, theirs = _vector(mine), _vector(theirs)
    if is_scalar(mine) and is_scalar(theirs):
        return compare_scalars(mine, theirs, rules)
    if isinstance(mine, Matrix) or isinstance(theirs, Matrix):
        if not (isinstance(mine, Matrix) and isinstance(theirs, Matrix)):
            return DIFFERENT_KIND
        if [len(row) for row in mine.rows] != [len(row) for row in theirs.rows]:
            return Finding(False, "different_size")
        return pairwise(children(mine), children(theirs), partial(_compare_inner, rules=rules), "same_entries")
    if isinstance(mine, Relation) and isinstance(theirs, Relation):
        if set(mine.operators) == set(theirs.operators) == {":"}:
            return _compare_ratios(mine.sides, theirs.sides, rules)
        if mine.operators == theirs.operators == ("if",):
            return pairwise(mine.sides, theirs.sides, partial(_compare_inner, rules=rules), "same_cases")
        first, second = as_region(mine), as_region(theirs)
        if first is not None and second is not None:
            return compare_regions(first, second, rules)
        return compare_relations(mine, theirs, rules)
    match mine, theirs:
        case Relation((":",), (top, bottom)), _ if is_scalar(theirs) and is_scalar(Div(top, bottom)):
            return compare_scalars(Div(top, bottom), theirs, rules)
        case _, Relation((":",), (top, bottom)) if is_scalar(mine) and is_scalar(Div(top, bottom)):
            return compare_scalars(mine, Div(top, bottom), rules)
    if _describes_reals(mine) or _describes_reals(theirs):
        first, second = as_region(mine), as_region(theirs)
        if first is None or second is None:
            return _compare_named_sets(mine, theirs, rules)
        return compare_regions(first, second, rules)
    return _compare_collections(mine, theirs, rules, ordered)


def _describes_reals(side: Node) -> bool:
    """Whether it is a relation, an operation on sets, or inequalities joined by a word, such as `x < 1 or x > 3`."""
    if isinstance(side, Items):
        return all(isinstance(item, Relation) for item in side.items) and as_region(side) is not None
    return isinstance(side, Relation | SetOperation)


def _compare_named_sets(mine: Node, theirs: Node, rules: Rules) -> Finding:
    """Operations on sets that are only named: `A \\cup B` is `B \\cup A`."""
    match mine, theirs:
        case SetOperation(ours, left), SetOperation(given, right) if ours == given and len(left) == len(right):
            same = partial(_compare_inner, rules=rules)
            return pairwise(left, right, same, "same_items") if ours == "minus" else unordered(left, right, same)
        case _:
            return DIFFERENT_KIND


def _compare_ratios(mine: tuple[Node, ...], theirs: tuple[Node, ...], rules: Rules) -> Finding:
    """a : b equals c : d when a*d = b*c, and so on for longer ones."""
    if len(mine) != len(theirs) or not all(is_scalar(part) for part in (*mine, *theirs)):
        return DIFFERENT_KIND
    same = partial(_compare_inner, rules=rules)
    if rational(mine[0]) == 0 or rational(theirs[0]) == 0:
        return pairwise(mine, theirs, same, "same_ratio")
    left = [Mul((part, theirs[0])) for part in mine[1:]]
    right = [Mul((part, mine[0])) for part in theirs[1:]]
    return pairwise(left, right, same, "same_ratio")


def _vector(node: Node) -> Node:
    """A matrix of one row or column is a tuple, except as 1 by 1."""
    if isinstance(node, Matrix):
        cells = children(node)
        if len(cells) > 1 and 1 in (len(node.rows), len(node.rows[0])):
            return Group("(", cells, ")")
        if len(cells) == 1:
            return cells[0]
    return node


def _compare_collections(mine: Node, theirs: Node, rules: Rules, ordered: bool) -> Finding:
    left, right = _collection(mine), _collection(theirs)
    # a set of one thing is that thing; a list of more is not
    if left != right and "set" in (left, right) and "list" not in (left, right):
        ours = mine.items if isinstance(mine, Group) and left == "set" else (mine,)
        given = theirs.items if isinstance(theirs, Group) and right == "set" else (theirs,)
        return compare_nodes(ours[0], given[0], rules, ordered) if len(ours) == len(given) == 1 else DIFFERENT_KIND
    if left == "scalar" or right == "scalar":
        return DIFFERENT_KIND
    assert isinstance(mine, Group | Items)
    assert isinstance(theirs, Group | Items)
    if _alternatives(mine) is not _alternatives(theirs):
        return DIFFERENT_KIND
    same = partial(_compare_inner, rules=rules)
    if {left, right} <= {"set", "list"}:
        if ordered and left == right == "list":
            return pairwise(mine.items, theirs.items, same, "same_items")
        if "set" in (left, right):
            return unordered(_distinct(mine.items), _distinct(theirs.items), same)
        return unordered(mine.items, theirs.items, same)
    if left != right:
        return DIFFERENT_KIND
    assert isinstance(mine, Group)
    assert isinstance(theirs, Group)
    if len(mine.items) == 2 and (mine.left, mine.right) != (theirs.left, theirs.right):
        return Finding(False, "different_brackets")
    return pairwise(mine.items, theirs.items, same, "same_items")


def _alternatives(node: Group | Items) -> bool | None:
    """Whether a list of relations is joined by "or"; None where nothing says how it is joined."""
    if isinstance(node, Items) and len({names(item) for item in node.items}) > 1:
        return node.separator == "or" if any(isinstance(item, Relation) for item in node.items) else None
    return None


def _collection(node: Node) -> str:
    if isinstance(node, Group):
        return "set" if node.left == "{" else "tuple"
    return "list" if isinstance(node, Items) else "scalar"


def _compare_inner(mine: Node, theirs: Node, rules: Rules) -> Finding:
    """Two items of collections; inside one, a set of one thing is not that thing."""
    sets = [isinstance(node, Group) and node.left == "{" for node in (mine, theirs)]
    if sets[0] != sets[1]:
        return DIFFERENT_KIND
    return compare_meanings(meaning(mine), meaning(theirs), rules, ordered=False)


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
        possible = [n for equal in (True, None) for n, each in enumerate(found) if each.equal is equal]
        if not possible:
            return Finding(False, "different_items")
        if not found[possible[0]].equal:
            undecided = found[possible[0]]
        del left[possible[0]]
    return undecided or Finding(True, "same_items")


def _unmatched(mine: Sequence[Node], theirs: Sequence[Node]) -> tuple[list[Node], list[Node]]:
    """The items of both sides that are not the same form as one of the other side."""
    forms = Counter(map(canonical, theirs))
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


def _distinct(items: Sequence[Node]) -> list[Node]:
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
        too_many = len(items) > MOST_PROVED and not isinstance(form, Number)
        if too_many or not any(compare_nodes(item, other, Rules(rounding=False), False).equal for other in kept):
            kept.append(item)
    return kept


def compare_measured(reference: Reading, answer: Reading, mine: Meaning, theirs: Meaning, rules: Rules) -> Finding:
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
            left, right = (
                Number(side.value * unit.factor) if isinstance(side, Number) else Mul((Number(unit.factor), side))
                for side, unit in ((left, reference.unit), (right, answer.unit))
            )
    if reference.percent or answer.percent:
        if reference.unit is not None or answer.unit is not None:
            return Finding(False, "wrong_unit")
        return _compare_percentages(reference.percent, left, answer.percent, right, rules)
    return compare_scalars(left, right, rules)


def _compare_percentages(mine_is: bool, left: Node, theirs_is: bool, right: Node, rules: Rules) -> Finding:
    if mine_is and theirs_is:
        return compare_scalars(left, right, rules)
    found = compare_scalars(_hundredth(left) if mine_is else left, _hundredth(right) if theirs_is else right, rules)
    if found.equal:
        return found
    if theirs_is and not rules.percent_either:
        return found
    # a sign left out: only above 1, since 0.5 could be meant as one half
    bare = rational(right if mine_is else left)
    if bare is None or abs(bare) <= 1:
        return found
    without = compare_scalars(left, right, rules)
    return Finding(True, "percent_sign_left_out") if without.equal else without


def _hundredth(node: Node) -> Node:
    if isinstance(node, Number):
        return Number(node.value / 100, None if node.places is None else node.places + 2)
    return Div(node, Number(Fraction(100)))


def compare_texts(reference: Reading, answer: Reading) -> Finding:
    """Two readings of which the reference is `text`, `choice` or `time`."""
    if reference.kind == "time":
        # a half of the day left out is like a unit left out
        same = answer.kind == "time" and (answer.text == reference.text or answer.text == reference.text.split()[0])
    elif reference.kind == "choice":
        same = _same_choice(reference.text, answer.text)
    else:
        asked, given = (_plain(_ARTICLE.sub("", side.text)) for side in (reference, answer))
        same = asked == given
    return Finding(same, "same_text" if same else "different_text")


def _same_choice(reference: str, answer: str) -> bool:
    """Whether the letter agrees, and the text beside it where only that is given."""
    asked, given = CHOICE_WITH_TEXT.fullmatch(reference), CHOICE_WITH_TEXT.fullmatch(answer)
    letter, text = ((asked[1] or asked[2]), asked[3]) if asked else (reference, "")
    if _plain(answer) == _plain(reference):
        return True
    if given:
        # what stands beside the letter restates the choice; a second letter there is hedging
        return (given[1] or given[2]) == letter and not HEDGE.search(given[3]) and not asked
    bracketed = re.fullmatch(r"\(([a-z])\)", answer.strip())
    chosen = bracketed[1].upper() if bracketed else _plain(answer)
    return chosen == letter or chosen == letter.casefold() or (len(text) > 1 and _plain(text) == _plain(answer))


def _plain(text: str) -> str:
    return re.sub(r"[\s.,;!?\"()\\${}]+|\\text", "", text).casefold()
