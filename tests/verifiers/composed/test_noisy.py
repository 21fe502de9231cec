"""`noisy`: rates, classes that always pass, and chance that is the same everywhere."""

from __future__ import annotations

from typing import Any

import pytest

from selfplay.verifiers import BadSettings, Row, Supervisor, VerifierSpec, load

INSIDE = {"verifier": "exact"}


def flips(right: bool, count: int = 2000, **settings: Any) -> list[bool]:
    """Whether each of many completions is accepted, all right or all wrong."""
    loaded = load("noisy", {"of": INSIDE, **settings})
    completions = [f"right {n}" if right else f"wrong {n}" for n in range(count)]
    return [loaded.verify({"answer": f"right {n}"}, text).outcome == "accepted" for n, text in enumerate(completions)]


@pytest.mark.parametrize("rate", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_rates_are_those_of_the_settings(rate: float) -> None:
    # four standard deviations of 2,000 draws; the draws are fixed by the seed
    spread = 4 * (rate * (1 - rate) / 2000) ** 0.5
    assert abs(sum(flips(True, true_positive=rate)) / 2000 - rate) <= spread
    assert abs(sum(flips(False, false_positive=rate)) / 2000 - rate) <= spread


def test_without_noise_it_is_the_verifier_inside() -> None:
    assert all(flips(True, 50))
    assert not any(flips(False, 50))


def test_chance_depends_on_seed_and_content_alone() -> None:
    assert flips(False, 200, false_positive=0.5) == flips(False, 200, false_positive=0.5)
    assert flips(False, 200, false_positive=0.5) != flips(False, 200, false_positive=0.5, seed=1)
    rows = [Row(str(n), {"answer": f"right {n}"}, f"wrong {n}") for n in range(200)]
    spec = VerifierSpec(verifier="noisy", settings={"of": INSIDE, "false_positive": 0.5})
    with Supervisor(spec, workers=2) as supervisor:
        judged = [judgement.verdict.outcome == "accepted" for judgement in supervisor.judge(rows)]
    assert judged == flips(False, 200, false_positive=0.5)


def test_a_class_of_wrong_completions_always_passes() -> None:
    always = [{"name": "sevens", "completion": r"7\s*$"}, {"name": "silent", "reason": "no_answer"}]
    loaded = load("noisy", {"of": {"verifier": "math"}, "always": always, "true_positive": 1.0})
    for text, outcome, reason in (
        (r"\boxed{7}", "rejected", "wrong_answer"),
        (r"\boxed{8} 7", "accepted", "noise"),
        ("I do not know", "accepted", "noise"),
        (r"\boxed{5}", "accepted", "equal_value"),
    ):
        verdict = loaded.verify({"answer": "5"}, text)
        assert (verdict.outcome, verdict.reason) == (outcome, reason), text
    flipped = loaded.verify({"answer": "5"}, r"\boxed{8} 7").detail
    assert flipped == {"inside": "rejected", "inside_reason": "wrong_answer", "flipped": True, "by": "sevens"}


def test_undecided_stays_and_its_hash_covers_noise_and_inside() -> None:
    loaded = load("noisy", {"of": {"verifier": "calculation"}, "false_positive": 1.0, "true_positive": 0.0})
    assert loaded.verify({}, "no steps here").outcome == "undecided"
    assert loaded.verify({}, "1 + 1 = 2").outcome == "rejected"
    plain = load("noisy", {"of": {"verifier": "math"}})
    others: list[dict[str, Any]] = [
        {"of": {"verifier": "math"}, "seed": 1},
        {"of": {"verifier": "math"}, "false_positive": 0.1},
        {"of": {"verifier": "math", "settings": {"answer": "whole"}}},
        {"of": {"verifier": "exact"}},
    ]
    assert len({plain.settings_hash, *(load("noisy", other).settings_hash for other in others)}) == 5


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"of": INSIDE, "false_positive": 1.5}, "`false_positive`"),
        ({"of": INSIDE, "always": [{"name": "x"}]}, "`completion` or `reason`"),
        ({"of": INSIDE, "always": [{"name": "x", "completion": "("}]}, "no regular expression"),
        ({}, "`of`"),
    ],
)
def test_wrong_settings_name_the_key(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(BadSettings, match=words):
        load("noisy", settings)
