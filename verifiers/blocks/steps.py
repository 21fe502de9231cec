"""The steps of a worked solution: every `left = right` whose sides are arithmetic.

    "She paid $5 * 3 = $15."             one step, left 15, right 15
    "2 + 3 = 10 / 2 = 5"                 two steps
    "5 apples + 3 apples = 8 apples"     "20% of 50 = 10"      "1/2 of 10 = 5"

What is covered: the longest arithmetic on either side of the sign, in the middle of a sentence too. What is not
covered: where a step can be read in several ways it is true if one of them is; where it is false and what stands around
it may belong to it ("17/3 = 5 and 2/3", "25 / 1/3 = 75") it is in doubt; and algebra ("x + 3 = 7") is left unread.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction

from verifiers.blocks.arithmetic import MOST_TOKENS, SCALES, TIMES, Side, Token, Unread, read_side, tokens_of

_EQUALS = re.compile(r"=+|≈|≃")
_LABEL = re.compile(r"\s*(?:\d+[.)]|[*•])\s+")
"""The number or bullet of a list."""
_BINDS = frozenset("\\{}_|√^…")
"""Beside arithmetic, these are part of a formula that is not read here."""
_COUNTED = frozenset(["number", "percent", "close"])
_BEGINS = frozenset(["number", "percent", "currency", "open"])
_GOES_ON = re.compile(r"(?:and\b\s*[($\d]|\.\.|:\d)|[^\n]{0,60}\bremain", re.IGNORECASE)
"""After a right side: `5 and 2/3`, `16.66...`, `8:20`, "33, with 1 remaining"."""


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

    @property
    def may_be_meant_otherwise(self) -> bool:
        """Whether it is written in such a way, or in a unit that the left side has not, or in cents."""
        left, right = self.left, self.right
        changed = bool(left.units and right.units - left.units) or "cent" in left.units | right.units
        return left.doubtful or right.doubtful or changed


def steps(text: str) -> Iterator[Step | str]:
    """The steps of a text in order; for what has an equals sign between numbers but cannot be read, its text."""
    for line in re.finditer(r"[^\n;]+", text):
        signs = list(_EQUALS.finditer(line[0]))
        if not signs:
            continue
        label = _LABEL.match(line[0])
        edges = [label.end() if label else 0, *(edge for sign in signs for edge in sign.span()), len(line[0])]
        pieces = [(line[0][a:b], line.start() + a) for a, b in zip(edges[::2], edges[1::2], strict=True)]
        for number, sign in enumerate(signs):
            (left, at), (right, _) = pieces[number], pieces[number + 1]
            if not (re.search(r"\d", left) and re.search(r"\d", right)):
                continue
            written = f"{' '.join(left[-100:].split())} {sign[0]} {' '.join(right[:60].split())}"
            found = step(left, right, at, sign[0])
            if found is None:
                yield written
            elif found.left.operators + found.right.operators:  # "x = 5 = 5" says nothing
                yield replace(found, text=written)


def step(left: str, right: str, at: int, sign: str, *, whole: bool = False) -> Step | None:
    """One step; None where it cannot be read. Of several readings a true one is taken.

    Args:
        whole: whether each side must be arithmetic from end to end, as in an annotation.
    """
    try:
        lefts, doubtful = _left(left, whole=whole)
        rights, also = _right(right, whole=whole)
    except Unread:
        return None
    found = [Step("", at, one, other, sign in "≈≃") for one in lefts for other in rights]
    true = next((one for one in found if is_true(one, rounding=True)), None)
    return true or replace(found[0], in_doubt=doubtful or also or found[0].may_be_meant_otherwise)


def is_true(step: Step, *, rounding: bool) -> bool:
    """Whether both sides are equal.

    Args:
        rounding: a decimal may be the other side rounded (or cut) to its digits; `≈` rounds always.
    """
    left, right = step.left, step.right
    if left.value == right.value:
        return True
    for one, other in ((left, right), (right, left)):
        if one.percent and other.value in (one.value * 100, one.value):
            return True
        if one.places is None or not (step.about or (rounding and one.places > 0)):
            continue
        unit = Fraction(1, 10**one.places) * (Fraction(1, 100) if one.percent else 1)
        exact = (other.value, other.value / 100) if one.percent else (other.value,)
        if any(_rounds(value, one.value, unit) for value in exact):
            return True
    return False


def _rounds(exact: Fraction, written: Fraction, unit: Fraction) -> bool:
    """Whether the written value is the exact one rounded to the unit, or cut there."""
    cut = exact * written >= 0 and abs(written) <= abs(exact) < abs(written) + unit
    return cut or abs(exact - written) <= unit / 2


def _left(text: str, *, whole: bool) -> tuple[list[Side], bool]:
    """Readings of what stands before an equals sign, the longest arithmetic at its end, and whether they are in doubt.

    A dash before it may be a sign or a bullet; a number before it may belong to it ("1 1/2") or not ("in 2020").
    """
    tokens = tokens_of(text)
    start, doubtful = len(tokens), False
    while start > 0 and _may_stand(tokens, start - 1):
        start -= 1
        if start and _side_by_side(tokens, start - 1):
            doubtful = True
            break
    run = tokens[start:]
    before, earlier = tokens[start - 1] if start else None, tokens[start - 2] if start > 1 else None
    if not run or len(run) > MOST_TOKENS or (whole and before is not None):
        raise Unread
    if before is not None and (before.text in _BINDS or (before.kind == "word" and _touch(before, run[0]))):
        raise Unread
    near = tokens[max(0, start - 3) : max(0, start - 1)]
    joined = before is not None and (before.text in TIMES or before.text == "and")
    if joined and any(token.kind in _COUNTED for token in near):
        doubtful = True  # 3 boxes of 2 + 3, 1 and 1/2 + 3
    if before is not None and earlier is not None and before.kind == "other":
        time = before.text == ":" and earlier.kind == "number" and _touch(before, run[0])
        if time or earlier.kind == "operator" or (before.text == "," and earlier.kind == "number"):
            raise Unread  # 6:00 + 18, 8 + . 84, 14, 400 / 80
    dash = run[0].kind == "operator"
    if dash and (run[0].text not in "-−–+" or not (before is None or before.text == ":")):
        raise Unread  # "x + 3 = 7" goes on to the left
    readings = []
    of = next((at for at in range(len(run) - 1, 1, -1) if run[at].text == "of" and run[at - 1].kind == "word"), None)
    for part in [run, *([run[1:]] if dash else []), *([run[of + 1 :]] if of else [])]:  # "3 piles of 210 / 3 = 70"
        with suppress(Unread):
            readings.append(read_side(part))
    if not readings:
        raise Unread
    # "14 hours = 14 * 60", "Week 1 = 35 + 35": a bare number in a sentence is a name as often as a value
    bare = readings[0].operators == 0 and (before is not None or bool(readings[0].units))
    return readings, doubtful or bare


def _may_stand(tokens: list[Token], at: int) -> bool:
    """Whether a token can belong to arithmetic that ends the text; a word only right after a number."""
    if tokens[at].kind == "word":
        if tokens[at].text.casefold() in SCALES:
            return False
        if tokens[at].text in TIMES and at > 1 and tokens[at - 1].kind == "word":
            at -= 1  # 60 students x 2/3
        return at > 0 and tokens[at - 1].kind in ("number", "percent", "close") and not _letter(tokens, at)
    return tokens[at].kind in ("number", "percent", "currency", "operator", "open", "close")


def _side_by_side(tokens: list[Token], at: int) -> bool:
    return tokens[at].kind in ("number", "percent") and tokens[at + 1].kind in ("number", "percent", "open", "currency")


def _letter(tokens: list[Token], at: int) -> bool:
    """Whether a word follows its number without a space, as in 2y."""
    return _touch(tokens[at - 1], tokens[at]) and tokens[at].text not in ("x", "X")


def _touch(first: Token, second: Token) -> bool:
    return second.at == first.at + len(first.text)


def _right(text: str, *, whole: bool) -> tuple[list[Side], bool]:
    """Readings of what stands after an equals sign, the longest arithmetic at its beginning, and whether they are in
    doubt."""
    tokens = tokens_of(text)[: MOST_TOKENS + 1]
    end = 0
    while end < len(tokens):
        token = tokens[end]
        if token.kind == "other" or (token.kind == "word" and not _continues(tokens, end)):
            break
        end += 1
    if end < len(tokens) and tokens[end].kind == "word" and end and _touch(tokens[end - 1], tokens[end]):
        raise Unread  # 5 + 3x
    run, after = tokens[:end], tokens[end] if end < len(tokens) else None
    if after is not None and run and (run[-1].kind == "operator" or after.text in _BINDS):
        raise Unread
    doubtful = after is not None and _GOES_ON.match(text, after.at) is not None
    if after is not None and after.kind == "word" and run and run[-1].kind in _COUNTED:
        if after.text.casefold() in SCALES:
            doubtful = True
        elif after.text not in TIMES:
            run.append(after)
    while run and run[-1].kind in ("operator", "open", "currency"):
        if run.pop().kind == "open" and run and run[-1].kind == "operator":
            raise Unread
    while run and run[-1].kind == "close" and _count(run, "close") > _count(run, "open"):
        run.pop()
    if not run or (whole and len(run) < len(tokens)):
        raise Unread
    readings = [read_side(run)]
    of = next((at for at, token in enumerate(run) if token.text in ("of", "times")), None)
    if of:
        readings.append(read_side(run[:of]))  # "1/3 of $150 is left"
    return readings, doubtful


def _continues(tokens: list[Token], at: int) -> bool:
    """Whether a word after an equals sign stands inside the arithmetic: before an operator, or as one."""
    if at == 0 or _letter(tokens, at):
        return False
    following = tokens[at + 1] if at + 1 < len(tokens) else None
    number = tokens[at - 1].kind in ("number", "percent", "close")
    if tokens[at].text in TIMES:
        return (number or tokens[at - 1].kind == "word") and following is not None and following.kind in _BEGINS
    return number and following is not None and (following.kind == "operator" or following.text in TIMES)


def _count(tokens: list[Token], kind: str) -> int:
    return sum(token.kind == kind for token in tokens)
