"""Exceptions that cross between processes: their name, message, arguments, ancestors and fields, as plain data.

What is covered: built-in exceptions arrive as themselves, others as a class of the same name with the same
ancestors. What is not covered: methods of an exception, arguments and fields that have no plain form, and the
exceptions inside of an ExceptionGroup.
"""

from __future__ import annotations

import builtins
import traceback
from collections.abc import Sequence
from typing import Any

from selfplay.verifiers.sandbox.inside.plain_data import Encoder, TooBig

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
    """`bases`, the built-in ones, and `lineage`, all of them with their `modules`; nearest first, by name."""
    return {
        "bases": [base.__name__ for base in kind.__mro__ if base.__module__ == "builtins"],
        "lineage": [base.__name__[:100] for base in kind.__mro__[:20]],
        "modules": [str(base.__module__)[:100] for base in kind.__mro__[:20]],
    }


def fields_of(error: BaseException) -> Any:
    """What the exception holds beside its message, for a reader that may look at it."""
    try:
        return Encoder().encode({key: held for key, held in vars(error).items() if not key.startswith("__")})
    except (TooBig, TypeError):
        return ["dict"]


def args_of(error: BaseException) -> Any:
    """The arguments of the exception, or None where they have no plain form."""
    try:
        return Encoder().encode(tuple(error.args))
    except (TooBig, TypeError):
        return None


def builtin_exception(bases: Sequence[str]) -> type[BaseException]:
    """The nearest built-in one of these names."""
    for name in bases:
        kind = getattr(builtins, name, None)
        if isinstance(kind, type) and issubclass(kind, BaseException):
            return kind
    return Exception


def rebuild(kind: type[BaseException], message: str, args: Any = None) -> BaseException:
    """An exception with its message and, where they are known, its arguments.

    Of constructors only those of built-in exceptions run, which hold nothing of the sender's.
    """
    given = args if type(args) is tuple else (message,)
    known: Any = next((base for base in kind.__mro__ if base.__module__ == "builtins"), Exception)
    try:
        error: BaseException = kind.__new__(kind, *given)
        known.__init__(error, *given)
    except (TypeError, ValueError):
        # an ExceptionGroup without its exceptions, a UnicodeDecodeError without its bytes
        return _without_arguments(kind, message)
    if str(error)[:500] == message:
        return error
    saying: type[BaseException] = type(kind.__name__, (kind,), {"__str__": lambda self: message})
    told = saying.__new__(saying, *given)
    known.__init__(told, *given)
    return told


def _without_arguments(kind: type[BaseException], message: str) -> BaseException:
    try:
        error: BaseException = kind.__new__(kind)
    except TypeError:
        return Exception(message)
    error.args = (message,)
    return error
