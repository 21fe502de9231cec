"""JSON in text that a model wrote: the block it stands in, and its values, read strictly.

What is covered: JSON as RFC 8259 has it, without NaN and without a key twice; decimals keep their digits, so that 0.3
is a multiple of 0.1. What is not covered: values nested deeper than `MOST_DEPTH`, numbers of more than `MOST_DIGITS`.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

MOST_DEPTH = 100
MOST_DIGITS = 4_000
"""Digits of one number written out; Python reads no whole number of more than 4,300."""
MOST_WRITTEN_OUT = 1 << 20
"""Digits of all exponents together: 1e3000 costs as much as 3,000 digits."""
_EXPONENT = re.compile(r"[0-9][eE][-+]?([0-9]{1,6})")
_OPENING = re.compile(r"(?:[ \t]|[-+*][ \t]|\d{1,9}[.)][ \t])*+(`{3,})([^`]*)\Z")
"""Also in a list, and with more than a language behind it."""
_CLOSING = re.compile(r"[ \t]*(`{3,})[ \t]*\Z")
_LANGUAGE = re.compile(r"[ \t]*\{?[ \t]*\.?([\w+-]*)")


class TooLarge(ValueError):
    """It is JSON, and larger than it is judged."""


def last_block(text: str) -> str | None:
    """The last block between lines of backticks that is called json or nothing.

    None where there is none, where it has no end, or where a `<think>` has none; what stands before the last
    `</think>` is left out.
    """
    text = text.rpartition("</think>")[2]
    if "<think>" in text:
        return None
    found, lines, opened, counts = None, list[str](), "", False
    for line in text.split("\n"):
        fence = (_CLOSING if opened else _OPENING).match(line.rstrip("\r")) if "```" in line else None
        if not opened and fence is not None:
            language = _LANGUAGE.match(fence[2])
            opened, lines, counts = fence[1], [], language is not None and language[1].casefold() in ("", "json")
        elif fence is not None and len(fence[1]) >= len(opened):
            found = "\n".join(lines) if counts else found
            opened = ""
        elif opened:
            lines.append(line)
    return None if opened and counts else found


def read_json(text: str) -> Any:
    """A JSON value. Raises ValueError with the reason, and of those TooLarge where it is JSON."""
    if _depth(text) > MOST_DEPTH:
        raise ValueError(f"it is nested deeper than {MOST_DEPTH}")
    if sum(int(exponent) for exponent in _EXPONENT.findall(text)) > MOST_WRITTEN_OUT:
        raise TooLarge(f"its numbers, written out, have more than {MOST_WRITTEN_OUT:,} digits")
    try:
        return json.loads(
            text, parse_constant=_no_constant, parse_float=decimal, parse_int=_whole, object_pairs_hook=_distinct
        )
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def decimal(text: str) -> Decimal:
    """A number with a point or an exponent, exact. Raises TooLarge where it has too many digits."""
    digits, _, exponent = text.lower().partition("e")
    # the exponent first: one of a thousand digits is no exponent that anything can be computed with
    if len(exponent) > 6 or len(digits) + abs(int(exponent or "0")) > MOST_DIGITS:
        raise TooLarge(f"{text[:40]} has more than {MOST_DIGITS:,} digits")
    return Decimal(text)


def _whole(text: str) -> int:
    if len(text) > MOST_DIGITS:
        raise TooLarge(f"a number has {len(text):,} digits")
    return int(text)


def _depth(text: str) -> int:
    """How deep brackets go that stand in no string."""
    depth = deepest = 0
    for bracket in re.findall(r"[\[\]{}]", re.sub(r'"(?:[^"\\]|\\.)*+"?', "", text, flags=re.DOTALL)):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return found
