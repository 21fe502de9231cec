"""deque, Counter, defaultdict, OrderedDict, views of a dict and slices, as a tag and plain values.

What is covered: exactly these types; both sides get the real thing. A view is one of a copy.
What is not covered: subclasses of them, which cross as the content of their built-in base.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable
from typing import Any

PARTS: dict[type[Any], Callable[[Any], list[Any]]] = {
    deque: lambda value: ["deque", value.maxlen, list(value)],
    Counter: lambda value: ["Counter", dict(value)],
    defaultdict: lambda value: ["defaultdict", value.default_factory, dict(value)],
    OrderedDict: lambda value: ["OrderedDict", dict(value)],
    type({}.keys()): lambda value: ["keys", dict.fromkeys(value)],
    type({}.values()): lambda value: ["values", list(value)],
    type({}.items()): lambda value: ["items", dict(value)],
    slice: lambda value: ["slice", value.start, value.stop, value.step],
}
"""For each type the tag and the values that it is made of."""


def _is(kind: type[Any], value: Any) -> Any:
    if type(value) is not kind:
        raise TypeError(f"not a {kind.__name__}")
    return value


REBUILT: dict[str, Callable[..., Any]] = {
    "deque": lambda longest, items: deque(_is(list, items), None if longest is None else _is(int, longest)),
    "Counter": lambda content: Counter(_is(dict, content)),
    "defaultdict": lambda made, content: defaultdict(made if callable(made) else None, _is(dict, content)),
    "OrderedDict": lambda content: OrderedDict(_is(dict, content)),
    "keys": lambda content: _is(dict, content).keys(),
    "values": lambda items: dict(enumerate(_is(list, items))).values(),
    "items": lambda content: _is(dict, content).items(),
    "slice": lambda start, stop, step: slice(start, stop, step),
}
"""For each tag what makes the value again from decoded values. Raises TypeError or ValueError."""
