"""The steps of a worked solution: every `left = right` whose sides are arithmetic.

    "She paid $5 * 3 = $15."             one step, left 15, right 15
    "2 + 3 = 10 / 2 = 5"                 two steps
    "5 apples + 3 apples = 8 apples"     "20% of 50 = 10"      "1/2 of 10 = 5"      "17/3 = 5 R2"

What is covered: the longest arithmetic on either side of the sign, in the middle of a sentence too (sides.py), without
emphasis and the marks around a formula; a quotient with its remainder. Where a step can be read in several ways it is
true if one of them is; where it is false and may be meant otherwise ("17/3 = 5 and 2/3", "25 / 1/3 = 75", "200 + 5% =
210") it is in doubt; where what stands beside it changes it ("3 + 5 = 8:00", "1 + 2 = 3,5") it is in doubt though it be
true. What is not covered: algebra ("x + 3 = 7") and commands of TeX, which are left unread; one bare number beside
another ("Day 1 = 35"), which is no step, unless a step leads to it ("1 + 2 = 3 = 4").
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction

from verifiers.blocks.arithmetic import MEASURES, MOST_DIGITS, Side, Unread, digits_of, read_side, tokens_of
from verifiers.blocks.sides import Found, left_side, right_side

_EQUALS = re.compile(r"=+|≈|≃")
_MARKUP = re.compile(
    r"(?<![\w)\]*])\*\*(?=[^\s*])(?P<bold>[^*\n]{1,500})(?<=[^\s*])\*\*(?![\w(\[*])|`+|(?<!\\)\\[()\[\]]"
)
"""Emphasis, code and the marks around a formula; 2**10 is none of them."""
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
_DIVISIONS = frozenset(["/", "÷", "∕", "⁄", "\\div"])
_RESULT = re.compile(
    r"\s?(?P<number>[-−]?(?:\\?\$|€|£|¥)?(?:\d{1,3}(?:,\d{3})++|\d{1,60}+)?(?:\.\d{1,60}+|(?<=\d))(?:/\d{1,60}+)?)(?!\d)%?(?P<more>[,:]\d)?"
)
"""A number, perhaps of money, a fraction or percents."""


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

    @property
    def other_measure(self) -> bool:
        """Whether the sides are in different measures and nothing is multiplied: $1 + $2 = 3 cents."""
        left, right = self.left, self.right
        units = left.units and right.units and not left.units & right.units
        return bool(units) and left.units | right.units <= MEASURES and not (left.product or right.product)


def steps(text: str) -> Iterator[Step | str]:
    """The steps of a text in order; for what has an equals sign between numbers but cannot be read, its text."""
    # blanked to the same length, so that a step's place is its place in the text
    text = _MARKUP.sub(lambda found: f"  {found['bold']}  " if found["bold"] else " " * len(found[0]), text)
    for line in re.finditer(r"[^\n;]+", text):
        signs = list(_EQUALS.finditer(line[0]))
        if not signs:
            continue
        label = _LABEL.match(line[0])
        edges = [label.end() if label else 0, *(edge for sign in signs for edge in sign.span()), len(line[0])]
        pieces = [(line[0][a:b], line.start() + a) for a, b in zip(edges[::2], edges[1::2], strict=True)]
        led = False
        for number, sign in enumerate(signs):
            (left, at), (right, _) = pieces[number], pieces[number + 1]
            if not (re.search(r"\d", left) and re.search(r"\d", right)):
                led = False
                continue
            written = f"{' '.join(left[-100:].split())} {sign[0]} {' '.join(right[:60].split())}"
            goes_on = "=" if number + 1 < len(signs) else ""
            found = step(left, right + goes_on, at, sign[0])
            if found is None:
                yield written
            elif found.left.operators + found.right.operators:
                yield replace(found, text=written)
            elif led and not found.unsettled and _is_bare(left) and _differ(found):
                yield replace(found, text=written, in_doubt=True)  # 1 + 2 = 3 = 4
            led = found is not None and (led or found.left.operators + found.right.operators > 0)


def step(left: str, right: str, at: int, sign: str, *, whole: bool = False) -> Step | None:
    """One step; None where it cannot be read. Of several readings a true one is taken.

    Args:
        whole: whether each side must be arithmetic from end to end, as in an annotation.
    """
    about = sign in "≈≃"
    try:
        lefts = left_side(left, whole=whole)
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
        return replace(true, unsettled=unsettled or true.other_measure)
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


def result_after(annotation: Side, text: str, at: int) -> Step | None:
    """A number right after an annotation that is not its result, as a step; None where it is, or none stands there.

    Args:
        annotation: what the annotation comes to.
        text: the whole text.
        at: where the annotation ends.
    """
    found = _RESULT.match(text, at)
    if found is None:
        return None
    said = []
    for written in (found[0].removesuffix(found["more"] or ""), found["number"]):
        with suppress(Unread):
            said.append(Step("", at, annotation, read_side(tokens_of(written)), about=False))
    quotient = annotation.value // 1 if annotation.operators else annotation.value  # 17/3=5 R2
    if not said:
        return None
    if any(is_true(one, rounding=True) or one.right.value == quotient for one in said):
        return replace(said[0], text=found[0], unsettled=True) if found["more"] else None  # 4,5
    # a sign that is left out, a whole number of something: -4 and 4, 3.33 and 3
    apart = abs(abs(annotation.value) - abs(said[-1].right.value))
    about = apart < 1 if said[-1].right.value.denominator == 1 else apart == 0
    return replace(said[0], text=found[0], in_doubt=about or found[0][0].isspace())


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
    plain = [token.kind for token in parts] == ["number", "operator", "number"] and parts[1].text in _DIVISIONS
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


def _differ(step: Step) -> bool:
    """Whether two bare numbers of one kind are not the same."""
    same = step.left.units == step.right.units and step.left.percent == step.right.percent
    return same and not is_true(step, rounding=True)
