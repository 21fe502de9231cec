"""What runs inside the process that holds the tests, where a test is more than `f(literals) == literal`.

The tests see the program through `Remote` objects: each use becomes a message that the judge carries to the
program's own process and back, as plain data. So tests and program never share an interpreter, and nothing
that the program returns has behaviour of its own here.

What a test author may expect: exceptions arrive as exceptions, iterators and generators are read lazily, an
in-place function (one that returns None) changes the caller's own list, dict or set, functions of the tests
can be passed in, and objects can be used through their methods. What differs from one shared interpreter, so
that a returned object cannot decide its own test: two objects of the program are equal when their class's
name and their fields are, whatever their `__eq__` says, and an object is never equal to plain data;
arithmetic, ordering and `in` are asked only of objects of a class that the tests name with a capital letter
(`Vector(1, 2) + Vector(3, 4)`); a function that returns something leaves the tests' arguments as they were.
"""

from __future__ import annotations

import ast
import builtins
import gc
import random
import sys
import types
from typing import Any

from verifiers.sandbox.candidate import describe
from verifiers.sandbox.channel import Channel
from verifiers.sandbox.plain import Encoder, Special, decode, whole
from verifiers.sandbox.remote import OPERATORS, Remote, kind_of, number_of

TESTS = "<tests>"


class Missing(NameError):
    """The tests name something that the program does not have."""


def run(channel: Channel) -> None:
    """Run the tests of one order and say `passed`, `failed` or `broken`."""
    order = channel.receive()
    random.seed(order["seed"])
    gc.enable()
    bridge = Bridge(channel)
    module = types.ModuleType("tests")
    names: dict[str, Any] = module.__dict__
    sys.modules["tests"] = module
    place = -1
    try:
        blocks = [ast.parse(text, TESTS) for text in order["tests"]]
        _run_prefix(order["prefix"], names)
        bridge.introduce(order, blocks, names)
        exec(compile(order["setup"], "<setup>", "exec", dont_inherit=True), names)
        for block in blocks:
            place += 1
            exec(compile(block, TESTS, "exec", dont_inherit=True), names)
            if "check" in names and order["entry_point"] and any(_defines_check(part) for part in block.body):
                names["check"](names[order["entry_point"]])
    except BaseException as error:
        told = describe(error, TESTS)
        about = {"test": place, "error": told, "calls": bridge.calls, "last": bridge.last}
        spoiled = bridge.calls > 0 or isinstance(error, Missing)
        channel.send({"failed" if spoiled else "broken": about})
        return
    channel.send({"passed": len(order["tests"]), "calls": bridge.calls})


def _run_prefix(prefix: str, names: dict[str, Any]) -> None:
    """What the task gives away before the completion is the task's own, so its helpers are taken from here.

    A prefix that ends in the middle of a statement defines nothing by itself.
    """
    try:
        code = compile(prefix, "<prefix>", "exec", dont_inherit=True)
    except SyntaxError:
        return
    exec(code, names)


def _defines_check(part: ast.stmt) -> bool:
    return isinstance(part, ast.FunctionDef) and part.name == "check"


