"""What runs inside the process of a program under judgement: compile it, run it, answer calls with plain
data.

Everything here shares its interpreter with hostile code, so nothing that it says is believed: an answer is a
value to be compared outside, and a process that says nothing has answered nothing. Expected values never come
here.
"""

from __future__ import annotations

import atexit
import gc
import operator
import random
import sys
import threading
import traceback
import types
from typing import Any

from verifiers.sandbox.channel import Channel, ChannelClosed
from verifiers.sandbox.plain import Encoder, Special, TooBig, decode, opaque

PROGRAM = "<program>"
SETUP = "<setup>"
MAX_NESTED = 50
"""Levels of objects inside objects that cross as fields; deeper ones stay on this side as a whole."""
OPERATORS = (
    "getitem setitem delitem contains add sub mul truediv floordiv mod pow matmul and_ or_ xor lshift "
    "rshift neg pos invert lt le gt ge index iadd isub imul"
)
QUESTIONS = (getattr, setattr, delattr, len, iter, next, str, repr, bool, hash, abs, int, float, round, dir)
RELATIONS = (isinstance, issubclass, reversed)
OPERATIONS: dict[str, Any] = {
    **{question.__name__: question for question in (*QUESTIONS, *RELATIONS)},
    **{name: getattr(operator, name) for name in OPERATORS.split()},
}
"""What a test may do to an object that stays on this side."""


def run(channel: Channel) -> None:
    """Serve one execution, as its first message asks: `calls`, `serve` or `script`."""
    order = channel.receive()
    random.seed(order["seed"])
    namespace = _module("__main__" if order["mode"] == "script" else "program")
    code = _compile(channel, order["programs"])
    if code is None:
        return
    gc.enable()
    if order["mode"] == "script":
        _script(channel, code, namespace)
        return
    try:
        if order["setup"]:
            exec(compile(order["setup"], SETUP, "exec", dont_inherit=True), namespace)
        exec(code, namespace)
    except BaseException as error:
        channel.send({"stage": "program", "error": describe(error)})
        return
    if order["mode"] == "calls":
        _calls(channel, order["calls"], namespace)
    else:
        channel.send({"loaded": True})
        Server(channel, namespace, order["shared"]).serve()
    sys.stdout.flush()


def describe(error: BaseException, source: str = PROGRAM) -> dict[str, Any]:
    """An exception as plain data; `line` is the deepest line on its way in the text named `source`."""
    try:
        message = str(error)[:500]
    except BaseException:
        message = ""
    lines = [
        frame.lineno for frame in traceback.extract_tb(error.__traceback__, limit=-200) if frame.filename == source
    ]
    if isinstance(error, SyntaxError) and error.filename == source:
        lines.append(error.lineno)
    bases = [base.__name__ for base in type(error).__mro__ if base.__module__ == "builtins"]
    return {
        "type": type(error).__name__[:100],
        "message": message,
        "line": lines[-1] if lines else None,
        "bases": bases,
    }


def _module(name: str) -> dict[str, Any]:
    module = types.ModuleType(name)
    sys.modules[name] = module
    return module.__dict__


