"""`exact`: which text of a completion is compared, and how."""

from __future__ import annotations

import time
from typing import Any

import pytest

from selfplay.verifiers import BadReference, load

MARKED = load("exact", {"where": "marked"})


@pytest.mark.parametrize(
    ("answer", "completion", "settings", "reason"),
    [
        ("Paris", " Paris\n", {}, "equal_text"),
        (["Rome", "Paris"], "Paris", {}, "equal_text"),
        ("Paris", "paris", {}, "wrong_answer"),
        ("Paris", "paris", {"ignore_case": True}, "equal_text"),
        ("Paris", " Paris", {"ignore_space": "none"}, "wrong_answer"),
        ("a  b", "a\tb ", {"ignore_space": "all"}, "equal_text"),
        ("caf\u00e9", "cafe\u0301", {}, "equal_text"),
        ("a\nb", "a\r\nb", {}, "equal_text"),
        ("7", "so\n\n7\n\n", {"where": "last_line"}, "equal_text"),
        ("7", " \n", {"where": "last_line"}, "no_answer"),
        ("7", r"is \boxed{7}", {"where": "marked"}, "equal_text"),
        ("7", "is 7", {"where": "marked"}, "no_answer"),
        ("7", "7 or 8", {}, "wrong_answer"),
        ("7", "\x00\ud800", {}, "wrong_answer"),
        ("Dr. Who", "The answer is Dr. Who.", {"where": "marked"}, "equal_text"),
        ("Dr. Who", "The answer is **Dr. Who**. He travels.", {"where": "marked"}, "equal_text"),
        ("Dr", "The answer is Dr. Who.", {"where": "marked"}, "wrong_answer"),
        ("J. R. R. Tolkien", "The answer is J. R. R. Tolkien.", {"where": "marked"}, "equal_text"),
        ("9:30 a.m.", "The answer is 9:30 a.m.", {"where": "marked"}, "equal_text"),
        ("Paris", "The answer is Paris. It lies on the Seine.", {"where": "marked"}, "equal_text"),
        ("Paris", "The answer is Paris, since it is.", {"where": "marked"}, "equal_text"),
        ("Paris", "Answer: the capital of France is Paris.", {"where": "marked"}, "wrong_answer"),
        ("Paris", "The answer is Lyon because the capital is Paris.", {"where": "marked"}, "wrong_answer"),
        ("Paris", "The answer is Paris. No, Lyon.", {"where": "marked"}, "wrong_answer"),
        ("Paris", "The answer is not Paris.", {"where": "marked"}, "wrong_answer"),
        ("Paris", "I doubt the answer is Paris.", {"where": "marked"}, "no_answer"),
        ("Paris", r"\boxed{\text{Paris}}", {"where": "marked"}, "equal_text"),
        ("Paris", r"$$\boxed{\textbf{\text{ Paris }}}$$", {"where": "marked"}, "equal_text"),
        ("a} and {b", r"\boxed{\text{a} and \text{b}}", {"where": "marked"}, "wrong_answer"),
        (r"\text{Paris}", r"\boxed{\text{Paris}}", {"where": "marked"}, "equal_text"),
        ("Paris", r"\boxed{\text{Paris or Lyon}}", {"where": "marked"}, "wrong_answer"),
    ],
)
def test_the_settings_say_what_is_compared(answer: Any, completion: str, settings: dict[str, Any], reason: str) -> None:
    outcome = "accepted" if reason == "equal_text" else "rejected"
    verdict = load("exact", settings).verify({"answer": answer, "other": 1}, completion)
    assert (verdict.outcome, verdict.reason) == (outcome, reason)


@pytest.mark.parametrize("reference", [{}, {"answer": ""}, {"answer": []}, {"answer": 7}])
def test_exact_needs_an_answer(reference: dict[str, Any]) -> None:
    with pytest.raises(BadReference, match="`answer"):
        load("exact").read_reference(reference)


