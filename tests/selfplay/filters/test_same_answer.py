"""Answers read out and compared by real supervised verifiers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest

from selfplay.filters.group_filter import Candidate
from selfplay.filters.same_answer import MOST_COMPARED, Reader, Unread
from selfplay.run.judging import Judge


@pytest.fixture(scope="module")
def judge() -> Iterator[Judge]:
    judge = Judge(workers=1, memory_mb=2048)
    yield judge
    judge.close()


def group(completions: Sequence[str], problem: str = "p", *, is_math: bool = True) -> Unread:
    return Unread(
        problem, "prompt", is_math, [Candidate(f"{problem}{at:03}", text, "m") for at, text in enumerate(completions)]
    )


def votes(judge: Judge, completions: Sequence[str], *, classes: bool) -> list[str | None]:
    one = group(completions)
    found = Reader(judge.judge, "whole").read([one], classes=classes)
    return [found[candidate.id].answer for candidate in one.candidates]


def test_texts_are_normalised_and_writings_stay_apart(judge: Judge) -> None:
    one, two, three, four = votes(
        judge, ["so \\boxed{1/2}", "#### 1/2", "the answer is $\\dfrac{1}{2}$.", "0.5"], classes=False
    )
    assert one == two == "1 / 2"
    assert len({one, three, four}) == 3


def test_two_writings_of_one_answer_are_one_vote(judge: Judge) -> None:
    found = votes(judge, ["1/2", "\\boxed{0.5}", "\\frac{2}{4}", "50%", "1/3", "x^2-1", "(x-1)(x+1)"], classes=True)
    assert len(set(found[:4])) == 1
    assert found[4] not in found[:4]
    assert found[5] == found[6] != found[0]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_what_is_equal_to_two_different_answers_joins_one_of_them(judge: Judge, order: tuple[int, ...]) -> None:
    """18 answers 18 cm and 18 m: its acceptance is no equivalence, so the three are two classes and never one."""
    texts = ["18 cm", "18", "18 m"]
    found = votes(judge, [texts[at] for at in order], classes=True)
    by_text = dict(zip(order, found, strict=True))
    assert by_text[0] != by_text[2]
    assert by_text[1] in (by_text[0], by_text[2])


def test_what_merely_rounds_is_another_answer(judge: Judge) -> None:
    assert len(set(votes(judge, ["33.3", "100/3", "33.33"], classes=True))) == 3


def test_rubbish_votes_for_itself_alone_and_is_no_fault(judge: Judge) -> None:
    texts = ["\\boxed{\\frac{}", "\\boxed{++}", "\\boxed{5}", "\\boxed{++}", "\\boxed{\\frac{1}}"]
    reader = Reader(judge.judge, "marked")
    found = list(reader.read([group(texts)], classes=True).values())
    assert found[1].answer == found[3].answer
    assert len({candidate.answer for candidate in found if candidate.answer}) == len({*texts}) - 1
    assert found[0].without == "no_answer", "its braces are never closed"
    assert not reader.faults


def test_no_answer_and_what_was_cut_off_say_why(judge: Judge) -> None:
    cut = Candidate("cut", "\\boxed{5}", "m", truncated=True)
    one = Unread(
        "p", "prompt", True, [Candidate("none", "I do not know", "m"), cut, Candidate("long", "9" * 5000, "m")]
    )
    found = Reader(judge.judge, "marked").read([one], classes=True)
    assert [(c.answer, c.without) for c in found.values() if c.id != "long"] == [
        (None, "truncated"),
        (None, "no_answer"),
    ]
    assert Reader(judge.judge, "whole").read([one], classes=True)["long"].without == "too_large"


def test_other_verifiers_problems_are_compared_as_whole_texts(judge: Judge) -> None:
    programs = group(["def f(v): return v+1", "def f(v): return 1+v", "def f(v): return v+1\n", " "], is_math=False)
    reader = Reader(judge.judge, "marked")
    one, two, three, empty = reader.read([programs], classes=True).values()
    assert one.answer == three.answer != two.answer
    assert empty.without == "no_answer"
    assert reader.asked == 0


def test_comparisons_of_a_problem_are_bounded(judge: Judge) -> None:
    """Of 40 different answers the 16 with most votes are compared; nothing is merged beyond them."""
    texts = [f"{at}/7" for at in range(1, 41)] + ["1/7"] * 3 + ["2/14"] * 2
    reader = Reader(judge.judge, "whole")
    found = reader.read([group(texts)], classes=True)
    assert found["p040"].answer == found["p043"].answer == "1 / 7"
    pairs = MOST_COMPARED * (MOST_COMPARED - 1) // 2
    assert reader.asked - len(texts) <= 2 * pairs


def test_an_undecided_pair_is_not_merged_and_is_counted(judge: Judge) -> None:
    """The two are equal, and the math verifier neither proves nor refutes it."""
    reader = Reader(judge.judge, "whole")
    one, two = reader.read([group(["\\arctan(1/2)+\\arctan(1/3)", "\\pi/4"])], classes=True).values()
    assert one.answer != two.answer
    assert reader.undecided["p"] == 1
    assert not reader.faults
