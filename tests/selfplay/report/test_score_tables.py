"""Tables for the terminal and for READMEs."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from selfplay.errors import RunError
from selfplay.ledger.ledger import Ledger
from selfplay.report.run_record import RunRecord
from selfplay.report.score_tables import arms_table, compare_runs

Build = Callable[..., Path]


def accuracies(run: Path, arm: str, generation: int) -> dict[int, float]:
    sql = """SELECT seed, value FROM scores
             WHERE arm = ? AND generation = ? AND task = 'all' AND measure = 'accuracy' ORDER BY seed"""
    return dict(Ledger(run / "ledger").rows(sql, [arm, generation]))  # type: ignore[arg-type]


def printed(run: Path) -> str:
    console = Console(file=io.StringIO(), width=140)
    console.print(arms_table(run))
    return console.file.getvalue()  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def two_seeds(build_run: Build) -> Path:
    return build_run([0, 1], generations=2)


@pytest.fixture(scope="module")
def third_seed(build_run: Build) -> Path:
    return build_run([2], generations=2, name="elsewhere")


def cells(table: str, name: str) -> list[str]:
    line = next(line for line in table.splitlines() if line.startswith(f"| {name} |"))
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


def test_arms_table_has_each_generation_and_what_it_trained_on(two_seeds: Path) -> None:
    text = printed(two_seeds)
    row = next(line for line in text.splitlines() if "verified" in line)
    for generation in (1, 2):
        mean = sum(accuracies(two_seeds, "verified", generation).values()) / 2
        assert f"{100 * mean:.1f} %" in row
    assert "rows" in row
    assert "mean over 2 seeds" in text
    assert "Not finished" not in text


def test_arms_table_of_an_unfinished_run_says_so(build_run: Build) -> None:
    text = printed(build_run([0], models=3, generations=2))
    assert "Not finished: 3 of 7 models are evaluated." in text
    assert "–" in next(line for line in text.splitlines() if "verified" in line)


def test_compare_puts_seeds_of_all_runs_into_one_table(two_seeds: Path, third_seed: Path) -> None:
    table = compare_runs([third_seed, two_seeds])
    assert table.splitlines()[0] == "| arm | seed 0 | seed 1 | seed 2 | mean | 95 % interval |"
    values = accuracies(two_seeds, "verified", 2) | accuracies(third_seed, "verified", 2)
    shown = cells(table, "`verified`")
    assert shown[:3] == [f"{100 * values[seed]:.1f}" for seed in (0, 1, 2)]
    assert shown[3] == f"{100 * sum(values.values()) / 3:.1f}"
    others = accuracies(two_seeds, "unfiltered", 2) | accuracies(third_seed, "unfiltered", 2)
    assert cells(table, "verified − unfiltered")[0] == f"{100 * (values[0] - others[0]):+.1f}".replace("-", "−")
    assert "verified − human-only" in table


def test_compare_of_one_seed_has_no_interval(third_seed: Path) -> None:
    assert cells(compare_runs([third_seed]), "`verified`")[-1] == "–"


def test_compare_refuses_another_experiment_and_names_the_key(third_seed: Path, build_run: Build) -> None:
    other = build_run([7], models=1, generations=2, distill={"steps": 301})
    with pytest.raises(RunError, match=r"another experiment .*`distill\.steps` is 301 and was 300"):
        compare_runs([third_seed, other])


def test_compare_refuses_an_arm_more(third_seed: Path, build_run: Build) -> None:
    with RunRecord.open(third_seed) as record:
        arms = [arm.model_dump(mode="json") for arm in record.experiment.arms]
    arms.append({"name": "more", "data": "human"})
    with pytest.raises(RunError, match=r"`arms\[3\]` is {'name': 'more', .* and was None"):
        compare_runs([third_seed, build_run([7], models=1, generations=2, arms=arms)])


def test_compare_refuses_a_seed_twice(third_seed: Path) -> None:
    with pytest.raises(RunError, match="Seed 2 is in"):
        compare_runs([third_seed, third_seed])


def test_compare_names_unfinished_runs(build_run: Build) -> None:
    run = build_run([0], models=3, generations=2)
    assert f"Not finished: {run.name} (3 of 7 models)" in compare_runs([run])
