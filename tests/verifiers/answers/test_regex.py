"""`regex`: what it accepts, rejects and leaves open."""

from __future__ import annotations

import time
from typing import Any

import pytest

from selfplay.verifiers import BadReference, BadSettings, load


def judged(name: str, reference: dict[str, Any], completion: str, **settings: Any) -> tuple[str, str]:
    verdict = load(name, settings).verify(reference, completion)
    return verdict.outcome, verdict.reason


@pytest.mark.parametrize(
    ("pattern", "completion", "settings", "outcome"),
    [
        (r"\d{4}-\d\d", "on 2026-11 or so", {}, "accepted"),
        (r"\d{4}-\d\d", "on 2026-11 or so", {"where": "whole"}, "rejected"),
        (r"\d+", "a\n42\nb", {"where": "line"}, "accepted"),
        (r"\d+", "a42\nb", {"where": "line"}, "rejected"),
        ("YES", "yes", {"ignore_case": True}, "accepted"),
        ("^b$", "a\nb", {}, "accepted"),
        (r"(?<w>\w+) \g<w>", "a\x00 b", {}, "rejected"),
    ],
)
def test_regex(pattern: str, completion: str, settings: dict[str, Any], outcome: str) -> None:
    assert judged("regex", {"pattern": pattern}, completion, **settings)[0] == outcome
    assert judged("regex", {}, completion, pattern=pattern, **settings)[0] == outcome


def test_a_pattern_that_backtracks_without_end_leaves_the_completion_open() -> None:
    began = time.monotonic()
    assert judged("regex", {"pattern": r"(a|a|aa)+$"}, "a" * 3000 + "b", timeout=0.2) == ("undecided", "open")
    assert time.monotonic() - began < 30


def test_a_wrong_pattern_is_refused_before_anything_runs() -> None:
    with pytest.raises(BadReference, match=r"`pattern`.*no regular expression"):
        load("regex").read_reference({"pattern": "(a"})
    with pytest.raises(BadReference, match="no `pattern`"):
        load("regex").read_reference({})
    with pytest.raises(BadSettings, match="no regular expression"):
        load("regex", {"pattern": "[z-a]"})
