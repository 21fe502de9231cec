"""`choice` and `exact`: what may stand beside an announced answer, and what takes it back."""

from __future__ import annotations

from typing import Any

import pytest

from selfplay.verifiers import load

MARKED, WHOLE = load("choice"), load("choice", {"where": "whole"})
EXACT = load("exact", {"where": "marked"})
WEATHER: dict[str, Any] = {"answer": "B", "choices": ["rain", "snow", "hail", "fog"]}
NUMBERS: dict[str, Any] = {"answer": "C", "choices": ["5", "15", "25"]}

ARTICLES = [
    "a Mozart symphony.",
    "a 50/50 guess",
    "a 3-2 split",
    "a $5 bill",
    "A 50% chance",
    'a "mystery"',
    "A Midsummer Night's Dream",
    "a.m.",
    "a for effort",
    "I as a person",
]
DENIED = [
    "The answer is B because it isn't",
    "The answer is B for rain, C for hail",
    "The answer is B because C",
    "The answer is B since C or B",
    "The answer is B as is C",
    "The answer is B because it is cold. C is right",
    "\\boxed{B}. Wait, no: C.",
    "#### B\nActually C",
    "The answer is B, which is wrong.",
    "A student says the answer is B, but that is wrong.",
    "The answer is B. That is wrong.",
    "The answer is B. However, C is right.",
    "The answer is B. On second thought, C.",
    "The answer is B. I mean C.",
    "The answer is B\nWait, no: it is C.",
    "Answer: B\nActually C",
    "The answer is B.\nFinal: C",
    "Assuming the answer is B, we get a contradiction.",
    "The least likely answer is B",
    "The answer is b c",
    "The answer is B because it is cold. Wait, C.",
    "The answer is B for now",
    "The answer is B for snow, C for hail",
    "The answer is B as a guess",
    "Or else the answer is B.",
    "The answer is B, since C is also right; C",
    "The answer is B since it is cold, no, C",
    "The answer is B because it is not. C.",
    "The answer is B because it is wrong",
]
BESIDE = [
    "B, which is wrong",
    "B - wrong",
    "B (wrong)",
    "B; no",
    "B ❌",
    "B has been ruled out",
    "B is unlikely",
    "B was rejected",
    "B fails",
    "B or both",
    "B, none of the above",
    "B. All of the above",
    "b c",
    "(b) (c)",
    "b) c)",
    "b. c.",
    "[b][c]",
    "B C",
    "A B",
    "B?",
]
HARMLESS = [
    "B",
    "(b).",
    "**B**",
    "B because it is cold.",
    "B, since A is too warm",
    "B (because rain is wet)",
    "B. Because it is cold.",
    "B is the correct answer.",
    "B, not A.",
    r"\(B\)",
]
ELSEWHERE = [
    "The answer is London and the second is Paris",
    "The answer is London; the runner-up is Paris",
    "The answer is London, whose twin is Paris.",
    "The answer is unclear; one guess is Paris",
    "The answer is Paris. However, London is right.",
    "The answer is Paris. Wrong!",
    "The answer is Paris\nActually London",
    "The answer is that the capital is Paris",
    "The answer is the capital of France, Paris",
    "Assuming the answer is Paris.",
    "A student says the answer is Paris.",
    "The answer is Paris because I was told, but London is right",
    "The answer is Paris as well as London",
    "The answer is Paris, for now",
    "The answer is Paris. It lies on the Seine." + " " * 20_000 + "Wait, London.",
]
PARIS = [
    "So the answer is Paris.",
    "I think the answer is **Paris**.",
    "Answer: Paris\n",
    "The answer is Paris. It lies on the Seine.",
    "The answer is Paris because it is the capital.",
    "The most likely answer is Paris",
]


@pytest.mark.parametrize("text", ARTICLES)
@pytest.mark.parametrize("letter", ["A", "I"])
def test_an_article_or_pronoun_with_anything_behind_it_is_no_letter(letter: str, text: str) -> None:
    assert MARKED.verify({"answer": letter}, f"The answer is {text}").outcome == "rejected"
    assert WHOLE.verify({"answer": letter}, text).outcome == "rejected"


def test_a_title_is_no_letter() -> None:
    assert WHOLE.verify({"answer": "A"}, "A Great Idea").outcome == "rejected"


