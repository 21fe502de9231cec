"""The `exact` verifier: the text, the whole text, and nothing but white space around it."""

from __future__ import annotations

import pytest

import verifiers
from verifiers.errors import BadReference


@pytest.mark.parametrize(
    ("completion", "outcome", "reason"),
    [
        ("021", "accepted", "equal_text"),
        (" 021\n", "accepted", "equal_text"),
        ("21", "rejected", "wrong_answer"),
        ("0 21", "rejected", "wrong_answer"),
        ("it is 021", "rejected", "wrong_answer"),
        ("٠٢١", "rejected", "wrong_answer"),
        ("  ", "rejected", "no_answer"),
    ],
)
def test_only_the_text_itself(completion: str, outcome: str, reason: str) -> None:
    verdict = verifiers.load("exact").verify({"answer": "021"}, completion)
    assert (verdict.outcome, verdict.reason) == (outcome, reason)


def test_an_empty_answer_is_no_reference() -> None:
    with pytest.raises(BadReference, match="exact"):
        verifiers.load("exact").verify({"answer": ""}, "")
