"""`calculation`: what stands beside a step, at the end of its line, in its unit or behind its annotation."""

from __future__ import annotations

import pytest

from selfplay.verifiers import load
from selfplay.verifiers.answers.beside import harmless_before, harmless_behind
from selfplay.verifiers.answers.lines import prepared

PLAIN = load("calculation")

BEFORE = [
    "5 groups of 3 + 4 = 7",
    "two thirds of a total of 3 + 4 = 7",
    "the absolute value of 3 + 4 = 7",
    "squaring 3 + 4 = 7",
    "he quadrupled 3 + 4 = 7",
    "10 divided by 2 + 3 = 5",
    "5 multiplied by 3 + 4 = 7",
    "5 apples plus 3 + 4 = 7 apples",
    "5 apples minus 2 + 1 = 3 apples",
    "three plus 4 + 5 = 9",
    "The square root of 16 + 9 = 25",
    "The cube root of 8 + 1 = 9",
    "The square of 3 + 4 = 7",
    "a tenth of 50 + 50 = 100",
    "a sixth of 50 + 50 = 100",
    "minus 3 + 4 = 7",
    "log 100 + 1 = 101",
    "log (10) + 1 = 11",
    "sin 30 + 1 = 31",
    "∛8 + 1 = 9",
    "5 to the power of 3 + 4 = 7",
    "5 take away 3 + 4 = 7",
    "5 ➗ 3 + 4 = 7",
    "5 : 3 + 4 = 7",
    "5 • 3 + 4 = 7",
    "the sum of five and 3 + 4 = 7",
    "gamma 3 + 4 = 7",
    "ceil 3 + 4 = 7",
    "5 increased by 3 + 4 = 7",
    "5 less than 3 + 4 = 7",
    "5 added to 3 + 4 = 7",
    "subtracted from 3 + 4 = 7",
    "half of the 10 + 2 = 12",
    "five and 3 + 4 = 7",
    "twice as much as 3 + 4 = 7",
]
BEHIND = [
    "3 + 4 = 7 M",
    "3 + 4 = 7 to the fifth",
    "3 + 4 = 7 bps",
    "3 + 4 = 7 divided in two",
    "3 + 4 = 7 not",
    "3 + 4 = 7 (k + 1)",
    "2 + 2 = 4 sqrt(2)",
    "2 + 2 = 4 sqrt 2",
    "2 + 2 = 4 pi",
    "2 + 2 = 4 log 2",
    "2 + 2 = 4 choose 2",
    "4 + 5 = 9 multiplied by 2",
    "4 + 5 = 9 plus one",
    "4 + 5 = 9 minus two",
    "4 + 5 = 9 less 3",
    "3 + 4 = 7 dozen",
    "1 + 2 = 3 quarters",
    "1 + 2 = 3 halves",
    "4 + 5 = 9 tens",
    "4 + 5 = 9 fifths",
    "4 + 5 = 9 grand",
    "4 + 5 = 9 Mio",
    "3 + 4 = 7‰",
    "4 + 5 = 9 and a sixth",
    "4 + 5 = 9 and 3 quarters",
    "4 + 5 = 9 dollars and a half",
    "4 + 5 = 9 euros and 50 cents",
    "4 + 5 = 9 pounds 50 pence",
    "4 + 5 = 9 kg 300 g",
    "4 + 5 = 9 m 30 cm",
    "4 + 5 = 9 h 30",
    "4 + 5 = 9' 3\"",
    "3 + 4 = 7\xa0+ 1",
    "3 + 4 = 7\u2003+ 1",
    "3 + 4 = 7\u2028+ 5",
    "3 + 4 = 7<br>+ 5",
    "4 + 5 = 9 ＋ 1",
    "3 + 4 = 7 times two",
    "3 + 4 = 7, times 2",
    "3 + 4 = 7 squared apples",
    "3 + 4 = 7 K",
    "3 + 4 = 7, minus 2",
    "3 + 4 = 7, which is wrong",
    "3 + 4 = 7 to the power of 2",
    "3 + 4 = 7 in binary",
]
LINES = [
    "2 + 2 = 4\n3 + 4 = \\boxed{8}",
    "3 + 4 = 7 → 8",
    "3 * 4\n= 13\n2 + 2 = 4",
    "2 + 2 = 4\n3 + 4 =\n8",
    "Total\n= 3 * 4 + 5\n= 18\nSo 17 + 1 = 18",
    "3 + 4 = 7 \xd7\n2",
    "100 -\n5 + 3 = 8",
    "2 + 2 = 4\n3 + 4 \uff1d 8",
    "2 + 2 = 4\n3 + 4 \u2261 8",
    "2 + 2 = 4\n3 + 4 \u2245 18",
    "2 + 2 = 4\n3 + 4 \u2252 18",
    "2 + 2 = 4\n3 + 4 \\approx 18",
    "2 + 2 = 4 → 8 + 9",
    "3 + 4 = 7\n+ 1",
]
MEASURES = [
    "$5 * 3 = 15 cents",
    "8 kg / 2 = 4 g",
    "10 hours / 2 = 5 minutes",
    "1 + 2 = 3 = 4 apples",
    "1 + 2 = 3 = $4",
    "1 + 2 = 3 = 400%",
    "$1 + $2 = $3 = 4",
    "5 apples + 3 apples = 8 = 9 apples",
    "1 + 2 = 3 = 4 million",
]
ANNOTATIONS = [
    "<<2+2=4>>**5**",
    "<<2+2=4>>(5)",
    "<<2+2=4>>\\(5\\)",
    "<<2+2=4>>`5`",
    "<<2+2=4>>USD 5",
    "<<2+2=4>>$ 5",
    "<<2+2=4>>+5",
    "<<2+2=4>>  5",
    "<<2+2=4>> = 5",
    "<<5*3=15>> = 16",
    "<<2+2=4>>4k",
    "<<2+2=4>>4 million",
    "<<2+2=4>>4²",
    "<<2+2=4>>4½",
    "<<2+2=4>>4 000",
]
RIGHT = [
    "3 + 4 = 7 ÷",
    "10 divided by 2 + 3 = 8",
    "5 multiplied by 3 + 4 = 19",
    "5 plus, 3 + 4 = 12",
    "3 + 4 = 7 dozen",
    "The square root of 16 + 9 = 5",
]
HARMLESS = [
    "Therefore, 3 + 4 = 7 (since 4 is more).",
    "$$3 + 4 = 7$$",
    "Let's compute 3 + 4 = 7.",
    r"3 + 4 = 7 so \boxed{7}",
    r"3 + 4 = \boxed{7}",
    "3 + 4 = 7 because 4 is one more than 3",
    "100 -\n5 + 3 = 98",
    "3 * 4\n= 12",
    "3 + 4\n\n≈ 7",
    "3 + 4 =\n7",
    "Total\n= 3 * 4 + 5\n= 17\nSo 17 + 1 = 18",
    "- 3 + 4 = 7\n- 4 + 5 = 9",
    "So:\n- 3 + 4 = 7",
    "**Step 1:** 3 + 4 = 7",
    "60 * 2 = 120 minutes = 2 hours",
    "2.5 * 2 = $5 = 500 cents",
    "2 + 2 = 4 → 4 + 1 = 5",
    "３ ＋ ４ ＝ ７ and 8 ➗ 2 = 4",
    "3\u00a0+\u20034 = 7",
    "4 + 5 = 9 ÷ 1",
    "<<2+2=4>>**4**",
    "<<2+2=4>> = 4",
    "<<2+2=4>>$ 4",
    "It took Tom 3 * 4 = 12 minutes to read 20 pages on the third day.",
    "She gave her sister half of them, for a total of 3 + 4 = 7.",
    "In 2 days she trains 3 * 4 = 12 square feet of land, 2 of them twice.",
    "He walks 8 hours / 2 = 4 hours and sleeps.",
    "5 hours * 60 = 300 minutes",
    "180 minutes / 60 = 3 hours",
]


