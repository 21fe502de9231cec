"""The program as its tests see it from another process: plain data, and handles of what has no plain form.

A handle can be called, iterated and compared by identity. An object that the tests built themselves, by a class that
they name, has all its attributes, a length, items, `in`, and its own text. Of other objects that the program returned
what plain values and shared classes have too (`startswith`, `__len__`) is out of reach: such an object may stand where
the tests expect a list or a text, and its word would decide about it. Comparing by `==`, arithmetic and everything else
that would run the program's code to decide something is out of reach for all handles.

What is out of reach is no failure of the program: it raises `NeedsShared`, and the verdict is `open`.
"""

from __future__ import annotations

import builtins
import functools
import sys
import threading
from collections import deque, namedtuple
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from selfplay.verifiers.sandbox.channel import Channel
from selfplay.verifiers.sandbox.inside.exception_data import args_of, builtin_exception, describe, rebuild
from selfplay.verifiers.sandbox.inside.object_graph import Graph
from selfplay.verifiers.sandbox.inside.plain_data import (
    PARTS,
    SCALARS,
    TYPES,
    Plain,
    Special,
    array,
    decode,
    whole,
)

MOST_RAISED = 1000
VALUE_METHODS = frozenset(name for kind in (*TYPES.values(), *SCALARS, *PARTS) for name in dir(kind))
"""Names of methods and fields of plain values, which an object of the program may not answer to in their place."""
BINARY = "add sub mul matmul truediv floordiv mod divmod pow lshift rshift and or xor"
OTHERS = """
    lt le gt ge eq ne hash bool int float complex index round abs neg pos invert enter exit reversed format bytes await
    aiter anext aenter aexit trunc floor ceil
"""
REFUSED = frozenset(
    {f"__{sign}{name}__" for sign in ("", "r", "i") for name in BINARY.split()}
    | {f"__{name}__" for name in OTHERS.split()}
)
"""Special methods that would let the program decide, or that no message stands for."""
ASKED = ("__len__", "__getitem__", "__setitem__", "__delitem__", "__contains__", "__str__", "__repr__")
METHOD = object()
"""What the program answers for a method of the object itself."""


class NeedsShared(BaseException):
    """The tests need the program in their own interpreter."""


class Missing(Exception):
    """The program lacks a name that the tests need."""


class Held:
    """What is known of an object of the program."""

    def __init__(self, program: Program, number: int, kind: str) -> None:
        self.program, self.number, self.kind = program, number, kind
        self.named = False
        """Whether the tests know it by a name of the program, and it did not come back since."""
        self.builds = False
        """Whether that name is one of a class, and so what a call of it returns is built by the tests."""
        self.built = False
        """Whether the tests built it, and it did not come back from the program since."""


class Handle:
    """An object that lives in the program's process. Its class has the special methods that its class there has."""

    def __init__(self, held: Held) -> None:
        object.__setattr__(self, "@held", held)

    def __getattr__(self, name: str) -> Any:
        held = held_of(self)
        if name in OFFERED or name in REFUSED:
            raise AttributeError(f"'{held.kind}' object has no attribute '{name}'")
        if name.startswith("__") and name.endswith("__"):
            held.program.refuse(f"they ask an object of the program for `{name}`")
        _needs_built(held, name)
        value = held.program.ask("getattr", self, name)
        return functools.partial(held.program.ask, "method", self, name) if value is METHOD else value

    def __setattr__(self, name: str, value: Any) -> None:
        held_of(self).program.ask("setattr", self, name, value)

    def __delattr__(self, name: str) -> None:
        held_of(self).program.refuse("they delete an attribute of an object of the program")

    def __repr__(self) -> str:
        return f"<{held_of(self).kind} object>"

    def __reduce_ex__(self, protocol: Any) -> NoReturn:
        held_of(self).program.refuse("they copy an object of the program")

    def __mro_entries__(self, bases: Any) -> NoReturn:
        held_of(self).program.refuse("a class of theirs inherits from one of the program")


def held_of(handle: Handle) -> Held:
    held: Held = object.__getattribute__(handle, "@held")
    return held


