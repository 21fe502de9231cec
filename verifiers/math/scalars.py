"""Are two scalars equal? Exact arithmetic first, then refutation by points, then symbolic proof.

Tolerance exists in one place: a decimal reference of at least two significant digits is matched by an exact answer
without a finite decimal form (100/3 for 33.3, the root of 17 for 4.123) that rounds to it; from 15 digits on it may
lie one unit in the last place away. A decimal answer must be equal.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from selfplay.verifiers.math import numeric, symbolic
from selfplay.verifiers.math.expression import CONSTANTS, Call, Name, Node, Number, TooLarge, negate, walk
from selfplay.verifiers.math.numeric import Undefined, Unsupported
from selfplay.verifiers.math.rational import rational
from selfplay.verifiers.math.rewriting import canonical


@dataclass(frozen=True)
class Finding:
    """Equal (True), different (False) or neither proved (None), with the rule that decided."""

    equal: bool | None
    rule: str


@dataclass(frozen=True)
class Rules:
    """What the policy and settings allow in comparing scalars."""

    rounding: bool = True
    """Whether an exact answer may round to a decimal reference."""
    percent_either: bool = False
    """Whether an answer may have a percent sign that the reference leaves out."""
    numeric_acceptance: bool = False
    """Whether agreement at many points is enough to accept."""


FLOAT_DIGITS = 15
"""References with at least so many digits were printed by floating-point arithmetic."""


def compare_scalars(reference: Node, answer: Node, rules: Rules) -> Finding:
    """Compare two scalar trees.

    Raises:
        TooLarge: the answer or the reference cannot be evaluated within bounds and they are not written
        alike.
    """
    if reference == answer:
        return Finding(True, "same_form")
    if isinstance(reference, Name) and isinstance(answer, Name):
        return Finding(False, "different_symbols")
    if any(isinstance(side, Call) and side.name == "pmod" for side in (reference, answer)):
        return _compare_residues(reference, answer)
    left, right = rational(reference), rational(answer)
    if left is not None and right is not None:
        if left == right:
            return Finding(True, "equal_value")
        if rules.rounding and _rounds(reference, right):
            return Finding(True, "rounds_to_reference")
        return Finding(False, "different_value")
    if _infinite(reference) or _infinite(answer):
        return Finding(_infinite(reference) == _infinite(answer), "infinity")
    if rules.rounding and isinstance(reference, Number) and _rounds_numerically(reference, answer):
        return Finding(True, "rounds_to_reference")
    if canonical(reference) == canonical(answer):
        return Finding(True, "same_form")
    return _compare_symbolically(reference, answer, rules)


def _compare_residues(reference: Node, answer: Node) -> Finding:
    """`a mod m` and `b mod m`, with one modulus."""
    match reference, answer:
        case Call("pmod", (a, m)), Call("pmod", (b, n)):
            mine, theirs, modulus, other = (rational(node) for node in (a, b, m, n))
            if mine is None or theirs is None or modulus is None or other is None or not modulus:
                return Finding(None, "not_decided")
            same = modulus == other and (mine - theirs) % modulus == 0
            return Finding(same, "same_residue" if same else "different_residue")
        case _:
            return Finding(False, "different_kind")


def _compare_symbolically(reference: Node, answer: Node, rules: Rules) -> Finding:
    agreed, answer_undefined = 0, 0
    points = list(numeric.points(reference, answer))
    for point in points:
        try:
            if numeric.differ(reference, answer, point):
                return Finding(False, "different_at_a_point")
            agreed += 1
        except Undefined:
            answer_undefined += _undefined_alone(reference, answer, point)
    if answer_undefined == len(points):
        return Finding(False, "undefined_value")
    try:
        if symbolic.prove_equal(reference, answer):
            return Finding(True, "symbolic_identity")
    except TooLarge:
        return Finding(None, "too_large_to_prove")
    if agreed == len(points):
        return Finding(True if rules.numeric_acceptance else None, "agrees_at_points")
    return Finding(None, "not_decided")


def _undefined_alone(reference: Node, answer: Node, point: dict[str, Fraction]) -> bool:
    """Whether the reference has a value here and the answer, all of whose parts we can evaluate, has none."""
    try:
        numeric.values(reference, point)
    except Undefined:
        return False
    try:
        numeric.values(answer, point)
    except Unsupported:
        return False
    except Undefined:
        return True
    return False


def _infinite(node: Node) -> int:
    """1 or -1 for an infinity with its sign, 0 for anything else."""
    if isinstance(node, Name):
        return int(node.name == "oo")
    if not any(isinstance(part, Name) and part.name == "oo" for part in walk(node)):
        return 0
    return -1 if node == negate(Name("oo")) else 0


def _significant(number: Number) -> int:
    scaled = abs(number.value.numerator) * 10 ** (number.places or 0) // number.value.denominator
    return len(str(scaled)) if scaled < 10**4000 else 4000


def _rounds(reference: Node, answer: Fraction) -> bool:
    if not isinstance(reference, Number) or not reference.places or reference.places > 1000:
        return False
    if _significant(reference) < 2 or _terminates(answer):
        return False
    # half a unit in the last place, and a whole one where floating-point arithmetic wrote it
    reach = 1 if _significant(reference) < FLOAT_DIGITS else 2
    return bool(abs(reference.value - answer) * 2 * 10**reference.places <= reach)


def _terminates(value: Fraction) -> bool:
    """Whether the decimal expansion ends: no prime but 2 and 5 below the line."""
    below = value.denominator
    for prime in (2, 5):
        while below % prime == 0:
            below //= prime
    return below == 1


def _rounds_numerically(reference: Number, answer: Node) -> bool:
    """The same for an irrational answer; only for references of at most 50 places."""
    if not reference.places or reference.places > 50 or _significant(reference) < 2:
        return False
    if any(isinstance(part, Name) and part.name not in CONSTANTS for part in walk(answer)):
        return False
    try:
        value, error = numeric.values(answer, {})
    except (Undefined, TooLarge):
        return False
    half = value.context.mpf(10) ** -reference.places / 2
    if _significant(reference) >= FLOAT_DIGITS:
        half *= 2
    target = value.context.mpf(reference.value.numerator) / reference.value.denominator
    return bool(abs(value - target) + error <= half)
