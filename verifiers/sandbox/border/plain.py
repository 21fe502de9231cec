"""Values that may cross the border of the sandbox, as JSON: exact built-in types, rebuilt, never unpickled.

null, true, text, finite floats and integers below 2**53 are themselves; everything else is a list that starts
with a tag. deque, Counter, defaultdict and OrderedDict are rebuilt as such (containers.py). Another subclass of a
built-in type (IntEnum) travels as its content and comes out as the plain type, so its own `__eq__` is left behind; a
namedtuple travels with its field names and comes out as a tuple, or as a namedtuple where the reader asks for that.
Arrays and scalars of numpy: see arrays.py. What has no plain form travels as `Opaque` (a name and a text that are only
ever shown) or, where the caller keeps a table of objects, as a number in that table.

What is covered: no code of the sender runs in the reader, depth and the number of values are bounded.
What is not covered: the number of bytes, which the channel bounds.
"""

from __future__ import annotations

import builtins
import datetime
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any

from selfplay.verifiers.sandbox.border import arrays
from selfplay.verifiers.sandbox.border.containers import PARTS, REBUILT

MAX_DEPTH = 100
MAX_VALUES = 1_000_000
SMALL = 2**53
MAX_COMPARED = 2_000_000
"""Values that the keys of one set or dict may be compared in, where their hashes are the same."""
LONGEST_FRACTION = 8192
"""Hexadecimal digits of a numerator or denominator: the time to reduce a fraction grows with the square."""
TYPES: dict[str, Any] = {
    kind.__name__: kind
    for kind in (bool, int, float, complex, str, bytes, list, tuple, dict, set, frozenset, range, object)
}
TYPES |= {
    name: kind for name, kind in vars(builtins).items() if isinstance(kind, type) and issubclass(kind, BaseException)
}

Plain = Any
"""What `json` can carry."""


class Unreadable(ValueError):
    """A message that is not in this encoding, or beyond its bounds."""


class TooBig(ValueError):
    """A value that is nested too deeply, or has too many parts, to cross."""


class Opaque:
    """Stands for an object with no plain form. Equal to nothing but itself, and as true as the sender
    said."""

    __slots__ = ("kind", "text", "true")

    def __init__(self, kind: str, text: str, true: bool) -> None:
        self.kind, self.text, self.true = kind, text, true

    def __bool__(self) -> bool:
        return self.true

    def __repr__(self) -> str:
        return f"<{self.kind} object: {self.text}>"


class Encoder:
    """Turns values into plain data.

    Args:
        keep: given an object with no plain form, returns its plain stand-in; by default an `Opaque`.
        objects: classes whose values have no plain form, although they are subclasses of a built-in type.
    """

    def __init__(self, keep: Callable[[Any], Plain] | None = None, objects: Sequence[type] = ()) -> None:
        self._keep = keep or opaque
        self._objects = objects
        self._left = 0

    def encode(self, value: Any) -> Plain:
        """Raises TooBig."""
        self._left = MAX_VALUES
        return self._encode(value, 0)

    def _encode(self, value: Any, depth: int) -> Plain:
        self._left -= 1
        if depth > MAX_DEPTH or self._left < 0:
            raise TooBig(f"deeper than {MAX_DEPTH} levels or more than {MAX_VALUES} values")
        kind = type(value)
        if value is None or kind is bool:
            return value
        if kind is str:
            return value
        if kind is int:
            return value if -SMALL < value < SMALL else ["int", format(value, "x")]
        if kind is float:
            return value if value - value == 0 else ["float", repr(value)]
        if kind is list:
            return ["list", *[self._encode(item, depth + 1) for item in value]]
        if kind is tuple:
            return ["tuple", *[self._encode(item, depth + 1) for item in value]]
        if kind is dict:
            pairs = ([self._encode(key, depth + 1), self._encode(held, depth + 1)] for key, held in value.items())
            return ["dict", *pairs]
        return self._encode_rarer(value, kind, depth)

    def _encode_rarer(self, value: Any, kind: type[Any], depth: int) -> Plain:
        if kind is set or kind is frozenset:
            return [kind.__name__, *[self._encode(item, depth + 1) for item in value]]
        if kind is bytes or kind is bytearray:
            return [kind.__name__, value.hex()]
        if kind is complex:
            return ["complex", repr(value.real), repr(value.imag)]
        if kind is range:
            return [
                "range",
                *[self._encode(item, depth + 1) for item in (value.start, value.stop, value.step)],
            ]
        if kind is Fraction:
            parts = [format(part, "x") for part in (value.numerator, value.denominator)]
            if max(map(len, parts)) > LONGEST_FRACTION:
                raise TooBig(f"a fraction of more than {LONGEST_FRACTION} hexadecimal digits")
            return ["Fraction", *parts]
        if kind is Decimal:
            return ["Decimal", str(value)]
        if kind is datetime.datetime and (value.tzinfo is None or type(value.tzinfo) is datetime.timezone):
            return ["datetime", value.isoformat(), value.fold]
        if kind is datetime.time and value.tzinfo is None:
            return ["time", value.isoformat(), value.fold]
        if kind is datetime.date:
            return ["date", value.isoformat()]
        if kind is datetime.timedelta:
            return ["timedelta", value.days, value.seconds, value.microseconds]
        if kind is type and any(value is known for known in TYPES.values()):
            return ["type", str(value.__name__)]
        if any(kind is known for known in self._objects):
            return self._keep(value)
        if any(kind is known for known in PARTS):
            tag, *parts = PARTS[kind](value)
            return [tag, *[self._encode(part, depth + 1) for part in parts]]
        for base, content in _CONTENT:
            if issubclass(kind, base):
                plain = self._encode(content(value), depth)
                fields = getattr(kind, "_fields", None) if base is tuple else None
                return plain if fields is None else ["named", kind.__name__, [str(name) for name in fields], plain]
        array = arrays.parts_of(value)
        if array is None:
            return self._keep(value)
        form, content = array
        if form == "scalar":
            return self._encode(content, depth + 1)
        return ["array", content[0], self._encode(content[1], depth + 1)]