class Bridge:
    """The tests' end of the border."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._names: dict[str, Any] = {}
        self._callbacks: list[Any] = []
        self._encoder = Encoder(self._keep)
        self._special: Special = {"ref": self._remote, "object": self._build}
        self._exceptions: dict[str, type[BaseException]] = {}
        self._classes: set[str] = set()
        self.calls = 0
        self.last: str | None = None
        """What the latest call returned, to be shown."""

    def introduce(self, order: dict[str, Any], blocks: list[ast.Module], names: dict[str, Any]) -> None:
        """Put the program's names into the tests' namespace. Raises Missing for an entry point that is not
        there."""
        self._names = names
        parsed = [ast.parse(order["setup"]), *blocks]
        wanted, modules = _free_names(parsed)
        entry = order["entry_point"]
        for name in modules - names.keys():
            names[name] = __import__(name)
        self._classes = {name for name in wanted if name.lstrip("_")[:1].isupper()}
        wanted = wanted - names.keys() | ({entry} if entry else set())
        self._channel.send({"ask": {"globals": sorted(wanted)}})
        reply = self._channel.receive()
        for name, bases in reply.get("exceptions", {}).items():
            self._exceptions[name] = type(name, (_builtin_exception(bases),), {})
        found = self._value(reply["value"])
        names.update(found)
        names.update(self._exceptions)
        if entry and entry not in found:
            raise Missing(f"the program defines no `{entry}`")

    def ask(self, target: int | str, *arguments: Any, **keywords: Any) -> Any:
        """Call a function of the program (a number) or do an operation on its objects (a name)."""
        if target in OPERATORS and not any(kind_of(other) in self._classes for other in arguments):
            raise TypeError(f"an object that the program returned cannot take part in `{target}`")
        plain = [self._encoder.encode(argument) for argument in arguments]
        named = {key: self._encoder.encode(held) for key, held in keywords.items()}
        request: dict[str, Any] = {"target": target, "args": plain, "kwargs": named}
        if isinstance(target, int):
            self.calls += 1
        while "callback" in (reply := self._exchange(request)):
            request = self._called_back(reply)
        if "error" in reply:
            error = self._exception(reply["error"])
            if isinstance(target, int) and isinstance(error, (StopIteration, GeneratorExit)):
                # would quietly end a loop of the tests that calls the program, as in all(map(...))
                raise RuntimeError(f"the program raised {type(error).__name__}")
            raise error
        if "arguments" in reply:
            for mine, before, after in zip(arguments, plain, reply["arguments"], strict=True):
                if before != after:
                    _follow(mine, self._value(after))
        value = self._value(reply["value"])
        if isinstance(target, int):
            self.last = "an object" if isinstance(value, Remote) else _shown(value)
        return value

    def same_state(self, left: Remote, right: Remote) -> bool:
        states = [self._exchange({"state": number_of(remote)}) for remote in (left, right)]
        return "value" in states[0] and states[0] == states[1]

    def _exchange(self, request: dict[str, Any]) -> dict[str, Any]:
        self._channel.send({"ask": request})
        reply: dict[str, Any] = self._channel.receive()
        return reply

    def _called_back(self, reply: dict[str, Any]) -> dict[str, Any]:
        function = self._callbacks[whole(reply["callback"])]
        arguments = [self._value(argument) for argument in reply["args"]]
        keywords = {key: self._value(held) for key, held in reply["kwargs"].items()}
        try:
            return {"answer": self._encoder.encode(function(*arguments, **keywords))}
        except Exception as error:
            return {"raised": type(error).__name__}

    def _value(self, plain: Any) -> Any:
        return decode(plain, self._special)

    def _remote(self, number: int, kind: str) -> Remote:
        return Remote(self, whole(number), str(kind))

    def _build(self, name: str, fields: Any) -> Any:
        kind = self._names.get(name)
        if not isinstance(kind, type):
            raise TypeError("a class that the tests do not have")
        built: Any = object.__new__(kind)
        built.__dict__.update(self._value(fields))
        return built

    def _keep(self, value: Any) -> Any:
        if isinstance(value, Remote):
            return ["ref", number_of(value), kind_of(value)]
        if callable(value):
            self._callbacks.append(value)
            return ["callback", len(self._callbacks) - 1]
        return ["object", type(value).__name__, self._encoder.encode(dict(vars(value)))]

    def _exception(self, told: dict[str, Any]) -> BaseException:
        kind = self._names.get(told["type"])
        if not (isinstance(kind, type) and issubclass(kind, BaseException)):
            kind = _builtin_exception(told["bases"])
        error: BaseException = kind.__new__(kind)
        error.args = (told["message"],)
        return error


def _free_names(blocks: list[ast.Module]) -> tuple[set[str], set[str]]:
    """Names that the tests use and do not define: those for the program, and standard modules
    (`math.isclose`)."""
    read: set[str] = set()
    bound: set[str] = set()
    called: set[str] = set()
    for node in (node for block in blocks for node in ast.walk(block)):
        if isinstance(node, ast.Name):
            (read if isinstance(node.ctx, ast.Load) else bound).add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            bound.add(node.name)
        elif isinstance(node, ast.alias):
            bound.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            bound.add(node.name)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            called.add(node.func.id)
    free = {name for name in read - bound if not hasattr(builtins, name)}
    modules = {name for name in free - called if name in sys.stdlib_module_names}
    return free - modules, modules


def _builtin_exception(bases: list[str]) -> type[BaseException]:
    for name in bases:
        kind = getattr(builtins, name, None)
        if isinstance(kind, type) and issubclass(kind, BaseException):
            return kind
    return Exception


def _follow(mine: Any, after: Any) -> None:
    """Give the caller's own object the content that it has on the other side."""
    if type(mine) is list and type(after) is list:
        mine[:] = after
    elif type(mine) in (dict, set) and type(after) is type(mine):
        mine.clear()
        mine.update(after)
    elif type(mine) is bytearray and type(after) is bytearray:
        mine[:] = after
    elif hasattr(mine, "__dict__") and not isinstance(mine, Remote) and type(after) is type(mine):
        mine.__dict__.update(after.__dict__)


def _shown(value: Any) -> str:
    try:
        return repr(value)[:300]
    except ValueError:
        return f"a huge {type(value).__name__}"
