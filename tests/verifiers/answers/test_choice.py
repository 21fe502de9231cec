r"""`choice`: the declared form of an answer, what hedges, and what leaves it open."""

from __future__ import annotations

import time
from typing import Any

import pytest

from selfplay.verifiers import BadReference, load

MARKED, WHOLE, LAST_LINE = load("choice"), load("choice", {"where": "whole"}), load("choice", {"where": "last_line"})
WEATHER: dict[str, Any] = {"answer": "B", "choices": ["rain", "snow", "hail", "a mix of rain and snow"]}
NUMBERS: dict[str, Any] = {"answer": "C", "choices": ["5", "15", "25"]}

ORDINARY = [
    "The answer is B. Let me know if you have other questions.",
    "**Answer: B**",
    "**Answer:** B",
    "Answer: (B) because it freezes below zero.",
    "The correct answer is B) snow. Hope this helps!",
    r"\boxed{\text{B}}",
    "So the answer is B, snow.",
    "Final answer: b",
    "#### B\n\nI hope that helps",
    "Therefore, the correct answer is **B) snow**, which is frozen water.",
    "## Final Answer\n\nB",
    r"The final answer is $\boxed{B}$. I hope it is correct.",
    "Answer: B\n\nExplanation: A is too warm, C falls in summer, and D needs zero degrees.",
    "The answer is B because A and C do not fall below zero.",
    "A is wrong. C is wrong. Therefore the answer is B.",
    "<think>A? Or C?</think>\nThe answer is **B**.",
    "The correct answer is:\n\nB. snow",
    r"$$\boxed{\textbf{(B) } \text{snow}}$$",
    "The correct option is (B).",
    "Based on the passage, the best answer is B.",
    "I think the answer is B, since A is too warm",
    'Answer: "snow".',
    "The answer is snow because it is cold.",
    "The answer is B, not A.",
    "The answer is B.\n\nThis answer is correct.",
    "The answer is A. Wait, that is too warm. The answer is B.",
    r"First I had \boxed{A}. Checked again: \boxed{B}",
]
HEDGED = [
    "Answer: A or B",
    "The answer is B and C.",
    "The answer is (B) or (C).",
    "The answer is **B** or **C**.",
    "The answer is B/C",
    "The answer is B, C",
    "The answer is B; C",
    "The answer is B, unless it is warm, then A",
    "The answer is B) rain.",
    "The answer is snow or hail",
    "The answer is B) snow or C) hail",
    "The answer is B as well as A.",
    r"\boxed{A} or \boxed{B}",
    r"\boxed{B A}",
    r"\boxed{A: snow}",
    "The answer is A. The answer is B.",
    "The answer is B. Or else the answer is A.",
    "Answer: A\nAnswer: B",
    "#### A\n#### B",
    r"The answer is A, or \boxed{B}",
]
NO_FORM = [
    "The answer is not B",
    "The answer isn't B.",
    "The answer is either A or B",
    "The answer is neither A nor B",
    "The answer is anything but B",
    "The answer is a mystery",
    "The answer is weather",
    "The answer is E",
    "The answer is \x1b[2J\ud800",
    r"It is not \boxed{B}",
]
NOT_STATED = [
    "I like B",
    "B",
    "",
    r"\boxed{}",
    "I do not think that the answer is B.",
    "I don't think the answer is B.",
    "The wrong option is B.",
    "The least likely answer is B",
    "This answer is correct: B",
    "Another option is B.",
]
UNPROVED = [
    "The answer is B is wrong.",
    "#### B is surely not it",
    "The answer is B, which is wrong.",
    "The answer is B or both",
    "The answer is B? No, that is wrong.",
    "If the answer is B, it would have to be cold.",
    "A student says the answer is B, but that is wrong.",
    "The answer is B. However, C is right.",
    "The answer is B\nWait, no: it is C.",
    "The answer is B. Rain.",
    "The answer is B because it is cold. No, C.",
    r"\boxed{B}. Wait, no: C.",
    "#### B\nActually C",
]


def judged(text: str, reference: dict[str, Any] = WEATHER) -> tuple[str, str]:
    verdict = MARKED.verify(reference, text)
    return verdict.outcome, verdict.reason


@pytest.mark.parametrize("text", ORDINARY)
def test_an_ordinary_right_answer_is_accepted_and_is_wrong_for_another_letter(text: str) -> None:
    assert judged(text) == ("accepted", "right_choice")
    assert judged(text, WEATHER | {"answer": "C"}) == ("rejected", "wrong_choice")


@pytest.mark.parametrize("text", [text for text in ORDINARY if "snow" not in text])
def test_the_texts_of_the_choices_may_be_unknown(text: str) -> None:
    assert judged(text, {"answer": "B"}) == ("accepted", "right_choice")
    assert judged("So the answer is C, Paris.", {"answer": "C"}) == ("accepted", "right_choice")


@pytest.mark.parametrize("text", HEDGED)
@pytest.mark.parametrize("answer", ["A", "B"])
def test_two_choices_in_one_statement_or_in_two_side_by_side_are_a_hedge(answer: str, text: str) -> None:
    assert judged(text, WEATHER | {"answer": answer}) == ("rejected", "several_choices")


