"""The tests' end of the border: what the tests do to the program becomes messages, and back.

The judge carries each message to the program's own process, as plain data, and nothing that the program returns
has behaviour of its own here.

What a test author may expect: exceptions arrive as exceptions, iterators and generators are read lazily, what a
function changes of its arguments is changed here too (lent.py), functions and iterators of the tests can be passed
in, and objects can be used through their methods (remote.py says what these may decide).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from verifiers.sandbox.arrays import is_array, rebuilt
from verifiers.sandbox.channel import Channel
from verifiers.sandbox.lent import CONTAINERS, Lender
from verifiers.sandbox.plain import Encoder, Special, decode, whole
from verifiers.sandbox.raised import builtin_exception, describe, rebuild
from verifiers.sandbox.remote import OPERATORS, Remote, kind_of, number_of


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
        self._classes: set[str] = set()
        self.used = False
        """Whether the tests held anything of the program's making."""
        self.changed = False
        """Whether arguments were changed by anything but a function that returned nothing."""
        self.last: str | None = None
        """What the latest call returned, to be shown."""
        self.raised: BaseException | None = None
        """The latest exception of the program."""
        self.raised_line: int | None = None
        """Where the program raised it."""

    def introduce(self, wanted: set[str], needed: set[str], read: set[str], names: dict[str, Any]) -> None:
        """Put the program's names into the tests' namespace. Raises Missing for a needed one that is not there.

        Args:
            wanted: names that the tests use, where the program has them.
            read: names that the tests are sure to read, where a plain value of the program is enough to be tested.
        """
        self._names = names
        self._classes = {name for name in wanted if name.lstrip("_")[:1].isupper()}
        wanted = wanted - names.keys() | needed
        reply = self._exchange({"globals": sorted(wanted)})
        self.used = True  # what goes wrong with its answer is the program's doing
        try:
            found = self._found(reply, read)
        except Exception as error:
            # a forged answer; the tests had no part in it
            raise Missing("the program's own names cannot be read") from error
        names.update(found)
        names.update(self._exceptions)
        for name in sorted(needed):
            if name not in found:
                raise Missing(f"the program defines no `{name}`")

    def _found(self, reply: dict[str, Any], read: set[str]) -> dict[str, Any]:
        told = reply.get("exceptions", {})
        # the ancestors first
        for name in sorted(told, key=lambda name: len(told[name]["lineage"])):
            self._exceptions[name] = type(name, (self._kind_of_exception(told[name]),), {})
        found = {str(name): value for name, value in self._value(reply["value"]).items()}
        self.used = any(not isinstance(found[name], Remote) for name in read & found.keys() if name not in told)
        return found

    def ask(self, target: int | str, *arguments: Any, **keywords: Any) -> Any:
        """Call a function of the program (a number) or do an operation on its objects (a name)."""
        if target in OPERATORS and not any(kind_of(other) in self._classes for other in arguments):
            raise TypeError(f"an object that the program returned cannot take part in `{target}`")
        self.used = True
        forget = self._lender.released()
        plain = [self._lend(argument) for argument in arguments]
        named = {key: self._lend(held) for key, held in keywords.items()}
        request: dict[str, Any] = {"target": target, "args": plain, "kwargs": named, "forget": forget}
        while "callback" in (reply := self._exchange(request)):
            request = self._called_back(reply)
        failed = "error" in reply
        changed = {whole(number): content for number, content in reply.get("changed", [])}
        silent = not failed and isinstance(target, int) and reply.get("value") is None
        self.changed = self.changed or bool(changed and not silent)
        for number, content in changed.items():
            if silent or self._follow:
                self._lender.take_back(number, self._value(content))
            else:
                self._lender.keep(number)
        if failed:
            self.raised = error = self._exception(reply["error"])
            self.raised_line = reply["error"].get("line")
            if isinstance(target, int) and isinstance(error, (StopIteration, GeneratorExit)):
                # would quietly end a loop of the tests that calls the program, as in all(map(...))
                raise RuntimeError(f"the program raised {type(error).__name__}")
            raise error
        value = reply["value"]
        if not self._follow and isinstance(value, list) and value[:1] == ["lent"]:
            value = changed.get(whole(value[1]), self._encoder.encode(self._lender.own(whole(value[1]))))
        value = self._value(value)
        if isinstance(target, int):
            self.last = "an object" if isinstance(value, Remote) else shown(value)
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
            return {"raised": describe(error)}

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

    def _remote(self, number: int, kind: str) -> Remote:
        return self._remotes.setdefault(whole(number), Remote(self, whole(number), str(kind)))

    def _named(self, kind: str, fields: list[str], content: Any) -> Any:
        return _namedtuple(str(kind), tuple(map(str, fields)))(*self._value(content))

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
        if isinstance(value, BaseException):
            told = describe(value)
            return ["raised", told["bases"], told["message"]]
        if isinstance(value, Iterator):
            self._callbacks.append(value.__next__)
            return ["iterator", len(self._callbacks) - 1]
        if callable(value):
            self._callbacks.append(value)
            return ["callback", len(self._callbacks) - 1]
        return ["object", type(value).__name__, self._encoder.encode(dict(vars(value)))]

    def _exception(self, told: dict[str, Any]) -> BaseException:
        kind, name = self._kind_of_exception(told), str(told["type"])
        error = rebuild(kind if kind.__name__ == name else type(name, (kind,), {}), told["message"])
        fields = self._value(told.get("fields", ["dict"]))
        if not isinstance(error, (StopIteration, SystemExit, OSError, SyntaxError, ImportError, UnicodeError)):
            error.__dict__.update(fields)
        return error

    def _kind_of_exception(self, told: dict[str, Any]) -> type[BaseException]:
        for name in told["lineage"]:
            kind = self._exceptions.get(name) or self._names.get(name)
            if isinstance(kind, type) and issubclass(kind, BaseException):
                return kind
        return builtin_exception(told["bases"])


@lru_cache(maxsize=100)
def _namedtuple(name: str, fields: tuple[str, ...]) -> Any:
    from collections import namedtuple

    return namedtuple(name, fields)


def shown(value: Any) -> str:
    try:
        return repr(value)[:300]
    except (ValueError, RecursionError):
        return f"a {type(value).__name__} that is too large to show"
