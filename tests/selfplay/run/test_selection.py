"""What each arm trains on."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from selfplay.experiment.curriculum import Curriculum
from selfplay.experiment.schema import Arm, Experiment
from selfplay.ledger.ledger import Ledger
from selfplay.ledger.tables import Draw, sample_row
from selfplay.run.choosing import Chooser
from selfplay.run.judging import Judge
from selfplay.run.selection import Selector, record_problems


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger")


@pytest.fixture
def selector(experiment: Experiment, ledger: Ledger) -> Selector:
    chooser = Chooser(experiment, ledger, 0, Judge(workers=1, memory_mb=2048).judge)
    return Selector(ledger, Curriculum(experiment, 0), 0, chooser)


@pytest.fixture
def drawn(experiment: Experiment, ledger: Ledger) -> list[str]:
    """Samples of every pool problem; every third accepted, every tenth an engine's error."""
    pool = list(Curriculum(experiment, 0).pool(1))
    record_problems(ledger, pool)
    samples, verdicts = [], []
    for number, problem in enumerate(pool):
        draw = Draw.of("train", "m", "prompt", problem.id, 0, {}, number)
        error = "too long" if number % 10 == 9 else None
        samples.append(sample_row(draw, "text", "error" if error else "stop", 1, error))
        outcome = "undecided" if error else "accepted" if number % 3 == 0 else "rejected"
        verdicts.append({"sample_id": draw.id, "outcome": outcome, "reason": "r", "detail": "{}"})
    ledger.record("samples", samples)
    ledger.record("verdicts", verdicts)
    return [row["id"] for row in samples]


def counts(selector: Selector, arm: Arm, drawn: list[str], generation: int = 1) -> Counter[str]:
    return Counter(origin for _, origin in selector.select(arm, generation, drawn).members)


def arm(**keys: object) -> Arm:
    return Arm.model_validate({"name": "a", "data": "human+synthetic", "keep": "all", **keys})


def test_all_keeps_everything_that_was_written(selector: Selector, drawn: list[str]) -> None:
    assert counts(selector, arm(), drawn) == {"procedural": 40, "synthetic": 22}


def test_verified_keeps_the_accepted(selector: Selector, drawn: list[str]) -> None:
    assert counts(selector, arm(keep="verified"), drawn) == {"procedural": 40, "synthetic": 7}


def test_human_data_alone(selector: Selector) -> None:
    human = Arm.model_validate({"name": "h", "data": "human"})
    assert counts(selector, human, []) == {"procedural": 40}
    assert selector.select(human, 1, []).id == selector.worked_examples().id


def test_synthetic_alone(selector: Selector, drawn: list[str]) -> None:
    assert counts(selector, arm(data="synthetic", keep="verified"), drawn) == {"synthetic": 7}


def test_random_subset_is_as_large_task_by_task_and_not_the_same(
    selector: Selector, ledger: Ledger, drawn: list[str]
) -> None:
    verified = selector.select(arm(name="v", keep="verified"), 1, drawn)
    chosen = selector.select(arm(name="r", keep={"random_as_many_as": "v"}), 1, drawn)

    def by_task(ids: list[str]) -> Counter[str]:
        sql = "SELECT p.source FROM samples s JOIN problems p ON p.id = s.problem_id WHERE s.id IN (SELECT unnest(?))"
        return Counter(source for (source,) in ledger.rows(sql, [ids]))

    one, two = ([i for i, origin in s.members if origin == "synthetic"] for s in (verified, chosen))
    assert by_task(one) == by_task(two)
    assert one != two


def test_a_worked_share_is_kept_and_fresh_each_generation(selector: Selector, drawn: list[str]) -> None:
    mixed = arm(human={"share": 0.5})
    first, second = selector.select(mixed, 1, drawn), selector.select(mixed, 2, drawn)
    assert first.shares == {"procedural": 0.5, "synthetic": 0.5}
    worked = [{i for i, origin in s.members if origin == "procedural"} for s in (first, second)]
    assert not worked[0] & worked[1]
    same = arm(name="s", human={"share": 0.5, "draw": "same"})
    assert selector.select(same, 1, drawn).members == selector.select(same, 2, drawn).members


def test_accumulate_adds_to_earlier_generations(selector: Selector, drawn: list[str]) -> None:
    grows = arm(pool="accumulate")
    assert counts(selector, grows, drawn[:10], 1)["synthetic"] == 9
    assert counts(selector, grows, drawn[10:], 2)["synthetic"] == 22
    fresh = arm(name="b")
    counts(selector, fresh, drawn[:10], 1)
    assert counts(selector, fresh, drawn[10:], 2)["synthetic"] == 13


def test_a_training_set_is_recorded_once(selector: Selector, ledger: Ledger, drawn: list[str]) -> None:
    made = selector.select(arm(), 1, drawn)
    for _ in range(2):
        selector.record(made, "a", 1, {"keep": "all"}, None)
    assert ledger.rows("SELECT count(*), count(DISTINCT sample_id) FROM members") == [(62, 62)]
    assert ledger.rows("SELECT rows FROM training_sets") == [(62,)]


def test_an_arm_that_keeps_no_new_sample_has_nothing_to_train_on(selector: Selector, drawn: list[str]) -> None:
    """Worked examples alone would make another arm of it."""
    accepted = [key for number, key in enumerate(drawn) if number % 3 == 0]
    of_none = [key for key in drawn if key not in accepted]
    assert counts(selector, arm(keep="verified"), of_none) == {}
    accumulating = arm(name="b", keep="verified", pool="accumulate")
    assert counts(selector, accumulating, drawn, 1)
    assert counts(selector, accumulating, of_none, 2) == {}, "earlier samples are not new"
