"""Hostile text made fit to be looked at.

Control characters (ESC, NUL), bidirectional overrides, zero-width and private characters become escapes such as
`\\x1b`; towers of combining marks and megabyte texts are cut. HTML is escaped by the template engine, and look-alike
letters of other alphabets are left.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter

MARKS_IN_A_ROW = 3
"""Combining marks on one letter that are shown; no language needs more, and towers of them cover other lines."""
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@dataclass(frozen=True)
class Excerpt:
    """The beginning of a text, in parts, and how much was left out."""

    parts: list[tuple[str, bool]]
    """(text, whether it is an escape that stands for a hidden character)."""
    left_out: int
    """Characters that are not shown."""


def visible(text: str) -> str:
    """The text with each hidden character as its escape; newline and tab stay."""
    return text if _is_plain(text) else "".join(part for part, _ in _parts(text))


def excerpt(text: str, limit: int, length: int | None = None) -> Excerpt:
    """At most `limit` characters of a text, which has `length` in all where `text` is its beginning only."""
    whole = len(text) if length is None else length
    return Excerpt(_parts(text[:limit]), max(0, whole - limit))


def _is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable()


def _parts(text: str) -> list[tuple[str, bool]]:
    parts = []
    for hidden, characters in groupby(_marked(text), key=itemgetter(1)):
        shown = (_escape(character) if hidden else character for character, _ in characters)
        parts.append(("".join(shown), hidden))
    return parts


def _marked(text: str) -> Iterator[tuple[str, bool]]:
    """Each character, and whether it is hidden."""
    marks = 0
    for character in text:
        category = unicodedata.category(character)
        marks = marks + 1 if category in ("Mn", "Me") else 0
        yield character, marks > MARKS_IN_A_ROW or (category in _HIDDEN and character not in "\n\t")


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
