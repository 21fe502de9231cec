"""Comparing two scalars with their names, units and percent signs."""

from __future__ import annotations

from fractions import Fraction

from selfplay.verifiers.math.exact import rational
from selfplay.verifiers.math.reading import Reading
from selfplay.verifiers.math.relations import Meaning
from selfplay.verifiers.math.scalars import Finding, Rules, compare_scalars
from selfplay.verifiers.math.tree import Div, Mul, Node, Number, is_scalar


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
    if theirs_is and not rules.percent_either:
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
