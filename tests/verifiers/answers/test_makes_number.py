"""The `makes_number` verifier: what it proves, what it refuses and why, bounds, and hostile text."""

from __future__ import annotations

import contextlib
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfplay import verifiers
from selfplay.verifiers.answers.arithmetic import Unreadable, evaluate
from selfplay.verifiers.errors import BadReference

REFERENCE = {"numbers": [3, 5, 12], "target": 27}


@pytest.fixture(scope="module")
def judge() -> verifiers.LoadedVerifier:
    return verifiers.load("makes_number")


@pytest.mark.parametrize(
    "completion",
    [
        "3*5+12",
        " 12 + 5 * 3\n",
        "(3*5)+12 = 27",
        "12+3*5 = 12+15 = 27",
        r"$3 \times 5 + 12$",
        r"So it is \boxed{12+3\cdot5}",
        "First 3*5.\n#### 3*5+12",
        "The answer is 5×3+12.",
        "((((3))*[5]))+12",
    ],
)
def test_accepted(judge: verifiers.LoadedVerifier, completion: str) -> None:
    assert judge.verify(REFERENCE, completion).outcome == "accepted"


@pytest.mark.parametrize(
    ("completion", "reason"),
    [
        ("", "no_answer"),
        ("<think>3*5+12", "no_answer"),
        ("27", "number_not_given"),
        ("12+15", "number_not_given"),
        ("3*5+12+0", "number_not_given"),
        ("3*5+12*3/3", "number_not_given"),
        ("35-8", "number_not_given"),
        ("12+3", "number_not_used"),
        ("3+5+12", "wrong_value"),
        ("3*5+12=28", "inconsistent_chain"),
        ("3*5+12=30-2", "inconsistent_chain"),
        ("12/(5-5)+3", "undefined_value"),
        ("-3*5+12", "unreadable_answer"),
        ("3**5", "unreadable_answer"),
        ("3^5*12", "unreadable_answer"),
        ("3!*5+12", "unreadable_answer"),
        ("3*5+12 or 3+5+12", "unreadable_answer"),
        ("3*5+12, 27", "unreadable_answer"),
        ("3.0*5+12", "unreadable_answer"),
        ("3 5 12", "unreadable_answer"),
        ("3*5+12=", "unreadable_answer"),
        ("(3*5+12", "unreadable_answer"),
        ("3*5+12)", "unreadable_answer"),
        ("()", "unreadable_answer"),
        ("٣*5+12", "unreadable_answer"),
        ("__import__('os').system('true')", "unreadable_answer"),
        ("9" * 19, "unreadable_answer"),
        ("(" * 101 + "3" + ")" * 101, "unreadable_answer"),
        ("3+" * 1000 + "3", "too_large"),
    ],
)
def test_rejected(judge: verifiers.LoadedVerifier, completion: str, reason: str) -> None:
    verdict = judge.verify(REFERENCE, completion)
    assert (verdict.outcome, verdict.reason) == ("rejected", reason)


def test_a_number_counts_as_often_as_it_is_given(judge: verifiers.LoadedVerifier) -> None:
    twice = {"numbers": [4, 4, 2], "target": 18}
    assert judge.verify(twice, "4*4+2").outcome == "accepted"
    assert judge.verify({**twice, "numbers": [4, 2, 2]}, "4*4+2").reason == "number_not_given"


def test_numbers_may_be_left_over_where_the_reference_says_so(judge: verifiers.LoadedVerifier) -> None:
    some = {"numbers": [3, 5, 12, 7], "target": 27, "use": "some"}
    assert judge.verify(some, "3*5+12").outcome == "accepted"
    assert judge.verify({**some, "use": "all"}, "3*5+12").reason == "number_not_used"
    assert judge.verify(some, "3*5+12+7-7").reason == "number_not_given"


def test_fractions_on_the_way_are_exact(judge: verifiers.LoadedVerifier) -> None:
    assert judge.verify({"numbers": [8, 3, 8, 3], "target": 24}, "8/(3-8/3)").outcome == "accepted"
    assert judge.verify({"numbers": [1, 3, 3], "target": 1}, "1/3*3").outcome == "accepted"


def test_an_answer_can_be_asked_to_be_marked() -> None:
    marked = verifiers.load("makes_number", {"answer": "marked"})
    assert marked.verify(REFERENCE, "3*5+12").reason == "no_answer"
    assert marked.verify(REFERENCE, r"\boxed{3*5+12}").outcome == "accepted"


@pytest.mark.parametrize(
    "reference", [{"numbers": [], "target": 1}, {"numbers": [-1], "target": 1}, {"numbers": [1]}, {"target": 2}]
)
def test_a_reference_that_cannot_be_met_is_refused(judge: verifiers.LoadedVerifier, reference: dict[str, Any]) -> None:
    with pytest.raises(BadReference, match="makes_number"):
        judge.verify(reference, "1")


def test_the_longest_allowed_answers_are_judged(judge: verifiers.LoadedVerifier) -> None:
    nines = "9" * 18
    for sign in "*/+":
        verdict = judge.verify({"numbers": [int(nines)] * 64, "target": 1}, sign.join([nines] * 105))
        assert verdict.reason == "number_not_given"
    assert judge.verify({"numbers": [int(nines)] * 64, "target": 1}, "*".join([nines] * 64)).reason == "wrong_value"


@given(
    st.recursive(
        st.integers(0, 99).map(str),
        lambda part: st.tuples(part, st.sampled_from("+-*/"), part).map(
            lambda three: f"({three[0]}{three[1]}{three[2]})"
        ),
        max_leaves=12,
    )
)
def test_values_are_those_of_exact_arithmetic(text: str) -> None:
    try:
        wanted = eval(text, {"__builtins__": {}}, {}) if "/" not in text else None  # written by the strategy
    except ZeroDivisionError:
        return
    try:
        value = evaluate(text).value
    except ZeroDivisionError:
        assert "/" in text
        return
    assert wanted is None or value == Fraction(wanted)


@given(st.text(alphabet="0123456789+-*/()=[] .\\times×", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(Unreadable, ZeroDivisionError):
        evaluate(text)
