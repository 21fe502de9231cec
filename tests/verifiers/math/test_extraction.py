"""Which part of a response counts as its answer."""

from __future__ import annotations

from typing import Literal

import pytest

from selfplay.verifiers.contract.verifier import Asked
from selfplay.verifiers.math import MathReference, MathSettings, MathVerifier
from selfplay.verifiers.math.extraction import extract, places


@pytest.mark.parametrize(
    ("completion", "answer", "rule"),
    [
        (r"First \boxed{5}, no: \boxed{4}", "4", "boxed"),
        (r"\boxed{\frac{1}{2}} done", r"\frac{1}{2}", "boxed"),
        (r"\boxed{\{1,2\}}", r"\{1,2\}", "boxed"),
        (r"Mark it with \boxed . So \boxed{4}", "4", "boxed"),
        (r"it is \boxed{4} and then \boxed{5", "4", "boxed"),
        (r"3, 5, 7. \boxed{}", None, "boxed"),
        ("12 + 60 = 72\n#### 72", "72", "hashes"),
        ("#### 7\nno:\n#### 8 \n", "8", "hashes"),
        ("####", None, "hashes"),
        ("#### 15\nOr, if that is not right, the answer is 16.", "15 or 16", "hashes"),
        ("#### 15\nSo the answer is 15.", "15", "hashes"),
        ("✅ Final Answer: **73**", "73", "answer_phrase"),
        ("So the answer is 4.", "4", "answer_phrase"),
        ("The final answer is $x=2.5$. I hope it is correct.", "$x=2.5$", "answer_phrase"),
        ("The answer is\n$$\\frac12$$", "$$\\frac12$$", "answer_phrase"),
        ("Final answer:", None, "answer_phrase"),
        (r"<think>\boxed{4} and so on", None, "unfinished_thinking"),
        (r"<think>\boxed{4}</think> \boxed{5}", "5", "boxed"),
        (r"<think>\boxed{4}</think> I do not know", None, "marked"),
        ("42", None, "marked"),
    ],
)
def test_marked_answers(completion: str, answer: str | None, rule: str) -> None:
    found = extract(completion, "marked")
    assert (found.text, found.rule) == (answer, rule)


@pytest.mark.parametrize(
    ("completion", "answer"),
    [(" 42\n", "42"), ("**42**", "42"), ("2**10", "2**10"), ("so P(A) = 2/3", "P(A) = 2/3"), ("", None)],
)
def test_the_whole_text_where_that_is_asked_for(completion: str, answer: str | None) -> None:
    assert extract(completion, "whole").text == answer


def test_a_reference_can_ask_for_the_whole_text() -> None:
    judge = MathVerifier(MathSettings())
    assert judge.verify(Asked(MathReference(answer="42"), "42")).reason == "no_answer"
    reference = MathReference.model_validate({"answer": "42", "policy": {"answer": "whole"}})
    assert judge.verify(Asked(reference, "42")).outcome == "accepted"


def test_a_long_response_is_searched_in_linear_time() -> None:
    for piece in ("\\boxed{", "answer is ", "#### ", "** a", "<think>", "`", "so "):
        assert extract(piece * 100_000, "whole") is not None


def test_places_come_from_the_end_with_what_follows_them() -> None:
    text = "The answer is B. So\nit goes.\n\n#### C\nI doubt that the answer is D, but $\\boxed{\\text{A}}$ fits."
    found = list(places(text, "marked"))
    assert [place.rule for place in found] == ["boxed", "hashes", "answer_phrase"]
    assert [place.text for place in found] == [r"\text{A}", "C", "B. So"]
    assert [place.behind for place in found][2] == "\nit goes."
    assert [place.is_beside_the_one_before() for place in found] == [True, False, True]


def test_a_phrase_that_leads_to_a_box_is_no_place_of_its_own() -> None:
    assert [place.text for place in places(r"The answer is $\boxed{B}$.", "marked")] == ["B"]


@pytest.mark.parametrize("where", ["whole", "last_line"])
def test_the_whole_text_or_its_last_line_is_one_place(where: Literal["whole", "last_line"]) -> None:
    text = "so\n7\n\n"
    assert [place.text for place in places(text, where)] == [text if where == "whole" else "7"]