@pytest.mark.parametrize("answer", [" ", "\n", "\u200b", ["", "a"], ["a", " "]])
def test_exact_refuses_a_blank_answer(answer: Any) -> None:
    with pytest.raises(BadReference, match=r"`answer`.*blank would make an empty completion right; leave it out"):
        load("exact").read_reference({"answer": answer})


ANOTHER = [
    "The answer is London and the second is Paris",
    "The answer is London; the runner-up is Paris",
    "The answer is London, whose twin is Paris.",
    "The answer is unclear; one guess is Paris",
    "The answer is Paris. However, London is right.",
    "The answer is Paris. Wrong!",
    "The answer is that the capital is Paris",
    "The answer is the capital of France, Paris",
    "The answer is Paris as well as London",
    "The answer is Paris, for now",
    "The answer is Paris?",
    "The answer is Paris or London. It is one of them.",
    "I don't think the answer is Paris.",
    "The wrong answer is Paris.",
    "The answer is Paris. Checked again. The answer is London.",
    r"\boxed{Paris} or \boxed{London}",
    r"The answer is Paris. Checked again: \boxed{London}",
]
PARIS = [
    "So the answer is Paris.",
    "I think the answer is **Paris**.",
    "Answer: Paris\n",
    "**Final answer:** Paris",
    "## Final answer\n\nParis",
    "The answer is Paris. It lies on the Seine.",
    "The answer is Paris. Let me know if you have other questions.",
    "The answer is Paris because it is the capital.",
    "The most likely answer is Paris",
    "The answer is Paris.\nLondon is in England.",
    "The answer is Paris\n\nI hope that helps!",
    "The answer is London. Wait, that is in England. The answer is Paris.",
    r"The answer is London. Checked again: \boxed{Paris}",
    r"\boxed{London} is in England, so the answer is Paris.",
    "The answer is Paris. This answer is correct.",
    "#### Paris\n\nI hope that helps!",
]


@pytest.mark.parametrize("text", ANOTHER)
def test_another_text_or_one_that_goes_on_is_not_the_answer(text: str) -> None:
    assert MARKED.verify({"answer": "Paris"}, text).outcome == "rejected"


@pytest.mark.parametrize("text", PARIS)
def test_the_last_marked_text_is_the_answer_and_what_follows_is_ignored(text: str) -> None:
    assert MARKED.verify({"answer": "Paris"}, text).outcome == "accepted"


def test_a_line_without_a_full_stop_that_goes_on_in_the_next_is_open() -> None:
    for text in ("The answer is Paris\nLondon", "Answer: Paris\nActually London"):
        assert MARKED.verify({"answer": "Paris"}, text).reason == "open"


def test_a_sentence_counts_with_its_article_and_as_a_whole() -> None:
    reference = {"answer": ["the capital of France", "To be. Or not to be."]}
    assert MARKED.verify(reference, "The answer is the capital of France.").outcome == "accepted"
    assert MARKED.verify(reference, "The answer is capital of France.").outcome == "rejected"
    assert MARKED.verify(reference, "The answer is: To be. Or not to be.").outcome == "accepted"


@pytest.mark.parametrize(
    ("text", "answer"), [("The answer is **Paris**!", "Paris"), ("The answer is Yahoo!", "Yahoo!")]
)
def test_a_mark_of_exclamation_may_end_the_sentence_or_the_name(text: str, answer: str) -> None:
    assert MARKED.verify({"answer": answer}, text).outcome == "accepted"


@pytest.mark.parametrize(
    "text",
    [
        *("The answer is " + "Dr. " * 250_000, "the answer is no " * 60_000, "The answer is" + " " * 10**6),
        *("answer" * 150_000, r"\boxed{" + r"\text{" * 100_000 + "B" + "}" * 100_001, "1" * 10**6),
        *("The answer is B. It is. " * 40_000, "The answer is B" + " because" * 100_000, "#### B\n" * 100_000),
    ],
    ids=lambda text: text[:20],
)
def test_a_hostile_answer_costs_little(text: str) -> None:
    began = time.monotonic()
    MARKED.verify({"answer": "B"}, text)
    assert time.monotonic() - began < 5
