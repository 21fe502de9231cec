"""Values that cross between confined processes, as JSON: exact built-in types, rebuilt and never unpickled.

null, true, text, finite floats and integers below 2**53 are themselves; everything else is a list that begins with a
tag. A subclass of a built-in type (IntEnum) travels as its content and comes out as the plain type, so its own `__eq__`
is left behind; a namedtuple travels with its field names and comes out as a tuple, or as a namedtuple where the reader
asks for that. What has no plain form travels as `Opaque` (a name and a text that are only ever shown), or as what the
sender's `keep` makes of it. An array of numpy travels as its type and nested list, a scalar as a plain number.

What is covered: no code of the sender runs in the reader; depth and number of values are bounded. What is not covered:
the number of bytes, which the channel bounds.
"""

from __future__ import annotations

import builtins
import datetime
import re
import sys
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from typing import Any

MAX_DEPTH = 100
MAX_VALUES = 1_000_000
SMALL = 2**53
MAX_COMPARED = 2_000_000
"""Values that the keys of one set or dict may be compared in, where their hashes are the same."""
LONGEST_FRACTION = 8192
"""Hexadecimal digits of a numerator or denominator: the time to reduce a fraction grows with the square."""
ARRAY_KINDS = "biufcU"
"""Kinds of numpy arrays whose items have a plain form."""
TYPES: dict[str, Any] = {
    kind.__name__: kind
    for kind in (bool, int, float, complex, str, bytes, list, tuple, dict, set, frozenset, range, object)
}
TYPES |= {
    name: kind for name, kind in vars(builtins).items() if isinstance(kind, type) and issubclass(kind, BaseException)
}

Plain = Any
"""What `json` can carry."""
Special = Mapping[str, Callable[..., Any]]
"""Further tags that sender and reader agreed on, each with what makes a value of its plain parts."""


class Unreadable(ValueError):
    """A message that is not in this encoding, or beyond its bounds."""


class TooBig(ValueError):
    """A value that is nested too deeply, or has too many parts, to cross."""


