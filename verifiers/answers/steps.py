"""The steps of a worked solution: every `left = right` whose sides are arithmetic.

    "She paid $5 * 3 = $15."             one step, left 15, right 15
    "2 + 3 = 10 / 2 = 5"                 two steps
    "5 apples + 3 apples = 8 apples"     "20% of 50 = 10"      "1/2 of 10 = 5"      "17/3 = 5 R2"

What is covered: the longest arithmetic on either side of the sign, in the middle of a sentence too (sides.py), without
emphasis and the marks around a formula, and over a line end (lines.py); a quotient with its remainder. Where a step
can be read in several ways it is true if one of them is; where it is false and may be meant otherwise ("17/3 = 5 and
2/3", "25 / 1/3 = 75", "200 + 5% = 210") it is in doubt; where what stands beside it may change it ("3 + 5 = 8:00", "5
multiplied by 3 + 4 = 7"), or its unit does ("$5 * 3 = 15 cents"), it is in doubt though it be true. What is not
covered: algebra ("x + 3 = 7") and commands of TeX, which are left unread; one bare number beside another ("Day 1 =
35"), which is no step, unless a step leads to it ("1 + 2 = 3 = 4 apples").
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction

from selfplay.verifiers.answers.arithmetic import MOST_DIGITS, Side, Token, Unread, digits_of
from selfplay.verifiers.answers.lines import ARROW, JOINED, SIGN, prepared
from selfplay.verifiers.answers.measures import MEASURES, rate
from selfplay.verifiers.answers.sides import Found, left_side, right_side

_LABEL = re.compile(r"\s*(?:\d+[.)]|[*•])\s+")
"""The number or bullet of a list."""
_REMAINDER = re.compile(
    rf"\s{{0,3}}(\d{{1,{MOST_DIGITS}}})\s{{0,3}},?\s{{0,3}}\(?(?:with\s{{1,3}})?(?:an?\s{{1,3}})?(?:r|rem|remainder)\b\.?"
    rf"(?:\s{{1,3}}of|:)?\s{{0,3}}(\d{{1,{MOST_DIGITS}}})(?![\d%²³½]|[.,:/]\d|\s{{0,3}}[-+*/×÷^(])",
    re.IGNORECASE,
)
_TIGHT_REMAINDER = re.compile(
    rf"\s{{0,3}}(\d{{1,{MOST_DIGITS}}})\s{{0,3}}r(\d{{1,{MOST_DIGITS}}})(?![\d%²³½]|[.,:/]\d|\s{{0,3}}[-+*/×÷^(])",
    re.IGNORECASE,
)
"""5R2"""
DIVISIONS = frozenset(["/", "÷", "∕", "⁄", "\\div"])
_PRODUCTS = frozenset(["*", "x", "X", "×", "·", "∙", "⋅", "∗", "✕", "⨯", "\\times", "\\cdot", "times", "of"])


@dataclass(frozen=True)
class Step:
    """`left = right`, both read."""

    text: str
    at: int
    left: Side
    right: Side
    about: bool
    """Whether it was written with `≈`."""
    in_doubt: bool = False
    """Whether it may be meant in another way than it was read; a false one is then not shown to be wrong."""
    unsettled: bool = False
    """Whether what stands beside it changes it as like as not; a true one is then not shown to be right either."""
    impossible: bool = False
    """Whether it is false whatever the values are: a remainder as large as its divisor."""

    @property
    def may_be_meant_otherwise(self) -> bool:
        """Whether it is written in such a way, or in a unit that the left side has not, or in cents or percents."""
        left, right = self.left, self.right
        changed = bool(left.units and right.units - left.units) or "cent" in left.units | right.units
        pairs = ((left, right), (right, left))
        percents = any(one.percent and not other.percent and one.value * 100 == other.value for one, other in pairs)
        return left.doubtful or right.doubtful or changed or percents


def steps(text: str) -> Iterator[Step | str]:
    """The steps of a text in order; for what has an equals sign between numbers but cannot be read, its text."""
    for line in re.finditer(r"[^\n;]+", prepared(text)):
        signs = list(SIGN.finditer(line[0]))
        if not signs:
            continue
        label = _LABEL.match(line[0])
        edges = [label.end() if label else 0, *(edge for sign in signs for edge in sign.span()), len(line[0])]
        pieces = [(line[0][a:b], line.start() + a) for a, b in zip(edges[::2], edges[1::2], strict=True)]
        loose = [ARROW.fullmatch(sign[0]) is not None for sign in signs]
        led = False
        for number, sign in enumerate(signs):
            (left, at), (right, _) = pieces[number], pieces[number + 1]
            between = loose[number] and 0 < number < len(signs) - 1 and not (loose[number - 1] or loose[number + 1])
            if between or not (re.search(r"\d", left) and re.search(r"\d", right)):
                led = False  # 2 + 2 = 4 → 4 + 1 = 5
                continue
            written = f"{left[-100:]} {sign[0]} {right[:60]}".replace(JOINED, " ")
            goes_on = "=" if number + 1 < len(signs) else ""
            found = step(left, right + goes_on, at, sign[0], led=number > 0)
            if found is None:
                yield " ".join(written.split())
                led = False
                continue
            counts = found.left.operators + found.right.operators > 0
            true = is_true(found, rounding=True) or _converted(found.left, found.right)
            if counts and loose[number] and not true:
                found = replace(found, unsettled=True)
            if counts or (led and _is_bare(left) and (found.unsettled or not true or _other_measure(found, []))):
                # 1 + 2 = 3 = 4
                yield replace(found, text=" ".join(written.split()), in_doubt=found.in_doubt or not counts)
            led = led or counts


def step(left: str, right: str, at: int, sign: str, *, whole: bool = False, led: bool = False) -> Step | None:
    """One step; None where it cannot be read. Of several readings a true one is taken.

    Args:
        whole: whether each side must be arithmetic from end to end, as in an annotation.
        led: whether the left side begins after the equals sign of an earlier step.
    """
    about = sign in ("≈", "≃", "\\approx")
    try:
        lefts = left_side(left, whole=whole, led=led)
        divided = _with_remainder(lefts, right, at, whole=whole)
        if divided is not None:
            return divided
        rights = right_side(right, whole=whole)
    except Unread:
        return None
    unsettled = lefts.unsettled or rights.unsettled
    found = [Step("", at, one, other, about) for one in lefts.readings for other in rights.readings]
    true = next((one for one in found if is_true(one, rounding=True)), None)
    if true is not None:
        return replace(true, unsettled=unsettled or _other_measure(true, lefts.tokens))
    doubtful = lefts.doubtful or rights.doubtful or found[0].may_be_meant_otherwise
    doubtful = doubtful or unsettled or _true_in_other_signs(left, right, at, whole=whole)
    return replace(found[0], in_doubt=doubtful, unsettled=unsettled)


def is_true(step: Step, *, rounding: bool) -> bool:
    """Whether both sides are equal.

    Args:
        rounding: a decimal may be the other side rounded (or cut) to its digits; `≈` rounds always.
    """
    left, right = step.left, step.right
    if step.impossible or left.value == right.value:
        return not step.impossible
    for one, other in ((left, right), (right, left)):
        # 5 / 20 * 100 = 25%
        exact = (other.value, other.value / 100) if one.percent and other.hundred else (other.value,)
        if one.value in exact:
            return True
        if one.places is None or not (step.about or (rounding and one.places > 0)):
            continue
        unit = Fraction(1, 10**one.places) * (Fraction(1, 100) if one.percent else 1)
        if any(_rounds(value, one.value, unit) for value in exact):
            return True
    return False


def _rounds(exact: Fraction, written: Fraction, unit: Fraction) -> bool:
    """Whether the written value is the exact one rounded to the unit, or cut there."""
    cut = exact * written >= 0 and abs(written) <= abs(exact) < abs(written) + unit
    return cut or abs(exact - written) <= unit / 2


def _with_remainder(left: Found, right: str, at: int, *, whole: bool) -> Step | None:
    """A step whose right side is a quotient with a remainder; None where it is none."""
    found = _REMAINDER.match(right) or _TIGHT_REMAINDER.match(right)
    if found is None or (whole and right[found.end() :].strip(" )")):
        return None
    quotient, remainder = Fraction(found[1]), Fraction(found[2])
    parts = [token for token in left.tokens if token.kind != "word"]
    plain = [token.kind for token in parts] == ["number", "operator", "number"] and parts[1].text in DIVISIONS
    plain = plain and all(digits_of(token).isdigit() for token in (parts[0], parts[2]))
    divisor = Fraction(digits_of(parts[2])) if plain else Fraction(1)
    return Step(
        "",
        at,
        left.readings[0],
        Side(quotient + remainder / divisor, 1, frozenset(), False, False, True, None, doubtful=False),
        about=False,
        in_doubt=not plain or left.doubtful,
        unsettled=not plain or left.unsettled,
        impossible=plain and remainder >= divisor,
    )


def _true_in_other_signs(left: str, right: str, at: int, *, whole: bool) -> bool:
    """Whether a step is true where commas are decimal points and points separate thousands, or a raised dot is a
    decimal point: 1.500 + 1 = 1501, 3.5 + 1 = 4·5."""
    for signs in ({".": ",", ",": "."}, {"·": "."}):
        table = str.maketrans(signs)
        one, other = left.translate(table), right.translate(table)
        if (one, other) == (left, right):
            continue
        with suppress(Unread):
            lefts, rights = left_side(one, whole=whole), right_side(other, whole=whole)
            pairs = [(a, b) for a in lefts.readings for b in rights.readings]
            unsettled = lefts.unsettled or rights.unsettled
            if not unsettled and any(is_true(Step("", at, a, b, about=False), rounding=False) for a, b in pairs):
                return True
    return False


def _is_bare(text: str) -> bool:
    """Whether a text is one number and nothing else."""
    try:
        return left_side(text, whole=True).readings[0].operators == 0
    except Unread:
        return False


def _other_measure(step: Step, tokens: list[Token]) -> bool:
    """Whether a true step ends in a measure that its left side has not, and is not converted: $5 * 3 = 15 cents."""
    left, right = step.left.units & MEASURES, step.right.units
    if not left or not right or step.left.units & right or not right <= MEASURES:
        return False
    factor = rate(left, right)
    if step.left.operators == 0:
        return not _converted(step.left, step.right)
    if factor is None:
        return True
    signs = [""] + [token.text for token in tokens] + [""]
    for at, token in enumerate(tokens, 1):
        if token.kind != "number" or Fraction(digits_of(token)) not in (factor, 1 / factor):
            continue
        divided = signs[at - 1] in DIVISIONS
        if (divided and factor < 1) or (not divided and factor > 1 and {signs[at - 1], signs[at + 1]} & _PRODUCTS):
            return False
    return True


def _converted(left: Side, right: Side) -> bool:
    """Whether both sides are the same in different measures: 120 minutes = 2 hours."""
    factor = rate(left.units, right.units)
    return factor is not None and left.value * factor == right.value
