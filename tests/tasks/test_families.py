"""What every procedural family promises: checked settings, items that are pure functions of (seed, index), right and
distinct problems with twins on one side, and a dial of difficulty."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import pytest

from selfplay import verifiers
from selfplay.tasks import SourceError, available_sources, load_source, split_of
from selfplay.tasks.source import ProceduralFamily


@dataclass(frozen=True)
class Family:
    """What one family is asked for below."""

    easy: dict[str, Any]
    hard: dict[str, Any]
    """Further on the dial than `easy`."""
    wrong: tuple[tuple[dict[str, Any], str], ...]
    """Settings that are refused, and what is said."""
    settings: dict[str, Any] = field(default_factory=dict)
    """Of the verifier."""


FAMILIES = {
    "polynomials": Family(
        {"largest": 4},
        {"largest": 99},
        (({"degree": 0}, "`degree`: .*greater than or equal to 1"), ({"smallest": 10}, "must not exceed `largest`")),
        {"answer": "whole"},
    ),
    "list_functions": Family(
        {"operations": 1},
        {"operations": 3},
        (({"operations": 5}, "`operations`"), ({"smallest": 100}, "must not exceed `largest`")),
        {"sandbox": "process", "timeout": 10},
    ),
    "fractions": Family({"terms": 2}, {"terms": 4}, (({"terms": 1}, "`terms`"), ({"reduced": 2}, "`reduced`"))),
    "countdown": Family(
        {"numbers": 3},
        {"numbers": 6},
        (({"numbers": 1}, "`numbers`"), ({"smallest": 21}, "`smallest` must not exceed `largest`")),
    ),
    "reverse_addition": Family(
        {"digits": 2},
        {"digits": 8},
        (({"digits": 0}, "`digits`"), ({"fewest_digits": 4}, "`fewest_digits` must not exceed `digits`")),
    ),
    "program_repair": Family(
        {"steps": 1},
        {"steps": 3, "bugs": 2},
        (({"bugs": 0}, "`bugs`"), ({"shown_tests": 7}, "`shown_tests`")),
        {"sandbox": "process", "timeout": 10},
    ),
}
NAMES = list(FAMILIES)


def first(name: str, split: Any, seed: int, count: int, **settings: Any) -> list[Any]:
    return list(islice(load_source(name, settings).problems(split, seed), count))


@pytest.fixture(scope="module")
def judges() -> Iterator[dict[str, verifiers.LoadedVerifier]]:
    """The verifier of each family, in this process."""
    made = {name: verifiers.load(load_source(name, {}).verifier, family.settings) for name, family in FAMILIES.items()}
    yield made
    for name in ("list_functions", "program_repair"):
        made[name].plugin.close()  # type: ignore[attr-defined]


def test_every_family_that_ships_is_here() -> None:
    ours = {
        name
        for name, kind in available_sources().items()
        if issubclass(kind, ProceduralFamily) and kind.__module__.startswith("selfplay.tasks.")
    }
    assert ours - {"reasoning_gym"} == set(FAMILIES)


@pytest.mark.parametrize("name", NAMES)
def test_settings(name: str) -> None:
    for settings, sentence in FAMILIES[name].wrong:
        with pytest.raises(SourceError, match=f"source `{name}`.*{sentence}"):
            load_source(name, settings)
    source = load_source(name, FAMILIES[name].hard)
    assert (source.endless, source.solution_origin) == (True, "procedural")


@pytest.mark.parametrize("name", NAMES)
def test_determinism(name: str) -> None:
    source: Any = load_source(name, {})
    later = source.problem(7, 41)
    source.problem(3, 2)
    again: Any = load_source(name, {})
    assert again.problem(7, 41) == later
    assert len({source.problem(seed, index).id for seed in range(5) for index in range(5)}) == 25
    assert first(name, "train", 1, 50) == first(name, "train", 1, 60)[:50]
    assert len({p.id for p in first(name, "train", 1, 50)} & {p.id for p in first(name, "train", 2, 50)}) < 5


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("dial", ["easy", "hard"])
def test_items(name: str, dial: str, judges: dict[str, verifiers.LoadedVerifier]) -> None:
    """Each worked solution is accepted, and the next problem's is not."""
    problems = first(name, "train", 0, 40, **getattr(FAMILIES[name], dial))
    for problem, other in zip(problems, problems[1:] + problems[:1], strict=True):
        assert (problem.source, problem.solution_origin) == (name, "procedural")
        assert judges[name].verify(problem.reference, problem.solution).outcome == "accepted", problem
        if problem.reference != other.reference:
            verdict = judges[name].verify(problem.reference, other.solution)
            equal = judges[name].verify(other.reference, problem.solution).outcome == "accepted"
            assert verdict.outcome == "rejected" or equal, (problem, other)


@pytest.mark.parametrize("name", NAMES)
def test_difficulty(name: str) -> None:
    easy, hard = (first(name, "train", 3, 60, **getattr(FAMILIES[name], dial)) for dial in ("easy", "hard"))
    means = [sum(problem.difficulty for problem in problems) / 60 for problems in (easy, hard)]
    assert means[0] < means[1]
    lengths = [sum(len(problem.prompt) for problem in problems) / 60 for problems in (easy, hard)]
    assert lengths[0] < lengths[1]


@pytest.mark.parametrize("name", NAMES)
def test_problems_are_distinct_and_the_sides_share_no_twin(name: str) -> None:
    train = [p for seed in range(2) for p in first(name, "train", seed, 120)]
    held_out = [p for seed in range(2) for p in first(name, "evaluate", seed, 25)]
    assert len({p.twin_key for p in train[:120]}) == 120
    assert {p.twin_key for p in train}.isdisjoint(p.twin_key for p in held_out)
    assert {p.prompt for p in train}.isdisjoint(p.prompt for p in held_out)
    for problem in (*train, *held_out):
        assert problem.split == split_of(problem.twin_key)


@pytest.mark.parametrize("name", NAMES)
def test_about_a_tenth_is_held_out(name: str) -> None:
    source: Any = load_source(name, {})
    count = 500
    share = sum(split_of(source.problem(5, index).twin_key) == "evaluate" for index in range(count)) / count
    assert 0.04 < share < 0.16  # 0.1 within 4 standard errors


@pytest.mark.parametrize(
    ("name", "settings", "most"),
    [
        ("polynomials", {"degree": 1, "smallest": 2, "largest": 3}, 10),  # 4 polynomials, 4*5/2 pairs
        ("list_functions", {"addends": 2, "smallest": 1, "largest": 2}, 75),  # 3 pairs, 25 operations
        ("reverse_addition", {"digits": 1}, 55),  # 10 digits, 10*11/2 pairs
        ("fractions", {"largest": 2, "subtraction": False}, 3),  # of 1/2 and 2/2
    ],
)
def test_a_space_that_is_used_up_says_so(name: str, settings: dict[str, Any], most: int) -> None:
    source: Any = load_source(name, settings)
    assert source.different() in (most, None)
    assert (source.most("train") or most) <= most
    with pytest.raises(SourceError, match=rf"`{name}` has only about {most} different problems"):
        list(source.problems("train", 0))


@pytest.mark.parametrize("name", ["polynomials", "list_functions"])
def test_models_of_the_quickstart_read_and_write_printable_ascii(name: str) -> None:
    for problem in first(name, "train", 0, 200):
        assert (problem.prompt + problem.solution).replace("\n", "").isascii()
        assert len(problem.prompt) + len(problem.solution) < 127
