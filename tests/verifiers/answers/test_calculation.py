"""`calculation`: the declared forms of a step, true and false, and what is not read."""

from __future__ import annotations

import json
import os
import re
import time
from pathlib import Path

import pytest

from selfplay.verifiers import load

PLAIN = load("calculation")
DATA = os.environ.get("SELFPLAY_DATA")

TRUE = [
    "In May she sold 48/2 = <<48/2=24>>24 clips.",
    "<<3+4=7>>",
    "<<+3+4=7>>7",
    "<<10/3=3.33>>3.33",
    "10/3=<<10/3=3.3333>>$3.33",
    "<<1000+200=1200>>1,200 people",
    "<<1/4+1/4=2/4>>2/4",
    "<<2-6=-4>>-4",
    "<<20*.50=10>>10.00",
    "<<2/100=0.02>>2%",
    "<<50/200*100=25>>25%",
    "<<2/3*100=66.67>>66.7%",
    "<<2+2=4>>**4**",
    "<<2+2=4>> = 4",
    "<<2+2=4>> = 4 * 1",
    "3 + 4 = 7",
    "- 3 + 4 = 7.",
    "-3 + 4 = 1",
    "2. $1,200 × 3 = $3,600",
    "2 + 3 = 10 / 2 = 5",
    "**(2 + 3) * 4 = 20**",
    r"\(5 \times 3 = 15\)",
    r"$6 \div 2 = 3$",
    "6 x 2 = 12",
    "20% * 50 = 10",
    "20% + 30% = 50%",
    "3/20 = 15%",
    "20 / 3 = 6.66",
    "20 / 3 = 6.67",
    "22 / 7 ≈ 3",
    "3 * 4\n= 12\n= 24 / 2",
    "100 -\n5 + 3 = 98",
    "---\n2 + 2 = 4\n====\n2 + 3 = 5",
]
FALSE = [
    ("He played <<14*20=140>>140 minutes", "<<14*20=140>>140", "280", "140"),
    ("<<2+2=4>>5 are left", "<<2+2=4>>5", "4", "5"),
    ("<<2+2=4>>**5**", "<<2+2=4>>**5", "4", "5"),
    ("<<5*3=15>> = 16", "<<5*3=15>> = 16", "15", "16"),
    ("<<10+2=12>>13%", "<<10+2=12>>13%", "12", "13/100"),
    ("3 + 4 = 8", "3 + 4 = 8", "7", "8"),
    ("48/2 = <<48/2=24>>24\n= 25", "48/2 = 24 = 25", "24", "25"),
    ("2 + 3 = 6 = 3 + 3", "2 + 3 = 6 = 3 + 3", "5", "6"),
    ("1 + 2 = 3 = 4", "1 + 2 = 3 = 4", "3", "4"),
    ("10 / 3 = 3.34", "10 / 3 = 3.34", "10/3", "167/50"),
    ("7 / 2 = 3", "7 / 2 = 3", "7/2", "3"),
    ("0.1 + 0.2 = 0.30000001", "0.1 + 0.2 = 0.30000001", "3/10", "30000001/100000000"),
    ("20% + 30% = 60%", "20% + 30% = 60%", "1/2", "3/5"),
    ("3 * 4\n= 13\n2 + 2 = 4", "3 * 4 = 13", "12", "13"),
    ("100 -\n5 + 3 = 8", "100 - 5 + 3 = 8", "98", "8"),
    ("10 - 12 = 2", "10 - 12 = 2", "-2", "2"),
]
UNREAD = [
    "<<x+3=8>>8",
    "<<5 R2=17/3>>",
    "<<3+5=8>>8:30",
    "<<2+2=4>>4,5",
    "<<1+1=2=>>",
    "1 1/2 + 1 = 2 1/2",
    "1 / 0 = 5",
    "200 + 5% = 210",
    "5 * 3 = 15%",
    "3/20 * 100 = 15%",
    "$1 + $2 = €3",
    "1,5 + 2,5 = 4",
    "1.2.3 + 1 = 1.3",
    "1" * 100 + " + 1 = 7",
    "(" * 200 + "1 + 1" + ")" * 200 + " = 2",
]
NO_STEP = [
    "",
    "It is 7.",
    "She paid 5 * 3 = 16 dollars.",
    "x + 3 = 8",
    "2x + 3 = 8",
    "Total: 3 + 4 = 8",
    "3 + 4 =",
    "17/3 = 5 R2",
    "35 = 35",
    "2**3 = 8",
    "<<no step>>",
    "---",
]