_CONTENT: list[tuple[type, Callable[[Any], Any]]] = [
    (int, lambda value: int.__add__(value, 0)),
    (float, lambda value: float.__add__(value, 0.0)),
    (str, str.__str__),
    (bytes, lambda value: bytes.__add__(value, b"")),
    (list, lambda value: [*list.__iter__(value)]),
    (tuple, lambda value: (*tuple.__iter__(value),)),
    (dict, lambda value: dict([*dict.items(value)])),
    (set, lambda value: {*set.__iter__(value)}),
    (frozenset, lambda value: frozenset([*frozenset.__iter__(value)])),
]


def opaque(value: Any) -> Plain:
    """The stand-in that only says what the object was."""
    try:
        # without addresses, so that the same program gives the same evidence
        text, true = re.sub(r" at 0x[0-9a-f]+", "", repr(value))[:200], bool(value)
    except Exception as error:
        text, true = f"its repr fails with {type(error).__name__}", True
    return ["opaque", type(value).__name__[:100], text, true]


Special = Mapping[str, Callable[..., Any]]


def decode(plain: Plain, special: Special | None = None) -> Any:
    """The value again.

    Args: special: further tags that the two sides agreed on, each with what builds a value from its plain
        parts.

    Raises:
        Unreadable: not in this encoding.
    """
    try:
        return _decode(plain, special or {}, 0)
    except (TypeError, ValueError, KeyError, IndexError, ArithmeticError, RecursionError) as error:
        raise Unreadable(f"not a value of ours ({type(error).__name__})") from error


def _decode(plain: Plain, special: Special, depth: int) -> Any:
    if not isinstance(plain, list):
        if plain is None or isinstance(plain, (str, bool, int, float)):
            return plain
        raise Unreadable("a bare object")
    if depth > MAX_DEPTH + 1:
        raise Unreadable("too deep")
    tag, *parts = plain
    if tag in ("list", "tuple", "set", "frozenset"):
        items = [_decode(item, special, depth + 1) for item in parts]
        if tag == "list":
            return items
        if tag == "tuple":
            return tuple(items)
        _refuse_flood(items, parts)
        return set(items) if tag == "set" else frozenset(items)
    if tag == "dict":
        pairs = [(_decode(key, special, depth + 1), _decode(held, special, depth + 1)) for key, held in parts]
        _refuse_flood([key for key, _ in pairs], [key for key, _ in parts])
        return dict(pairs)
    if tag in special:
        return special[tag](*parts)
    if tag in REBUILT:
        return REBUILT[tag](*[_decode(part, special, depth + 1) for part in parts])
    if tag == "named":
        return _decode(parts[-1], special, depth + 1)
    if tag == "array":
        return Opaque("array", repr(_decode(parts[-1], special, depth + 1))[:200], True)
    return _SCALARS[tag](*parts)


def _refuse_flood(keys: list[Any], parts: list[Plain]) -> None:
    """Keys chosen to share a hash would make the reader's own set or dict quadratic: each is compared with all before
    it, and a long key to its end."""
    same: dict[int, list[Plain]] = {}
    for key, part in zip(keys, parts, strict=True):
        same.setdefault(hash(key), []).append(part)
    if len(same) == len(keys):
        return
    compared = sum(len(group) ** 2 * max(map(_size, group)) for group in same.values() if len(group) > 1)
    if compared > MAX_COMPARED:
        raise Unreadable("keys that share their hashes")


def _size(plain: Plain) -> int:
    """How many values there are in it."""
    return 1 + sum(map(_size, plain)) if isinstance(plain, list) else 1


def whole(number: Any) -> int:
    """A small whole number from plain data. Raises Unreadable."""
    if type(number) is not int:
        raise Unreadable("not a whole number")
    return number


def _hexadecimal(text: Any) -> int:
    if type(text) is not str:
        raise Unreadable("not hexadecimal")
    return int(text, 16)


def _fraction(above: Any, below: Any) -> Fraction:
    if len(above) > LONGEST_FRACTION + 1 or len(below) > LONGEST_FRACTION + 1:
        raise Unreadable("a fraction that is too long to reduce")
    return Fraction(_hexadecimal(above), _hexadecimal(below))


def _text(text: Any) -> str:
    if type(text) is not str:
        raise Unreadable("not a text")
    return text


_SCALARS: dict[str, Callable[..., Any]] = {
    "int": _hexadecimal,
    "float": lambda text: float(_text(text)),
    "bytes": lambda text: bytes.fromhex(text),
    "bytearray": lambda text: bytearray.fromhex(text),
    "complex": lambda real, imaginary: complex(float(_text(real)), float(_text(imaginary))),
    "range": lambda *parts: range(*[_decode(part, {}, 0) for part in parts]),
    "Fraction": _fraction,
    "Decimal": lambda text: Decimal(_text(text)),
    "datetime": lambda text, fold: datetime.datetime.fromisoformat(text).replace(fold=whole(fold)),
    "time": lambda text, fold: datetime.time.fromisoformat(text).replace(fold=whole(fold)),
    "date": lambda text: datetime.date.fromisoformat(text),
    "timedelta": lambda days, seconds, micro: datetime.timedelta(whole(days), whole(seconds), whole(micro)),
    "type": lambda name: TYPES[name],
    "opaque": lambda kind, text, true: Opaque(_text(kind)[:100], _text(text)[:200], true is True),
}
