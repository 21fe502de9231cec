from __future__ import annotations

import json
from collections import Counter, OrderedDict, defaultdict, deque
from typing import Any

import numpy as np
import pytest

from selfplay.verifiers.sandbox.inside.object_graph import Graph
from selfplay.verifiers.sandbox.inside.plain_data import Unreadable, array


class Node:
    def __init__(self, value: Any = 0, next: Any = None) -> None:
        self.value, self.next = value, next

    @property
    def twice(self) -> Any:
        return 2 * self.value


def refuse(value: Any) -> Any:
    raise TypeError(f"no plain form: {value!r}")


def sides() -> tuple[Graph, Graph]:
    made = Graph(0, refuse, {"array": array}), Graph(1, refuse, {"array": array})
    for side in made:
        side.shared = {"Node": Node}
    return made


def across(left: Graph, right: Graph, value: Any) -> Any:
    (plain,), nodes = left.encode(value)
    plain, nodes = json.loads(json.dumps([plain, nodes]))
    return right.value(plain, right.read(nodes))


def follow(left: Graph, right: Graph) -> None:
    right.read(json.loads(json.dumps(left.changes())))


def test_shared_parts_and_cycles_stay_what_they_are() -> None:
    inner = [1]
    loop = Node(1)
    loop.next = Node(2, loop)
    got = across(*sides(), {"twice": [inner, inner], "loop": loop, "pair": (inner, "x")})
    assert got["twice"] == [[1], [1]]
    assert got["twice"][0] is got["twice"][1] is got["pair"][0]
    assert got["loop"].next.next is got["loop"]
    assert got["loop"].next.value == 2


def test_a_long_list_of_nodes_needs_no_recursion() -> None:
    head = None
    for value in range(20_000):
        head = Node(value, head)
    got, length = across(*sides(), head), 0
    while got is not None:
        got, length = got.next, length + 1
    assert length == 20_000


@pytest.mark.parametrize(
    ("value", "change"),
    [
        ([1, 2], lambda held: held.append({"a": [3]})),
        ({"a": 1}, lambda held: held.update(b=2)),
        ({1, 2}, lambda held: held.add((3, 4))),
        (bytearray(b"ab"), lambda held: held.extend(b"c")),
        (deque([1, 2], 3), lambda held: held.extend([3, 4])),
        (Counter("aab"), lambda held: held.update("b")),
        (OrderedDict(a=1, b=2), lambda held: held.move_to_end("a")),
        (defaultdict(list, {1: [2]}), lambda held: held[3].append(4)),
        (Node([1], Node(2)), lambda held: setattr(held.next, "value", 5)),
        (np.array([1, 2]), lambda held: held.__setitem__(0, 7)),
    ],
    ids=lambda part: type(part).__name__,
)
def test_a_change_on_either_side_is_seen_on_the_other(value: Any, change: Any) -> None:
    ours, theirs = sides()
    got = across(ours, theirs, value)
    assert type(got) is type(value)
    change(got)
    follow(theirs, ours)
    assert shape(value) == shape(got)
    change(value)
    follow(ours, theirs)
    assert shape(value) == shape(got)
    assert across(theirs, ours, got) is value


def shape(value: Any) -> Any:
    if isinstance(value, Node):
        return shape(value.value), shape(value.next)
    return value.tolist() if isinstance(value, np.ndarray) else repr(value)


def test_reading_apart_leaves_what_is_known_as_it_was() -> None:
    ours, theirs = sides()
    given = [3, 1]
    got = across(ours, theirs, given)
    got.sort()
    (plain,), nodes = theirs.encode(got)
    special = ours.read(theirs.changes() + nodes, apart=True)
    assert ours.value(plain, special) == [1, 3]
    assert given == [3, 1]


def test_what_is_forgotten_crosses_anew_and_its_parts_stay_with_what_is_kept() -> None:
    ours, theirs = sides()
    inner = [1]
    outer = [inner]
    across(ours, theirs, outer)
    across(ours, theirs, [2])
    assert len(ours.numbers) == 3
    for side in (ours, theirs):
        side.keep_only({0})
    assert len(ours.numbers) == len(theirs.numbers) == 2
    assert across(ours, theirs, inner) is across(ours, theirs, outer)[0]


@pytest.mark.parametrize(
    "nodes",
    [
        [[1, ["object", "Unknown", "a", 1]]],
        [[1, ["object", "Node", "value", 1, 2]]],
        [[1, ["list", [99]]]],
        [[1, ["tuple", 1]]],
        [["1", ["list"]]],
        [[0, ["dict"]]],
        [[1, ["set", ["list"]]]],
        [[1, []]],
        [[1, 5]],
        5,
    ],
)
def test_nodes_that_are_none_are_refused(nodes: Any) -> None:
    ours, theirs = sides()
    across(ours, theirs, [1])
    with pytest.raises((Unreadable, TypeError, ValueError, KeyError, IndexError)):
        theirs.read(nodes)


def test_a_field_does_not_hide_what_the_class_does() -> None:
    ours, theirs = sides()
    node = Node(1)
    node.__dict__["twice"] = 7
    assert across(ours, theirs, node).twice == 2
