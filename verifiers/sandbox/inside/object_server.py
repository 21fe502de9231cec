"""The program's end, where tests in another process use it one question at a time (handles.py).

What the program returns crosses as plain data where it has such a form; lists, dicts and objects of shared classes
cross as nodes of a graph (object_graph.py); other objects stay here and cross as a number. Like everything here it
shares its interpreter with hostile code, so nothing of it is believed.
"""

from __future__ import annotations

import enum
import inspect
import operator
import types
from collections.abc import Callable, Iterator
from typing import Any

from selfplay.verifiers.sandbox.channel import Channel, ChannelClosed
from selfplay.verifiers.sandbox.inside.exception_data import (
    ancestors,
    args_of,
    builtin_exception,
    describe,
    fields_of,
    rebuild,
)
from selfplay.verifiers.sandbox.inside.object_graph import MAX_KEPT, Graph
from selfplay.verifiers.sandbox.inside.plain_data import Plain, Special, TooBig, array

OPERATIONS: dict[str, Callable[..., Any]] = {
    **{question.__name__: question for question in (setattr, len, iter, next, str, repr, isinstance)},
    **{name: getattr(operator, name) for name in ("getitem", "setitem", "delitem", "contains")},
    "method": lambda owner, name, *given, **named: getattr(owner, name)(*given, **named),
}
"""What a test may do to an object that stays on this side, besides reading its attributes."""


class NeedsShared(Exception):
    """The tests need the program in their own interpreter."""


