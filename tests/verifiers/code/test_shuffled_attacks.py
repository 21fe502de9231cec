"""Hostile programs among honest ones through the command line, with two workers."""

from __future__ import annotations

import pytest

from benchmarks.shuffled_attacks import run


@pytest.mark.slow
def test_attacks_among_honest_programs_change_no_verdict() -> None:
    counted, wrong, _ = run(honest=150, workers=2, every=9)
    assert not wrong
    assert counted["honest", "accepted"] == 150
    assert counted["attack", "rejected"] > 30
    assert not counted["attack", "accepted"]
