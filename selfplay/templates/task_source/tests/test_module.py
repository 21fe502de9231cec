"""What every family promises: checked settings, pure items, right solutions, a dial of difficulty."""

from __future__ import annotations

from itertools import islice

import pytest

import verifiers
from tasks import SourceError, load_source


def first(count, split="train", **settings):
    return list(islice(load_source("$name", settings).problems(split, 0), count))


def test_settings():
    with pytest.raises(SourceError, match="`largest`"):
        load_source("$name", {"largest": 0})


def test_determinism():
    assert load_source("$name", {}).problem(7, 41) == load_source("$name", {}).problem(7, 41)
    assert first(20) == first(30)[:20]


def test_items():
    problems = first(50) + first(10, "evaluate")
    assert len({problem.twin_key for problem in problems}) == 60
    for problem, other in zip(problems, problems[1:]):
        verifier = verifiers.load(problem.verifier)
        assert verifier.verify(problem.reference, problem.solution).outcome == "accepted"
        assert verifier.verify(problem.reference, other.solution).outcome == "rejected"


def test_difficulty():
    easy, hard = first(9, largest=99), first(9, largest=10**9)
    assert sum(problem.difficulty for problem in easy) < sum(problem.difficulty for problem in hard)
