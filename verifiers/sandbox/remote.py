"""An object that lives in the program's process, as the tests see it: every use of it becomes a message.

What is covered: comparing with `==` is never left to the program alone (two objects are equal when they are the
same one, or when their class's name and content are the same and the program's own `==` agrees), and an object of a
class that the tests do not name takes no part in arithmetic, ordering or `in`, because there the tests would hand it
the expected value and take its word. What is not covered: a class that the tests do name can lie in its own methods,
as it can anywhere; `type(object)` and `object.__class__` are of this side, where `isinstance` is the program's.
"""

from __future__ import annotations

from typing import Any, Protocol

from verifiers.sandbox.server import OPERATIONS

REFLECTED = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and_", "or_", "xor")
OPERATORS = frozenset({*REFLECTED, "lshift", "rshift", "lt", "le", "gt", "ge", "iadd", "isub", "imul", "contains"})
"""What hands a value of the tests to an object of the program and takes its word for the result."""


class Border(Protocol):
    """What carries the messages; see tester.py."""

    def ask(self, target: int | str, *arguments: Any, **keywords: Any) -> Any: ...

    def same_state(self, left: Remote, right: Remote) -> bool: ...


class Remote:
    """An object that lives in the program's process."""

    __slots__ = ("_bridge", "_kind", "_number")

    def __init__(self, bridge: Border, number: int, kind: str) -> None:
        object.__setattr__(self, "_kind", kind)
        object.__setattr__(self, "_bridge", bridge)
        object.__setattr__(self, "_number", number)

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        return bridge_of(self).ask(number_of(self), *arguments, **keywords)

    def __getattr__(self, name: str) -> Any:
        return bridge_of(self).ask("getattr", self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        bridge_of(self).ask("setattr", self, name, value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Remote):
            return False
        bridge = bridge_of(self)
        if number_of(self) == number_of(other):
            return True
        return bridge.same_state(self, other) and bridge.ask("eq", self, other) is True

    def __ne__(self, other: object) -> bool:
        if not isinstance(other, Remote):
            return True
        bridge = bridge_of(self)
        if number_of(self) == number_of(other):
            return False
        return not bridge.same_state(self, other) and bridge.ask("ne", self, other) is True

    def __hash__(self) -> int:
        return hash(bridge_of(self).ask("hash", self))

    def __enter__(self) -> Any:
        return bridge_of(self).ask("getattr", self, "__enter__")()

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> bool:
        leave = bridge_of(self).ask("getattr", self, "__exit__")
        return leave(kind, error, None) is True

    def __instancecheck__(self, other: object) -> bool:
        return isinstance(other, Remote) and bridge_of(self).ask("isinstance", other, self) is True

    def __delattr__(self, name: str) -> None:
        bridge_of(self).ask("delattr", self, name)

    def __contains__(self, item: object) -> bool:
        return bridge_of(self).ask("contains", self, item) is True

    def __bool__(self) -> bool:
        return bridge_of(self).ask("bool", self) is True


def bridge_of(remote: Remote) -> Border:
    bridge: Border = object.__getattribute__(remote, "_bridge")
    return bridge


def number_of(remote: Remote) -> int:
    number: int = object.__getattribute__(remote, "_number")
    return number


def kind_of(value: object) -> str | None:
    """The class of a program's object, as the program calls it; None for data of the tests."""
    return object.__getattribute__(value, "_kind") if isinstance(value, Remote) else None


def _forwarded(operation: str, swapped: bool = False) -> Any:
    def method(self: Remote, *others: Any) -> Any:
        arguments = (*others, self) if swapped else (self, *others)
        return bridge_of(self).ask(operation, *arguments)

    return method


_WRITTEN_OUT = {"getattr", "setattr", "delattr", "isinstance", "issubclass", "contains", "bool", "hash", "eq", "ne"}
for _name in OPERATIONS.keys() - _WRITTEN_OUT:
    setattr(Remote, f"__{_name.rstrip('_')}__", _forwarded(_name))
for _name in REFLECTED:
    setattr(Remote, f"__r{_name.rstrip('_')}__", _forwarded(_name, swapped=True))
