"""The family tree of a run: where a sample comes from, what a model is made of, what a worked example has touched.

`trace` gives a SampleLineage, ModelLineage or ProblemLineage; printed_tree.py shows it as text. The line of a model
goes back to generation 0 by way of the set that each was trained on. A model whose arm had nothing to train on is its
predecessor at another place and adds no step.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import duckdb

from selfplay.errors import RunError
from selfplay.ledger.ledger import Ledger

SHORTEST = 4
"""Characters of an id that must be given."""
CANDIDATES = 5
"""Ids that a refusal lists."""


@dataclass(frozen=True, order=True)
class Place:
    """Where a model stands in the loop."""

    seed: int
    arm: str
    generation: int


@dataclass(frozen=True)
class Part:
    """Rows of a training set with one origin; written by one model where they are synthetic."""

    origin: str
    writer: str | None
    """Fingerprint."""
    written_in: int | None
    """Generation of the writer."""
    rows: int
    share: float
    """Of the set's weight."""


@dataclass(frozen=True)
class ModelStep:
    """One model of a line, with the training set that made it."""

    fingerprint: str
    places: list[Place]
    """Equal weights may stand at several places: kept for want of data, or equal in two arms."""
    outcome: str
    depth: int | None
    depth_mean: float | None
    started_from: str
    """`initial weights`, `previous model` or `as given`."""
    parent: str | None
    """The arm's model of the generation before."""
    training_set: str | None
    rows: int
    parts: list[Part]


@dataclass(frozen=True)
class SampleLineage:
    """A sample, its verdict, what trained on it, and the line of models behind it."""

    id: str
    origin: str
    purpose: str
    problem_id: str
    task: str | None
    """None, as the prompt, where the ledger does not hold the problem."""
    index: int
    finish_reason: str
    depth: int | None
    """None where the ledger does not hold the model that wrote the sample."""
    depth_mean: float | None
    prompt: str | None
    completion: str
    outcome: str | None
    reason: str | None
    verifier: str | None
    trained: list[Place]
    """Models whose training set has this sample."""
    line: list[ModelStep]
    """From the model that wrote it to generation 0."""


@dataclass(frozen=True)
class ModelLineage:
    """A model: the line behind it and what its data is made of."""

    fingerprint: str
    depths: dict[int, int]
    """Generational depth -> rows of its training set."""
    outcomes: dict[str, int]
    """Verdict -> rows; worked examples are `not judged`."""
    written: dict[str, int]
    """Purpose -> samples that this model wrote."""
    line: list[ModelStep]


@dataclass(frozen=True)
class Touched:
    """A model that a problem has reached."""

    fingerprint: str
    place: Place
    directly: bool
    """Its own training set holds the worked example or a sample of the problem."""
    through: list[str]
    """Fingerprints of touched models that wrote for its training set, or whose weights it went on from."""


@dataclass(frozen=True)
class ProblemLineage:
    """A problem, its worked example, the samples written for it, and every model that they touched."""

    id: str
    task: str
    split: str
    prompt: str
    worked: dict[str, Any] | None
    """id, origin and text of the worked example."""
    samples: dict[str, int]
    """Verdict -> synthetic samples of this problem."""
    touched: list[Touched]
    models: int
    """Places with a model in the whole run."""


Lineage = SampleLineage | ModelLineage | ProblemLineage


def trace(ledger: Ledger, name: str) -> Lineage:
    """The lineage of a sample, a model or a problem; RunError: no id begins with `name`, or several do.

    `name` is an id or its beginning, at least four characters. A worked example also goes by its problem's id.
    """
    with ledger.connect() as connection:
        tree = Tree(connection)
        kind, whole = tree.find(name)
        return {"sample": tree.sample, "model": tree.model, "problem": tree.problem}[kind](whole)


