"""The program's end of the border, where tests in another process use it one request at a time.

What the program returns crosses as plain data where it has such a form. Objects of classes that both sides have
(from the setup or the prefix) cross as their fields, other objects stay here and cross as a number, functions
and iterators of the tests arrive as a number that calls back, and what the tests lent (lent.py) is told about
when it changed. Like everything here it shares its interpreter with hostile code, so nothing of it is believed.
"""

from __future__ import annotations

import builtins
import copy
import enum
import io
import operator
import sys
import types
from collections.abc import Iterator
from typing import Any

from selfplay.verifiers.sandbox.border.arrays import rebuilt
from selfplay.verifiers.sandbox.border.lent import Borrower
from selfplay.verifiers.sandbox.border.plain import TYPES, Encoder, Special, TooBig, decode, opaque
from selfplay.verifiers.sandbox.border.raised import ancestors, args_of, builtin_exception, describe, fields_of, rebuild
from selfplay.verifiers.sandbox.channel import Channel, ChannelClosed

INPUT = -1
"""The number of `input`, which asks the tests: they may have put something in its place."""
MAX_NESTED = 50
"""Levels of objects inside objects that cross as fields; deeper ones stay on this side as a whole."""
OPERATORS = (
    "getitem setitem delitem contains add sub mul truediv floordiv mod pow matmul and_ or_ xor lshift "
    "rshift neg pos invert eq ne lt le gt ge index iadd isub imul"
)
COPIES = ("copy", "deepcopy")
QUESTIONS = (getattr, setattr, delattr, len, iter, next, str, repr, bool, hash, abs, int, float, complex, round, dir)
RELATIONS = (isinstance, issubclass, reversed)
OPERATIONS: dict[str, Any] = {
    **{question.__name__: question for question in (*QUESTIONS, *RELATIONS)},
    **{name: getattr(operator, name) for name in OPERATORS.split()},
    **{name: getattr(copy, name) for name in COPIES},
}
"""What a test may do to an object that stays on this side."""
REFLECTED = ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and_", "or_", "xor")
SPECIAL = frozenset(
    {f"__{name.rstrip('_')}__" for name in OPERATIONS}
    - {"__getattr__", "__setattr__", "__delattr__", "__eq__", "__ne__", "__str__", "__repr__", "__dir__"}
    - {"__isinstance__", "__issubclass__", *(f"__{name}__" for name in COPIES)}
    | {f"__r{name.rstrip('_')}__" for name in REFLECTED}
    | {"__call__", "__enter__", "__exit__", "__instancecheck__"}
)
"""Special methods that not every object has; which of them one has is told with its number."""


