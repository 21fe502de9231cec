"""An object that lives in the program's process, as the tests see it: every use of it becomes a message.

What is covered: its class here has the special methods that its class there has, so `callable`, `isinstance(x,
Iterator)` and the like are answered as in one interpreter. Comparing with `==` is never left to the program alone (two
objects are equal when they are the same one, or when their class's name and content are the same and the program's own
`==` agrees). Arithmetic, ordering and `in`, where the tests would hand it the expected value and take its word, want
an object that the tests built by a class that they name, and no method of it returned it since. A context manager of
the program does not hide an assert that failed.
What is not covered: a class that the tests build can lie in its own methods, as it can anywhere; `type(object)` and
`object.__class__` are of this side, where `isinstance` is the program's.
"""

from __future__ import annotations

import sys
import types
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

from selfplay.verifiers.sandbox.border.callers import is_dropped, is_in_assert
from selfplay.verifiers.sandbox.border.server import OPERATIONS, REFLECTED, SPECIAL

OPERATORS = frozenset({*REFLECTED, "lshift", "rshift", "lt", "le", "gt", "ge", "iadd", "isub", "imul", "contains"})
"""What hands a value of the tests to an object of the program and takes its word for the result."""
ARITHMETIC = OPERATORS - {"lt", "le", "gt", "ge", "contains"} | {"neg", "pos", "invert"}
"""What makes a new object of those that the tests have."""
DECIDING = frozenset(
    {"issubset", "issuperset", "isdisjoint", "difference", "symmetric_difference", "intersection", "union"}
    | {"startswith", "endswith", "equals", "compare", "compare_total", "almost_equals", "allclose"}
    | {f"__{name.rstrip('_')}__" for name in OPERATORS | {"eq", "ne"}}
)
"""Methods by which a plain value is compared with the expected one in tests."""
RAW_MEMORY = frozenset({"__array_interface__", "__array_struct__", "__array_ufunc__", "__array_function__"})
"""What numpy asks any object for; an answer would let the program name addresses in this process."""


class Border(Protocol):
    """What carries the messages; see bridge.py."""

    def ask(self, target: int | str, /, *arguments: Any, **keywords: Any) -> Any: ...

    def raised_by_program(self, error: BaseException | None) -> bool: ...

    def same_state(self, left: Remote, right: Remote) -> bool: ...


class Refused(TypeError):
    """The tests asked an object of the program to decide about an expected value."""


@dataclass
class Held:
    """What is known here of an object of the program."""

    bridge: Border
    number: int
    kind: str
    """Its class, as the program calls it."""
    known: bool
    """Whether its class is one that the tests name, or made from one."""
    maker: bool = False
    """Whether it is such a class."""
    built: bool = False
    """Whether the tests built it, and did not get it back from the program since."""
    was_built: bool = False
    """The same, before it came back the last time."""
    name: str = ""
    """What the tests took it for, where it is a method or another part of an object."""
    among_objects: bool = False
    """Whether it is a method that compares, of an object that the tests did not build: not with plain values."""
    told: bool = False
    """Whether it came of arithmetic of a returned object and a value of the tests, which may be the expected one; it
    can be compared with objects, and is asked nothing."""

    def comes_back(self) -> None:
        """The program gave it to the tests, by whatever way: it may stand where a plain value is wanted."""
        self.was_built, self.built = self.built, False


class Remote:
    """An object that lives in the program's process; made by `remote`."""

    __slots__ = ("_held_across_the_border",)

    def __init__(self, held: Held) -> None:
        object.__setattr__(self, "_held_across_the_border", held)

    def __getattr__(self, name: str) -> Any:
        if name in RAW_MEMORY:
            raise AttributeError(name)
        held = _asked(self)
        value = held.bridge.ask("getattr", self, name)
        if isinstance(value, Remote):
            held_of(value).name = name
        if isinstance(value, Remote) and name in DECIDING and not held.maker:
            if not held.known:
                raise Refused(f"an object that the program returned cannot decide by its `{name}`")
            held_of(value).among_objects = not held.built
        return value

    def __setattr__(self, name: str, value: Any) -> None:
        held_of(self).bridge.ask("setattr", self, name, value)

    def __delattr__(self, name: str) -> None:
        held_of(self).bridge.ask("delattr", self, name)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Remote):
            return False
        bridge = held_of(self).bridge
        if number_of(self) == number_of(other):
            return True
        return bridge.same_state(self, other) and bridge.ask("eq", self, other) is True

    def __ne__(self, other: object) -> bool:
        if not isinstance(other, Remote):
            return True
        bridge = held_of(self).bridge
        if number_of(self) == number_of(other):
            return False
        return not bridge.same_state(self, other) and bridge.ask("ne", self, other) is True

    def __copy__(self) -> Any:
        return self._copied("copy")

    def __deepcopy__(self, memo: Any) -> Any:
        return self._copied("deepcopy")

    def _copied(self, how: str) -> Any:
        value = _asked(self).bridge.ask(how, self)
        if isinstance(value, Remote):
            held_of(value).built = held_of(self).built
        return value

    def __str__(self) -> str:
        return str(held_of(self).bridge.ask("str", self))

    def __repr__(self) -> str:
        return str(held_of(self).bridge.ask("repr", self))

    def __dir__(self) -> Any:
        return held_of(self).bridge.ask("dir", self)


