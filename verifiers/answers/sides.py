"""The sides of a step in the middle of a sentence: the arithmetic that ends before an equals sign, or begins after it.

What is covered: the longest arithmetic there is, and whether the words and signs around it leave it alone (beside.py).
What may belong to it (`8:00`, `3,5`, `3 million`, "17/3 = 5 and 2/3", "the root of 16 + 9") puts a step in doubt; what
surely does (`x + 3`, `3½`, `3x`, `6:00 + 18`) leaves it unread. What is not covered: what a text says about a step,
beyond "it is not true that" and "is wrong", which put it in doubt.
"""

from __future__ import annotations

import re
import unicodedata
from contextlib import suppress
from dataclasses import dataclass

from selfplay.verifiers.answers.arithmetic import MOST_TOKENS, SCALES, TIMES, Side, Token, Unread, read_side, tokens_of
from selfplay.verifiers.answers.beside import harmless_before, harmless_behind

_BINDS = frozenset("\\{}_|√^…")
"""Beside arithmetic, these are part of a formula that is not read here."""
_SCALES_OF_CHINESE = frozenset("十百千万萬亿億兆半分折成点點")
_COUNTED = frozenset(["number", "percent", "close"])
_BEGINS = frozenset(["number", "percent", "currency", "open"])
_GOES_ON = re.compile(
    r"(?:and\b\s*[($\d]|\.\.|!)|[^\n]{0,60}\b(?:remain|left\s?over)|with\s+\d++\s+(?:\w+\s+)?left\b", re.IGNORECASE
)
"""After a right side that is false as it is read: `5 and 2/3`, `16.66...`, `3!`, "33, with 1 remaining"."""
_LARGE = "hundreds?|thousands?|millions?|billions?|trillions?|mln|bn|lakhs?|crores?|k|squared|cubed"
_LONGER = "hours?|hrs?|h|minutes?|mins?|days?|weeks?|months?|years?|feet|foot|ft|pounds?|lbs?|dollars?"
_SHORTER = "minutes?|mins?|seconds?|secs?|hours?|hrs?|days?|months?|inch(?:es)?|in|ounces?|oz|cents?"
_CHANGES = re.compile(
    r",\d|,\s?\d{3}(?!\d)|:\s?[0-5]\d(?!\d)|:\d|['’]\d|[±∓]"
    rf"|(?:{_LARGE})\b|(?:r|rem)\b\.?\s*[-−]?\d|(?:point|over|plus|minus|mod|modulo|divided\s+by)\s+[-$(]?\d"
    r"|is\s+(?:not|wrong|false|incorrect)\b|and\s+\d++\s+cents?\b"
    r"|(?:ten|hundred|thousand|million)ths\b"
    r"|and\s+(?:a|an|one|two|three)\s+(?:half|third|quarter|fourth|fifth)s?\b"
    r"|and\s+\d++\s*/\s*\d++(?!\s*(?:of\b|[-+*/×÷=]))"
    rf"|(?:{_LONGER})\b[\s,]*(?:and\s+)?\d++\s*(?:{_SHORTER})\b",
    re.IGNORECASE,
)
"""After a right side, true or false: `8:00`, `3,5`, `3 million`, `3 and 1/2`, "3 hours 20 minutes"."""
_OR = re.compile(r"or\s+(\\?\$?[\d.,]*\d(?:\s?/\s?\d++)?(?:\s?\\?%)?)", re.IGNORECASE)
_LOOSE_LETTER = re.compile(r"[xyzn](?!['’\w]|\s+[A-Za-z\d])", re.IGNORECASE)
_NOT_THAT = re.compile(r"\b(?:not|false|wrong|incorrect|isn['’]t)\b[^.,:!?\n]{0,20}\bthat\s*\Z", re.IGNORECASE)
_BETWEEN_DIGITS = frozenset(",:'’.!?;<>—–")
"""Signs that may stand between a step and the next words without a space; another one is part of a number."""


@dataclass(frozen=True)
class Found:
    """What may be meant by one side."""

    readings: list[Side]
    doubtful: bool
    """Whether it may be meant otherwise, so that a false step is not shown to be wrong."""
    unsettled: bool
    """Whether what stands beside it changes it as like as not, so that a true step is not shown to be right either."""
    tokens: list[Token]


