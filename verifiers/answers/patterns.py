"""Regular expressions on text that a model wrote: matched under a clock, with the library `regex`.

What is covered: catastrophic backtracking ends at the time limit; the supervisor's deadline stands behind it.
What is not covered: a pattern that takes long to compile. Patterns come from the person who runs the experiment.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

Place = Literal["anywhere", "whole", "line"]


class TookTooLong(Exception):
    """The pattern did not come to an end on this text within its time."""


@lru_cache(maxsize=1024)
def compiled(pattern: str, ignore_case: bool, lines: bool = True) -> Any:
    """The pattern, compiled; `.` matches no line end, `^` and `$` match at lines where `lines` says so.

    Raises:
        ValueError: it is no regular expression; says where.
    """
    import regex

    try:
        flags = (regex.MULTILINE if lines else 0) | (regex.IGNORECASE if ignore_case else 0)
        return regex.compile(pattern, flags)
    except (regex.error, RecursionError, OverflowError) as error:
        raise ValueError(f"`{pattern[:80]}` is no regular expression: {error}") from None


def matches(pattern: Any, text: str, place: Place, seconds: float) -> str | None:
    """What the compiled pattern matches there; None where it does not.

    Args:
        place: somewhere in the text, the whole text, or one whole line.
        seconds: time limit for this text.

    Raises:
        TookTooLong: the time is spent.
    """
    try:
        if place == "whole":
            found = pattern.fullmatch(text, timeout=seconds)
        elif place == "line":
            found = next(filter(None, (pattern.fullmatch(line, timeout=seconds) for line in text.splitlines())), None)
        else:
            found = pattern.search(text, timeout=seconds)
    except TimeoutError:
        raise TookTooLong(f"the pattern did not end within {seconds:g} s on {len(text):,} characters") from None
    return None if found is None else str(found[0])
