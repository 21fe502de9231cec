"""What a policy or a setting asks for beyond being equal: a form, a unit, an order, a proof."""

from __future__ import annotations

import pytest

from selfplay.verifiers.contract.verifier import Asked
from selfplay.verifiers.math import MathReference, MathSettings, MathVerifier, Policy, equivalent

COLLECTED = MathReference(answer="7x^2+7x+8", policy=Policy(form="collected"))
JUDGE = MathVerifier(MathSettings(answer="whole"))


@pytest.mark.parametrize("answer", ["7x^2+7x+8", "8+7x+7x^2", "7x+8+7x^2", "7x^{2} + 7x + 8", r"7\cdot x^2+7x+8"])
def test_any_order_of_collected_terms_is_accepted(answer: str) -> None:
    assert JUDGE.verify(Asked(COLLECTED, answer)).outcome == "accepted"


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
    verdict = JUDGE.verify(Asked(COLLECTED, answer))
    assert (verdict.outcome, verdict.reason) == ("rejected", "unevaluated")


def test_a_different_polynomial_is_wrong() -> None:
    verdict = JUDGE.verify(Asked(COLLECTED, "7x^2+8x+8"))
    assert (verdict.outcome, verdict.reason) == ("rejected", "wrong_answer")


@pytest.mark.parametrize("answer", ["3", "-3", "1/2", "4/8", "\\frac{2}{4}", "0.5", "1,000", "\\$10", " 7 "])
def test_form_number_takes_numbers(answer: str) -> None:
    reference = MathReference(answer="1", policy=Policy(form="number"))
    assert MathVerifier(MathSettings(answer="whole")).verify(Asked(reference, answer)).reason != "unevaluated"


@pytest.mark.parametrize(
    "answer", ["1/4+1/4", "2*3", "1/2/3", "2^3", "\\sqrt{4}", "x=3", "(1/2)", "1 1/2", "3!", "1/2 + 0"]
)
def test_form_number_refuses_arithmetic_left_to_do(answer: str) -> None:
    reference = MathReference(answer="1/2", policy=Policy(form="number"))
    assert MathVerifier(MathSettings(answer="whole")).verify(Asked(reference, answer)).reason == "unevaluated"


def test_policies_are_kept() -> None:
    def judged(answer: str, **policy: object) -> str:
        reference = MathReference(answer=answer, policy=Policy.model_validate(policy))
        given = {"5 km": "5", "33.3": "100/3", "1, 2": "2, 1"}[answer]
        return MathVerifier(MathSettings(answer="whole")).verify(Asked(reference, given)).outcome

    assert judged("5 km") == judged("33.3") == judged("1, 2") == "accepted"
    assert judged("5 km", unit="required") == "rejected"
    assert judged("33.3", rounding=False) == "rejected"
    assert judged("1, 2", order="given") == "rejected"


def test_agreement_without_proof_is_open_unless_allowed() -> None:
    # Ramanujan's cube roots: true, and hard to find
    left, right = (
        r"\sqrt[3]{\cos\frac{2\pi}{7}}+\sqrt[3]{\cos\frac{4\pi}{7}}+\sqrt[3]{\cos\frac{8\pi}{7}}",
        (r"\sqrt[3]{\frac{5-3\sqrt[3]{7}}{2}}"),
    )
    verdict = equivalent(left, right)
    assert (verdict.outcome, verdict.reason) == ("undecided", "open")
    lenient = MathVerifier(MathSettings(answer="whole", numeric_acceptance=True))
    assert lenient.verify(Asked(MathReference(answer=left), right)).outcome == "accepted"