def left_side(text: str, *, whole: bool, led: bool = False) -> Found:
    """What stands before an equals sign: the longest arithmetic at the end of the text.

    A dash before it may be a sign or a bullet; a number before it may belong to it ("1 1/2") or not ("in 2020").

    Args:
        whole: whether the text must be arithmetic from end to end.
        led: whether the text begins after the equals sign of an earlier step.

    Raises:
        Unread: there is none.
    """
    tokens = tokens_of(text)
    start, doubtful = len(tokens), False
    while start > 0 and _may_stand(tokens, start - 1):
        start -= 1
        if start and _side_by_side(tokens, start - 1):
            if not _touch(tokens[start - 1], tokens[start]):
                doubtful = True
                break
            if tokens[start].kind != "open":  # 2(3) + 1
                raise Unread  # 1.2.3 + 1
    run = tokens[start:]
    before, earlier = tokens[start - 1] if start else None, tokens[start - 2] if start > 1 else None
    if not run or len(run) > MOST_TOKENS or (whole and before is not None):
        raise Unread
    if before is not None and _belongs(before, earlier, run[0]):
        raise Unread
    near = tokens[max(0, start - 3) : max(0, start - 1)]
    joined = before is not None and (before.text in TIMES or before.text == "and")
    if joined and any(token.kind in _COUNTED or _is_digit_like(token.text) for token in near):
        doubtful = True  # 3 boxes of 2 + 3, 1 and 1/2 + 3, ¾ x 3/3
    spaced = run[0].kind == "operator" and len(run) > 1 and not _touch(run[0], run[1])
    dash = run[0].kind == "operator"
    if dash and (run[0].text not in "-−–+" or not (before is None or before.text == ":")):
        raise Unread  # "x + 3 = 7" goes on to the left
    readings = []
    of = next((at for at in range(len(run) - 1, 1, -1) if run[at].text == "of" and run[at - 1].kind == "word"), None)
    bullet = dash and spaced and not whole
    for part in [run, *([run[1:]] if bullet else []), *([run[of + 1 :]] if of else [])]:  # "3 piles of 210 / 3 = 70"
        with suppress(Unread):
            readings.append(read_side(part))
    if not readings:
        raise Unread
    # "14 hours = 14 * 60", "Week 1 = 35 + 35": a bare number in a sentence is a name as often as a value
    bare = readings[0].operators == 0 and (before is not None or bool(readings[0].units))
    unsettled = before is not None and (_mixed(before, run) or not harmless_before(text[: run[0].at], led=led))
    # "5 groups of 3 + 4"
    unsettled = unsettled or (of is not None and any(token.text in ("+", "-", "−", "–") for token in run[of:]))
    unsettled = unsettled or _NOT_THAT.search(text, max(0, run[0].at - 60), run[0].at) is not None
    return Found(readings, doubtful or bare or (dash and not spaced) or _range(run), unsettled, run)


def right_side(text: str, *, whole: bool) -> Found:
    """What stands after an equals sign: the longest arithmetic at the beginning of the text.

    Args:
        whole: whether the text must be arithmetic from end to end.

    Raises:
        Unread: there is none.
    """
    tokens = tokens_of(text)[: MOST_TOKENS + 1]
    end = 0
    while end < len(tokens):
        token = tokens[end]
        if token.kind == "other" or (token.kind == "word" and not _continues(tokens, end)):
            break
        end += 1
    run, after = tokens[:end], tokens[end] if end < len(tokens) else None
    touching = after is not None and bool(run) and _touch(run[-1], after)
    if touching and len(run) > 1 and run[-1].kind == "open" and not _touch(run[-2], run[-1]):
        touching = False  # = 7 (since ...
    if after is not None and run and _goes_on_as_formula(text, after, touching=touching):
        raise Unread  # 5 + 3x, 3½, 3π
    if after is not None and run and (run[-1].kind == "operator" or after.text in _BINDS):
        raise Unread
    doubtful = after is not None and _GOES_ON.match(text, after.at) is not None
    unsettled = after is not None and run[-1:] != [] and not _leaves_alone(text, after.at)
    if after is not None and after.kind == "word" and run and run[-1].kind in _COUNTED:
        if after.text.casefold() in SCALES:
            doubtful = True
        elif after.text not in TIMES:
            run.append(after)
    unsettled = unsettled or (run[-1:] != [] and run[-1].kind == "operator" and len(run) > 1)  # 3 + 4 = 7 ÷
    while run and run[-1].kind in ("operator", "open", "currency"):
        if run.pop().kind == "open" and run and run[-1].kind == "operator":
            raise Unread
    while run and run[-1].kind == "close" and _count(run, "close") > _count(run, "open"):
        run.pop()
    if not run or (whole and len(run) < len(tokens)):
        raise Unread
    readings = [read_side(run)]
    of = next((at for at, token in enumerate(run) if token.text == "of"), None)
    if of:
        readings.append(read_side(run[:of]))  # "1/3 of $150 is left"
    doubtful = doubtful or _range(run) or any(token.text == "times" for token in run)
    return Found(readings, doubtful, unsettled or _or_another(text, after, readings[0]), run)


