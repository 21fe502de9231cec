"""Exceptions on their way across the border: their name, message, ancestors and fields, as plain data.

What is covered: built-in exceptions arrive as themselves, others as a class of the same name with the same
ancestors. What is not covered: methods of an exception, and fields that have no plain form.
"""

from __future__ import annotations

import builtins
import traceback
from typing import Any

from verifiers.sandbox.plain import Encoder, TooBig

PROGRAM = "<program>"


def describe(error: BaseException, source: str = PROGRAM) -> dict[str, Any]:
    """An exception as plain data; `line` is the deepest line on its way in the text named `source`."""
    try:
        message = str(error)[:500]
    except BaseException:
        message = ""
    lines = [
        frame.lineno for frame in traceback.extract_tb(error.__traceback__, limit=-200) if frame.filename == source
    ]
    if isinstance(error, SyntaxError) and error.filename == source:
        lines.append(error.lineno)
    return {
        "type": type(error).__name__[:100],
        "message": message,
        "line": lines[-1] if lines else None,
        **ancestors(type(error)),
    }


def ancestors(kind: type[BaseException]) -> dict[str, Any]:
    """`bases`, the built-in ones, and `lineage`, all of them; nearest first, by name."""
    return {
        "bases": [base.__name__ for base in kind.__mro__ if base.__module__ == "builtins"],
        "lineage": [base.__name__[:100] for base in kind.__mro__[:20]],
    }


def fields_of(error: BaseException) -> Any:
    """What the exception holds beside its message, for a reader that may look at it."""
    try:
        return Encoder().encode({key: held for key, held in vars(error).items() if not key.startswith("__")})
    except (TooBig, TypeError):
        return ["dict"]


def builtin_exception(bases: list[str]) -> type[BaseException]:
    """The nearest built-in one of these names."""
    for name in bases:
        kind = getattr(builtins, name, None)
        if isinstance(kind, type) and issubclass(kind, BaseException):
            return kind
    return Exception


def rebuild(kind: type[BaseException], message: str) -> BaseException:
    """An exception with a message, without running the constructor of its class."""
    error: BaseException = kind.__new__(kind)
    error.args = (message,)
    return error