def _compile(channel: Channel, programs: list[str]) -> types.CodeType | None:
    """The first of the texts that is a program; which one is told before any of it runs."""
    first: BaseException | None = None
    for place, text in enumerate(programs):
        try:
            code = compile(text, PROGRAM, "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError) as error:
            first = first or error
        else:
            channel.send({"program": place})
            return code
    channel.send({"stage": "compile", "error": describe(first or SyntaxError("no program"))})
    return None


def _calls(channel: Channel, calls: list[Any], namespace: dict[str, Any]) -> None:
    """Each call with fresh arguments, each answered before the next begins; ends at the first that fails."""
    encoder = Encoder()
    for name, arguments, keywords in calls:
        try:
            value = namespace[name](*decode(arguments), **decode(keywords))
            channel.send({"value": encoder.encode(value)})
        except TooBig as error:
            channel.send({"too_big": str(error)})
            return
        except KeyError as error:
            missing = name not in namespace
            channel.send({"missing": name} if missing else {"stage": "call", "error": describe(error)})
            return
        except BaseException as error:
            channel.send({"stage": "call", "error": describe(error)})
            return


def _script(channel: Channel, code: types.CodeType, namespace: dict[str, Any]) -> None:
    """A whole program with its own input and output; its way of ending is told as an interpreter would tell
    it."""
    status: Any = 0
    try:
        exec(code, namespace)
    except SystemExit as stop:
        status = stop.code
    except BaseException as error:
        channel.send({"stage": "program", "error": describe(error)})
        return
    try:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
        sys.stdout.flush()
    except BaseException as error:
        channel.send({"stage": "program", "error": describe(error)})
        return
    channel.send({"exit": status if isinstance(status, int) else 0 if status is None else 1})


class Server:
    """Answers a tests' process, one request at a time, and keeps the objects that it was only given numbers
    of.

    Objects of classes that both sides have (from the setup or the prefix) cross as their fields, other
    objects stay here and cross as a number, and functions of the tests arrive as a number that calls back.
    """

    def __init__(self, channel: Channel, namespace: dict[str, Any], shared: list[str]) -> None:
        self._channel = channel
        self._namespace = namespace
        self._shared = frozenset(shared)
        self._kept: list[Any] = []
        self._depth = 0
        self._encoder = Encoder(self._keep)
        self._special: Special = {"ref": self._held, "object": self._build, "callback": self._calls_back}

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
                self._channel.send({"stage": "call", "error": describe(error)})

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        try:
            if "globals" in request:
                return self._globals(request["globals"])
            if "state" in request:
                return {"value": Encoder(_fields).encode(_state(self._held(request["state"])))}
            return self._call(request)
        except TooBig as error:
            return {"too_big": str(error)}
        except BaseException as error:
            return {"stage": "call", "error": describe(error)}

    def _globals(self, names: list[str]) -> dict[str, Any]:
        found = {name: self._namespace[name] for name in names if name in self._namespace}
        errors = {
            name: describe(held.__new__(held))["bases"]
            for name, held in found.items()
            if isinstance(held, type) and issubclass(held, BaseException)
        }
        return {"value": self._encoder.encode(found), "exceptions": errors}

    def _call(self, request: dict[str, Any]) -> dict[str, Any]:
        target = request["target"]
        function = OPERATIONS[target] if isinstance(target, str) else self._held(target)
        arguments = [self._value(argument) for argument in request["args"]]
        keywords = {key: self._value(held) for key, held in request["kwargs"].items()}
        value = function(*arguments, **keywords)
        answer = {"value": self._encoder.encode(value)}
        if value is None and not isinstance(target, str):
            # an in-place function: the caller's own objects follow what happened to these
            answer["arguments"] = [self._encoder.encode(argument) for argument in arguments]
        return answer

    def _value(self, plain: Any) -> Any:
        return decode(plain, self._special)

    def _held(self, number: int, kind: str = "") -> Any:
        return self._kept[number]

    def _build(self, name: str, fields: Any) -> Any:
        kind = self._namespace.get(name)
        built: Any = object.__new__(kind if isinstance(kind, type) else types.SimpleNamespace)
        built.__dict__.update(self._value(fields))
        return built

    def _calls_back(self, number: int) -> Any:
        def function(*arguments: Any, **keywords: Any) -> Any:
            plain = [self._encoder.encode(argument) for argument in arguments]
            named = {key: self._encoder.encode(held) for key, held in keywords.items()}
            self._channel.send({"callback": number, "args": plain, "kwargs": named})
            while "answer" not in (message := self._channel.receive()):
                if "raised" in message:
                    raise RuntimeError(f"the function of the tests raised {message['raised']}")
                self._channel.send(self._answer(message))
            return self._value(message["answer"])

        return function

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
        for number, held in enumerate(self._kept):
            if held is value:
                return ["ref", number, type(value).__name__]
        self._kept.append(value)
        return ["ref", len(self._kept) - 1, type(value).__name__]


def _state(value: Any) -> Any:
    slots = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())]
    return type(value).__name__, {
        **getattr(value, "__dict__", {}),
        **{n: getattr(value, n, None) for n in slots},
    }


def _fields(value: Any) -> Any:
    """An object as its class's name and its fields."""
    if not hasattr(value, "__dict__") or isinstance(value, (type, types.FunctionType, types.ModuleType)):
        return opaque(value)
    return ["object", type(value).__name__, Encoder(_fields).encode(dict(vars(value)))]
