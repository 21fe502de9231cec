"""Lists, dicts, sets and objects of the tests that the program was given: one content on both sides.

An argument that can be changed crosses with a number. As long as the tests still hold it, the program's copy of
it lives, the same number means the same copy again, and after every message each side has the other's changes.
So a function that sorts in place, a class that keeps its argument and a check that an argument stayed as it was
all mean what they mean in one interpreter.

What is not covered: containers inside an argument have no number of their own, so a second name that the tests
hold for one of those does not see it change. Where the tests hold more than fifty arguments, a change through a part
of one that the program kept, and not through the argument, is not seen.
"""

from __future__ import annotations

import marshal
import sys
from collections import Counter, OrderedDict, defaultdict, deque
from typing import Any

from selfplay.verifiers.sandbox.border.arrays import is_array
from selfplay.verifiers.sandbox.border.plain import Encoder, Plain

CONTAINERS = (list, dict, set, bytearray, deque, Counter, defaultdict, OrderedDict)
MAX_LENT = 10_000
FEW = 50
"""So many are looked at after every message; of more, those that the program holds itself."""
# the table and the argument of getrefcount itself
OWN_REFERENCES = 2


def follow(mine: Any, after: Any) -> None:
    """Give an object the content of another one of its type; parts that are equal stay the same objects."""
    if type(mine) is not type(after):
        return
    if type(mine) is list:
        mine[:] = [_kept(old, new) for old, new in zip(mine, after, strict=False)] + after[len(mine) :]
    elif type(mine) is deque:
        if mine.maxlen == after.maxlen:
            mine.clear()
            mine.extend(after)
    elif type(mine) in (dict, Counter, defaultdict, OrderedDict):
        content = {key: _kept(mine.get(key), held) for key, held in after.items()}
        mine.clear()
        mine.update(content)
    elif type(mine) is set:
        mine.clear()
        mine.update(after)
    elif type(mine) is bytearray:
        mine[:] = after
    elif is_array(mine):
        mine[...] = after
    else:
        mine.__dict__.clear()
        mine.__dict__.update(after.__dict__)


def _kept(old: Any, new: Any) -> Any:
    return old if type(old) is type(new) and type(old) in CONTAINERS and _exactly(old, new) else new


def _exactly(old: Any, new: Any) -> bool:
    encoder = Encoder()
    return _print(encoder.encode(old)) == _print(encoder.encode(new))


def _print(plain: Plain) -> bytes:
    """Bytes that are the same for the same plain data only: 1, 1.0 and true differ."""
    return marshal.dumps(plain, 2)


class Lender:
    """The tests' side."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._held: dict[int, Any] = {}
        self._numbers: dict[int, int] = {}
        self._sent: dict[int, bytes] = {}
        self._fresh: set[int] = set()
        """What the next message carries as an argument."""
        self._next = 0

    def encode(self, value: Any, lendable: bool) -> Plain:
        """One argument; its content only where the program does not have it already. Raises TooBig."""
        plain = self._encoder.encode(value)
        if not lendable or (id(value) not in self._numbers and len(self._held) >= MAX_LENT):
            return plain
        number = self._numbers.get(id(value))
        if number is None:
            number = self._next
            self._next += 1
            self._numbers[id(value)], self._held[number] = number, value
        content = _print(plain)
        self._fresh.add(number)
        if self._sent.get(number) == content:
            return ["lent", number]
        self._sent[number] = content
        return ["lent", number, plain]

    def changes(self) -> list[Plain]:
        """Number and content of what the tests changed since, and pass by no argument of the next message: the program
        may hold it, and would answer with its old content. Not where it was not to follow (`keep`). Raises TooBig."""
        fresh, self._fresh = self._fresh, set()
        changed: list[Plain] = []
        if len(self._held) > FEW:
            return changed
        for number in self._held.keys() - fresh:
            plain = self._encoder.encode(self._held[number])
            content = _print(plain)
            if self._sent[number] and self._sent[number] != content:
                self._sent[number] = content
                changed.append([number, plain])
        return changed

    def released(self) -> list[int]:
        """Numbers of what nobody but this table still holds; they are given up."""
        given_up = [number for number in self._held if sys.getrefcount(self._held[number]) <= OWN_REFERENCES]
        for number in given_up:
            del self._numbers[id(self._held[number])]
            del self._held[number], self._sent[number]
        return given_up

    def own(self, number: int) -> Any:
        return self._held[number]

    def take_back(self, number: int, after: Any) -> None:
        """What the program made of a lent object."""
        follow(self._held[number], after)
        self._sent[number] = _print(self._encoder.encode(self._held[number]))

    def keep(self, number: int) -> None:
        """The program changed its copy, and the tests keep their own content; the next use sends it again."""
        self._sent[number] = b""


class Borrower:
    """The program's side."""

    def __init__(self) -> None:
        self._held: dict[int, Any] = {}
        self._seen: dict[int, bytes] = {}
        self._reached: set[int] = set()
        """What the program could change since the last look, where there are too many to look at all."""

    def take(self, encoder: Encoder, number: int, content: Any) -> Any:
        """The object of that number with that content."""
        if number in self._held:
            follow(self._held[number], content)
        else:
            self._held[number] = content
        self._seen[number] = _print(encoder.encode(self._held[number]))
        return self.again(number)

    def again(self, number: int) -> Any:
        self._reached.add(number)
        return self._held[number]

    def forget(self, numbers: list[int]) -> None:
        for number in numbers:
            self._held.pop(number, None)
            self._seen.pop(number, None)

    def number_of(self, value: Any) -> int | None:
        return next((number for number, held in self._held.items() if held is value), None)

    def changes(self, encoder: Encoder) -> list[Plain]:
        """Number and content of each object that is no longer what the tests know."""
        changed = []
        few = len(self._held) <= FEW
        for number in list(self._held) if few else sorted(self._reached & self._held.keys()):
            plain = encoder.encode(self._held[number])
            content = _print(plain)
            if content != self._seen[number]:
                self._seen[number] = content
                changed.append([number, plain])
        self._reached = {number for number in self._held if sys.getrefcount(self._held[number]) > OWN_REFERENCES}
        return changed