def _needs_built(held: Held, name: str) -> None:
    if not (held.built or held.named) and (name in VALUE_METHODS or held.program.is_method(name)):
        held.program.refuse(f"they use `{name}` of an object that the program returned")


def _refused(name: str) -> Callable[..., Any]:
    def method(self: Handle, *given: Any) -> NoReturn:
        held_of(self).program.refuse(f"they use `{name}` of an object of the program")

    return method


def _asked(name: str) -> Callable[..., Any]:
    def method(self: Handle, *given: Any) -> Any:
        _needs_built(held_of(self), name)
        return held_of(self).program.ask(name.strip("_"), self, *given)

    return method


def _called(self: Handle, /, *given: Any, **named: Any) -> Any:
    return held_of(self).program.ask(held_of(self).number, *given, **named)


def _is_instance(self: Handle, value: Any) -> bool:
    return isinstance(value, Handle) and held_of(self).program.ask("isinstance", value, self) is True


OFFERED: dict[str, Callable[..., Any]] = {
    **{name: _asked(name) for name in ASKED},
    "__iter__": lambda self: held_of(self).program.ask("iter", self),
    "__next__": lambda self: held_of(self).program.ask("next", self),
    "__call__": _called,
    "__instancecheck__": _is_instance,
}


@functools.lru_cache(maxsize=200)
def _class_with(special: frozenset[str]) -> type[Handle]:
    methods: dict[str, Any] = {name: method for name, method in OFFERED.items() if name in special}
    methods["__doc__"] = property(_refused("__doc__"))
    methods |= {name: _refused(name) for name in REFUSED & special}
    if "__eq__" in special:
        methods["__hash__"] = _refused("__hash__")
    return type("Handle", (Handle,), methods)