@pytest.mark.parametrize(
    "text",
    [
        "The answer is B.\n\nI hope this helps!",
        "The answer is B. It is cold.",
        "The answer is B. That is what the table says",
        "The answer is B since it is cold. The right one is hail.",
    ],
)
def test_other_words_behind_the_right_letter_leave_it_open(text: str) -> None:
    assert MARKED.verify({"answer": "B"}, text).outcome == "undecided"
    assert MARKED.verify({"answer": "C"}, text).outcome == "rejected"
    assert MARKED.verify(WEATHER, text).outcome == ("rejected" if "hail" in text else "undecided")
    assert MARKED.verify({"answer": "B"}, "The answer is B) snow").outcome == "undecided"


@pytest.mark.parametrize("reference", [{"answer": "B"}, WEATHER], ids=["letters", "texts"])
@pytest.mark.parametrize("text", DENIED)
def test_an_answer_that_is_denied_or_taken_back_is_none(text: str, reference: dict[str, Any]) -> None:
    assert MARKED.verify(reference, text).outcome == "rejected"


@pytest.mark.parametrize("reference", [{"answer": "B"}, WEATHER], ids=["letters", "texts"])
@pytest.mark.parametrize("text", BESIDE)
def test_what_is_not_known_to_be_harmless_behind_a_letter_makes_it_none(text: str, reference: dict[str, Any]) -> None:
    assert WHOLE.verify(reference, text).outcome == "rejected"
    assert MARKED.verify(reference, f"The answer is {text}").outcome == "rejected"


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_harmless_leaves_a_letter_the_answer(text: str) -> None:
    for reference in ({"answer": "B"}, WEATHER):
        assert MARKED.verify(reference, f"It freezes. So the answer is {text}").outcome == "accepted"
        assert WHOLE.verify(reference, text).outcome == "accepted"


@pytest.mark.parametrize("text", ["C, 25 km.", "C) 25 km", "C (25 km)", "C: it is 25", "C, 25%", "C) 25km", "C", "25"])
def test_a_number_may_have_its_unit(text: str) -> None:
    assert MARKED.verify(NUMBERS, f"The answer is {text}").outcome == "accepted"
    assert WHOLE.verify(NUMBERS, text).outcome == "accepted"


@pytest.mark.parametrize(
    "text", ["C, 5", "C, 15 km", "C) 255", "C, 25 or 5", "C, 2.5", "C, 25.5", "C, 25 wrong", "B, 25", "B) 15 km"]
)
def test_another_number_is_not_the_choices(text: str) -> None:
    assert WHOLE.verify(NUMBERS, text).outcome == "rejected"


def test_a_bare_letter_is_the_letter_though_a_choice_is_called_so() -> None:
    blood = {"answer": "B", "choices": ["B", "A", "O"]}
    for text, outcome in (("B", "accepted"), ("(B).", "accepted"), ("A", "rejected"), ("O", "rejected")):
        assert WHOLE.verify(blood, text).outcome == outcome
    assert WHOLE.verify(blood | {"answer": "C"}, "O").outcome == "accepted"


@pytest.mark.parametrize("text", ELSEWHERE)
def test_a_text_somewhere_in_the_sentence_or_taken_back_is_not_the_answer(text: str) -> None:
    assert EXACT.verify({"answer": "Paris"}, text).outcome == "rejected"


@pytest.mark.parametrize("text", PARIS)
def test_a_text_that_is_announced_is_the_answer(text: str) -> None:
    assert EXACT.verify({"answer": "Paris"}, text).outcome == "accepted"


def test_a_sentence_counts_with_its_article_and_as_a_whole() -> None:
    reference = {"answer": ["the capital of France", "To be. Or not to be."]}
    assert EXACT.verify(reference, "The answer is the capital of France.").outcome == "accepted"
    assert EXACT.verify(reference, "The answer is capital of France.").outcome == "rejected"
    assert EXACT.verify(reference, "The answer is: To be. Or not to be.").outcome == "accepted"


@pytest.mark.parametrize(
    ("text", "answer"), [("The answer is **Paris**!", "Paris"), ("The answer is Yahoo!", "Yahoo!")]
)
def test_a_mark_of_exclamation_may_end_the_sentence_or_the_name(text: str, answer: str) -> None:
    assert EXACT.verify({"answer": answer}, text).outcome == "accepted"