class Server:
    """Answers the tests' process and keeps the objects that it was only given numbers of."""

    def __init__(self, channel: Channel, namespace: dict[str, Any], shared: list[str]) -> None:
        self._channel, self._namespace = channel, namespace
        special: Special = {
            "handle": lambda number: self._kept[number],
            "callback": self._callback,
            "iterator": self._iterator,
            "program": lambda name: self._namespace[name],
            "array": array,
        }
        self._graph = Graph(1, self._handle, special)
        classes = {name: namespace.get(name) for name in shared}
        self._graph.shared = {name: kind for name, kind in classes.items() if isinstance(kind, type)}
        self._kept: list[Any] = []
        self._thrown: list[tuple[BaseException, int]] = []
        """What functions of the tests raised here, each with the tests' number for it."""

    def serve(self) -> None:
        while True:
            try:
                request = self._channel.receive()
            except ChannelClosed:
                return
            answer = self._answer(request)
            try:
                self._channel.send(answer)
            except MemoryError as error:
                self._channel.send(self._told(error))

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            return self._globals(request["globals"]) if "globals" in request else self._call(request)
        except TooBig as error:
            return {"too_big": str(error)}
        except NeedsShared as error:
            return {"refused": str(error)}
        except BaseException as error:
            return self._told(error)

    def _told(self, error: BaseException) -> dict[str, Any]:
        number = next((number for thrown, number in self._thrown if thrown is error), None)
        told = {**describe(error), "args": args_of(error), "fields": fields_of(error), "number": number}
        return {"error": told, "nodes": self._graph.changes(), "kept": []}

    def _globals(self, names: list[str]) -> dict[str, Any]:
        found = {name: self._namespace[name] for name in names if name in self._namespace}
        classes = {name: held for name, held in found.items() if isinstance(held, type)}
        errors = {name: ancestors(kind) for name, kind in classes.items() if issubclass(kind, BaseException)}
        # what the tests build by a class of the program is an object to them, also where it is a kind of list
        self._graph.whole = [
            kind
            for name, kind in classes.items()
            if name not in errors and kind.__module__ == "solution" and not hasattr(kind, "_fields")
            and not isinstance(kind, enum.EnumMeta) and name not in self._graph.shared
        ]  # fmt: skip
        # `to_text = str` is an answer like any other, and the tests' own `str` would not be the program's
        own = [[name, self._handle(kind)] for name, kind in classes.items() if name not in errors]
        (plain,), nodes = self._graph.encode({name: held for name, held in found.items() if name not in classes})
        self._graph.keep_only([])
        named = [*nodes[0][1][1:], *own] if plain == [nodes[0][0]] else own
        return {"value": ["dict", *named], "nodes": nodes[1:], "exceptions": errors}

    def _call(self, request: dict[str, Any]) -> dict[str, Any]:
        before = self._graph.numbers
        try:
            special = self._graph.read(request["nodes"])
            arguments = [self._graph.value(argument, special) for argument in request["args"]]
            keywords = {key: self._graph.value(held, special) for key, held in request["kwargs"].items()}
            target, roots = request["target"], arguments[:1]
            if target == "getattr":
                value, plain = self._attribute(*arguments)
            else:
                function = OPERATIONS[target] if isinstance(target, str) else self._kept[target]
                value, plain = function(*arguments, **keywords), None
                roots = [getattr(function, "__self__", None)] if isinstance(target, int) else roots
            if inspect.isawaitable(value):
                raise NeedsShared("they await the program")
            nodes: list[Any] = []
            if plain is None:
                (plain,), nodes = self._graph.encode(value)
            kept = self._still_held([*roots, value], before) if request["follow"] else set()
            return {"value": plain, "nodes": [*self._graph.changes(), *nodes], "kept": sorted(kept)}
        except BaseException as error:
            kept = set()
            if isinstance(error, (NeedsShared, TooBig)):
                raise
            return self._told(error)
        finally:
            self._graph.keep_only(before | kept)

    def _attribute(self, owner: Any, name: str) -> tuple[Any, Plain]:
        """The value, and what stands for it where it is a method of the object itself."""
        value = getattr(owner, name)
        bound = isinstance(value, types.MethodType) and value.__self__ is owner
        return value, ["method"] if bound else None

    def _still_held(self, roots: list[Any], before: set[int]) -> set[int]:
        """The arguments of this call that an object of the program has kept."""
        given = self._graph.numbers - before
        objects = [root for root in roots if any(root is held for held in self._kept)]
        if not given or not objects:
            return set()
        kept = self._graph.held_by(objects, given, self._is_outside)
        if len(before) + len(kept) > MAX_KEPT:
            raise NeedsShared("the program keeps too many of the tests' objects")
        return kept

    def _is_outside(self, held: Any) -> bool:
        return held is self._namespace or isinstance(held, (type, types.ModuleType))

    def _callback(self, number: int, name: str) -> Any:
        def function(*arguments: Any, **keywords: Any) -> Any:
            plain, new = self._graph.encode(*arguments, *keywords.values())
            named = dict(zip(keywords, plain[len(arguments) :], strict=True))
            nodes = [*self._graph.changes(), *new]
            self._channel.send({"callback": number, "args": plain[: len(arguments)], "kwargs": named, "nodes": nodes})
            while True:
                message = self._channel.receive()
                if "target" in message:
                    self._channel.send(self._answer(message))
                    continue
                special = self._graph.read(message["nodes"])
                if "raised" in message:
                    raise self._raised_by_tests(message["raised"])
                return self._graph.value(message["answer"], special)

        function.__name__ = function.__qualname__ = name
        return function

    def _raised_by_tests(self, told: dict[str, Any]) -> BaseException:
        args = self._graph.value(told["args"])
        kind = self._namespace[told["type"]] if told["own"] else builtin_exception(told["bases"])
        error = rebuild(kind, told["message"], args)
        self._thrown.append((error, told["number"]))
        return error

    def _iterator(self, number: int) -> Iterator[Any]:
        following = self._callback(number, "next")
        while True:
            try:
                yield following()
            except StopIteration:
                return

    def _handle(self, value: Any) -> Plain:
        number = next((number for number, held in enumerate(self._kept) if held is value), len(self._kept))
        if number == len(self._kept):
            self._kept.append(value)
        kind = value if isinstance(value, type) else type(value)
        return ["handle", number, kind.__name__, _special_of(value)]


def _special_of(value: Any) -> list[str]:
    """Which special methods an object has by its class, besides those of every object."""
    found: dict[str, Any] = {}
    for kind in reversed(type(value).__mro__[:-1]):
        found |= {name: held for name, held in vars(kind).items() if name.startswith("__") and name.endswith("__")}
    return sorted(str(name) for name, held in found.items() if held is not None)
