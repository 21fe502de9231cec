"""Scores: every measure that the run takes, of every model, recorded once.

A measure that fails stops the run with a sentence: a hole in a table of scores would look like a result.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from selfplay.errors import RunError
from selfplay.experiment.schema import Experiment
from selfplay.ledger.ledger import Ledger
from selfplay.measure.measure import ALL_TASKS, Drawn, Of, Score, Trained
from selfplay.measure.registry import taken
from selfplay.models.folders import ModelState
from selfplay.tasks.errors import error_text


class Scorer:
    """Takes the measures of an experiment and records what they give."""

    def __init__(self, experiment: Experiment, ledger: Ledger) -> None:
        """Raises ConfigError where a measure that the config names cannot be found."""
        self._ledger = ledger
        self._measures = taken(experiment.measures)

    def score(self, of: Of, model: ModelState, measured: Drawn | Trained) -> None:
        """Record all measures of one kind (`Of`) for a model; `measured` is `Trained` where `of` is training.

        Raises RunError: a measure failed; names it.
        """
        rows = []
        for name, measure in self._measures.items():
            if measure.of != of:
                continue
            try:
                rows += [score_row(model, name, score) for score in measure.scores(measured)]
            except Exception as error:
                place = f"{model.arm}, generation {model.generation}"
                raise RunError(
                    f"The measure `{name}` failed for {place} ({error_text(error)[:300]}); repair it, then resume."
                ) from error
        self._ledger.record("scores", rows)

    def value(self, model: ModelState, measure: str) -> float:
        """A recorded score over all tasks."""
        found = self._recorded(model, measure)
        assert found is not None, f"{measure} was recorded before it is asked for"
        return float(found["value"])

    def has(self, model: ModelState, measure: str) -> bool:
        """Whether the ledger holds that score of the model."""
        return self._recorded(model, measure) is not None

    def _recorded(self, model: ModelState, measure: str) -> dict[str, Any] | None:
        place = {"seed": model.seed, "arm": model.arm, "generation": model.generation}
        return self._ledger.row("scores", **place, task=ALL_TASKS, measure=measure)


def score_row(model: ModelState, measure: str, score: Score) -> dict[str, Any]:
    """A `scores` row."""
    row = {"model": model.fingerprint, "arm": model.arm, "generation": model.generation, "seed": model.seed}
    return row | {"measure": measure, **asdict(score)}
