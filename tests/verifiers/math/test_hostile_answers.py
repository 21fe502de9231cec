"""Answers made to be expensive: none is accepted, and each ends within seconds."""

from __future__ import annotations

import time

import pytest

from selfplay.verifiers.contract.verifier import Asked
from selfplay.verifiers.math import MathReference, MathSettings, MathVerifier, equivalent


@pytest.mark.parametrize(
    "completion",
    [
        r"\boxed{4}" + " " * 200_000 + ".",
        r"\boxed{4}" + "\n" * 200_000 + r"\boxed{4}",
        "\n" * 200_000 + "The answer is 4",
        "#\n" * 100_000 + "The answer is 4",
        r"\boxed{4" + r"\, " * 3_000 + "}",
        r"\boxed{" + "9" * 9_000 + "}",
    ],
    ids=["blanks", "lines", "lines_before", "hashes", "spaces", "digits"],
)
@pytest.mark.timeout(60)
def test_long_runs_cost_no_square(completion: str) -> None:
    started = time.process_time()
    verdict = MathVerifier(MathSettings()).verify(Asked(MathReference(answer="4"), completion))
    assert verdict.outcome == ("rejected" if "999" in completion else "accepted")
    assert time.process_time() - started < 5  # a square would take minutes


HOSTILE = [
    "9**9**9", "(10^{10})!", "10^{10^{10^{10}}}", "sin((7**(exp(exp(exp(10*E)))))+1)",
    "(" * 5000 + ")" * 5000, "{" * 3000,
    "\\frac{" * 2000, "-" * 9000 + "1", "2^" * 3000 + "2", "1" * 9999, "\\sqrt" * 1500 + "2",
    "a_" * 3000 + "1",
    "\\binom{10^9}{5*10^8}", "\\sum_{k=1}^{10^9} k^{k}", "\\prod_{k=1}^{1999} k^{999}", "(x+y+z+w)^{999}",
    "\\int_0^1 x^{x^x} dx",
    "().__class__.__base__.__subclasses__()", "__import__('os').system('id')",
    "\\text{" * 3000, "|" * 5000, "1,1," * 2000,
    "\\sin" * 2000 + "x", "cos(" * 39 + "x" + ")" * 39, "5000!" + "*5000!/5000!" * 200, "10^{99999}x",
    "1 " * 4000, "** " * 3000,
    "a b " * 2400 + "!", "\\text{a}" * 1200 + "!", "0." + "12" * 4000 + "...", "\x00" * 100, "\ud800",
    "\u202e1", "٣", "1_{99}", "1" + r"^\circ" * 1500,
    r"\sum_{a=1}^{100}\sum_{b=1}^{100}\sum_{c=1}^{100}\sum_{d=1}^{100} abcd",
    "\\{" + ",".join(rf"\sqrt{{{n}}}" for n in range(200)) + "\\}",
]  # fmt: skip


@pytest.mark.parametrize("answer", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_answers_are_not_accepted_and_end_soon(answer: str) -> None:
    MathVerifier(MathSettings()).warm()
    began = time.process_time()
    assert equivalent("17", answer).outcome != "accepted"
    assert equivalent("x+1", answer).outcome != "accepted"
    assert time.process_time() - began < 4


@pytest.mark.parametrize("function", [("\\sin", "\\cos"), ("\\sqrt", "\\sqrt 2+\\sqrt")])
def test_many_items_that_need_a_proof_end_soon(function: tuple[str, str]) -> None:
    left, right = ("\\{" + ",".join(f"{name}{{{n}}}" for n in range(2, 150)) + "\\}" for name in function)
    MathVerifier(MathSettings()).warm()
    began = time.process_time()
    assert equivalent(left, right).outcome != "accepted"
    backwards = "\\{" + ",".join(reversed(left[2:-2].split(","))) + "\\}"
    assert equivalent(left, backwards).outcome == "accepted"
    assert time.process_time() - began < 4