class Opaque:
    """Stands for an object with no plain form. Equal to nothing but itself, and as true as the sender said."""

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
        keep: given an object with no plain form, returns what stands for it; by default an `Opaque`.
        refer: given any container, object or array, returns what stands for it, or None to have its content here.
    """

    def __init__(self, keep: Callable[[Any], Plain] | None = None, refer: Callable[[Any], Plain] | None = None) -> None:
        self._keep, self._refer = keep or opaque, refer
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
        if kind is tuple:
            return ["tuple", *[self._encode(item, depth + 1) for item in value]]
        if self._refer is not None and (place := self._refer(value)) is not None:
            return place
        return self.content(value, depth)

    def content(self, value: Any, depth: int = 0) -> Plain:
        """The same, whatever `refer` says of the value itself: it is asked about the parts."""
        kind = type(value)
        self._left = self._left if depth else MAX_VALUES
        if kind is list or kind is set or kind is frozenset:
            return [kind.__name__, *[self._encode(item, depth + 1) for item in value]]
        if kind is dict:
            pairs = ([self._encode(key, depth + 1), self._encode(held, depth + 1)] for key, held in value.items())
            return ["dict", *pairs]
        if any(kind is known for known in PARTS):
            tag, *parts = PARTS[kind](value)
            return [tag, *[self._part(part, depth + 1) for part in parts]]
        if any(kind is known for known in SCALARS):
            return SCALARS[kind](value)
        if kind is type and any(value is known for known in TYPES.values()):
            return ["type", str(value.__name__)]
        for base, content in CONTENT:
            if issubclass(kind, base):
                plain = self._part(content(value), depth)
                fields = getattr(kind, "_fields", None) if base is tuple else None
                return plain if fields is None else ["named", kind.__name__, [str(name) for name in fields], plain]
        numpy = sys.modules.get("numpy")
        if (
            numpy is None
            or not isinstance(value, (numpy.ndarray, numpy.generic))
            or value.dtype.kind not in ARRAY_KINDS
        ):
            return self._keep(value)
        if isinstance(value, numpy.ndarray):
            return ["array", value.dtype.str, Encoder().encode(value.tolist())]
        plain = value.item()
        return self._keep(value) if type(plain).__module__ == "numpy" else self._encode(plain, depth + 1)

    def _part(self, part: Any, depth: int) -> Plain:
        """What was made only to be encoded is no object that anybody else holds."""
        return self.content(part, depth) if type(part) in (list, dict, set) else self._encode(part, depth)


def opaque(value: Any) -> Plain:
    """The stand-in that only says what the object was."""
    try:
        # without addresses, so that the same program gives the same evidence
        text, true = re.sub(r" at 0x[0-9a-f]+", "", repr(value))[:200], bool(value)
    except Exception as error:
        text, true = f"its repr fails with {type(error).__name__}", True
    return ["opaque", type(value).__name__[:100], text, true]


def decode(plain: Plain, special: Special | None = None) -> Any:
    """The value again. Raises Unreadable."""
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
    if type(tag) is int:
        return special["node"](tag)
    if tag in special:
        return special[tag](*parts)
    if tag in ("list", "tuple", "set", "frozenset"):
        items = [_decode(item, special, depth + 1) for item in parts]
        if tag == "list":
            return items
        if tag == "tuple":
            return tuple(items)
        refuse_flood(items, parts)
        return set(items) if tag == "set" else frozenset(items)
    if tag == "dict":
        pairs = [(_decode(key, special, depth + 1), _decode(held, special, depth + 1)) for key, held in parts]
        refuse_flood([key for key, _ in pairs], [key for key, _ in parts])
        return dict(pairs)
    if tag in REBUILT:
        return REBUILT[tag](*[_decode(part, special, depth + 1) for part in parts])
    if tag == "named":
        return _decode(parts[-1], special, depth + 1)
    if tag == "array":
        return Opaque("array", repr(_decode(parts[-1], {}, depth + 1))[:200], True)
    return READ[tag](*parts)


def refuse_flood(keys: list[Any], parts: list[Plain]) -> None:
    """Keys chosen to share a hash would make the reader's own set or dict quadratic: each is compared with all before
    it, and a long key to its end. Raises Unreadable."""
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


def array(kind: Any, nested: Plain) -> Any:
    """The numpy array again, or its nested list in a process without numpy."""
    numpy, content = sys.modules.get("numpy"), decode(nested)
    if numpy is None:
        return content
    if type(kind) is not str or kind.lstrip("<>|=")[:1] not in ARRAY_KINDS:
        raise Unreadable("not a type of array")
    return numpy.array(content, dtype=kind)


def whole(number: Any) -> int:
    """A small whole number from plain data. Raises Unreadable."""
    if type(number) is not int:
        raise Unreadable("not a whole number")
    return number


def _is(kind: type[Any], value: Any) -> Any:
    if type(value) is not kind:
        raise Unreadable(f"not a {kind.__name__}")
    return value


def _fraction_parts(value: Fraction) -> Plain:
    parts = [format(part, "x") for part in (value.numerator, value.denominator)]
    if max(map(len, parts)) > LONGEST_FRACTION:
        raise TooBig(f"a fraction of more than {LONGEST_FRACTION} hexadecimal digits")
    return ["Fraction", *parts]


def _fraction(above: Any, below: Any) -> Fraction:
    if len(above) > LONGEST_FRACTION + 1 or len(below) > LONGEST_FRACTION + 1:
        raise Unreadable("a fraction that is too long to reduce")
    return Fraction(_hexadecimal(above), _hexadecimal(below))


def _hexadecimal(text: Any) -> int:
    return int(_is(str, text), 16)


def _time(value: Any) -> Plain:
    zone = value.tzinfo
    if zone is None or (type(zone) is datetime.timezone and type(value) is datetime.datetime):
        return [type(value).__name__, value.isoformat(), value.fold]
    return opaque(value)


CONTENT: list[tuple[type, Callable[[Any], Any]]] = [
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
"""For each built-in type the plain content of a value of a subclass, whatever the subclass defines."""
SCALARS: dict[type[Any], Callable[[Any], Plain]] = {
    bytes: lambda value: ["bytes", value.hex()],
    bytearray: lambda value: ["bytearray", value.hex()],
    complex: lambda value: ["complex", repr(value.real), repr(value.imag)],
    Fraction: _fraction_parts,
    Decimal: lambda value: ["Decimal", str(value)],
    datetime.datetime: _time,
    datetime.time: _time,
    datetime.date: lambda value: ["date", value.isoformat()],
    datetime.timedelta: lambda value: ["timedelta", value.days, value.seconds, value.microseconds],
}
READ: dict[str, Callable[..., Any]] = {
    "int": _hexadecimal,
    "float": lambda text: float(_is(str, text)),
    "bytes": lambda text: bytes.fromhex(text),
    "bytearray": lambda text: bytearray.fromhex(text),
    "complex": lambda real, imaginary: complex(float(_is(str, real)), float(_is(str, imaginary))),
    "Fraction": _fraction,
    "Decimal": lambda text: Decimal(_is(str, text)),
    "datetime": lambda text, fold: datetime.datetime.fromisoformat(text).replace(fold=whole(fold)),
    "time": lambda text, fold: datetime.time.fromisoformat(text).replace(fold=whole(fold)),
    "date": lambda text: datetime.date.fromisoformat(text),
    "timedelta": lambda days, seconds, micro: datetime.timedelta(whole(days), whole(seconds), whole(micro)),
    "type": lambda name: TYPES[name],
    "opaque": lambda kind, text, true: Opaque(_is(str, kind)[:100], _is(str, text)[:200], true is True),
}
"""For each tag what makes the value of its plain parts. Raises TypeError or ValueError."""
PARTS: dict[type[Any], Callable[[Any], list[Any]]] = {
    range: lambda value: ["range", value.start, value.stop, value.step],
    slice: lambda value: ["slice", value.start, value.stop, value.step],
    deque: lambda value: ["deque", value.maxlen, list(value)],
    Counter: lambda value: ["Counter", dict(value)],
    defaultdict: lambda value: ["defaultdict", value.default_factory, dict(value)],
    OrderedDict: lambda value: ["OrderedDict", dict(value)],
    type({}.keys()): lambda value: ["keys", dict.fromkeys(value)],
    type({}.values()): lambda value: ["values", list(value)],
    type({}.items()): lambda value: ["items", dict(value)],
}
"""For each type the tag and the values that it is made of. A view of a dict is one of a copy."""
REBUILT: dict[str, Callable[..., Any]] = {
    "range": lambda start, stop, step: range(_is(int, start), _is(int, stop), _is(int, step)),
    "slice": lambda start, stop, step: slice(start, stop, step),
    "deque": lambda longest, items: deque(_is(list, items), None if longest is None else _is(int, longest)),
    "Counter": lambda content: Counter(_is(dict, content)),
    "defaultdict": lambda made, content: defaultdict(made if callable(made) else None, _is(dict, content)),
    "OrderedDict": lambda content: OrderedDict(_is(dict, content)),
    "keys": lambda content: _is(dict, content).keys(),
    "values": lambda items: dict(enumerate(_is(list, items))).values(),
    "items": lambda content: _is(dict, content).items(),
}
"""For each tag what makes the value again from decoded values. Raises TypeError or ValueError."""