@pytest.mark.parametrize("text", NO_FORM)
def test_what_has_not_the_form_is_unreadable(text: str) -> None:
    assert judged(text) in {("rejected", "unreadable_answer"), ("rejected", "no_answer")}


@pytest.mark.parametrize("text", NOT_STATED)
def test_what_is_not_stated_is_no_answer(text: str) -> None:
    assert judged(text) == ("rejected", "no_answer")


@pytest.mark.parametrize("text", UNPROVED)
def test_the_right_letter_with_other_words_at_once_or_another_choice_behind_it_is_open(text: str) -> None:
    assert judged(text) == ("undecided", "open")


def test_a_place_that_names_no_choice_is_passed_over() -> None:
    assert judged("The answer is B.\n\nThe answer is clear.\n\n#### Step 2") == ("accepted", "right_choice")


@pytest.mark.parametrize(
    "text",
    [
        "B",
        "(B)",
        "B.",
        "b)",
        "**B**",
        "B) snow",
        "snow",
        "Snow.",
        "Option B",
        r"\(B\)",
        "<B>",
        "“B”.",
        "The answer is B",
    ],
)
def test_a_bare_letter_counts_in_the_whole_completion_and_in_the_last_line(text: str) -> None:
    assert WHOLE.verify(WEATHER, text).outcome == "accepted"
    assert LAST_LINE.verify(WEATHER, f"It could be A.\n\n{text}\n").outcome == "accepted"
    assert WHOLE.verify(WEATHER, f"{text}\n\nC").outcome == "undecided"


@pytest.mark.parametrize("text", ["a lie", "a 50/50 guess", "A Great Idea", "a.m.", 'a "mystery"', "I think so"])
@pytest.mark.parametrize("letter", ["A", "I"])
def test_an_article_or_pronoun_is_no_letter(letter: str, text: str) -> None:
    assert MARKED.verify({"answer": letter}, f"The answer is {text}.").outcome == "rejected"
    assert WHOLE.verify({"answer": letter}, text).outcome == "rejected"


@pytest.mark.parametrize("text", ["A", "A!", "(a)", "A because it rains", "**A** rain"])
def test_the_letter_a_in_the_form_is_one(text: str) -> None:
    assert judged(f"The answer is {text}", WEATHER | {"answer": "A"}) == ("accepted", "right_choice")


@pytest.mark.parametrize("text", ["C, 25 km.", "C) 25 km", "C: it is 25", "C, 25%", "C) 25km", "C", "25", "25 km"])
def test_a_number_may_have_its_unit(text: str) -> None:
    assert judged(f"The answer is {text}", NUMBERS) == ("accepted", "right_choice")


@pytest.mark.parametrize("text", ["C, 5", "C, 15 km", "C, 25 or 5", "C, 2.5", "C, 25.5", "C, 255", "B, 25", "25.5"])
def test_another_number_is_not_the_choices(text: str) -> None:
    assert judged(f"The answer is {text}", NUMBERS)[0] != "accepted"


def test_a_bare_letter_is_the_letter_though_a_choice_is_called_so() -> None:
    blood = {"answer": "B", "choices": ["B", "A", "O"]}
    for text, outcome in (("B", "accepted"), ("(B).", "accepted"), ("A", "rejected"), ("O", "rejected")):
        assert WHOLE.verify(blood, text).outcome == outcome
    assert WHOLE.verify(blood | {"answer": "C"}, "O").outcome == "accepted"


def test_the_text_of_a_choice_may_hold_a_full_stop_or_markup() -> None:
    people: dict[str, Any] = {"answer": "A", "choices": ["Dr. Who", "Dr. No", "J. R. R. Tolkien", "$x^2$"]}
    assert judged("The answer is Dr. Who.", people)[0] == "accepted"
    assert judged("The answer is Dr. No.", people)[0] == "rejected"
    assert judged("The answer is J. R. R. Tolkien.", people | {"answer": "C"})[0] == "accepted"
    assert judged(r"\boxed{x^2}", people | {"answer": "D"})[0] == "accepted"


@pytest.mark.parametrize(
    "reference", [{"answer": "BC"}, {"answer": "E", "choices": ["w", "x"]}, {"answer": "A", "choices": ["x", "X "]}]
)
def test_a_reference_that_does_not_fit_is_refused(reference: dict[str, Any]) -> None:
    with pytest.raises(BadReference):
        load("choice").read_reference(reference)


@pytest.mark.parametrize("where", ["marked", "whole"])
@pytest.mark.parametrize(
    "text",
    [
        *("The answer is " + "Dr. " * 250_000, "the answer is no " * 60_000, "The answer is" + " " * 10**6),
        *("answer" * 150_000, r"\boxed{" + r"\text{" * 100_000 + "B" + "}" * 100_001, "1" * 10**6, '"' * 10**6),
        *("The answer is B " + "or " * 300_000, "The answer is B is " + "x" * 10**6, "[" * 10**6, "#### B\n" * 100_000),
        *("The answer is B. " * 60_000, "The answer is B" + " because" * 100_000, "**" * 500_000, "(" * 10**6 + "B"),
    ],
    ids=lambda text: text[:20],
)
def test_a_hostile_answer_costs_little(where: str, text: str) -> None:
    began = time.monotonic()
    load("choice", {"where": where}).verify(WEATHER, text)
    assert time.monotonic() - began < 5