def judged(text: str, **settings: object) -> tuple[str, str, dict[str, object]]:
    verdict = (load("calculation", settings) if settings else PLAIN).verify({}, text)
    return verdict.outcome, verdict.reason, dict(verdict.detail)


@pytest.mark.parametrize("text", TRUE)
def test_a_true_step_is_accepted(text: str) -> None:
    assert judged(text)[:2] == ("accepted", "true_steps")


@pytest.mark.parametrize(("text", "step", "left", "right"), FALSE)
def test_a_false_step_is_rejected_with_what_it_comes_to(text: str, step: str, left: str, right: str) -> None:
    for whole in (text, f"<<1+1=2>>2\n{text}"):
        outcome, reason, detail = judged(whole)
        assert (outcome, reason, detail["step"]) == ("rejected", "wrong_step", step)
        assert (detail["left"], detail["right"]) == (left, right)


@pytest.mark.parametrize("text", UNREAD)
def test_a_step_that_cannot_be_read_leaves_the_solution_open(text: str) -> None:
    for whole in (text, f"{text}\n2 + 2 = 4"):
        outcome, reason, detail = judged(whole, without_steps="accepted")
        assert (outcome, reason, detail["step"]) == ("undecided", "open", text[:300])
    assert judged(f"2 + 2 = 5\n{text}")[0] == "rejected"


@pytest.mark.parametrize("text", NO_STEP)
def test_what_has_not_the_form_is_no_step(text: str) -> None:
    outcome, _, detail = judged(text)
    assert (outcome, detail["steps"], detail["unread"]) == ("undecided", 0, 0)
    assert judged(text, without_steps="accepted")[0] == "accepted"
    assert judged(text, without_steps="rejected")[:2] == ("rejected", "no_step")
    assert judged(f"2 + 2 = 4\n{text}")[0] == "accepted"


def test_the_wrong_step_says_where() -> None:
    assert judged("2 + 2 = 4\nso\n10 / 4 = 2\n")[2] == {
        "step": "10 / 4 = 2", "number": 2, "line": 3, "left": "5/2", "right": "2"
    }  # fmt: skip


def test_the_settings() -> None:
    assert judged("1 + 1 = 2", least=2)[:2] == ("undecided", "open")
    assert judged("1 + 1 = 2\n2 + 2 = 4", least=2)[0] == "accepted"
    assert judged("10 / 3 = 3.33", rounding=False)[0] == "rejected"
    assert judged("10 / 3 ≈ 3.33", rounding=False)[0] == "accepted"


@pytest.mark.parametrize(
    "text",
    [
        *("=" * 100_000, "1=" * 50_000, "(1+" * 30_000 + "=1", "<<" * 50_000, "1 " * 50_000 + "= 1", "\x00\ud800 = 1"),
        *("1" * 199_000 + " = 1", " " * 199_990 + "3 = 3", "<<1=1>>" + "1," * 90_000, "-" * 190_000 + "1 = 1"),
        *(
            "1\n" * 90_000,
            "1\n+" * 60_000 + "= 1",
            "1 +\n" * 45_000,
            "1x" * 90_000 + "=1",
            "`\\(" * 60_000,
            "[" * 10**6,
        ),
        "1*" * 900 + "1 = 2\n" * 3_000,
    ],
    ids=lambda text: text[:10],
)
def test_hostile_text_costs_little(text: str) -> None:
    began = time.monotonic()
    assert judged(text)[0] in ("undecided", "rejected")
    assert time.monotonic() - began < 5


@pytest.mark.skipif(not DATA, reason="SELFPLAY_DATA is not set")
def test_human_solutions_of_gsm8k_are_true_and_false_with_one_result_raised() -> None:
    rows = [json.loads(line)["answer"] for line in (Path(str(DATA)) / "gsm8k_test.jsonl").read_text().splitlines()]
    outcomes = [judged(row)[0] for row in rows]
    assert outcomes.count("rejected") == 0
    assert outcomes.count("accepted") >= 0.98 * len(rows)
    annotation = re.compile(r"<<([^<>]*=)(\d+)>>(\d+)")
    for row in rows:
        wrong = annotation.sub(lambda one: f"<<{one[1]}{int(one[2]) + 1}>>{int(one[2]) + 1}", row, count=1)
        assert wrong == row or judged(wrong)[:2] == ("rejected", "wrong_step"), wrong