class Program:
    """Asks the process of the program, one question at a time.

    Args:
        follow: whether what the program does to arguments is done to the tests' own. Without it they stay as they were,
            and what the program returns is made of copies.
    """

    def __init__(self, channel: Channel, follow: bool) -> None:
        self._channel, self._follow = channel, follow
        self._streams = (sys.stdin, sys.stdout)
        self._one_at_a_time = threading.RLock()
        special: Special = {"handle": self._handle, "method": lambda: METHOD, "named": self._named, "array": array}
        self._graph = Graph(0, self._keep, special)
        self._handles: dict[int, Handle] = {}
        self._callbacks: list[Any] = []
        self._thrown: list[BaseException] = []
        """What functions of the tests raised while the program called them."""
        self._exceptions: dict[str, type[BaseException]] = {}
        """Classes of exceptions of the program that the tests name."""
        self._raised: deque[BaseException] = deque(maxlen=MOST_RAISED)
        self.needs: str | None = None
        """Why the tests need the program in their own interpreter."""
        self.used = False
        """Whether the tests held anything of the program's making."""
        self.spoils = False
        """Whether the program has something that cannot be called under a name of the tests."""
        self.changed = False
        """Whether arguments were changed by anything but a function that returned nothing."""
        self.last: str | None = None
        """What the latest call returned, to be shown."""
        self.raised: BaseException | None = None
        self.raised_line: int | None = None
        """The latest exception of the program, and where it was raised."""

    def refuse(self, why: str) -> NoReturn:
        self.needs = self.needs or why
        raise NeedsShared(why)

    def share(self, classes: list[str], names: dict[str, Any]) -> None:
        """Classes of these names that the tests have by now are those that the program was given too."""
        held = {name: names.get(name) for name in classes}
        self._graph.shared = {name: kind for name, kind in held.items() if isinstance(kind, type)}

    def is_method(self, name: str) -> bool:
        """Whether a class that both sides have has this attribute."""
        return any(hasattr(kind, name) for kind in self._graph.shared.values())

    def introduce(self, wanted: set[str], needed: set[str], read: set[str], names: dict[str, Any]) -> None:
        """Put the program's names into the tests' namespace. Raises Missing for a needed one that is not there.

        Args:
            wanted: names that the tests use, where the program has them.
            read: names that the tests are sure to read, where a plain value of the program is enough to be tested.
        """
        wanted = wanted - names.keys() | needed
        reply = self._exchange({"globals": sorted(wanted)})
        self.used = True  # what goes wrong with its answer is the program's doing
        try:
            found = self._found(reply, wanted)
        except Exception as error:
            # a forged answer; the tests had no part in it
            raise Missing("the program's own names cannot be read") from error
        self.used = any(not isinstance(found[name], (Handle, type)) for name in read & found.keys())
        # what is no function, and what is a class of exceptions by the name of a function
        self.spoils = any(not callable(held) or _is_odd_class(name, held) for name, held in found.items())
        names.update(found)
        for name in sorted(needed):
            if name not in found:
                raise Missing(f"the program defines no `{name}`")

    def _found(self, reply: dict[str, Any], wanted: set[str]) -> dict[str, Any]:
        """What was asked for and nothing else: another name could be one of Python's own, such as `all`."""
        told = {name: about for name, about in reply.get("exceptions", {}).items() if name in wanted}
        # the ancestors first
        for name in sorted(told, key=lambda name: len(told[name]["lineage"])):
            self._exceptions[name] = type(name, (self._kind_of_exception(told[name]),), {})
        values = self._graph.value(reply["value"], self._graph.read(reply["nodes"]))
        found = {name: held for name, held in values.items() if name in wanted}
        for name, handle in found.items():
            if isinstance(handle, Handle):
                held = held_of(handle)
                held.named, held.builds = True, _is_class_name(name)
        self._graph.keep_only([])
        return found | {name: kind for name, kind in self._exceptions.items() if name in told}

    def ask(self, target: int | str, /, *arguments: Any, **keywords: Any) -> Any:
        """Call a function of the program (a number) or do one of the server's operations (a name)."""
        with self._one_at_a_time:
            return self._asked(target, arguments, keywords)

    def _asked(self, target: int | str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        self.used = True
        if (sys.stdin, sys.stdout) != self._streams:
            self.refuse("they put something in the place of standard input or output")
        before = self._graph.numbers
        nodes = self._graph.changes() if self._follow else []
        plain, new = self._graph.encode(*arguments, *keywords.values())
        named = dict(zip(keywords, plain[len(arguments) :], strict=True))
        request: dict[str, Any] = {"target": target, "args": plain[: len(arguments)], "kwargs": named}
        request |= {"nodes": nodes + new, "follow": self._follow}
        while "callback" in (reply := self._exchange(request)):
            request = self._called_back(reply)
        known = self._graph.numbers
        changed = any(whole(number) in known for number, _ in reply["nodes"])
        silent = "value" in reply and reply["value"] is None
        self.changed = self.changed or (changed and not silent)
        special = self._graph.read(reply["nodes"], apart=not (silent or self._follow))
        try:
            if "error" in reply:
                self._raise(reply["error"], target)
            value = self._graph.value(reply["value"], special)
        finally:
            kept = {whole(number) for number in reply["kept"]} & self._graph.numbers
            self._graph.keep_only(before | kept)
        if isinstance(value, Handle) and isinstance(target, int) and target in self._handles:
            held_of(value).built = held_of(self._handles[target]).builds
        if isinstance(target, int):
            self.last = "an object" if isinstance(value, Handle) else self.shown(value)
        return value

    def shown(self, value: Any) -> str:
        """A value as text; what cannot be shown is no reason to stop."""
        needs = self.needs
        try:
            return repr(value)[:300]
        except (ValueError, RecursionError, NeedsShared):
            self.needs = needs
            return f"a {type(value).__name__} that cannot be shown"

    def comes_from_program(self, error: BaseException | None) -> bool:
        """Whether it is an exception of the program, or was raised while one was handled."""
        for _ in range(20):
            if error is None or any(error is raised for raised in self._raised):
                break
            error = error.__cause__ or error.__context__
        return error is not None

    def _exchange(self, request: dict[str, Any]) -> dict[str, Any]:
        self._channel.send({"ask": request})
        reply: dict[str, Any] = self._channel.receive()
        if "refused" in reply:
            self.refuse(str(reply["refused"])[:200])
        return reply

    def _called_back(self, reply: dict[str, Any]) -> dict[str, Any]:
        special = self._graph.read(reply["nodes"])
        function = self._callbacks[whole(reply["callback"])]
        arguments = [self._graph.value(argument, special) for argument in reply["args"]]
        keywords = {key: self._graph.value(held, special) for key, held in reply["kwargs"].items()}
        try:
            (plain,), new = self._graph.encode(function(*arguments, **keywords))
        except Exception as error:
            self._thrown.append(error)
            own = any(type(error) is kind for kind in self._exceptions.values())
            told = {**describe(error), "args": args_of(error), "number": len(self._thrown) - 1, "own": own}
            return {"raised": told, "nodes": self._graph.changes()}
        return {"answer": plain, "nodes": [*self._graph.changes(), *new]}

    def _raise(self, told: dict[str, Any], target: int | str) -> NoReturn:
        thrown = told.get("number")
        if type(thrown) is int and 0 <= thrown < len(self._thrown):
            # one of the tests' own, on its way back through the program
            raise self._thrown[thrown]
        kind, name = self._kind_of_exception(told), str(told["type"])
        error = rebuild(
            kind if kind.__name__ == name else type(name, (kind,), {}), told["message"], decode(told["args"])
        )
        fields = decode(told["fields"])
        if not isinstance(error, (StopIteration, SystemExit, OSError, SyntaxError, ImportError, UnicodeError)):
            error.__dict__.update(fields)
        if target != "next" and isinstance(error, (StopIteration, GeneratorExit)):
            self.refuse(f"the program raised {name}, which would end a loop of theirs")
        self.raised, self.raised_line = error, told.get("line")
        self._raised.append(error)
        raise error

    def _kind_of_exception(self, told: dict[str, Any]) -> type[BaseException]:
        for name, module in zip(told["lineage"], told["modules"], strict=True):
            kind = self._exceptions.get(name) or self._graph.shared.get(name) or _of_library(module, name)
            if isinstance(kind, type) and issubclass(kind, BaseException):
                return kind
        return builtin_exception(told["bases"])

    def _handle(self, number: int, kind: str = "", special: tuple[str, ...] | list[str] = ()) -> Handle:
        if whole(number) not in self._handles:
            made = _class_with(frozenset(map(str, special)))
            self._handles[number] = made(Held(self, number, str(kind)[:100]))
        held = held_of(self._handles[number])
        held.built = held.named = False
        return self._handles[number]

    def _named(self, kind: str, fields: list[str], content: Plain) -> Any:
        values = self._graph.value(content)
        # a field that is called like a method of a plain type could stand in its place
        return tuple(values) if VALUE_METHODS & {*fields} else _namedtuple(str(kind), tuple(fields))(*values)

    def _keep(self, value: Any) -> Plain:
        if isinstance(value, Handle):
            return ["handle", held_of(value).number]
        if isinstance(value, type) and any(value is kind for kind in self._exceptions.values()):
            return ["program", value.__name__]
        if isinstance(value, Iterator):
            self._callbacks.append(value.__next__)
            return ["iterator", len(self._callbacks) - 1]
        if callable(value) and not isinstance(value, type):
            self._callbacks.append(value)
            return ["callback", len(self._callbacks) - 1, str(getattr(value, "__name__", "function"))]
        self.refuse(f"they give the program an object of their own, of class `{type(value).__name__}`")


@functools.lru_cache(maxsize=100)
def _namedtuple(name: str, fields: tuple[str, ...]) -> Any:
    return namedtuple(name, fields)


def _of_library(module: str, name: str) -> Any:
    """A class of the standard library, such as json.JSONDecodeError, where the tests have imported its module; none of
    unittest, whose exceptions are words of the tests to who runs them."""
    top = module.partition(".")[0]
    known = top in sys.stdlib_module_names and top not in ("unittest", "builtins")
    return getattr(sys.modules.get(module), name, None) if known else None


def _is_odd_class(name: str, held: Any) -> bool:
    return isinstance(held, type) and not _is_class_name(name) and not hasattr(builtins, held.__name__)


def _is_class_name(name: str) -> bool:
    """Whether it is written as classes are, `LinkedList`, and not as functions are, `Find_Min` included."""
    plain = name.strip("_")
    return plain[:1].isupper() and "_" not in plain