def _leaves_alone(text: str, at: int) -> bool:
    """Whether what stands from there on leaves the number before it alone."""
    more = text.endswith("=")
    return _CHANGES.match(text, at) is None and harmless_behind(text[at:-1] if more else text[at:], more=more)


def _or_another(text: str, after: Token | None, side: Side) -> bool:
    """Whether "or" and another number follow: 3 or 4, but not 1/5 or 20%."""
    found = _OR.match(text, after.at) if after is not None else None
    if found is None:
        return False
    try:
        return read_side(tokens_of(found[1])).value != side.value
    except Unread:
        return True


def _belongs(before: Token, earlier: Token | None, first: Token) -> bool:
    """Whether what stands before arithmetic is surely part of it."""
    touching = _touch(before, first)
    if before.text in _BINDS or (touching and (before.kind == "word" or _is_letter_like(before.text))):
        return True
    if before.kind != "other" or earlier is None:
        return False
    if earlier.kind == "operator" or (touching and earlier.kind == "number" and _touch(earlier, before)):
        return True  # 8 + . 84, 2'000
    if earlier.kind not in _COUNTED:
        return False
    # 6:00 + 18, 14, 400 / 80, 7 — 2 + 1, 7 ± 2 + 1
    return before.text == "," or (before.text == ":" and touching) or unicodedata.category(before.text) in ("Sm", "Pd")


def _mixed(before: Token, run: list[Token]) -> bool:
    """Whether a whole number stands before a fraction, as in 1 1/2 + 1."""
    kinds = [token.kind for token in run[:3]]
    if before.kind != "number" or kinds != ["number", "operator", "number"] or run[1].text not in "/∕⁄":
        return False
    return all(token.text.isdigit() for token in (before, run[0], run[2]))


def _range(run: list[Token]) -> bool:
    """Whether it can be from one number to a larger one: 3-5."""
    if [token.kind for token in run[:3]] != ["number", "operator", "number"] or len(run) not in (3, 4):
        return False
    first, dash, last = run[:3]
    if dash.text not in "-–‐‑‒" or not (_touch(first, dash) and _touch(dash, last)):
        return False
    return first.text.isdigit() and last.text.isdigit() and int(first.text[:60]) < int(last.text[:60])


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


def _goes_on_as_formula(text: str, after: Token, *, touching: bool) -> bool:
    """Whether what follows a right side is surely part of it."""
    if after.kind == "word":
        return touching or _LOOSE_LETTER.match(text, after.at) is not None
    if _is_digit_like(after.text):
        return True
    following = text[after.at + 1 : after.at + 2]
    if touching and following.isdigit() and after.kind == "other" and after.text not in _BETWEEN_DIGITS:
        return True  # 3~000
    return _is_letter_like(after.text) and (touching or not following.isalpha())


def _is_digit_like(text: str) -> bool:
    return unicodedata.category(text[0]) in ("Nd", "Nl", "No") if not text.isascii() else False


def _is_letter_like(text: str) -> bool:
    """Whether a sign that is not ASCII is a letter or a digit; of Chinese those that count."""
    if text.isascii():
        return False
    if unicodedata.category(text[0]) == "Lo":
        return text[0] in _SCALES_OF_CHINESE
    return _is_digit_like(text) or text[0].isalpha()


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