def outcome(text: str) -> str:
    return PLAIN.verify({}, text).outcome


@pytest.mark.parametrize("text", BEFORE + BEHIND)
def test_what_stands_beside_a_step_and_is_not_known_to_be_harmless_leaves_it_open(text: str) -> None:
    assert outcome(text) in ("undecided", "rejected")
    assert outcome(f"{text}.\n2 + 2 = 4") in ("undecided", "rejected")


@pytest.mark.parametrize("text", LINES + MEASURES + ANNOTATIONS)
def test_lines_units_and_annotations_hide_no_false_step(text: str) -> None:
    assert outcome(text) in ("undecided", "rejected")
    assert outcome(f"{text}.\n2 + 2 = 4") in ("undecided", "rejected")


@pytest.mark.parametrize("text", RIGHT)
def test_a_right_statement_in_words_is_not_rejected(text: str) -> None:
    assert outcome(text) == "undecided"


@pytest.mark.parametrize("text", HARMLESS)
def test_what_is_known_to_be_harmless_lets_a_true_step_through(text: str) -> None:
    assert outcome(text) == "accepted", PLAIN.verify({}, text).detail


def test_a_text_that_is_prepared_keeps_its_length() -> None:
    for text in (*LINES, *HARMLESS, "**a**\r\n= 1\n\n\n+ 2 ➗️ 3"):
        assert len(prepared(text)) == len(text)


def test_words_beside_a_step_one_by_one() -> None:
    assert all(map(harmless_before, ("", "She paid ", "a total of ", "Day 1: ", "in 2 days he ran ", "It cost Ann ")))
    assert not any(map(harmless_before, ("sqrt ", "5 by ", "the root of ", "3 / ", "√", "a dozen of ", "5 : ")))
    for text in ("", " apples", " in 2 days", ". 5 more", " feet (in all)", ", since 4"):
        assert harmless_behind(text, more=False), text
    for text in (" dozen", " and 2", " feet 4", "‰", " apples and a half", " apples times 4", "''3"):
        assert not harmless_behind(text, more=False), text
    assert harmless_behind(" and 4 + 5 ", more=True)
    assert not harmless_behind(" and 4 + 5 ", more=False)
