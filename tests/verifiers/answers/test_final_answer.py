"""`final_answer`: whether an answer is stated, which one, and whether it can be compared; never whether it is right."""

from __future__ import annotations

import pytest

from selfplay.verifiers import Verdict, load


def judged(completion: str, answer: str = "marked") -> Verdict:
    verifier = load("final_answer", {"answer": answer})
    return verifier.verify(verifier.read_reference({"any": ["thing"]}), completion)


@pytest.mark.parametrize(
    ("completion", "text"),
    [
        (r"So it is \boxed{ \dfrac{1}{2} }.", r"\frac{1}{2}"),
        ("12 + 3 = 15\n#### 15", "15"),
        ("The answer is 7.", "7"),
        (r"\boxed{3} and then \boxed{4}", "4"),
    ],
)
def test_a_stated_answer_is_in_the_evidence(completion: str, text: str) -> None:
    verdict = judged(completion)
    assert (verdict.outcome, verdict.reason) == ("accepted", "answered")
    assert verdict.detail["comparable"] is True
    assert verdict.detail["text"] == load("final_answer").verify({}, rf"\boxed{{{text}}}").detail["text"]


@pytest.mark.parametrize("completion", ["", "I do not know", r"\boxed{}", "15", r"\boxed{3} or \boxed{}"])
def test_no_stated_answer(completion: str) -> None:
    assert (judged(completion).outcome, judged(completion).reason) == ("rejected", "no_answer")


def test_the_whole_completion_counts_where_the_settings_say_so() -> None:
    assert judged("15", "whole").detail["text"] == "15"
    assert judged("", "whole").reason == "no_answer"


def test_two_answers_in_one_place_are_one_answer_that_is_like_no_other() -> None:
    """A vote for it is a vote for "3 or 5", not for 3."""
    assert judged("The answer is 3 or 5.").detail["text"] != judged("The answer is 3.").detail["text"]


def test_an_answer_longer_than_evidence_is_too_large() -> None:
    assert judged(r"\boxed{" + "x" * 3001 + "}").reason == "too_large"
    assert judged(r"\boxed{" + '"' * 1600 + "}").reason == "too_large"


@pytest.mark.parametrize(
    ("answer", "comparable"), [(r"\frac{1}{}", False), ("x+(", False), ("]]", False), ("rain", True), ("2^{10}", True)]
)
def test_it_says_whether_the_answer_can_be_compared(answer: str, comparable: bool) -> None:
    verdict = judged(rf"\boxed{{{answer}}}")
    assert (verdict.outcome, verdict.detail["comparable"]) == ("accepted", comparable)