class Printed(io.TextIOBase):
    """Standard output, of which the tests are told what was printed while they waited, for they may have redirected
    theirs."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self._kept = io.StringIO()

    def write(self, text: str) -> int:
        self._kept.write(text)
        return int(self._real.write(text))

    def flush(self) -> None:
        self._real.flush()

    def taken(self) -> str:
        text = self._kept.getvalue()
        if text:
            self._kept = io.StringIO()
        return text

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return str(self._real.encoding)

    def fileno(self) -> int:
        return int(self._real.fileno())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)


class Server:
    """Answers a tests' process and keeps the objects that it was only given numbers of."""

    def __init__(self, channel: Channel, namespace: dict[str, Any], shared: list[str]) -> None:
        self._channel = channel
        self._namespace = namespace
        self._shared = frozenset(shared)
        self._kept: list[Any] = []
        self._depth = 0
        self._objects: list[type] = []
        self._known: list[type] = []
        """Classes that the tests name, but no exceptions."""
        self._encoder = Encoder(self._keep, self._objects)
        self._borrowed = Borrower()
        self._runner: Any = None
        self._printed = Printed(sys.stdout)
        self._thrown: list[tuple[BaseException, int]] = []
        """What functions of the tests raised here, each with the tests' number for it."""
        self._error_classes: dict[int, Any] = {}
        self._special: Special = {
            "ref": self._held,
            "object": self._build,
            "callback": self._calls_back,
            "iterator": self._iterator,
            "lent": self._lent,
            "array": lambda kind, content: rebuilt(kind, self._value(content)),
            "raised": lambda bases, message, args: rebuild(builtin_exception(bases), message, self._value(args)),
            "exception": self._exception_class,
        }

    def serve(self) -> None:
        sys.stdout = self._printed
        builtins.input = self._calls_back(INPUT, "input")
        while True:
            try:
                request = self._channel.receive()
            except ChannelClosed:
                return
            answer = {**self._answer(request), "printed": self._printed.taken()}
            try:
                self._channel.send(answer)
            except MemoryError as error:
                self._channel.send({"stage": "call", "error": describe(error)})

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            if "globals" in request:
                return self._globals(request["globals"])
            if "state" in request:
                return {"value": Encoder(_fields).encode(_state(self._held(request["state"])))}
            self._borrowed.forget(request["forget"])
            for number, content in request["changed"]:
                self._borrowed.take(self._encoder, number, self._value(content))
            return self._call(request)
        except TooBig as error:
            return {"too_big": str(error)}
        except BaseException as error:
            told = {**describe(error), "args": args_of(error), "fields": fields_of(error)}
            told["number"] = self._thrown_by_tests(error)
            return {"stage": "call", "error": told, "changed": self._changes()}

    def _globals(self, names: list[str]) -> dict[str, Any]:
        found = {name: self._namespace[name] for name in names if name in self._namespace}
        errors = {
            name: ancestors(held)
            for name, held in found.items()
            if isinstance(held, type) and issubclass(held, BaseException)
        }
        # what the tests build by a class of the program is an object to them, also where it is a kind of list
        self._known += [kind for name, kind in found.items() if isinstance(kind, type) and name not in errors]
        self._objects += [kind for kind in found.values() if isinstance(kind, type) and not _is_plain_kind(kind)]
        # `to_text = str` is an answer like any other, and the tests' own `str` would not be the program's
        own = {name: held for name, held in found.items() if isinstance(held, type) and name not in errors}
        plain = self._encoder.encode({name: held for name, held in found.items() if name not in own})
        plain += [[name, self._number(held)] for name, held in own.items()]
        return {"value": plain, "exceptions": errors}

    def _call(self, request: dict[str, Any]) -> dict[str, Any]:
        target = request["target"]
        function = self._await if target == "await" else None
        function = function or (OPERATIONS[target] if isinstance(target, str) else self._held(target))
        arguments = [self._value(argument) for argument in request["args"]]
        keywords = {key: self._value(held) for key, held in request["kwargs"].items()}
        value = function(*arguments, **keywords)
        own = self._borrowed.number_of(value)
        if own is not None:
            plain: Any = ["lent", own]
        else:
            plain = self._encoder.encode(value)
        return {"value": plain, "changed": self._changes()}

    def _await(self, coroutine: Any) -> Any:
        """What it returns, in one event loop for all that are awaited."""
        import asyncio  # only a program that has coroutines pays for it

        if self._runner is None:
            self._runner = asyncio.Runner()
        return self._runner.run(coroutine)

    def _changes(self) -> list[Any]:
        return self._borrowed.changes(self._encoder)

    def _value(self, plain: Any) -> Any:
        return decode(plain, self._special)

    def _held(self, number: int, kind: str = "") -> Any:
        return self._kept[number]

    def _lent(self, number: int, *content: Any) -> Any:
        if not content:
            return self._borrowed.again(number)
        return self._borrowed.take(self._encoder, number, self._value(content[0]))

    def _build(self, name: str, fields: Any) -> Any:
        kind = self._namespace.get(name)
        built: Any = object.__new__(kind if isinstance(kind, type) else types.SimpleNamespace)
        built.__dict__.update(self._value(fields))
        return built

    def _calls_back(self, number: int, name: str | None = None, about: str | None = None) -> Any:
        def function(*arguments: Any, **keywords: Any) -> Any:
            plain = [self._encoder.encode(argument) for argument in arguments]
            named = {key: self._encoder.encode(held) for key, held in keywords.items()}
            self._channel.send({"callback": number, "args": plain, "kwargs": named})
            while "answer" not in (message := self._channel.receive()):
                if "raised" in message:
                    raise self._raised_by_tests(message["raised"])
                self._channel.send(self._answer(message))
            return self._value(message["answer"])

        function.__name__ = function.__qualname__ = name or "function"
        function.__doc__ = about
        return function

    def _raised_by_tests(self, told: dict[str, Any]) -> BaseException:
        error = rebuild(self._exception_class(*told["class"]), told["message"], self._value(told["args"]))
        self._thrown.append((error, told["number"]))
        return error

    def _thrown_by_tests(self, error: BaseException) -> int | None:
        return next((number for thrown, number in self._thrown if thrown is error), None)

    def _exception_class(self, whose: str, told: Any, bases: tuple[str, ...] = ()) -> Any:
        """A class of exceptions that the tests named: the program's own, or one made here for each of theirs."""
        if whose == "program":
            return self._namespace[told]
        kind: Any = builtin_exception(bases)
        for number, name in reversed(told):
            kind = self._error_classes.setdefault(number, type(name, (kind,), {}))
        return kind

    def _iterator(self, number: int) -> Iterator[Any]:
        following = self._calls_back(number)
        while True:
            try:
                yield following()
            except StopIteration:
                return

    def _keep(self, value: Any) -> Any:
        if type(value).__name__ not in self._shared or not hasattr(value, "__dict__"):
            return self._number(value)
        if self._depth > MAX_NESTED:
            raise TooBig(f"objects inside objects, more than {MAX_NESTED} deep")
        self._depth += 1
        try:
            return ["object", type(value).__name__, Encoder(self._keep).encode(dict(vars(value)))]
        except TooBig:
            if self._depth > 1:
                raise
            return self._number(value)
        finally:
            self._depth -= 1

    def _number(self, value: Any) -> Any:
        number = next((number for number, held in enumerate(self._kept) if held is value), len(self._kept))
        if number == len(self._kept):
            self._kept.append(value)
        kind = type(value)
        known = any(base is named for base in kind.__mro__ for named in self._known)
        return ["ref", number, kind.__name__, _special_of(value), known]