def remote(held: Held, special: frozenset[str]) -> Remote:
    """The object, with those of the special methods (server.SPECIAL) that its class has in the program."""
    made: Remote = _class_with(special)(held)
    return made


def held_of(value: Remote) -> Held:
    held: Held = object.__getattribute__(value, "_held_across_the_border")
    return held


def number_of(value: Remote) -> int:
    return held_of(value).number


def kind_of(value: object) -> str | None:
    """The class of a program's object, as the program calls it; None for data of the tests."""
    return held_of(value).kind if isinstance(value, Remote) else None


def _asked(value: Remote) -> Held:
    held = held_of(value)
    _refuse_told([held])
    return held


def _refuse_told(held: list[Held]) -> None:
    if any(one.told for one in held):
        raise Refused("an object that the program returned cannot decide about what an operator told it")


def _call(self: Remote, /, *arguments: Any, **keywords: Any) -> Any:
    held = _asked(self)
    if held.among_objects and not all(isinstance(value, Remote) for value in (*arguments, *keywords.values())):
        raise Refused(f"an object that the program returned cannot decide by its `{held.name}`")
    value = held.bridge.ask(held.number, *arguments, **keywords)
    if isinstance(value, Remote):
        result = held_of(value)
        caller = sys._getframe(1)
        result.built = held.maker or (result.was_built and is_dropped(caller.f_code, caller.f_lasti, held.name))
    return value


def _hash(self: Remote) -> int:
    return hash(held_of(self).bridge.ask("hash", self))


def _enter(self: Remote) -> Any:
    held = _asked(self)
    built = held.built
    entered = held.bridge.ask("getattr", self, "__enter__")()
    if entered is self:
        held.built = built
    return entered


def _exit(self: Remote, kind: Any, error: BaseException | None, trace: types.TracebackType | None) -> bool:
    bridge = held_of(self).bridge
    of_program = bridge.raised_by_program(error)
    hides = bridge.ask("getattr", self, "__exit__")(kind, error, None) is True
    decides = isinstance(error, (AssertionError, Refused)) and not of_program
    return hides and not decides and not (trace is not None and is_in_assert(trace))


def _is_instance(self: Remote, other: object) -> bool:
    return isinstance(other, Remote) and held_of(self).bridge.ask("isinstance", other, self) is True


def _operate(operation: str, arguments: tuple[Any, ...]) -> Any:
    held = [held_of(argument) for argument in arguments if isinstance(argument, Remote)]
    built = any(one.built for one in held)
    known = any(one.known for one in held)
    decides = operation in OPERATORS and not built and (len(held) < len(arguments) or not known)
    if decides and not (known and operation in ARITHMETIC):
        raise Refused(f"an object that the program returned cannot take part in `{operation}`")
    if operation not in ARITHMETIC:
        _refuse_told(held)
    value = held[0].bridge.ask(operation, *arguments)
    if operation in ARITHMETIC and isinstance(value, Remote):
        made = held_of(value)
        made.built, made.told = built, decides or any(one.told for one in held)
    elif operation == "iter" and value is arguments[0]:
        held[0].built = built
    elif decides or any(one.told for one in held):
        raise Refused(f"an object that the program returned cannot decide by `{operation}`")
    return value


def _forwarded(operation: str, swapped: bool = False) -> Any:
    def method(self: Remote, *others: Any) -> Any:
        return _operate(operation, (*others, self) if swapped else (self, *others))

    return method


def _answered(operation: str) -> Any:
    def method(self: Remote, *others: Any) -> bool:
        return _operate(operation, (self, *others)) is True

    return method


_METHODS: dict[str, Any] = {
    **{f"__{name.rstrip('_')}__": _forwarded(name) for name in OPERATIONS},
    **{f"__r{name.rstrip('_')}__": _forwarded(name, swapped=True) for name in REFLECTED},
    "__call__": _call,
    "__hash__": _hash,
    "__enter__": _enter,
    "__exit__": _exit,
    "__instancecheck__": _is_instance,
    "__contains__": _answered("contains"),
    "__bool__": _answered("bool"),
}


@lru_cache(maxsize=500)
def _class_with(special: frozenset[str]) -> Any:
    methods = {name: _METHODS[name] for name in special & SPECIAL}
    # a class that defines `__eq__`, as this one's does, is otherwise not asked whether it has a hash
    methods.setdefault("__hash__", None)
    methods["__doc__"] = property(lambda self: held_of(self).bridge.ask("getattr", self, "__doc__"))
    return type("Remote", (Remote,), {"__slots__": (), **methods})
