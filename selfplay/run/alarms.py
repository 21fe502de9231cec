"""Alarms: `warn_when` and `stop_when` looked at after every generation of an arm.

An alarm follows from the scores in the ledger alone and is written there once, so a resumed run comes to the same
alarms, and an arm that was stopped stays stopped. Generation 0, which all arms share, raises none.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from selfplay.experiment.alarm_conditions import Condition, StopCondition
from selfplay.experiment.run_plan import check_tasks
from selfplay.experiment.schema import Experiment
from selfplay.ledger.ledger import Ledger
from selfplay.ledger.tables import as_json
from selfplay.measure.measure import ALL_TASKS
from selfplay.models.folders import START

EXIT_STOPPED = 3
"""Exit code of a run in which a `stop_when` was met; its report is written all the same."""
LOSS = "train_loss"


class Alarms:
    """The alarms of one seed."""

    def __init__(self, experiment: Experiment, seed: int, ledger: Ledger, tasks: Iterable[str]) -> None:
        self._seed, self._ledger = seed, ledger
        self._warnings: list[Condition] = experiment.warn_when
        self._stops: list[StopCondition] = experiment.stop_when
        check_tasks(experiment, tasks)

    def look(self, arm: str, generation: int) -> tuple[list[str], str | None]:
        """Check every condition after a generation of an arm and record those that are met.

        Returns a sentence for each condition that is met, and what is to stop: `arm`, `run` or None.
        """
        looked_at = [(one, self._line(one, arm, generation)) for one in [*self._warnings, *self._stops]]
        return self._met(looked_at, arm, generation)

    def look_at_lost_training(self, arm: str, generation: int) -> tuple[list[str], str | None]:
        """The same for a training whose loss was not finite: there is no model, so only this loss is looked at.

        Where no `stop_when` asks for it nothing is recorded, and the failed training ends the run.
        """
        return self._met([(one, [math.nan]) for one in self._stops if one.measure == LOSS], arm, generation)

    def has_lost_training(self, arm: str, generation: int) -> bool:
        """Whether an earlier pass found that this training's loss is not finite."""
        sql = """SELECT count(*) FROM alarms a ANTI JOIN models m USING (seed, arm, generation)
                 WHERE seed = ? AND arm = ? AND generation = ? AND measure = ?"""
        return bool(self._ledger.rows(sql, [self._seed, arm, generation, LOSS])[0][0])

    def follow(self, arm: str, generation: int, other: str) -> str:
        """Record that an arm stops before a generation because an arm that its choice hangs on has stopped."""
        condition = as_json({"follows": other})
        return self._write(arm, generation, "arm", "", ALL_TASKS, None, condition, f"`{other}` has stopped before it")

    def _line(self, condition: Condition, arm: str, generation: int) -> list[float | None]:
        """The measure of an arm by generation, generation 0 first."""
        sql = """SELECT generation, value FROM scores WHERE seed = ? AND measure = ? AND task = ?
                 AND (arm = ? OR (arm = ? AND generation = 0)) AND generation <= ?"""
        found = dict(self._ledger.rows(sql, [self._seed, condition.measure, condition.task, arm, START, generation]))
        return [found.get(turn) for turn in range(generation + 1)]

    def _met(
        self, looked_at: Sequence[tuple[Condition, list[float | None]]], arm: str, generation: int
    ) -> tuple[list[str], str | None]:
        said: list[str] = []
        stops: set[str] = set()
        for one, values in looked_at:
            if one.arm in (None, arm) and one.is_met(values):
                stop = one.stop if isinstance(one, StopCondition) else None
                stops |= {stop} if stop else set()
                text = as_json(one.model_dump(mode="json", exclude_none=True))
                words = one.in_words(values)
                said.append(self._write(arm, generation, stop, one.measure, one.task, values[-1], text, words))
        return said, "run" if "run" in stops else "arm" if stops else None

    def _write(
        self,
        arm: str,
        generation: int,
        stops: str | None,
        measure: str,
        task: str,
        value: float | None,
        condition: str,
        words: str,
    ) -> str:
        kind = "stop" if stops else "warn"
        row = {"seed": self._seed, "arm": arm, "generation": generation, "kind": kind, "condition": condition}
        row |= {"stops": stops, "measure": measure, "task": task, "value": value, "words": words}
        self._ledger.record("alarms", [row])
        return in_words(kind, stops, self._seed, arm, generation, words)


def in_words(kind: str, stops: str | None, seed: int, arm: str, generation: int, words: str) -> str:
    """An alarm as one line, such as `WARNING seed 0, verified, generation 2: accuracy is 0.12, below 0.2`."""
    place = f"seed {seed}, {arm}, generation {generation}"
    if kind == "warn":
        return f"WARNING {place}: {words}"
    return f"STOPPED the {stops} at {place}: {words}"


def exit_code(run: Path) -> int:
    """The exit code that a finished run earns: 0, or `EXIT_STOPPED` where a `stop_when` was met."""
    stopped = Ledger(run / "ledger").rows("SELECT count(*) FROM alarms WHERE kind = 'stop'")[0][0]
    return EXIT_STOPPED if stopped else 0
