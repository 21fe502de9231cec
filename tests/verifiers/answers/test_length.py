"""`length`: what it counts, and limits that make no sense."""

from __future__ import annotations

from typing import Any

import pytest

from selfplay.verifiers import BadSettings, load


def judged(name: str, reference: dict[str, Any], completion: str, **settings: Any) -> tuple[str, str]:
    verdict = load(name, settings).verify(reference, completion)
    return verdict.outcome, verdict.reason


@pytest.mark.parametrize(
    ("settings", "reference", "completion", "reason"),
    [
        ({"least": 2, "most": 4}, {}, "abc", "within_limits"),
        ({"least": 2, "most": 4}, {}, "a", "too_short"),
        ({"least": 2, "most": 4}, {}, "abcde", "too_long"),
        ({"most": 4}, {"most": 5}, "abcde", "within_limits"),
        ({"unit": "words", "most": 2}, {"answer": "x"}, " a\t b\n", "within_limits"),
        ({"unit": "lines", "least": 2}, {}, "a\n\n\n", "too_short"),
        ({"most": 1}, {}, "\U0001f600", "within_limits"),
        ({"unit": "words", "least": 2}, {}, "\u200b \u200b \x00 a", "too_short"),
        ({"unit": "lines", "least": 1}, {}, "\u200b\n\u2060", "too_short"),
        ({"least": 1}, {}, "\ufeff\u202e", "too_short"),
    ],
)
def test_length(settings: dict[str, Any], reference: dict[str, Any], completion: str, reason: str) -> None:
    assert judged("length", reference, completion, **settings)[1] == reason


def test_a_length_without_limits_is_nobodys_fault_but_the_configs() -> None:
    assert judged("length", {}, "a") == ("undecided", "fault")
    with pytest.raises(BadSettings, match="must not exceed"):
        load("length", {"least": 3, "most": 2})
