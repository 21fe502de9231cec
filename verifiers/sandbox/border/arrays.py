"""Arrays and scalars of numpy on their way across the border; only where a process has imported numpy.

An array crosses as its type and its nested list. Tests that have numpy get an array again; where values are compared
with literals an array is an object, equal to nothing, because `array == [1, 2]` is no truth value in Python either.
Scalars cross as plain numbers. What is not covered: arrays of objects, records and dates, which stay objects.
"""

from __future__ import annotations

import sys
from typing import Any

NUMBERS = "biufcU"
"""Kinds of array whose items have a plain form."""


def parts_of(value: Any) -> tuple[str, Any] | None:
    """("array", ...) or ("scalar", ...) with plain Python content; None for what is neither."""
    numpy = sys.modules.get("numpy")
    if numpy is None or not isinstance(value, (numpy.ndarray, numpy.generic)) or value.dtype.kind not in NUMBERS:
        return None
    if isinstance(value, numpy.ndarray):
        return "array", (value.dtype.str, value.tolist())
    plain = value.item()
    return None if type(plain).__module__ == "numpy" else ("scalar", plain)


def rebuilt(kind: Any, content: Any) -> Any:
    """The array again, or its nested list in a process without numpy."""
    numpy = sys.modules.get("numpy")
    if numpy is None:
        return content
    if type(kind) is not str or kind.lstrip("<>|=")[:1] not in NUMBERS:
        raise ValueError("not a type of array")
    return numpy.array(content, dtype=kind)


def is_array(value: Any) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and type(value) is numpy.ndarray
