"""What the tests lent to the program has one content on both sides, and is let go when the tests let it go."""

from __future__ import annotations

from typing import Any

from selfplay.verifiers.sandbox.border.lent import Borrower, Lender, follow
from selfplay.verifiers.sandbox.border.plain import Encoder, decode


class Sides:
    """A lender and a borrower with nothing but plain data between them."""

    def __init__(self) -> None:
        self.lender, self.borrower = Lender(Encoder()), Borrower()

    def give(self, value: Any) -> Any:
        self.borrower.forget(self.lender.released())
        tag, number, *content = self.lender.encode(value, True)
        assert tag == "lent"
        if content:
            return self.borrower.take(Encoder(), number, decode(content[0]))
        return self.borrower.again(number)

    def back(self) -> None:
        for number, content in self.borrower.changes(Encoder()):
            self.lender.take_back(number, decode(content))


def test_a_change_on_either_side_is_seen_on_the_other() -> None:
    sides, mine = Sides(), [3, 1]
    theirs = sides.give(mine)
    theirs.sort()
    sides.back()
    assert mine == [1, 3]
    mine.append(True)
    assert sides.give(mine) is theirs
    assert theirs == [1, 3, True]
    mine[0] = True  # equal to what is there, and not the same
    assert sides.give(mine)[0] is True
    theirs[1] = 3.0
    sides.back()
    assert type(mine[1]) is float


def test_each_kind_of_container_follows() -> None:
    for mine, after in (
        ([1, [2]], [[2], 1, 5]),
        ({1: [2], 3: 4}, {3: 4, 1: [2, 2]}),
        ({1, 2}, {2, 3}),
        (bytearray(b"ab"), bytearray(b"c")),
    ):
        follow(mine, after)
        assert mine == after
        assert list(mine) == list(after)


def test_parts_that_stay_equal_stay_the_same_objects() -> None:
    inner = [1]
    mine = {"a": inner, "b": [2]}
    follow(mine, {"a": [1], "b": [3]})
    assert mine["a"] is inner
    assert mine == {"a": [1], "b": [3]}


def test_what_only_the_table_holds_is_given_up() -> None:
    sides = Sides()
    kept = [1]
    sides.give(kept)
    for number in range(100):
        sides.give([number])
    assert len(sides.lender.released()) == 1  # the latest; the others went before
    assert sides.give(kept) == [1]


def test_of_many_those_that_the_program_can_reach_are_looked_at() -> None:
    sides, many = Sides(), [[number] for number in range(200)]
    kept = sides.give(many[0])
    for mine in many[1:]:
        sides.give(mine)
        sides.back()
    kept.append("changed")
    sides.back()
    assert many[0] == [0, "changed"]
    del kept
    sides.back()
    sides.give(many[5]).append("too")
    sides.back()
    assert many[5] == [5, "too"]