def _special_of(value: Any) -> list[str]:
    """Which of the special methods an object has by its class; those of every object do not count."""
    found: dict[str, Any] = {"__hash__": object.__hash__}
    for kind in reversed(type(value).__mro__[:-1]):
        found |= {name: held for name, held in vars(kind).items() if name in SPECIAL}
    if isinstance(value, type) and hasattr(value, "__class_getitem__"):
        found["__getitem__"] = True
    return sorted(name for name, held in found.items() if held is not None)


def _is_plain_kind(kind: type) -> bool:
    return isinstance(kind, enum.EnumMeta) or hasattr(kind, "_fields") or kind.__module__ != "program"


def _state(value: Any) -> Any:
    """What an object consists of: its class, its content where it is a built-in type's, its fields."""
    kinds = type(value).__mro__
    content = next((base for kind in kinds for base in TYPES.values() if kind is base and base is not object), None)
    slots = {
        f"_{kind.__name__.lstrip('_')}{name}" if name.startswith("__") and not name.endswith("__") else name
        for kind in kinds
        for name in _slots(kind)
    }
    return (
        type(value).__name__,
        None if content is None or content is bool else content(value),
        {**getattr(value, "__dict__", {}), **{name: getattr(value, name, None) for name in slots}},
    )


def _slots(kind: type) -> tuple[str, ...]:
    slots = kind.__dict__.get("__slots__", ())
    return (slots,) if isinstance(slots, str) else tuple(slots)


def _fields(value: Any) -> Any:
    """An object as its class's name and its fields."""
    if not hasattr(value, "__dict__") or isinstance(value, (type, types.FunctionType, types.ModuleType)):
        return opaque(value)
    return ["object", type(value).__name__, Encoder(_fields).encode(dict(vars(value)))]
