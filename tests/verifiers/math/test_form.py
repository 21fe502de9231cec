"""The policy `form: collected`: equal is not enough where the question itself is equal to its answer."""

from __future__ import annotations

import pytest

from selfplay.verifiers.contract.verifier import Asked
from selfplay.verifiers.math.verifier import MathReference, MathSettings, MathVerifier, Policy

REFERENCE = MathReference(answer="7x^2+7x+8", policy=Policy(form="collected"))
JUDGE = MathVerifier(MathSettings(answer="whole"))


@pytest.mark.parametrize("answer", ["7x^2+7x+8", "8+7x+7x^2", "7x+8+7x^2", "7x^{2} + 7x + 8", r"7\cdot x^2+7x+8"])
def test_any_order_of_collected_terms_is_accepted(answer: str) -> None:
    assert JUDGE.verify(Asked(REFERENCE, answer)).outcome == "accepted"


@pytest.mark.parametrize(
    "answer",
    [
        "(3x^2+5x+2)+(4x^2+2x+6)",
        "3x^2+4x^2+7x+8",
        "7x^2+7x+2+6",
        "7(x^2+x)+8",
        "7x*x+7x+8",
        "x^2*2*3+x^2+7x+8",
    ],
)
def test_equal_but_uncollected_is_unevaluated(answer: str) -> None:
    verdict = JUDGE.verify(Asked(REFERENCE, answer))
    assert (verdict.outcome, verdict.reason) == ("rejected", "unevaluated")


def test_a_different_polynomial_is_wrong() -> None:
    verdict = JUDGE.verify(Asked(REFERENCE, "7x^2+8x+8"))
    assert (verdict.outcome, verdict.reason) == ("rejected", "wrong_answer")
