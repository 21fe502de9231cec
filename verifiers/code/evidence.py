"""Values and texts of hostile origin, as evidence of bounded length."""

from __future__ import annotations

from typing import Any

from selfplay.verifiers.sandbox.border.plain import Opaque

SHOWN = 400
"""Characters of a value, message or test in a verdict's detail."""


def show(value: Any) -> str:
    """A value as text of bounded length; the values are plain data, but may be too large for repr."""
    if isinstance(value, Opaque):
        return short(repr(value))
    try:
        return short(repr(value))
    except (ValueError, RecursionError):
        return f"a {type(value).__name__} too large to show"


def short(text: str) -> str:
    cut = text[:SHOWN]
    if not cut.isascii():
        # bounded in the bytes of JSON, where one character may take twelve
        cut = cut.encode("ascii", "backslashreplace").decode("ascii")
    return cut[:SHOWN] + ("..." if len(text) > SHOWN or len(cut) > SHOWN else "")