@dataclass
class Tree:
    """The run's models and training sets in memory; samples are asked for one by one."""

    connection: duckdb.DuckDBPyConnection
    places: dict[str, list[Place]] = field(default_factory=dict)
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    parts: dict[str, list[Part]] = field(default_factory=dict)
    """Training set -> its rows by origin and writer."""

    def __post_init__(self) -> None:
        columns = ("fingerprint", "parent", "training_set_id", "outcome", "depth", "depth_mean")
        sql = f"""SELECT seed, arm, generation, {", ".join(columns)} FROM models
                  ORDER BY starts_with(outcome, 'kept'), generation, seed, arm"""
        for seed, arm, generation, *values in self._ask(sql):
            row = dict(zip(columns, values, strict=True))
            self.places.setdefault(row["fingerprint"], []).append(Place(seed, arm, generation))
            self.rows.setdefault(row["fingerprint"], row)
        sql = """
            WITH parts AS (
                SELECT m.training_set_id AS set_id, m.origin, s.model, count(*) AS rows, sum(m.weight) AS weight
                FROM members m JOIN samples s ON s.id = m.sample_id GROUP BY ALL
            )
            SELECT set_id, origin, model, rows, weight / sum(weight) OVER (PARTITION BY set_id) FROM parts
        """
        for set_id, origin, writer, count, share in self._ask(sql):
            written_in = self.places[writer][0].generation if writer in self.places else None
            self.parts.setdefault(set_id, []).append(Part(origin, writer, written_in, count, share))
        for parts in self.parts.values():
            parts.sort(key=lambda part: (part.origin, part.written_in or 0, part.writer or ""))

    def find(self, name: str) -> tuple[str, str]:
        """(sample, model or problem; whole id) for the beginning of an id."""
        if len(name) < SHORTEST:
            raise RunError(f"`{name}` is too short to name one thing; give at least {SHORTEST} characters of an id.")
        sql = """
            SELECT 'sample', id FROM samples WHERE starts_with(id, $1) UNION
            SELECT 'model', fingerprint FROM models WHERE starts_with(fingerprint, $1) UNION
            SELECT 'problem', id FROM problems WHERE starts_with(id, $1) ORDER BY ALL LIMIT 1000
        """
        found = self._ask(sql, name)
        exact = [pair for pair in found if pair[1] == name]
        if len(found) == 1 or exact:
            kind, whole = (exact or found)[0]
            return str(kind), str(whole)
        if not found:
            raise RunError(f"This run has no sample, model or problem whose id begins with `{name}`.")
        shown = ", ".join(f"{kind} {whole}" for kind, whole in found[:CANDIDATES])
        more = ", and more" if len(found) > CANDIDATES else ""
        raise RunError(f"`{name}` begins {len(found)} ids ({shown}{more}); give more characters of it.")

    def sample(self, key: str) -> Lineage:
        sql = """
            SELECT s.id, s.origin, s.purpose, s.problem_id, p.source, s."index", s.finish_reason, d.depth, d.depth_mean,
                   p.prompt, s.completion, v.outcome, v.reason, v.verifier, s.model
            FROM samples s JOIN depths d ON d.sample_id = s.id LEFT JOIN problems p ON p.id = s.problem_id
            LEFT JOIN verdicts v ON v.sample_id = s.id WHERE s.id = ?
        """
        *values, model = self._ask(sql, key)[0]
        if model is None:
            return self.problem(values[3])
        trained = """SELECT t.seed, t.arm, t.generation FROM members m JOIN training_sets t ON t.id = m.training_set_id
                     WHERE m.sample_id = ? ORDER BY ALL"""
        return SampleLineage(*(*values, [Place(*row) for row in self._ask(trained, key)], self._line(model)))

    def model(self, key: str) -> ModelLineage:
        of_set = "FROM members m LEFT JOIN {} ON x.sample_id = m.sample_id WHERE m.training_set_id = ? GROUP BY 1"
        set_id = self.rows[key]["training_set_id"]
        depths = self._ask(f"SELECT x.depth, count(*) {of_set.format('depths x')} ORDER BY 1", set_id)
        outcomes = self._ask(
            f"SELECT coalesce(x.outcome, 'not judged'), count(*) {of_set.format('verdicts x')} ORDER BY 1", set_id
        )
        written = self._ask("SELECT purpose, count(*) FROM samples WHERE model = ? GROUP BY 1 ORDER BY 1", key)
        return ModelLineage(key, dict(depths), dict(outcomes), dict(written), self._line(key))

    def problem(self, key: str) -> ProblemLineage:
        found = self._ask("SELECT source, split, prompt FROM problems WHERE id = ?", key)
        if not found:
            raise RunError(f"The ledger does not hold the problem {key} that this is of; see `selfplay ledger check`.")
        task, split, prompt = found[0]
        worked_sql = "SELECT id, origin, completion FROM samples WHERE problem_id = ? AND model IS NULL ORDER BY id"
        own = self._ask(worked_sql, key)
        sql = """SELECT coalesce(v.outcome, 'not judged'), count(*) FROM samples s
                 LEFT JOIN verdicts v ON v.sample_id = s.id
                 WHERE s.problem_id = ? AND s.model IS NOT NULL GROUP BY 1 ORDER BY 1"""
        samples = self._ask(sql, key)
        worked = dict(zip(("id", "origin", "completion"), own[0], strict=True)) if own else None
        models = sum(map(len, self.places.values()))
        return ProblemLineage(key, task, split, prompt, worked, dict(samples), self._touched(key), models)

    def _touched(self, problem_id: str) -> list[Touched]:
        """Models whose data holds something of the problem, and then their readers, generation by generation."""
        sql = """SELECT DISTINCT m.training_set_id FROM members m JOIN samples s ON s.id = m.sample_id
                 WHERE s.problem_id = ?"""
        direct = {set_id for (set_id,) in self._ask(sql, problem_id)}
        reached: set[str] = set()
        found = []
        ordered = sorted((place.generation, key) for key, places in self.places.items() for place in places[:1])
        for _, key in ordered:
            row = self.rows[key]
            directly = row["training_set_id"] in direct
            through = sorted(reached & self._ancestors(key))
            if directly or through:
                reached.add(key)
                found += [Touched(key, place, directly, through) for place in self.places[key]]
        return sorted(found, key=lambda t: (t.place.seed, t.place.generation, t.place.arm))

    def _ancestors(self, key: str) -> set[str]:
        """Models that wrote for the model's training set, and the one whose weights it went on from."""
        row = self.rows[key]
        writers = {part.writer for part in self.parts.get(row["training_set_id"], []) if part.writer is not None}
        return writers | ({row["parent"]} if row["parent"] and self._went_on(key) else set())

    def _line(self, key: str) -> list[ModelStep]:
        """The model and those before it in its arm, the newest first."""
        line: list[ModelStep] = []
        step: str | None = key
        while step is not None and step in self.rows and step not in [before.fingerprint for before in line]:
            row = self.rows[step]
            set_id = row["training_set_id"]
            parts = self.parts.get(set_id, [])
            started = "previous model" if self._went_on(step) else "initial weights" if set_id else "as given"
            known = (step, self.places[step], row["outcome"], row["depth"], row["depth_mean"])
            line.append(ModelStep(*known, started, row["parent"], set_id, sum(part.rows for part in parts), parts))
            step = row["parent"]
        return line

    def _went_on(self, key: str) -> bool:
        """Whether the model's training began with the weights of its parent."""
        place = self.places[key][0]
        sql = "SELECT selection FROM training_sets WHERE seed = ? AND arm = ? AND generation = ?"
        chosen = self._ask(sql, place.seed, place.arm, place.generation)
        return any(json.loads(selection).get("start") == "previous" for (selection,) in chosen)

    def _ask(self, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql, list(parameters)).fetchall()
