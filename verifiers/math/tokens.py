"""Text to tokens. Bounded in length; linear time; knows nothing of meaning."""

from __future__ import annotations

import re
from dataclasses import dataclass

from selfplay.verifiers.math.tree import TooLarge, Unreadable

MOST_CHARACTERS = 10_000
MOST_TOKENS = 3_000

_TOKEN = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<number>(?:\d+(?:\.\d+)?[eE][+-]?\d{1,4}(?![\w.])|\d+(?:,\d+)+(?:\.\d+)?|\d+\.?\d*|\.\d+))
  | (?P<text>\\text\s*\{[^{}]*\})
  | (?P<environment>\\(?:begin|end)\s*\{[a-zA-Z]+\*?\})
  | (?P<command>\\[A-Za-z]+)
  | (?P<newline>\\\\(?:\[[^\]]*\])?)
  | (?P<escaped>\\[{}%$|&#_])
  | (?P<word>[A-Za-z]+'*)
  | (?P<operator>\*\*|<=|>=|!=|==|=<|=>|\.\.\.|[-+*/^_=<>(){}\[\]|,;:!%&~.])
    """,
    re.VERBOSE,
)


@dataclass(slots=True)
class Token:
    kind: str
    """number, text, environment, command, newline, escaped, word, operator or end."""
    text: str
    spaced: bool
    """Whether space stood before it."""


def tokenize(text: str) -> list[Token]:
    """Tokens of cleaned text, with an `end` token at the end.

    Raises:
        TooLarge: more than 10,000 characters or 3,000 tokens.
        Unreadable: a character that no token begins with.
    """
    if len(text) > MOST_CHARACTERS:
        raise TooLarge(f"{len(text)} characters")
    tokens: list[Token] = []
    at, spaced = 0, False
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise Unreadable(f"the character {text[at]!r}")
        kind, value = found.lastgroup or "", found.group()
        at = found.end()
        if kind == "space":
            spaced = True
            continue
        tokens.append(Token(kind, value, spaced))
        spaced = False
        if len(tokens) > MOST_TOKENS:
            raise TooLarge(f"more than {MOST_TOKENS} tokens")
    tokens.append(Token("end", "", spaced))
    return tokens


def whole_number(text: str) -> int:
    """`int(text)` for digits alone, also past the interpreter's 4,300 (the caller bounds them)."""
    value = 0
    for start in range(0, len(text), 4000):
        chunk = text[start : start + 4000]
        value = value * 10 ** len(chunk) + int(chunk)
    return value
