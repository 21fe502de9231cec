"""Numbers and sentences: intervals of differences, hidden characters, words for arms."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from selfplay.experiment.schema import Arm
from selfplay.hostile_text import excerpt, visible
from selfplay.report.report_page import duration
from selfplay.report.run_record import RunRecord
from selfplay.report.score_summary import (
    Difference,
    Point,
    Summary,
    arm_in_words,
    difference_sentence,
    newcombe,
    percent_interval,
)
from selfplay.tasks.intervals import wilson

Build = Callable[..., Path]


def share(successes: int, n: int) -> Point:
    low, high = wilson(successes, n)
    return Point("arm", 1, successes / n, low, high, {0: successes / n}, n)


@pytest.mark.parametrize(
    ("a", "b", "low", "high"),
    [((56, 70), (48, 80), 0.0524, 0.3339), ((9, 10), (3, 10), 0.1705, 0.8090), ((10, 10), (0, 20), 0.6791, 1.0)],
)
def test_newcombe_gives_the_published_intervals(
    a: tuple[int, int], b: tuple[int, int], low: float, high: float
) -> None:
    """Newcombe 1998, table II, method 10, cases (a), (b) and (h)."""
    assert newcombe(share(*a), share(*b)) == pytest.approx((low, high), abs=6e-5)


@pytest.mark.parametrize(
    ("difference", "sentence"),
    [
        (Difference("a", "b", 0.2, 0.1, 0.3, 1), "a is 20.0 points above b (10.0 to 30.0)."),
        (Difference("a", "b", -0.2, -0.3, -0.1, 1), "a is 20.0 points below b (10.0 to 30.0)."),
        (
            Difference("a", "b", 0.02, -0.03, 0.07, 1),
            "a and b are not told apart: the difference is 2.0 points, and its interval holds zero (−3.0 to 7.0).",
        ),
    ],
)
def test_the_sentence_follows_the_interval(difference: Difference, sentence: str) -> None:
    assert difference_sentence(difference) == sentence


def test_a_result_against_verification_is_said_as_plainly(build_run: Build) -> None:
    swapped = [
        {"name": "verified", "data": "human+synthetic", "keep": "all"},
        {"name": "unfiltered", "data": "human+synthetic", "keep": "verified"},
    ]
    with RunRecord.open(build_run([0], generations=1, arms=swapped, evaluate={"problems": 200})) as record:
        summary = Summary(record)
        (difference,) = summary.differences()
        ours, theirs = summary.final("verified"), summary.final("unfiltered")
        assert ours is not None
        assert theirs is not None
        assert difference.value == pytest.approx(ours.value - theirs.value)
        assert (difference.arm, difference.other) == ("verified", "unfiltered")


def test_each_sample_is_counted_once_under_the_model_that_wrote_it(build_run: Build) -> None:
    with RunRecord.open(build_run([0], generations=2)) as record:
        counts = record.verdict_counts("train")
        drawn = 2 * 40  # n samples of the pool's problems
        assert counts.places == [("start", 0), ("unfiltered", 1), ("verified", 1)]
        assert counts.totals == [drawn] * 3
        assert [sum(numbers) for numbers in zip(*(row[3] for row in counts.rows), strict=True)] == counts.totals
        no_answer = [row[3] for row in counts.rows if row[2] == "no_answer"]
        without_answer = [sum(numbers) for numbers in zip(*no_answer, strict=True)]
        assert sum(counts.truncated) > 0
        assert all(cut <= count for cut, count in zip(counts.truncated, without_answer, strict=True))


def test_examples_prefer_different_reasons_and_are_the_same_every_time(build_run: Build) -> None:
    run = build_run([0], generations=2)
    with RunRecord.open(run) as record, RunRecord.open(run) as again:
        examples = record.examples(3)
        assert examples == again.examples(3)
    rejected = [e.reason for e in examples if (e.task, e.outcome) == ("fractions", "rejected")]
    assert sorted(rejected) == ["no_answer", "unreadable_answer", "wrong_answer"]


def test_undecided_verdicts_give_bounds_over_the_same_seeds(build_run: Build) -> None:
    with RunRecord.open(build_run([0, 1], generations=1, evaluate={"problems": 200})) as record:
        summary = Summary(record)
        point, upper = summary.point("accuracy", "verified", 1), summary.upper("verified", 1)
        assert point is not None
        assert upper is not None
        assert point.value < upper < point.value + 0.1


def test_hidden_characters_become_escapes_and_plain_text_stays() -> None:
    assert visible("\x1b[0m\x00\u202e\u2066\ufeff\x85\ue000") == "\\x1b[0m\\x00\\u202e\\u2066\\ufeff\\x85\\ue000"
    assert visible("naïve 中文 ½ − tab\tline\n") == "naïve 中文 ½ − tab\tline\n"
    assert visible("e" + "\u0301" * 5) == "e" + "\u0301" * 3 + "\\u0301" * 2
    assert visible("\r") == "\\x0d"


def test_an_excerpt_says_what_it_left_out() -> None:
    assert excerpt("abc", 5).left_out == 0
    assert excerpt("abcdef", 4).left_out == 2
    assert excerpt("abcdef", 4, 1_000_000).left_out == 999_996
    assert excerpt("a\x1bb", 5).parts == [("a", False), ("\\x1b", True), ("b", False)]


@pytest.mark.parametrize(
    ("arm", "words"),
    [
        ({"name": "h", "data": "human"}, "worked examples alone"),
        ({"name": "v", "data": "human+synthetic", "keep": "verified"}, "worked examples and its verified samples"),
        (
            {"name": "r", "data": "synthetic", "keep": {"random_as_many_as": "v"}, "start": "previous"},
            "a random subset of its samples, as large as what v keeps, trained on from its last model",
        ),
        (
            {"name": "m", "data": "human+synthetic", "keep": "verified", "human": {"share": 0.3}, "pool": "accumulate"},
            "its verified samples with 30% worked examples, drawn fresh, of all generations so far",
        ),
    ],
)
def test_arms_in_words(arm: dict[str, object], words: str) -> None:
    assert arm_in_words(Arm.model_validate(arm)) == words


def test_durations_and_intervals_read_well() -> None:
    assert [duration(s) for s in (4.25, 192, 7500)] == ["4.2 s", "3 min 12 s", "2 h 5 min"]
    assert percent_interval(share(50, 100)) == "50.0 % (40.4 to 59.6)"
    assert percent_interval(Point("a", 1, 0.5, None, None, {0: 0.5}, 10)) == "50.0 %"
