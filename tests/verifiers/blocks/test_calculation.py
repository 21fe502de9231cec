"""`calculation`: true and false steps as people and models write them, and what is left unread."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from verifiers import load

PLAIN = load("calculation")
DATA = os.environ.get("SELFPLAY_DATA")

TRUE = [
    "48/2 = <<48/2=24>>24 clips in May",
    "She paid $5 * 3 = $15.",
    "2 + 3 = 10 / 2 = 5",
    "5 apples + 3 apples = 8 apples",
    "20% of 50 = 10 and 1/2 of 10 = 5",
    "10 / 3 = 3.33",
    "9 / 27 * 100 = 33.333...",
    "20 / 3 = 6.66",
    "20 / 3 = 6.67",
    "22 / 7 ≈ 3",
    "1,200 × 3 = 3,600",
    "(2 + 3) * 4 = 20",
    "2^10 = 1024",
    "2 ** 3 - 1 = 7",
    "- 3 + 4 = 7",
    "-3 + 4 = 1",
    "1. 3 + 4 = 7",
    "1/4 = 25% + 0",
    "5/20 * 100 = 25%",
    "60 students x 2/3 = 40 students",
    "a total of 12 + 24 = 36 pages",
    "3 piles of 210 / 3 = 70 acorns",
    "3/3 - 2/3 = 1/3 of $150 is left",
    "15 - 6 = $ 9",
    "Final: 7 − 2 = 5; 5 ÷ 5 = 1",
    "0.1 + 0.2 = 0.3",
]
FALSE = [
    ("3 + 4 = 8", "3 + 4 = 8"),
    ("2*8 = 24 hours", "2*8 = 24 hours"),
    ("He played <<14*20=140>>140 minutes", "<<14*20=140>>"),
    ("$4200+$3000 = $8600", "$4200+$3000 = $8600"),
    ("2 + 3 = 5\n5 + 1 = 7", "5 + 1 = 7"),
    ("2 + 3 = 6 = 3 + 3", "2 + 3 = 6"),
    ("10 / 3 = 3.34", "10 / 3 = 3.34"),
    ("7 / 2 = 3", "7 / 2 = 3"),
    ("0.1 + 0.2 = 0.30000001", "0.1 + 0.2 = 0.30000001"),
    ("10000 + 1 = 10000", "10000 + 1 = 10000"),
    ("20% of 50 = 1000", "20% of 50 = 1000"),
    ("4 marbles + 16 marbles = 45 marbles", "4 marbles + 16 marbles = 45 marbles"),
]
IN_DOUBT = [
    "60 minutes * 2 = 2 hours",
    "17/3 = 5 and 2/3",
    "100 / 3 = 33, with 1 remaining",
    "25 / 1/3 = 75",
    "1 and 1/2 + 3 = 9/2",
    "8 x 1 1/2 = 12",
    "14 hours = 14 * 60",
    "Week 1 + Week 2 = 35 + 35",
    "$2.50 - $2.24 = 26 cents",
]
UNREAD = [
    "x + 3 = 8",
    "2x + 3 = 8",
    "5 + 3x = 26 + 0",
    "1 hour + 30 minutes = 90 minutes",
    "4 W^2 = 100 + 0",
    "6:00 + 18 = 0:00",
    r"\frac{1}{2} + 3 = 9",
    r"\sqrt{4} + 1 = 9",
    "1 / 0 = 5",
    "9^9^9 = 7",
    "9**64**64 = 7",
    "(" * 60 + "1 + 1" + ")" * 60 + " = 7",
    "1" * 100 + " + 1 = 7",
    "1 + " * 300 + "1 = 7",
    "3! + 1 = 9",
    "2 dozen + 3 = 27",
]


def judged(text: str, **settings: object) -> tuple[str, str, dict[str, object]]:
    verdict = PLAIN.verify({}, text) if not settings else load("calculation", settings).verify({}, text)
    return verdict.outcome, verdict.reason, dict(verdict.detail)


@pytest.mark.parametrize("text", TRUE)
def test_a_true_step_is_accepted(text: str) -> None:
    outcome, _, detail = judged(text)
    assert (outcome, detail["unread"]) == ("accepted", 0), detail


@pytest.mark.parametrize(("text", "step"), FALSE)
def test_a_false_step_is_rejected_and_named(text: str, step: str) -> None:
    outcome, reason, detail = judged(text)
    assert (outcome, reason, detail["step"]) == ("rejected", "wrong_step", step)


@pytest.mark.parametrize("text", UNREAD)
def test_what_cannot_be_read_is_counted_and_passed_over(text: str) -> None:
    outcome, _, detail = judged(text)
    assert (outcome, detail["steps"], detail["unread"]) == ("undecided", 0, 1), detail
    assert judged(f"{text}\n2 + 2 = 4")[0] == "accepted"
    assert judged(f"{text}\n2 + 2 = 4", unread="undecided")[0] == "undecided"
    assert judged(f"{text}\n2 + 2 = 5")[0] == "rejected"


@pytest.mark.parametrize("text", IN_DOUBT)
def test_what_is_false_unless_it_is_meant_otherwise_is_never_accepted(text: str) -> None:
    for whole in (text, f"{text}\n2 + 2 = 4"):
        outcome, reason, detail = judged(whole)
        assert (outcome, reason) == ("undecided", "open")
        assert str(detail["step"]) in text
    assert judged(f"{text}\n2 + 2 = 5")[0] == "rejected"


def test_the_wrong_step_says_where_and_what_it_comes_to() -> None:
    detail = judged("2 + 2 = 4\nso\n10 / 4 = 2\n")[2]
    assert detail == {"step": "10 / 4 = 2", "number": 2, "line": 3, "left": "5/2", "right": "2"}


def test_the_policy_for_a_completion_without_steps() -> None:
    assert judged("It is 7.")[0] == "undecided"
    assert judged("a = b = 7", without_steps="accepted")[0] == "accepted"
    assert judged("", without_steps="rejected")[0] == "rejected"
    assert judged("1 + 1 = 2", least=2)[0] == "undecided"
    assert judged("10 / 3 = 3.33", rounding=False)[0] == "rejected"


@pytest.mark.parametrize(
    "text",
    ["=" * 100_000, "1=" * 50_000, "(1+" * 30_000 + "=1", "<<" * 50_000, "1 " * 50_000 + "= 1", "\x00\ud800 = 1"],
)
def test_hostile_text_costs_little(text: str) -> None:
    assert judged(text)[1] in ("open", "too_large")


@pytest.mark.skipif(not DATA, reason="SELFPLAY_DATA is not set")
def test_human_solutions_of_gsm8k_are_nearly_all_true() -> None:
    rows = [json.loads(line) for line in (Path(str(DATA)) / "gsm8k_test.jsonl").read_text().splitlines()]
    outcomes = [judged(row["answer"])[0] for row in rows]
    assert outcomes.count("rejected") <= 5
    assert outcomes.count("accepted") >= 0.97 * len(rows)
