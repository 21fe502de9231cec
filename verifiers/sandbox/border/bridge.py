"""The tests' end of the border: what the tests do to the program becomes messages, and back.

The judge carries each message to the program's own process, as plain data, and nothing that the program returns
has behaviour of its own here.

What a test author may expect: exceptions arrive as exceptions, iterators and generators are read lazily, what a
function changes of its arguments is changed here too (lent.py), functions and iterators of the tests can be passed
in, and objects can be used through their methods (remote.py says what these may decide).
"""

from __future__ import annotations

import builtins
import sys
import threading
from collections import deque
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from selfplay.verifiers.sandbox.border.arrays import is_array, rebuilt
from selfplay.verifiers.sandbox.border.lent import CONTAINERS, Lender
from selfplay.verifiers.sandbox.border.plain import Encoder, Special, decode, whole
from selfplay.verifiers.sandbox.border.raised import Halted, args_of, builtin_exception, describe, rebuild
from selfplay.verifiers.sandbox.border.remote import DECIDING, Held, Remote, held_of, kind_of, number_of, remote
from selfplay.verifiers.sandbox.border.server import INPUT
from selfplay.verifiers.sandbox.border.shared import built
from selfplay.verifiers.sandbox.channel import Channel

MOST_RAISED = 1000
"""Exceptions of the program that are remembered as such."""


class Missing(NameError):
    """The tests name something that the program does not have."""


