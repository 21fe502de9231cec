"""What each filter keeps of groups that are given as data."""

from __future__ import annotations

from typing import Any

import pytest

from selfplay.errors import ConfigError
from selfplay.filters import Candidate, Circumstances, Group
from selfplay.filters.registry import load


def chosen(name: str, samples: list[Candidate], **settings: Any) -> dict[str, str]:
    """Reason by sample id; a kept sample's begins with +."""
    choices = load(name, settings).plugin.choose(Group("p", "prompt", samples))
    return {choice.id: ("+" if choice.kept else "") + choice.reason for choice in choices}


def voting(*answers: str | None) -> list[Candidate]:
    return [
        Candidate(f"s{at}", "text", "m", answer=answer, without="" if answer else "no_answer")
        for at, answer in enumerate(answers)
    ]


@pytest.mark.parametrize("name", ["majority", "self_consistency"])
@pytest.mark.parametrize(
    ("answers", "threshold", "expected"),
    [
        (["4", "4", "5"], 0.5, ["+majority", "+majority", "minority"]),
        (["4", "4", "5", "5"], 0.0, ["tie"] * 4),
        (["4", "4", "5", "5", "6"], 0.0, ["tie", "tie", "tie", "tie", "minority"]),
        (["4", "4", None, None], 0.5, ["+majority", "+majority", "no_answer", "no_answer"]),
        (["4", "4", None, None, None], 0.5, ["below_threshold"] * 2 + ["no_answer"] * 3),
        (["4", "4", "4", "5", "6"], 0.6, ["+majority"] * 3 + ["minority"] * 2),
        (["4", "4", "4", "5", "6"], 0.61, ["below_threshold"] * 3 + ["minority"] * 2),
        ([None, None], 0.0, ["no_answer", "no_answer"]),
    ],
)
def test_a_vote(name: str, answers: list[str | None], threshold: float, expected: list[str]) -> None:
    assert list(chosen(name, voting(*answers), threshold=threshold).values()) == expected


def test_agreement_counts_different_weights_and_not_samples() -> None:
    group = [
        Candidate("a", "", "mine", answer="4"),
        Candidate("b", "", "mine", answer="4"),
        Candidate("c", "", "mine", answer="5"),
        Candidate("d", "", "mine", without="no_answer"),
        Candidate("e", "", "second", own=False, answer="5"),
        Candidate("f", "", "third", own=False, answer="5"),
        Candidate("g", "", "third", own=False, answer="6"),
    ]
    two = chosen("agreement", group, models=2)
    assert two == {"a": "too_few_models", "b": "too_few_models", "c": "+agreement", "d": "no_answer"}
    assert chosen("agreement", group, models=3)["c"] == "+agreement"
    assert chosen("agreement", group[:5], models=3)["c"] == "too_few_models"


def likely(*values: float, truncated: int | None = None) -> list[Candidate]:
    return [Candidate(f"s{at}", "", "m", mean_logprob=v, truncated=at == truncated) for at, v in enumerate(values)]


def test_mean_logprob_by_threshold_and_by_share() -> None:
    group = likely(-0.1, -2.0, -0.5, -0.9)
    assert chosen("mean_logprob", group, threshold=-0.5) == {
        "s0": "+likely",
        "s1": "unlikely",
        "s2": "+likely",
        "s3": "unlikely",
    }
    kept = [key for key, reason in chosen("mean_logprob", group, top=0.5).items() if reason == "+likely"]
    assert kept == ["s0", "s2"]
    rounded_up = chosen("mean_logprob", group, top=0.3)
    assert [key for key, reason in rounded_up.items() if reason == "+likely"] == ["s0", "s2"]
    assert chosen("mean_logprob", likely(-0.1, -2.0, truncated=0), top=0.5) == {"s0": "truncated", "s1": "+likely"}


def test_the_last_bits_of_a_mean_do_not_rank_equal_texts() -> None:
    for shift in (1e-15, -1e-15):
        assert chosen("mean_logprob", likely(-0.5, -0.5 + shift), top=0.5) == {"s0": "+likely", "s1": "unlikely"}


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("majorty", {}, "there is no group filter `majorty`; did you mean `majority`?"),
        ("majority", {"treshold": 0.5}, "filter majority, `treshold`.*its keys are: `threshold`, `answer`"),
        ("majority", {"threshold": 1.5}, "filter majority, `threshold`: .*less than or equal to 1"),
        ("mean_logprob", {}, "give exactly one of `threshold` and `top`"),
        ("mean_logprob", {"threshold": 0.5}, "`threshold`: .*less than or equal to 0"),
        ("agreement", {"models": 1}, "`models`: .*greater than or equal to 2"),
        ("nowhere.py:mine", {}, "there is no file nowhere.py"),
    ],
)
def test_a_wrong_name_or_setting_is_one_sentence(name: str, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=words) as raised:
        load(name, settings)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("name", "settings", "given", "words"),
    [
        ("majority", {}, Circumstances(1, 0, 3), "set `sampling.n` to 2 or more"),
        ("agreement", {"models": 3}, Circumstances(4, 1, 3), "name 2 or more arms in `with`, or lower `models`"),
        ("agreement", {}, Circumstances(4, 1, 1), "set `generations` to 2 or more"),
    ],
)
def test_an_experiment_that_gives_it_nothing_to_see(
    name: str, settings: dict[str, Any], given: Circumstances, words: str
) -> None:
    filter_ = load(name, settings).plugin
    assert words in (filter_.refuse(given) or "")
    assert filter_.refuse(Circumstances(4, 3, 3)) is None
