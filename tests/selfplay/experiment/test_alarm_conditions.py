"""`warn_when` and `stop_when`: when a condition is met, what is refused, and what is recorded."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest

from selfplay.errors import ConfigError
from selfplay.experiment.alarm_conditions import Condition, StopCondition
from selfplay.experiment.experiment_file import parse_experiment
from selfplay.experiment.schema import Experiment
from selfplay.ledger.ledger import Ledger
from selfplay.measure import Score
from selfplay.models.folders import ModelState
from selfplay.run.alarms import EXIT_STOPPED, Alarms, exit_code
from selfplay.run.scoring import score_row

NAN = math.nan


@pytest.mark.parametrize(
    ("keys", "values", "met"),
    [
        ({"below": 0.2}, [0.1], True),
        ({"below": 0.2}, [0.2], False),
        ({"below": 0.2}, [0.1, 0.3], False),
        ({"above": 0.0}, [0.1], True),
        ({"above": 0.5}, [0.5], False),
        ({"below": 0.2}, [NAN], True),
        ({"above": 0.2}, [NAN], True),
        ({"not_finite": True}, [NAN], True),
        ({"not_finite": True}, [math.inf], True),
        ({"not_finite": True}, [3.0], False),
        ({"falling_for": 1}, [0.5, 0.4], True),
        ({"falling_for": 2}, [0.5, 0.4], False),
        ({"falling_for": 2}, [0.1, 0.5, 0.4, 0.3], True),
        ({"falling_for": 2}, [0.5, 0.4, 0.4], False),
        ({"falling_for": 2}, [0.5, None, 0.3], False),
        ({"below": 0.2}, [0.1, None], False),
        ({"below": 0.2}, [], False),
    ],
)
def test_when_a_condition_is_met(keys: dict[str, Any], values: list[float | None], met: bool) -> None:
    assert Condition(measure="accuracy", **keys).is_met(values) is met


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ({"measure": "acuracy", "below": 1}, "there is no measure `acuracy`; known are accepted_share, accuracy"),
        ({"measure": "accuracy"}, "exactly one of `below`, `above`, `falling_for`"),
        ({"measure": "accuracy", "below": 0, "above": 1}, "exactly one of"),
        ({"measure": "train_loss", "not_finite": False}, "exactly one of"),
        ({"measure": "accuracy", "falling_for": 0}, "falling_for"),
        ({"measure": "accuracy", "below": 1, "stop": "seed"}, "stop"),
        ({"measure": "accuracy", "below": 1, "arm": "verifed"}, "there is no arm `verifed`; name one of human-only"),
        ({"measure": "validation_accuracy", "below": 1}, "needs `evaluate.validation`"),
        ({"measure": "accuracy", "lower": 1}, "unknown key"),
        ({"measure": "train_loss", "above": 1, "task": "polynomials"}, "over all tasks together; remove `task`"),
        ({"measure": "entropy_2", "below": 1, "arm": "human-only"}, "`human-only` draws none; remove it"),
    ],
)
def test_a_wrong_condition_is_refused_in_one_sentence(tiny: dict[str, Any], entry: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match="stop_when") as refused:
        parse_experiment({**tiny, "stop_when": [entry]}, "experiment.yaml")
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


def test_rollback_needs_problems_to_choose_on(tiny: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=r"set `evaluate\.validation` above 0"):
        parse_experiment({**tiny, "rollback": "best"}, "experiment.yaml")


def recorded(ledger: Ledger, arm: str, generation: int, measure: str, value: float, task: str = "all") -> None:
    model = ModelState(f"{arm}{generation}", Path("m"), 0, arm, generation)
    ledger.record("scores", [score_row(model, measure, Score(value, 10, task))])


def alarms(experiment: Experiment, ledger: Ledger, **conditions: list[Condition]) -> Alarms:
    return Alarms(experiment.model_copy(update=conditions), 0, ledger, ["polynomials", "list_functions"])


def test_alarms_are_recorded_once_and_say_what_stops(tmp_path: Path, experiment: Experiment) -> None:
    ledger = Ledger(tmp_path / "ledger")
    recorded(ledger, "start", 0, "accuracy", 0.5)
    recorded(ledger, "verified", 1, "accuracy", 0.4)
    recorded(ledger, "verified", 2, "accuracy", 0.3)
    looked = alarms(
        experiment,
        ledger,
        warn_when=[Condition(measure="accuracy", below=0.35), Condition(measure="distinct_2", below=9, arm="verified")],
        stop_when=[
            StopCondition(measure="accuracy", falling_for=2),
            StopCondition(measure="accuracy", below=0.1, stop="run"),
        ],
    )
    assert looked.look("verified", 1) == ([], None)
    assert exit_code(tmp_path) == 0
    said, stop = looked.look("verified", 2)
    assert stop == "arm"
    assert said == [
        "WARNING seed 0, verified, generation 2: accuracy is 0.3, below 0.35",
        "STOPPED the arm at seed 0, verified, generation 2: accuracy fell for 2 generation(s): 0.5, 0.4, 0.3",
    ]
    assert looked.look("verified", 2) == (said, stop), "a resumed run comes to the same"
    assert ledger.rows("SELECT kind, count(*) FROM alarms GROUP BY 1 ORDER BY 1") == [("stop", 1), ("warn", 1)]
    assert exit_code(tmp_path) == EXIT_STOPPED


def test_the_run_stops_where_any_condition_says_so(tmp_path: Path, experiment: Experiment) -> None:
    ledger = Ledger(tmp_path / "ledger")
    recorded(ledger, "unfiltered", 1, "accuracy", 0.0, task="polynomials")
    conditions = [
        StopCondition(measure="accuracy", task="polynomials", below=0.1, stop="run"),
        StopCondition(measure="accuracy", task="polynomials", below=0.2),
    ]
    assert alarms(experiment, ledger, stop_when=conditions).look("unfiltered", 1)[1] == "run"


def test_a_condition_of_another_arm_or_on_an_unknown_task(tmp_path: Path, experiment: Experiment) -> None:
    ledger = Ledger(tmp_path / "ledger")
    recorded(ledger, "unfiltered", 1, "accuracy", 0.0)
    of_another = [StopCondition(measure="accuracy", below=1, arm="verified")]
    assert alarms(experiment, ledger, stop_when=of_another).look("unfiltered", 1) == ([], None)
    with pytest.raises(ConfigError, match=r"`warn_when\[0\]\.task`: there is no task `sums`; name one of all, polynom"):
        alarms(experiment, ledger, warn_when=[Condition(measure="accuracy", below=1, task="sums")])


def test_a_lost_training_stops_only_where_the_config_says_so(tmp_path: Path, experiment: Experiment) -> None:
    ledger = Ledger(tmp_path / "ledger")
    only_warned = alarms(experiment, ledger, warn_when=[Condition(measure="train_loss", not_finite=True)])
    assert only_warned.look_at_lost_training("verified", 1) == ([], None)
    assert not only_warned.has_lost_training("verified", 1)
    stopping = alarms(experiment, ledger, stop_when=[StopCondition(measure="train_loss", above=5)])
    said, stop = stopping.look_at_lost_training("verified", 1)
    assert (said, stop) == (["STOPPED the arm at seed 0, verified, generation 1: train_loss is nan, above 5"], "arm")
    assert stopping.has_lost_training("verified", 1)
    assert not stopping.has_lost_training("verified", 2)
