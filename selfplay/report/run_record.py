"""Everything that the report asks of a run's files.

Reads only: a run that is still being written is not disturbed, and gives what it holds now.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from selfplay.errors import ConfigError, RunError
from selfplay.experiment.experiment_file import load_experiment
from selfplay.experiment.schema import Experiment
from selfplay.ledger.ledger import Ledger, check_is_run
from selfplay.ledger.tables import Purpose
from selfplay.models.folders import START
from selfplay.run.alarms import in_words
from selfplay.run.directory import ENVIRONMENT, recorded_environment

LONGEST = 4000
"""Characters of a model's text that leave the ledger; the page shows fewer."""
OUTCOMES = ("accepted", "rejected", "undecided")
SHARED_SEAL = (
    "Some programs were judged with `seal: shared`: a program that sets out to can forge such a verdict "
    "(docs/judge-code.md)."
)


@dataclass(frozen=True)
class Score:
    """A row of `scores`, without the model."""

    seed: int
    arm: str
    generation: int
    task: str
    measure: str
    value: float
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True)
class VerdictCounts:
    """Samples by verdict: a column for each model that wrote some."""

    places: list[tuple[str, int]]
    """(arm, generation) of the columns."""
    rows: list[tuple[str, str, str, list[int]]]
    """(verifier, outcome, reason, samples in each column); the most frequent reasons of an outcome first."""
    totals: list[int]
    truncated: list[int]
    """How many of them were cut at `max_tokens`."""


@dataclass(frozen=True)
class TrainingSetRow:
    """A training set: rows, and shares by origin."""

    seed: int
    arm: str
    generation: int
    rows: int
    shares: dict[str, float]


@dataclass(frozen=True)
class Kept:
    """An arm that had nothing new to learn from and kept its model."""

    seed: int
    arm: str
    generation: int
    drawn: int
    """Samples that it drew, of which it chose none."""
    keeps: str
    """What it would have chosen: the arm's `keep`."""


@dataclass(frozen=True)
class Chosen:
    """Samples of one arm and generation with one choice of its group filter."""

    arm: str
    generation: int
    filter: str
    kept: bool
    reason: str
    samples: int
    accepted: int
    """How many of them the verifiers accept."""


@dataclass(frozen=True)
class StepTime:
    """Time of one kind of step in one arm: `times` runs, `items` samples or optimiser steps over all of them."""

    arm: str
    step: str
    times: int
    seconds: float
    items: int


@dataclass(frozen=True)
class Example:
    """A real sample. Long texts are cut to `LONGEST` characters; `*_length` is the whole length."""

    id: str
    task: str
    outcome: str
    reason: str
    arm: str | None
    """Null for a worked example."""
    generation: int | None
    purpose: str
    origin: str
    finish_reason: str
    prompt: str
    prompt_length: int
    completion: str
    completion_length: int
    reference: str
    reference_length: int
    detail: str
    verifier: str
    version: str
    seconds: float | None


