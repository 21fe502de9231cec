"""The math verifier's comparison: by kind of answer, and on the labelled pairs where they are at hand."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from selfplay.verifiers.contract.verifier import Asked
from selfplay.verifiers.math import MathReference, MathSettings, MathVerifier, equivalent

EQUAL = [
    ("7425000", "7,425,000"), ("1{,}234", "1234"), ("11111111100", r"11,\! 111,\! 111,\! 100"),
    ("1340", "1.34 x 10^3"),
    ("1000", "1e3"), ("0.5", "½"), ("918\\frac{1}{2}", "918.5"), ("-3\\frac{1}{2}", "-3.5"),
    ("7.75", "7 3/4"),
    ("\\frac13", "0.\\overline{3}"), ("1/6", "0.1666 repeating"), ("1/3", "0.333..."),
    ("123", "one hundred and twenty-three"),
    ("7", "７"), ("-5", "−5"), ("x^2", "x²"), ("28\\%", "0.28"), ("28\\%", "28 percent"),
    ("12.5\\%", "\\frac18"),
    ("10", "\\$10"), ("5 \\text{ km}", "5000 \\text{ m}"), ("15\\mbox{ cm}^2", "15"),
    ("\\$5", "500 cents"), ("17", "17 apples"),
    ("6 \\text{ units}^2", "6 \\text{ square units}"), ("x=5", "5"), ("5", "x = 5"), ("x=5", "5=x"),
    ("y=2x+3", "y-2x=3"),
    ("(p,q)=(3,2)", "(3,2)"), ("p=5,q=2;p=7,q=2", "(5,2),(7,2)"), ("x=2 \\text{ or } x=-2", "\\pm 2"),
    ("AB=5", "5"),
    ("34x+45y-20z+100=0", "-34x-45y+20z-100=0"), ("1:2", "2:4"), ("[0,1]", "0\\le x\\le 1"),
    ("x<3", "(-\\infty,3)"),
    ("x<1\\text{ or }x>3", "(-\\infty,1)\\cup(3,\\infty)"), ("x \\ne 3", "(-\\infty,3)\\cup(3,\\infty)"),
    ("x<1", "-x>-1"),
    ("\\mathbb{R}\\setminus\\{0\\}", "(-\\infty,0)\\cup(0,\\infty)"), ("[0,2)", "[0,1]\\cup(1,2)"),
    ("\\{1,2\\}", "2, 1"),
    ("1,2", "2,1"), ("x^2-1", "(x-1)(x+1)"), ("\\frac{x^2-1}{x-1}", "x+1"), ("\\cos(2x)", "1-2\\sin^2 x"),
    ("\\sqrt{2}+\\sqrt{3}", "\\sqrt{5+2\\sqrt{6}}"), ("\\sin\\frac{\\pi}{3}", "\\frac{\\sqrt3}{2}"),
    ("(1+i)^2", "2i"),
    ("\\log_2 8", "3"), ("\\ln 6", "\\ln 2+\\ln 3"), ("\\sqrt[3]{-8}", "-2"), ("n!", "n(n-1)!"),
    ("\\binom{n}{2}", "\\frac{n(n-1)}{2}"),
    ("\\frac{n(n+1)}{2}", "\\sum_{i=1}^{n} i"), ("33.3", "\\frac{100}{3}"),
    ("4.123105625617661", "\\sqrt{17}"),
    ("\\begin{pmatrix}2\\\\0\\end{pmatrix}", "2\\begin{pmatrix}1\\\\0\\end{pmatrix}"), ("204_5", "54"),
    ("FF_{16}", "255"),
    ("(B)", "B"), ("(A) Cecile", "cecile"), ("no solution", "\\emptyset"),
    ("2^{82589933}-1", "2^{82589933} - 1"),
    ("\\begin{cases}x\\end{cases}", "\\begin{cases} x \\end{cases}"),
]  # fmt: skip
DIFFERENT = [
    ("28", "28\\%"),
    ("32349", "32, 349"), ("12", "1 2"), ("1000.99", "1000,99"), ("13400", "1.34 x 10^3"), ("1/3", "0.33"),
    ("0.5", "12/25"),
    ("0.3", "1/3"), ("0.5", "0.4999"), ("3.14", "3.14159"), ("10000", "10001"), ("28\\%", "2.8"),
    ("0.5\\%", "0.5"), ("0.28", "28"),
    ("5 \\text{ cm}", "5 \\text{ meters}"), ("17 apples", "17 oranges"), ("90^\\circ", "\\frac{\\pi}{2}"),
    ("3m", "3"), ("6", "6x"),
    ("17", "17 or 18"), ("3", "3, 5"), ("1", "\\{1,2\\}"), ("(1,2)", "1,2"), ("(3,1)", "\\{1,3\\}"),
    ("[0,1)", "[0,1]"), ("x<3", "y<3"),
    ("x>5", "x<5"), ("x=5", "y=5"), ("x=5", "2x=10"), ("x^2=4", "x=2"), ("2x+z=1", "1"),
    ("x = 11", "x = 5+5+1 = 7 = 11"),
    ("\\sqrt{x^2}", "x"), ("|x|", "x"), ("2\\ln x", "\\ln(x^2)"), ("a^2+b^2", "(a+b)^2"),
    ("\\frac{1}{2004!}", "\\frac{1}{2006!}"),
    ("262537412640768744", "e^{\\pi\\sqrt{163}}"), ("10^{-20}", "0"), ("\\pi", "3.14159"), ("C", "A or C"),
    ("E", "2.718281828"),
    ("odd", "\\text{oddd}"), ("yes", "no"), ("listen", "silent"), ("204_5", "204"), ("12:00", "1:00"),
    ("\\infty", "-\\infty"),
    ("\\mathbb{Z}", "\\mathbb{R}"),
    ("F_n = \\sum_{k=0}^{n-1} F_k F_{n-k-1}", "F_n = \\sum_{k=0}^{n-2} F_k F_{n-k-2}"),
]  # fmt: skip


@pytest.mark.parametrize(("reference", "answer"), EQUAL)
def test_equal_pairs_are_accepted(reference: str, answer: str) -> None:
    verdict = equivalent(reference, answer)
    assert verdict.outcome == "accepted", verdict
    assert verdict.detail["rule"]


@pytest.mark.parametrize(("reference", "answer"), DIFFERENT)
def test_different_pairs_are_rejected(reference: str, answer: str) -> None:
    verdict = equivalent(reference, answer)
    assert verdict.outcome == "rejected", verdict
    mirrored = equivalent(answer, reference)
    one_way = mirrored.reason in ("rounds_to_reference", "percent_sign_left_out") or (reference, answer) == ("3m", "3")
    assert mirrored.outcome != "accepted" or one_way


def test_evidence_shows_the_rule_and_both_sides() -> None:
    detail = equivalent("x^2-1", "(x-1)(x+1)").detail
    assert detail["rule"] == "symbolic_identity"
    assert detail["reference_read"] == "expression: (x^(2) + -1)".replace("x^(2)", "(x)^(2)")
    assert "x" in str(detail["answer_read"])


@pytest.mark.parametrize(
    ("reference", "completion"),
    [
        ("4", r"\boxed{4}"),
        ("4", r"\boxed{5}"),
        ("0.5", r"\boxed{\frac{1}{2}}"),
        (r"\text{odd}", r"\boxed{odd}"),
        ("x^2", r"\boxed{x^2}"),
        ("4", r"\boxed{(}"),
        ("4", r"\boxed{9**9**9}"),
        (r"2\arctan 2", r"\boxed{\pi-\arctan\frac43}"),
        ("4", "nothing"),
    ],
)
def test_every_verdict_names_its_rule_and_shows_what_was_read(reference: str, completion: str) -> None:
    verdict = MathVerifier(MathSettings()).verify(Asked(MathReference(answer=reference), completion))
    assert verdict.detail["rule"]
    assert verdict.detail["extracted_by"]
    if verdict.reason != "no_answer":
        assert verdict.detail["reference_read"]
        assert ("answer_read" in verdict.detail) is (verdict.reason != "unreadable_answer")


def test_an_unreadable_reference_is_a_fault_and_an_unreadable_answer_a_rejection() -> None:
    assert equivalent(r"\lim_{x\to 0} x", "2").reason == "fault"
    assert equivalent("2", r"\lim_{x\to 0} x").reason == "unreadable_answer"


def test_the_first_proof_of_a_process_is_like_any_later_one() -> None:
    code = "from selfplay.verifiers.math import equivalent as e; print([e('|x|^2', 'x^2').outcome for _ in range(2)])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    first, second = ast.literal_eval(done.stdout)
    assert first == second == "accepted"


def _cases() -> list[dict[str, str]]:
    folder = os.environ.get("SELFPLAY_DATA")
    path = Path(folder) / "math_cases.jsonl" if folder else None
    if path is None or not path.is_file():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.skipif(not _cases(), reason="SELFPLAY_DATA names no folder with math_cases.jsonl")
def test_the_labelled_pairs() -> None:
    judge = MathVerifier(MathSettings(answer="whole"))
    wanted = {"accept": {"accepted"}, "reject": {"rejected"}, "hostile": {"rejected", "undecided"}}
    wanted |= {"policy-accept": {"accepted"}, "policy-reject": {"rejected"}}
    wrong = []
    for case in _cases():
        verdict = judge.verify(Asked(MathReference(answer=case["reference"]), case["answer"]))
        if verdict.outcome not in wanted[case["label"]]:
            wrong.append((case["id"], case["label"], verdict.outcome, verdict.reason))
    assert not wrong


@pytest.mark.skipif(not os.environ.get("SELFPLAY_DATA"), reason="SELFPLAY_DATA is not set")
def test_every_gsm8k_answer_equals_itself_rewritten_and_differs_from_itself_changed() -> None:
    paths = [Path(os.environ["SELFPLAY_DATA"]) / f"gsm8k_{split}.jsonl" for split in ("train", "test")]
    if not all(path.is_file() for path in paths):
        pytest.skip("gsm8k_train.jsonl and gsm8k_test.jsonl are not in SELFPLAY_DATA")
    for line in (line for path in paths for line in path.read_text(encoding="utf-8").splitlines()):
        answer = json.loads(line)["answer"].rpartition("####")[2].strip()
        value = int(answer.replace(",", ""))
        for same in (answer, f"{value:,}", f"\\${value}", f"{value}.0", f"\\frac{{{2 * value}}}{{2}}"):
            assert equivalent(answer, same).outcome == "accepted", (answer, same)
        for other in (
            str(value + 1),
            f"-{value}" if value else "1",
            f"{value}0" if value else "10",
            f"{value}.5",
        ):
            assert equivalent(answer, other).outcome == "rejected", (answer, other)
