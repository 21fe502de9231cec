"""What both procedural families promise: pure items, distinct problems, twins on one side, gold accepted."""

from __future__ import annotations

from itertools import islice
from typing import Any

import pytest

from tasks import SourceError, load_source, split_of
from tasks.list_functions import ListFunctions
from tasks.polynomials import Polynomials

FAMILIES = ["polynomials", "list_functions"]


def first(name: str, split: Any, seed: int, count: int, **settings: Any) -> list[Any]:
    return list(islice(load_source(name, settings).problems(split, seed), count))


@pytest.mark.parametrize("kind", [Polynomials, ListFunctions])
def test_an_item_is_a_pure_function_of_seed_and_index(kind: Any) -> None:
    source = kind()
    later = source.problem(7, 41)
    source.problem(3, 2)
    assert kind().problem(7, 41) == later
    assert len({source.problem(seed, index).id for seed in range(5) for index in range(5)}) == 25


@pytest.mark.parametrize("name", FAMILIES)
def test_the_order_depends_on_the_seed_alone(name: str) -> None:
    assert first(name, "train", 1, 50) == first(name, "train", 1, 60)[:50]
    assert {p.id for p in first(name, "train", 1, 50)}.isdisjoint(p.id for p in first(name, "train", 2, 50))


@pytest.mark.parametrize("name", FAMILIES)
def test_problems_are_distinct_and_the_sides_share_no_twin(name: str) -> None:
    train = [p for seed in range(3) for p in first(name, "train", seed, 1000)]
    held_out = [p for seed in range(3) for p in first(name, "evaluate", seed, 300)]
    assert len({p.twin_key for p in train[:1000]}) == 1000
    assert {p.twin_key for p in train}.isdisjoint(p.twin_key for p in held_out)
    for problem in (*train, *held_out):
        assert problem.split == split_of(problem.twin_key)
        assert problem.source == name
        assert problem.solution_origin == "procedural"


@pytest.mark.parametrize("name", FAMILIES)
def test_about_a_tenth_is_held_out(name: str) -> None:
    source: Any = load_source(name, {})
    share = sum(split_of(source.problem(5, index).twin_key) == "evaluate" for index in range(4000)) / 4000
    assert 0.08 < share < 0.12  # 0.1 within 4 standard errors


@pytest.mark.parametrize(
    ("name", "settings", "most"),
    [
        ("polynomials", {"degree": 1, "smallest": 2, "largest": 3}, 10),  # 4 polynomials, 4*5/2 pairs
        ("list_functions", {"addends": 2, "smallest": 1, "largest": 2}, 75),  # 3 pairs, 25 operations
    ],
)
def test_a_space_that_is_used_up_says_so(
    name: str, settings: dict[str, Any], most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.source.MOST_REPEATS", 3000)  # the shipped patience takes ten seconds
    problems = load_source(name, settings).problems("train", 0)
    with pytest.raises(SourceError, match=rf"`{name}` has only about {most} different problems"):
        list(problems)


@pytest.mark.parametrize("name", FAMILIES)
def test_models_read_and_write_printable_ascii(name: str) -> None:
    for problem in first(name, "train", 0, 200):
        assert (problem.prompt + problem.solution).replace("\n", "").isascii()
        assert len(problem.prompt) + len(problem.solution) < 127
