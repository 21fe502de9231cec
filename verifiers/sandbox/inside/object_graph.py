"""Lists, dicts, sets and objects with an identity: one content in both processes, whatever they refer to.

Everything that can be changed crosses as a node: a number and its content, in which other nodes stand as [number].
So cycles, shared parts and a linked list of 100,000 nodes cross like anything else, without recursion. The numbers of
an argument are known to both sides until the call is over, so its changes come back; what the program keeps in one of
its objects stays known after that, and each later message carries its changes.

What is covered: list, dict, set, bytearray, deque, Counter, defaultdict, OrderedDict, numpy arrays, and objects of
classes that both sides have (from the setup or the prefix), by their fields. What is not covered: the program's other
objects, which handles.py holds, and what the tests do to a list that the program returned.
"""

from __future__ import annotations

import inspect
import sys
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Hashable, Iterable
from functools import lru_cache
from typing import Any

from selfplay.verifiers.sandbox.inside.plain_data import (
    Encoder,
    Plain,
    Special,
    TooBig,
    Unreadable,
    array,
    decode,
    whole,
)

CONTAINERS: dict[str, type[Any]] = {
    kind.__name__: kind for kind in (list, dict, set, bytearray, deque, Counter, defaultdict, OrderedDict)
}
KINDS = frozenset(CONTAINERS.values())
MAX_NODES = 1_000_000
MAX_KEPT = 10_000
"""Nodes that may stay known after a call: each later message looks at all of them."""

Nodes = list[Plain]
"""Each [number, content]."""


