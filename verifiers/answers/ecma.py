r"""Regular expressions as JSON Schema means them (ECMA 262, without flags but `u`), for the library `regex`.

What is covered: `^` and `$` at the two ends of the text alone; `\d`, `\w` and `\b` of ASCII, `\s` of all white space;
`.` matches no line end; `[` within a class is a character; `\k<name>`. What is not covered: what is an error in ECMA
262 and none in `regex`, such as `(?i)` or `\A`: it means what `regex` makes of it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from selfplay.verifiers.answers.patterns import compiled

_TOKEN = re.compile(r"\\u\{([0-9A-Fa-f]{1,6})\}|\\c([A-Za-z])|\[\^?\]|\\.|.", re.DOTALL)
_SPACE = r"\t-\r \xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff"
_NO_SPACE = (
    r"\x00-\x08\x0e-\x1f!-\x9f\xa1-\u167f\u1681-\u1fff\u200b-\u2027\u202a-\u202e\u2030-\u205e\u2060-\u2fff"
    r"\u3001-\ufefe\uff00-\U0010ffff"
)
_IN_CLASS = {
    r"\d": "0-9",
    r"\D": r"\x00-/:-\U0010ffff",
    r"\w": "0-9A-Z_a-z",
    r"\W": r"\x00-/:-@\[-\^`{-\U0010ffff",
    r"\s": _SPACE,
    r"\S": _NO_SPACE,
}
_OUTSIDE = {name: f"[{ranges}]" for name, ranges in _IN_CLASS.items()} | {
    r"\b": r"(?a:\b)",
    r"\B": r"(?a:\B)",
    r"\k": r"\g",
    "$": r"\Z",
    ".": r"[^\n\r\u2028\u2029]",
    "[]": "(?!)",
    "[^]": "(?s:.)",
}


@lru_cache(maxsize=1024)
def compiled_ecma(pattern: str) -> Any:
    """The pattern of a JSON Schema, compiled. Raises ValueError where it is no regular expression."""
    try:
        return compiled(_translated(pattern), False, lines=False)
    except ValueError:
        compiled(pattern, False)  # the complaint in terms of what was written, where there is one
        raise


def _translated(pattern: str) -> str:
    made, in_class = list[str](), False
    for found in _TOKEN.finditer(pattern):
        token = found[0]
        if found[1]:
            token = rf"\U{int(found[1], 16):08x}"
        elif found[2]:
            token = rf"\x{ord(found[2]) % 32:02x}"
        elif in_class:
            in_class = not token.endswith("]") or (len(token) == 2 and token[0] == "\\")
            token = token.replace("[", r"\[") if token[0] == "[" else _IN_CLASS.get(token, token)
        else:
            in_class = token == "["
            token = _OUTSIDE.get(token, token)
        made.append(token)
    return "".join(made)