class Bridge:
    """One for each run of the tests.

    Args:
        follow: whether arguments that a function changed are changed here too when it returns something as well.
    """

    def __init__(self, channel: Channel, follow: bool) -> None:
        self._channel = channel
        self._follow = follow
        self._one_at_a_time = threading.RLock()
        """Threads of the tests may ask, and a function of theirs that is called back asks again."""
        self._own_output = sys.stdout
        self._names: dict[str, Any] = {}
        self._callbacks: list[Any] = []
        self._remotes: dict[int, Remote] = {}
        """One for each object of the program, so that `is` means the same here."""
        self._encoder = Encoder(self._keep)
        self._lender = Lender(self._encoder)
        self._special: Special = {
            "ref": self._remote,
            "object": self._build,
            "lent": self._lender.own,
            "named": self._named,
            "array": lambda kind, content: rebuilt(kind, self._value(content)),
        }
        self._exceptions: dict[str, type[BaseException]] = {}
        self._functions: set[int] = set()
        """What the program has under names, so no methods."""
        self._shared: dict[str, type] = {}
        """Classes of the setup and the prefix; of others nothing that the program says can make an object."""
        self._thrown: list[BaseException] = []
        """What functions of the tests raised while the program called them."""
        self._error_classes: list[type[BaseException]] = []
        """Classes of exceptions that the program was told of, and their ancestors."""
        self.used = False
        """Whether the tests held anything of the program's making."""
        self.spoils = False
        """Whether the program has something that cannot be called under a name of the tests: they may break by that
        before they ask it anything."""
        self._names_classes = False
        """Whether a name of the tests is one of a class; no object can be of such a class where there is none."""
        self.changed = False
        """Whether arguments were changed by anything but a function that returned nothing."""
        self.last: str | None = None
        """What the latest call returned, to be shown."""
        self.raised: BaseException | None = None
        """The latest exception of the program."""
        self._all_raised: deque[BaseException] = deque(maxlen=MOST_RAISED)
        self.raised_line: int | None = None
        """Where the program raised it."""

    def introduce(self, wanted: set[str], needed: set[str], read: set[str], names: dict[str, Any]) -> None:
        """Put the program's names into the tests' namespace. Raises Missing for a needed one that is not there.

        Args:
            wanted: names that the tests use, where the program has them.
            read: names that the tests are sure to read, where a plain value of the program is enough to be tested.
        """
        self._names = names
        wanted = wanted - names.keys() | needed
        reply = self._exchange({"globals": sorted(wanted)})
        self.used = True  # what goes wrong with its answer is the program's doing
        try:
            found = self._found(reply, wanted, read)
        except Exception as error:
            # a forged answer; the tests had no part in it
            raise Missing("the program's own names cannot be read") from error
        remotes = {name: value for name, value in found.items() if isinstance(value, Remote)}
        self._functions = {number_of(value) for value in remotes.values()}
        # the name is the tests' own word that it is a class
        functions = {number_of(value) for name, value in remotes.items() if not _is_class_name(name)}
        for value in remotes.values():
            held_of(value).maker = number_of(value) not in functions
        self._names_classes = any(held_of(value).maker for value in remotes.values())
        names.update(found)
        names.update(self._exceptions)
        for name in sorted(needed):
            if name not in found:
                raise Missing(f"the program defines no `{name}`")

    def _found(self, reply: dict[str, Any], wanted: set[str], read: set[str]) -> dict[str, Any]:
        """What was asked for and nothing else: another name could be one of Python's own, such as `all`."""
        told = {name: about for name, about in reply.get("exceptions", {}).items() if name in wanted}
        # the ancestors first
        for name in sorted(told, key=lambda name: len(told[name]["lineage"])):
            self._exceptions[name] = type(name, (self._kind_of_exception(told[name]),), {})
        found = {name: value for name, value in self._value(reply["value"]).items() if name in wanted}
        found.update({name: kind for name, kind in self._exceptions.items() if name in told})
        self.used = any(not isinstance(found[name], Remote) for name in read & found.keys() if name not in told)
        self.spoils = any(not callable(value) or _is_odd_class(name, value) for name, value in found.items())
        return found

    def ask(self, target: int | str, /, *arguments: Any, **keywords: Any) -> Any:
        """Call a function of the program (a number) or do an operation on its objects (a name)."""
        with self._one_at_a_time:
            return self._asked(target, arguments, keywords)

    def _asked(self, target: int | str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        self.used = True
        forget = self._lender.released()
        plain = [self._lend(argument) for argument in arguments]
        named = {key: self._lend(held) for key, held in keywords.items()}
        request: dict[str, Any] = {"target": target, "args": plain, "kwargs": named, "forget": forget}
        request["changed"] = self._lender.changes()
        while "callback" in (reply := self._exchange(request)):
            request = self._called_back(reply)
        failed = "error" in reply
        changed = {whole(number): content for number, content in reply.get("changed", [])}
        silent = not failed and target in self._functions and reply.get("value") is None
        self.changed = self.changed or bool(changed and not silent)
        for number, content in changed.items():
            if silent or self._follow:
                self._lender.take_back(number, self._value(content))
            else:
                self._lender.keep(number)
        if failed:
            self.raised = error = self._exception(reply["error"])
            self.raised_line = reply["error"].get("line")
            if target != "next" and isinstance(error, (StopIteration, GeneratorExit)):
                self.raised = error = Halted(error)
            self._all_raised.append(error)
            raise error
        value = reply["value"]
        if not self._follow and isinstance(value, list) and value[:1] == ["lent"]:
            value = changed.get(whole(value[1]), self._encoder.encode(self._lender.own(whole(value[1]))))
        value = self._value(value)
        if isinstance(target, int):
            self.last = "an object" if isinstance(value, Remote) else shown(value)
        return value

    def raised_by_program(self, error: BaseException | None) -> bool:
        """Whether the latest exception of the program is this one, and none of the tests' own that came back."""
        return error is not None and error is self.raised and not any(error is own for own in self._thrown)

    def comes_from_program(self, error: BaseException | None) -> bool:
        """Whether it is an exception of the program, or was raised while one was handled."""
        for _ in range(20):
            if error is None or any(error is raised for raised in self._all_raised):
                break
            error = error.__cause__ or error.__context__
        return error is not None

    def same_state(self, left: Remote, right: Remote) -> bool:
        with self._one_at_a_time:
            states = [self._exchange({"state": number_of(remote)}) for remote in (left, right)]
        return "value" in states[0] and states[0] == states[1]

    def _exchange(self, request: dict[str, Any]) -> dict[str, Any]:
        self._channel.send({"ask": request})
        reply: dict[str, Any] = self._channel.receive()
        printed = reply.get("printed")
        if type(printed) is str and printed and sys.stdout is not self._own_output:
            sys.stdout.write(printed)
        return reply

    def _called_back(self, reply: dict[str, Any]) -> dict[str, Any]:
        function = builtins.input if reply["callback"] == INPUT else self._callbacks[whole(reply["callback"])]
        arguments = [self._value(argument) for argument in reply["args"]]
        keywords = {key: self._value(held) for key, held in reply["kwargs"].items()}
        try:
            return {"answer": self._encoder.encode(function(*arguments, **keywords))}
        except Exception as error:
            self._thrown.append(error)
            told = {**describe(error), "args": args_of(error), "number": len(self._thrown) - 1}
            return {"raised": {**told, "class": self._exception_class(type(error))}}

    def _lend(self, value: Any) -> Any:
        lendable = (
            type(value) in CONTAINERS
            or is_array(value)
            or (
                not isinstance(value, (Remote, BaseException))
                and type(value) is self._names.get(type(value).__name__)
                and hasattr(value, "__dict__")
            )
        )
        return self._lender.encode(value, lendable)

    def _value(self, plain: Any) -> Any:
        return decode(plain, self._special)

    def _remote(self, number: int, kind: str, special: list[str], known: bool) -> Any:
        if whole(number) not in self._remotes:
            if kind == "coroutine":
                return self._awaitable(number)
            held = Held(self, number, str(kind), known is True and self._names_classes)
            self._remotes[number] = remote(held, frozenset(map(str, special)))
        else:
            held_of(self._remotes[number]).comes_back()
        return self._remotes[number]

    async def _awaitable(self, number: int) -> Any:
        """A coroutine of the program, which runs there to its end when the tests await it."""
        return self.ask("await", Remote(Held(self, number, "coroutine", False)))

    def _named(self, kind: str, fields: list[str], content: Any) -> Any:
        values = self._value(content)
        # as methods of an object these are refused, see Remote
        decides = any(
            name in DECIDING and isinstance(value, Remote) for name, value in zip(fields, values, strict=True)
        )
        return tuple(values) if decides else _namedtuple(str(kind), tuple(map(str, fields)))(*values)

    def _build(self, name: str, fields: Any) -> Any:
        kind = self._shared.get(name)
        if kind is None:
            raise TypeError("a class that the program was not given")
        return built(kind, self._value(fields))

    def _keep(self, value: Any) -> Any:
        if isinstance(value, Remote):
            return ["ref", number_of(value), kind_of(value)]
        if isinstance(value, BaseException):
            told = describe(value)
            return ["raised", told["bases"], told["message"], args_of(value)]
        if isinstance(value, type) and issubclass(value, BaseException):
            return ["exception", *self._exception_class(value)]
        if isinstance(value, Iterator):
            self._callbacks.append(value.__next__)
            return ["iterator", len(self._callbacks) - 1]
        if callable(value):
            self._callbacks.append(value)
            texts = [getattr(value, name, None) for name in ("__name__", "__doc__")]
            return ["callback", len(self._callbacks) - 1, *[text if type(text) is str else None for text in texts]]
        return ["object", type(value).__name__, self._encoder.encode(dict(vars(value)))]

    def share(self, classes: list[str]) -> None:
        """Classes of these names that the tests have by now are those that the program was given too."""
        held = {name: self._names.get(name) for name in classes}
        self._shared = {name: kind for name, kind in held.items() if isinstance(kind, type)}

    def _exception_class(self, kind: type[BaseException]) -> list[Any]:
        """A class of exceptions for the program: by its name where it is the program's own, else by its ancestors,
        each with a number so that the same one means the same there."""
        if any(kind is known for known in self._exceptions.values()):
            return ["program", kind.__name__]
        lineage = [base for base in kind.__mro__ if base.__module__ != "builtins"]
        for base in reversed(lineage):
            if not any(base is known for known in self._error_classes):
                self._error_classes.append(base)
        told = [[self._number_of_class(base), base.__name__] for base in lineage]
        return ["tests", told, [base.__name__ for base in kind.__mro__ if base.__module__ == "builtins"]]

    def _number_of_class(self, kind: type[BaseException]) -> int:
        return next(number for number, known in enumerate(self._error_classes) if known is kind)

    def _exception(self, told: dict[str, Any]) -> BaseException:
        thrown = told.get("number")
        if type(thrown) is int and 0 <= thrown < len(self._thrown):
            # one of the tests' own, on its way back through the program
            return self._thrown[thrown]
        kind, name = self._kind_of_exception(told), str(told["type"])
        args = self._value(told.get("args"))
        error = rebuild(kind if kind.__name__ == name else type(name, (kind,), {}), told["message"], args)
        fields = self._value(told.get("fields", ["dict"]))
        if not isinstance(error, (StopIteration, SystemExit, OSError, SyntaxError, ImportError, UnicodeError)):
            error.__dict__.update(fields)
        return error

    def _kind_of_exception(self, told: dict[str, Any]) -> type[BaseException]:
        for name, module in zip(told["lineage"], told["modules"], strict=True):
            kind = self._exceptions.get(name) or self._names.get(name) or _of_library(module, name)
            if isinstance(kind, type) and issubclass(kind, BaseException):
                return kind
        return builtin_exception(told["bases"])


@lru_cache(maxsize=100)
def _namedtuple(name: str, fields: tuple[str, ...]) -> Any:
    from collections import namedtuple

    return namedtuple(name, fields)


def _of_library(module: str, name: str) -> Any:
    """A class of the standard library, such as json.JSONDecodeError, where the tests have imported its module; none of
    unittest, whose exceptions are words of the tests to who runs them."""
    top = module.partition(".")[0]
    known = top in sys.stdlib_module_names and top not in ("unittest", "builtins")
    return getattr(sys.modules.get(module), name, None) if known else None


def _is_odd_class(name: str, value: Any) -> bool:
    """Whether it is a class of exceptions, which are made on this side, under the name of a function."""
    return isinstance(value, type) and not _is_class_name(name)


def _is_class_name(name: str) -> bool:
    """Whether it is written as classes are, `LinkedList`, and not as functions are, `Find_Min` included."""
    plain = name.strip("_")
    return plain[:1].isupper() and "_" not in plain


def shown(value: Any) -> str:
    try:
        return repr(value)[:300]
    except (ValueError, RecursionError):
        return f"a {type(value).__name__} that is too large to show"
