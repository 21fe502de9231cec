"""`calculation`: true and false steps as people and models write them, and what is left unread."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from selfplay.verifiers import load

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
    "17/3 = 5 R2",
    "17/3 = 5 r 2 apples",
    "17 / 3 = 5 remainder 2",
    "17 ÷ 3 = 5R2",
    "17 / 3 = 5 with a remainder of 2",
    "17 / 3 = 5 (remainder 2)",
    "<<17/3=5 R2>>5 boxes",
    "-3^2 + 1 = -8",
    "(-3)^2 + 1 = 10",
    "3/20 = 15%",
    "15 + 0 = 1500%",
    "3/20 * 100 = 15 percent",
    "100 - 20 = 80% of them",
    "5 percent of 200 = 10",
    r"5/20 * 100 = 25\%",
    "20% + 30% = 50%",
    "12/60 = 1/5 or 20%",
    "2/100=<<2/100=0.02>>2%",
    "50/200*100=<<50/200*100=25>>25%",
    "10/3=<<10/3=3.3333>>$3.33",
    "1000+200=<<1000+200=1200>>1,200",
    "1/4+1/4=<<1/4+1/4=2/4>>2/4",
    "2-6=<<2-6=-4>>-4",
    "1 + 2 = 3, 5 are left",
    "1 + 2 = 3. 5 are left",
    "1 + 2 = 3 and 4 + 5 = 9",
    "1 + 2 = 3! Done",
    "3x4x5 = 60",
    "6 ∕ 2 = 3 and 6 ⁄ 2 = 3",
    "7 ‑ 2 = 5",
    "66(1/3) = 22",
    "(2 + 3)(4 + 1) = 25",
    "5 hours * 60 = 300 minutes",
    "5 kilograms + 3 kg = 8 kg",
    "€1 + €2 = €3",
    "5+3=8个苹果",
    "1 + 2 = **3**",
    "**1 + 2** = **3** apples",
    "**1 + 2 = 3**",
    "`1 + 2` = `3`",
    r"So \(5 \times 3 = 15\).",
    r"\[ 2^3 - 1 = 7 \]",
    "2**3 = 8 and 2 ** 3 ** 1 = 8",
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
    ("17/3 = 5 R1", "17/3 = 5 R1"),
    ("17/3 = 4 r 5", "17/3 = 4 r 5"),
    ("18/3 = 5 remainder 3", "18/3 = 5 remainder 3"),
    ("17 / 3 = 5, remainder 1.", "17 / 3 = 5, remainder 1."),
    ("<<2+2=4>>5", "<<2+2=4>>5"),
    ("<<2+2=4>>$45 left", "<<2+2=4>>$45"),
    ("<<2+2=4>>4/2 left", "<<2+2=4>>4/2"),
    ("<<10+2=12>>13%", "<<10+2=12>>13%"),
    ("1 + 2 = 3.5", "1 + 2 = 3.5"),
    ("1 + 2 = 3,000.5", "1 + 2 = 3,000.5"),
    ("0.5 * 10 = 50%", "0.5 * 10 = 50%"),
    ("20% + 30% = 60%", "20% + 30% = 60%"),
    ("8-3 = 4", "8-3 = 4"),
    ("10 - 12 = 2", "10 - 12 = 2"),
    ("6 ⁄ 2 = 4", "6 ⁄ 2 = 4"),
    ("**1 + 2** = **4**", "1 + 2 = 4"),
    (r"\(5 \times 3 = 16\)", r"5 \times 3 = 16"),
    ("2**3 = 9", "2**3 = 9"),
]
IN_DOUBT = [
    "84/12 = 7 dozen eggs",
    "10/4 = 2.5 hours = 2 hours 30 minutes",
    "60 minutes * 2 = 2 hours",
    "17/3 = 5 and 2/3",
    "100 / 3 = 33, with 1 remaining",
    "25 / 1/3 = 75",
    "1 and 1/2 + 3 = 9/2",
    "8 x 1 1/2 = 12",
    "14 hours = 14 * 60",
    "Week 1 + Week 2 = 35 + 35",
    "$2.50 - $2.24 = 26 cents",
    "-3^2 + 1 = 10",
    "-3 + 4 = 7",
    "2^3^2 = 64",
    "5 * 3 = 15%",
    "5 * 3 = 15 percent",
    "15% = 5 * 3",
    "20% + 30% = 50",
    "200 + 5% = 210",
    "200 - 10% = 180",
    "3 + 5 = 8:00",
    "3 + 5 = 8 : 30",
    "1 + 2 = 3,5",
    "1 + 2 = 3 , 000",
    "1 + 2 = 3'000",
    "1.500 + 1 = 1501",
    "3.5 + 1 = 4·5",
    "1 + 2 = 3 million",
    "1 + 2 = 3 and a half",
    "1 + 2 = 3 and 1/2",
    "1 + 2 = 3 point 5",
    "1 + 2 = 3 or 4",
    "1 + 2 = 3 squared",
    "1 + 2 = 3 ± 1",
    "1 + 2 = 3 hours 30 minutes",
    "1 + 2 = 3 feet, 4 inches",
    "17.5/3 = 5 r 2.5",
    "17 * 3 = 51 r 0",
    "17/3 + 1 = 5 r 2",
    "pages 3-5 = 3 pages",
    "1 + 2 = 3-4 hours",
    "17 / 3 = 5 with 2 left over",
    "1 + 2 = 3 times 4",
    "1 + 2 = $3 and 25 cents",
    "1 + 2 = 3 thousandths",
    "2 + 3 = 5 is false",
    "2 + 3 = 6 is wrong",
    "2020–2021 = 1 year",
    "2/3/2020 + 1 = 3",
    "1 1/2 + 1 = 3/2",
    "¾ x 3/3 = 9/12",
    "half of 10 + 2 = 12",
    "1/3 of 9 + 3 = 4",
    "twice 3 + 1 = 4",
    "2(3) + 1 = 4",
    "8/2(2 + 2) = 1",
    "$1 + $2 = 3 cents",
    "$1 + $2 = €3",
    "5 kg + 3 kg = 8 g",
    "2*3 = 3!",
    "<<2+2=4>> 5",
    "<<2+2=4>>4,5",
    "<<2+2=4>>4:30",
    "<<2+2=4>>-4",
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
    "1 + 2 = 3½",
    "½ + 1 = 1",
    "1 + 2 = 3²",
    "1 + 2 = 3π",
    "1 + 2 = 3 x",
    "2 y + 3 = 5",
    "π3 + 4 = 7",
    "1.2.3 + 1 = 1.3",
    "1 + 2 = 3.4.5",
    "7 ± 2 + 1 = 3",
    "7 — 2 + 1 = 3",
    "17 mod 3 + 1 = 4",
    "5 plus 3 + 4 = 7",
    "1,5 + 2 = 3,5",
    "1 000 + 1 = 1",
    "$1 + €2 = $3",
    "5+3=8万",
    "1 + 2 = 3~000",
    "1 + 2 = 3\u200b5",
    "2'2 + 3 = 5",
    "17/3 + 0 = 5.5R2",
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


def test_a_bare_number_beside_another_is_a_step_only_where_a_step_leads_to_it() -> None:
    assert judged("1 + 2 = 3 = 4")[:2] == ("undecided", "open")
    assert judged("1 + 2 = 3 ≈ 4")[:2] == ("undecided", "open")
    for text in ("1 + 2 = 3 = 3.0", "1 + 2 = 3. Day 1 = 35", "5/5 = 1 = 100%"):
        assert judged(text)[0] == "accepted"


def test_what_is_said_not_to_be_so_is_in_doubt() -> None:
    assert judged("It is not true that 2 + 3 = 6.")[0] == "undecided"
    assert judged("It is false to say that 2 + 3 = 5.")[0] == "undecided"
    assert judged("It is not hard: we know that 2 + 3 = 5.")[0] == "accepted"


def test_the_policy_for_a_completion_without_steps() -> None:
    assert judged("It is 7.")[0] == "undecided"
    assert judged("a = b = 7", without_steps="accepted")[0] == "accepted"
    assert judged("", without_steps="rejected")[0] == "rejected"
    assert judged("1 + 1 = 2", least=2)[0] == "undecided"
    assert judged("10 / 3 = 3.33", rounding=False)[0] == "rejected"


@pytest.mark.parametrize(
    "text",
    [
        *("=" * 100_000, "1=" * 50_000, "(1+" * 30_000 + "=1", "<<" * 50_000, "1 " * 50_000 + "= 1", "\x00\ud800 = 1"),
        *(
            "1" * 199_000 + " = 1",
            "17/3 = 5" + " " * 190_000 + "r 2.",
            "17/3 = 5 " + "r " * 95_000,
            " " * 199_990 + "3 = 3",
        ),
        *(
            "1 = 3 and " + "1" * 190_000,
            "1 = 3 hours" + " ," * 90_000,
            "<<1=1>>" + "1," * 90_000,
            "2(" * 90_000 + " = 2",
        ),
        *(
            "-" * 190_000 + "1 = 1",
            "**1" * 60_000 + " = 1",
            "**" + " " * 199_000,
            "`\\(" * 60_000,
            "1 = 1 or " + "1" * 190_000,
            "1→" * 90_000,
            "1\n+" * 60_000 + "= 1",
            "1 = 1" + " and" * 45_000 + " 1 = 1",
            "<<1=1>>" + "`(" * 90_000 + "2",
            "[" * 10**6,
            "1" * 10**6,
            " " * 10**6,
        ),
    ],
    ids=lambda text: text[:10],
)
def test_hostile_text_costs_little(text: str) -> None:
    began = time.monotonic()
    assert judged(text)[0] in ("undecided", "rejected")
    assert time.monotonic() - began < 5


@pytest.mark.skipif(not DATA, reason="SELFPLAY_DATA is not set")
def test_human_solutions_of_gsm8k_are_nearly_all_true() -> None:
    rows = [json.loads(line) for line in (Path(str(DATA)) / "gsm8k_test.jsonl").read_text().splitlines()]
    outcomes = [judged(row["answer"])[0] for row in rows]
    assert outcomes.count("rejected") <= 3
    assert outcomes.count("accepted") >= 0.88 * len(rows)