class RunRecord:
    """One run: its resolved experiment, its environment and what its ledger held when this was opened."""

    def __init__(
        self, path: Path, experiment: Experiment, environment: dict[str, Any], connection: duckdb.DuckDBPyConnection
    ) -> None:
        self.path, self.experiment, self.environment = path, experiment, environment
        self.connection = connection
        self._arms = {arm.name: index for index, arm in enumerate(experiment.arms)} | {START: -1}
        self.scores = self._scores()
        self.kept = self._kept()
        self._places = self._model_places()

    @classmethod
    @contextmanager
    def open(cls, path: Path) -> Iterator[RunRecord]:
        """Open a run, for the length of a `with`.

        Raises:
            RunError: the folder is no run, or its experiment.yaml, environment.json or ledger cannot be read.
        """
        check_is_run(path)
        try:
            experiment = load_experiment(path / "experiment.yaml", recorded=True)
        except ConfigError as error:
            raise RunError(f"{path} cannot be read as a run: {error}") from None
        environment = recorded_environment(path / ENVIRONMENT)
        with Ledger.of_run(path).connect() as connection:
            yield cls(path, experiment, environment, connection)

    def place_order(self, arm: str, generation: int) -> tuple[int, int]:
        """Sorting key: generation 0 first, then arms as the config lists them."""
        return self._arms.get(arm, len(self._arms)), generation

    def verdict_counts(self, purpose: Purpose) -> VerdictCounts:
        """Synthetic samples by verdict and by the model that wrote them.

        A model that several places of the loop share (kept for want of a training set, or equal in two arms) is counted
        under the first of them.
        """
        sql = """
            SELECT s.model, coalesce(v.verifier, p.verifier, ''), coalesce(v.outcome, 'not judged'),
                   coalesce(v.reason, ''), count(*), count(*) FILTER (s.finish_reason = 'length')
            FROM samples s LEFT JOIN verdicts v ON v.sample_id = s.id LEFT JOIN problems p ON p.id = s.problem_id
            WHERE s.purpose = ? AND s.origin = 'synthetic' GROUP BY ALL
        """
        cells: dict[tuple[str, str, str], Counter[tuple[str, int]]] = defaultdict(Counter)
        truncated: Counter[tuple[str, int]] = Counter()
        for model, verifier, outcome, reason, count, cut in self._ask(sql, purpose):
            place = self._places.get(model, ("", 0))
            cells[verifier, outcome, reason][place] += count
            truncated[place] += cut
        places = sorted(truncated, key=lambda place: self.place_order(*place))
        ordered = sorted(cells, key=lambda key: (key[0], outcome_order(key[1]), -cells[key].total(), key[2]))
        return VerdictCounts(
            places,
            [(*key, [cells[key][place] for place in places]) for key in ordered],
            [sum(counts[place] for counts in cells.values()) for place in places],
            [truncated[place] for place in places],
        )

    def training_sets(self) -> list[TrainingSetRow]:
        rows = self._ask("SELECT seed, arm, generation, rows, shares FROM training_sets")
        found = [TrainingSetRow(seed, arm, turn, n, json.loads(shares)) for seed, arm, turn, n, shares in rows]
        return sorted(found, key=lambda t: (self.place_order(t.arm, t.generation), t.seed))

    def choices(self) -> list[Chosen]:
        """What group filters kept and dropped, over all seeds: kept first, the most frequent reasons first."""
        sql = """SELECT c.arm, c.generation, c.filter, c.kept, c.reason, count(*),
                        count(*) FILTER (v.outcome = 'accepted')
                 FROM choices c LEFT JOIN verdicts v ON v.sample_id = c.sample_id GROUP BY ALL"""
        found = [Chosen(*row) for row in self._ask(sql)]
        return sorted(found, key=lambda c: (self.place_order(c.arm, c.generation), not c.kept, -c.samples, c.reason))

    def times(self) -> list[StepTime]:
        sql = "SELECT arm, step, count(*), sum(seconds), sum(count)::BIGINT FROM steps GROUP BY ALL"
        found = [StepTime(*row) for row in self._ask(sql)]
        return sorted(found, key=lambda t: (t.step, self.place_order(t.arm, 0)))

    def alarms(self) -> list[tuple[str, str]]:
        """(`warn` or `stop`, the alarm in words), in the order of seeds, arms and generations."""
        sql = """SELECT kind, stops, seed, arm, generation, words FROM alarms
                 ORDER BY seed, generation, arm, kind, condition"""
        rows = sorted(self._ask(sql), key=lambda row: (row[2], self.place_order(row[3], row[4])))
        return [(str(row[0]), in_words(*row)) for row in rows]

    def models_left_out(self) -> list[tuple[int, str, int]]:
        """(seed, arm, generation) of models that are not made because a `stop_when` stopped their arm or the run."""
        generations, seeds, arms = self.experiment.generations, self.experiment.seeds, self.experiment.arms
        wanted = {(seed, START, 0) for seed in seeds}
        wanted |= {(seed, arm.name, g) for seed in seeds for arm in arms for g in range(1, generations + 1)}
        left = wanted - {(s.seed, s.arm, s.generation) for s in self.scores if s.measure == "accuracy"}
        stops = self._ask("SELECT seed, arm, generation, stops FROM alarms WHERE kind = 'stop'")
        if any(stop[3] == "run" for stop in stops):
            return sorted(left)
        ended = {(seed, arm): generation for seed, arm, generation, _ in stops}
        return sorted(place for place in left if place[2] >= ended.get(place[:2], generations + 1))

    def judges(self) -> list[tuple[str, str, str, str | None, int]]:
        """(verifier, version, settings hash, sandbox level, verdicts)."""
        sql = """SELECT verifier, version, settings_hash, sandbox, count(*) FROM verdicts WHERE version != ''
                 GROUP BY ALL ORDER BY ALL"""
        return [(str(a), str(b), str(c), d, int(n)) for a, b, c, d, n in self._ask(sql)]

    def seal_note(self) -> str:
        """`SHARED_SEAL` where any verdict was given under `seal: shared`, else nothing."""
        return SHARED_SEAL if any("seal: shared" in (judge[3] or "") for judge in self.judges()) else ""

    def examples(self, each: int) -> list[Example]:
        """At most `each` samples for each task and outcome: one of every reason, the most frequent reasons first.

        Sample ids are hashes, so the order by id is a fixed draw that prefers nothing.
        """
        sql = f"""
            WITH judged AS (
                SELECT s.id, p.source, v.outcome, v.reason,
                       row_number() OVER (PARTITION BY p.source, v.outcome, v.reason ORDER BY s.id) AS turn,
                       count(*) OVER (PARTITION BY p.source, v.outcome, v.reason) AS frequency
                FROM samples s JOIN verdicts v ON v.sample_id = s.id JOIN problems p ON p.id = s.problem_id
                WHERE s.origin = 'synthetic'
            ), chosen AS (
                SELECT id, row_number() OVER (
                    PARTITION BY source, outcome ORDER BY turn, frequency DESC, reason) AS place
                FROM judged WHERE turn <= ? QUALIFY place <= ?
            )
            SELECT s.id, p.source, v.outcome, v.reason, s.model, s.purpose, s.origin, s.finish_reason,
                   {_TEXTS}, left(v.detail, {LONGEST}), v.verifier, v.version, v.seconds
            FROM chosen c JOIN samples s ON s.id = c.id JOIN verdicts v ON v.sample_id = s.id
            JOIN problems p ON p.id = s.problem_id ORDER BY p.source, v.outcome, c.place
        """
        return [self._example(row) for row in self._ask(sql, each, each)]

    def worked_examples(self) -> list[Example]:
        """The worked example with the lowest id of each task and origin."""
        sql = f"""
            SELECT s.id, p.source, '', '', s.model, s.purpose, s.origin, s.finish_reason, {_TEXTS}, '', '', '', NULL
            FROM samples s JOIN problems p ON p.id = s.problem_id WHERE s.origin != 'synthetic'
            QUALIFY row_number() OVER (PARTITION BY p.source, s.origin ORDER BY s.id) = 1
            ORDER BY p.source, s.origin
        """
        return [self._example(row) for row in self._ask(sql)]

    def _example(self, row: tuple[Any, ...]) -> Example:
        identity, task, outcome, reason, model, *rest = row
        arm, generation = self._places.get(model, (None, None))
        return Example(identity, task, outcome, reason, arm, generation, *rest)

    def _ask(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql, list(parameters)).fetchall()

    def _scores(self) -> list[Score]:
        sql = """SELECT seed, arm, generation, task, measure, value, low, high, n FROM scores
                 ORDER BY seed, generation, arm, task, measure"""
        found = [Score(*row) for row in self._ask(sql)]
        return sorted(found, key=lambda s: (s.seed, self.place_order(s.arm, s.generation), s.task, s.measure))

    def _kept(self) -> list[Kept]:
        sql = """SELECT m.seed, m.arm, m.generation, coalesce(max(s.n), 0)
                 FROM models m LEFT JOIN scores s ON (s.seed, s.arm, s.generation) = (m.seed, m.arm, m.generation)
                      AND s.measure = 'accepted_share' AND s.task = 'all'
                 WHERE starts_with(m.outcome, 'kept') GROUP BY ALL"""
        keeps = {arm.name: str(arm.keep) for arm in self.experiment.arms}
        found = [Kept(seed, arm, turn, drawn, keeps.get(arm, "")) for seed, arm, turn, drawn in self._ask(sql)]
        return sorted(found, key=lambda k: (self.place_order(k.arm, k.generation), k.seed))

    def _model_places(self) -> dict[str, tuple[str, int]]:
        """The first place of the loop that each model has."""
        rows = self._ask("SELECT DISTINCT fingerprint, arm, generation FROM models")
        rows.sort(key=lambda row: self.place_order(row[1], row[2]), reverse=True)
        return {model: (arm, generation) for model, arm, generation in rows}


def outcome_order(outcome: str) -> int:
    """Sorting key: accepted, rejected, undecided, then what is no outcome."""
    return OUTCOMES.index(outcome) if outcome in OUTCOMES else len(OUTCOMES)


_TEXTS = f"""
    left(p.prompt, {LONGEST}), length(p.prompt), left(s.completion, {LONGEST}), length(s.completion),
    left(p.reference, {LONGEST}), length(p.reference)
"""
