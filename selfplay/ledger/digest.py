"""The digest of a run: a hash of what matters in its ledger, and a check of everything that ought to hold there.

Problems, prompts, samples, verdicts, choices, training sets, fingerprints of models, scores and alarms count; see
`LEFT_OUT` for what does not: times, hosts, attempts, paths, versions, sandbox levels, log-probabilities (their last
bits depend on the batch), evidence, and the order of rows. A row written twice counts, and is named.
On the deterministic engines (transformers on a CPU) equal configs give equal digests on one kind of machine, killed or
not. With vLLM a floating-point tie may change a completion, and with it the digest.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selfplay.ledger.ledger import Ledger
from selfplay.ledger.tables import KEYS, SCHEMAS, as_json
from selfplay.models.folders import START

LEFT_OUT = {
    "problems": ("source", "metadata"),
    "prompts": (),
    "samples": ("error", "mean_logprob"),
    "verdicts": ("detail", "seconds", "version", "settings_hash", "sandbox"),
    "training_sets": (),
    "choices": ("detail", "version", "settings_hash"),
    "members": (),
    "models": ("path",),
    "scores": (),
    "alarms": (),
}
"""Tables that count, each with the columns that do not. `steps` is times alone."""

REFERENCES = (
    ("samples", "problem_id", "problems", "id"),
    ("samples", "prompt", "prompts", "id"),
    ("samples", "model", "models", "fingerprint"),
    ("verdicts", "sample_id", "samples", "id"),
    ("members", "sample_id", "samples", "id"),
    ("choices", "sample_id", "samples", "id"),
    ("training_sets", "id", "members", "training_set_id"),
    ("models", "training_set_id", "training_sets", "id"),
    ("models", "parent", "models", "fingerprint"),
    ("scores", "model", "models", "fingerprint"),
)
"""(table, column, table, column): what the first names, the second must hold. An unfinished run keeps to it too."""


@dataclass(frozen=True)
class TableDigest:
    """One table: its rows, and the hash of what counts in them."""

    rows: int
    sha256: str


@dataclass(frozen=True)
class Repeated:
    """Rows of one table that have the same key."""

    table: str
    key: dict[str, Any]
    rows: int

    @property
    def sentence(self) -> str:
        return f"{self.table} has {self.rows} rows where {as_json(self.key)}; there may be one."


@dataclass(frozen=True)
class Digest:
    """What `selfplay ledger digest` prints."""

    total: str
    """SHA-256 over the digests of the tables."""
    tables: dict[str, TableDigest]
    repeated: list[Repeated]
    """Keys that more than one row has, in any table; none in a sound ledger."""


def digest(ledger: Ledger) -> Digest:
    """The digest of a ledger as it is now."""
    tables = {table: _table_digest(ledger, table) for table in LEFT_OUT}
    total = hashlib.sha256(as_json({name: [t.rows, t.sha256] for name, t in tables.items()}).encode())
    return Digest(total.hexdigest(), tables, repeated(ledger))


def repeated(ledger: Ledger) -> list[Repeated]:
    """Keys that more than one row has."""
    found = []
    for table, columns in KEYS.items():
        names = ", ".join(f'"{column}"' for column in columns)
        sql = f"SELECT {names}, count(*) FROM {table} GROUP BY {names} HAVING count(*) > 1 ORDER BY ALL"
        found += [Repeated(table, dict(zip(columns, key, strict=True)), rows) for *key, rows in ledger.rows(sql)]
    return found


def check(run: Path) -> list[str]:
    """What is wrong with a run's ledger, a sentence each: damaged and missing files, keys that several rows have, rows
    that name what is not there, samples used and not judged, models with a successor and without scores.

    Where files are damaged only they are named: the rest follows from them.

    Raises:
        RunError: the folder is no run, or its ledger is lost.
    """
    ledger = Ledger.unchecked(run)
    damage = ledger.files.damage()
    if damage:
        return [one.sentence for one in damage]
    return [one.sentence for one in repeated(ledger)] + _dangling(ledger) + _unjudged(ledger) + _unscored(ledger)


def _dangling(ledger: Ledger) -> list[str]:
    found = []
    for table, column, other, key in REFERENCES:
        sql = f"""SELECT count(*), min(t."{column}") FROM {table} t ANTI JOIN {other} o ON o."{key}" = t."{column}"
                  WHERE t."{column}" IS NOT NULL"""
        if table == "training_sets":
            sql += " AND t.rows > 0"
        count, first = ledger.rows(sql)[0]
        if count:
            found.append(f"{table}.{column} names {count:,} times what {other} does not hold, such as {first}.")
    return found


def _unjudged(ledger: Ledger) -> list[str]:
    """A sample is judged before its model is scored on it, and before another model is trained on it.

    A model that several seeds share is scored once for each, and draws for the next one meanwhile.
    """
    sql = """SELECT count(*), min(s.id) FROM samples s ANTI JOIN verdicts v ON v.sample_id = s.id
             WHERE s.origin = 'synthetic' AND (
                 s.id IN (SELECT sample_id FROM members)
                 OR (s.purpose = 'evaluate' AND s.model IN (
                     SELECT m.fingerprint FROM models m JOIN scores c ON c.model = m.fingerprint
                     WHERE c.measure = 'accuracy' GROUP BY 1 HAVING count(DISTINCT m.seed) = 1)))"""
    count, first = ledger.rows(sql)[0]
    return [f"verdicts lacks those on {count:,} samples that were used, such as {first}."] if count else []


def _unscored(ledger: Ledger) -> list[str]:
    """A model is scored before the next one of its arm is recorded; the last of an unfinished run may have none yet."""
    found = []
    for measure, outcome in (("accuracy", "%"), ("train_loss", "trained")):
        sql = """SELECT m.seed, m.arm, m.generation FROM models m
                 SEMI JOIN models l
                     ON l.seed = m.seed AND l.generation = m.generation + 1 AND (l.arm = m.arm OR m.arm = ?)
                 ANTI JOIN scores s
                     ON s.seed = m.seed AND s.arm = m.arm AND s.generation = m.generation AND s.measure = ?
                 WHERE m.outcome LIKE ? ORDER BY ALL"""
        places = ledger.rows(sql, [START, measure, outcome])
        if places:
            seed, arm, generation = places[0]
            found.append(
                f"scores lacks the {measure} of {len(places):,} models, such as that of seed {seed}, {arm}, generation "
                f"{generation}."
            )
    return found


def _table_digest(ledger: Ledger, table: str) -> TableDigest:
    columns = [name for name in SCHEMAS[table].names if name not in LEFT_OUT[table]]
    sql = "SELECT {} FROM {}".format(", ".join(f'"{column}"' for column in columns), table)
    hashes = []
    for rows in ledger.batches(sql):
        hashes += [hashlib.sha256(as_json([_plain(value) for value in row]).encode()).digest() for row in rows]
    whole = hashlib.sha256(as_json([table, columns]).encode())
    for one in sorted(hashes):
        whole.update(one)
    return TableDigest(len(hashes), whole.hexdigest())


def _plain(value: Any) -> Any:
    """A number without its last bits, which hang on the order of a sum."""
    return format(value, ".12g") if isinstance(value, float) else value