class Graph:
    """One side's nodes.

    Args:
        first: the first number that this side gives, 0 or 1; it gives every second one.
        keep: what stands for an object that is neither plain data nor a node.
        special: further tags to be read.
    """

    def __init__(self, first: int, keep: Callable[[Any], Plain], special: Special) -> None:
        self._encoder, self._keep = Encoder(keep, self._refer), keep
        self._special = {**special, "node": lambda number: self._objects[whole(number)]}
        self._next = first
        self._objects: dict[int, Any] = {}
        self._numbers: dict[int, int] = {}
        """By id(); the object is held by `_objects` as long."""
        self._known: dict[int, Plain] = {}
        """The content that the other side has."""
        self._waiting: list[int] = []
        self.shared: dict[str, type[Any]] = {}
        """Classes that both sides have."""
        self.whole: list[type[Any]] = []
        """Classes whose objects never cross as their content, although they are a kind of list or number."""

    @property
    def numbers(self) -> set[int]:
        """The nodes known to both sides."""
        return set(self._objects)

    def encode(self, *values: Any) -> tuple[list[Plain], Nodes]:
        """The values, and the nodes in them that the other side does not know yet. Raises TooBig."""
        return [self._encoder.encode(value) for value in values], self._written()

    def changes(self) -> Nodes:
        """Nodes whose content is no longer what the other side knows, and new ones in them. Raises TooBig."""
        nodes: Nodes = []
        for number, known in list(self._known.items()):
            content = self._content(number)
            if content != known:
                self._known[number] = content
                nodes.append([number, content])
        return nodes + self._written()

    def read(self, nodes: Nodes, apart: bool = False) -> Special:
        """Take new nodes and changes; what is known already changes in place.

        Args:
            apart: leave it as it is, and make another object that has the new content.

        Returns:
            What to read the values of the message with.

        Raises:
            Unreadable: not in this encoding.
        """
        made: dict[int, Any] = {}
        for number, content in nodes:
            held = None if apart else self._objects.get(whole(number))
            made[number] = self._empty(content) if held is None else held
        special = {**self._special, "node": lambda number: self._at(whole(number), made)}
        # the keys of a set or dict must be whole before they are hashed
        for number, content in sorted(nodes, key=lambda node: node[1][0] in ("set", "dict", "Counter", "OrderedDict")):
            self._fill(made[number], content, special)
        if not apart:
            for number, content in nodes:
                self._add(number, made[number], content)
        return special

    def value(self, plain: Plain, special: Special | None = None) -> Any:
        """Raises Unreadable."""
        return decode(plain, special or self._special)

    def keep_only(self, numbers: Iterable[int]) -> None:
        """Forget all nodes but these and what they refer to."""
        kept, waiting = set[int](), list(numbers)
        while waiting:
            number = waiting.pop()
            if number not in kept:
                kept.add(number)
                waiting += _referred(self._known.get(number))
        for number in self._objects.keys() - kept:
            del self._numbers[id(self._objects.pop(number))]
            self._known.pop(number, None)

    def held_by(self, roots: Iterable[Any], numbers: set[int], leave_out: Callable[[Any], bool]) -> set[int]:
        """Which of these nodes can be reached from the roots, and the nodes in them."""
        import gc

        found: set[int] = set()
        waiting, seen = list(roots), set[int]()
        while waiting and len(seen) < MAX_KEPT:
            held = waiting.pop()
            if id(held) in seen or leave_out(held):
                continue
            seen.add(id(held))
            if self._numbers.get(id(held)) in numbers:
                found.add(self._numbers[id(held)])
            waiting += gc.get_referents(held)
        return found

    def _at(self, number: int, made: dict[int, Any]) -> Any:
        return made[number] if number in made else self._objects[number]

    def _add(self, number: int, held: Any, content: Plain) -> None:
        self._objects[number] = held
        self._numbers[id(held)] = number
        self._known[number] = content

    def _refer(self, value: Any) -> Plain:
        number = self._numbers.get(id(value))
        if number is None:
            kind = type(value)
            if kind not in KINDS and not self._is_shared(kind) and not is_array(value):
                return self._keep(value) if any(kind is one for one in self.whole) else None
            if len(self._objects) >= MAX_NODES:
                raise TooBig(f"more than {MAX_NODES} lists, dicts and objects")
            number, self._next = self._next, self._next + 2
            self._objects[number] = value
            self._numbers[id(value)] = number
            self._waiting.append(number)
        return [number]

    def _is_shared(self, kind: type[Any]) -> bool:
        return self.shared.get(kind.__name__) is kind

    def _written(self) -> Nodes:
        nodes: Nodes = []
        while self._waiting:
            number = self._waiting.pop()
            self._known[number] = content = self._content(number)
            nodes.append([number, content])
        return nodes

    def _content(self, number: int) -> Plain:
        held = self._objects[number]
        if self._is_shared(type(held)):
            fields = vars(held)
            return ["object", type(held).__name__, " ".join(fields), *map(self._part, fields.values())]
        return self._encoder.content(held)

    def _part(self, part: Any) -> Plain:
        # most parts of a long list of nodes are one of these
        if part is None or type(part) is str:
            return part
        return [self._numbers[id(part)]] if id(part) in self._numbers else self._encoder.encode(part)

    def _empty(self, content: Plain) -> Any:
        tag = content[0]
        if tag == "object":
            if content[1] not in self.shared:
                raise Unreadable("an object of a class that this side does not have")
            return object.__new__(self.shared[content[1]])
        if tag == "array":
            return array(*content[1:])
        if tag == "deque":
            return deque(maxlen=None if content[1] is None else whole(content[1]))
        return CONTAINERS[tag]()

    def _fill(self, held: Any, content: Plain, special: Special) -> None:
        tag, *parts = content
        if tag == "object":
            values = [decode(part, special) if isinstance(part, (list, dict)) else part for part in parts[2:]]
            fields = dict(zip(parts[1].split(), values, strict=True))
            kind: Any = type(held)
            held.__dict__.clear()
            held.__dict__.update((name, part) for name, part in fields.items() if not _is_behaviour(kind, name))
            return
        if tag == "array":
            held[...] = array(*parts)
            return
        if type(held) is not CONTAINERS[tag]:
            raise Unreadable("a content of another type")
        new = decode(content, special)
        if tag == "list" or tag == "bytearray":
            held[:] = new
            return
        held.clear()
        if tag == "deque":
            held.extend(new)
            return
        if tag == "defaultdict":
            held.default_factory = new.default_factory
        held.update(new)


def _referred(content: Plain) -> list[int]:
    found: list[int] = []
    waiting = [content]
    while waiting:
        plain = waiting.pop()
        if isinstance(plain, list):
            if len(plain) == 1 and type(plain[0]) is int:
                found.append(plain[0])
            else:
                waiting += plain
    return found


def is_array(value: Any) -> bool:
    numpy = sys.modules.get("numpy")
    return numpy is not None and type(value) is numpy.ndarray


@lru_cache(maxsize=1000)
def _is_behaviour(kind: Hashable, name: str) -> bool:
    """Whether a field of this name would hide a method or property of the class."""
    own = inspect.getattr_static(kind, name, None)
    return callable(own) or hasattr(type(own), "__get__")
