"""What an audit measured, as it is stored and found again.

    folder()/<name>-<version>-<settings hash>-<hash of the name>.json

The folder is $SELFPLAY_AUDITS, else selfplay/audits in the user's cache ($XDG_CACHE_HOME, else ~/.cache). A changed
version or setting has no record until it is audited. A new audit replaces the record of the last one.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from functools import reduce
from pathlib import Path

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError

from selfplay.tasks.intervals import Share
from selfplay.tasks.problem import content_hash
from selfplay.tasks.whole_file import write_whole
from selfplay.verifiers.audit.labelled_rows import Label
from selfplay.verifiers.errors import BadFile

FOLDER_VARIABLE = "SELFPLAY_AUDITS"


class Stored(BaseModel):
    """A part of the record."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Counts(Stored):
    """Rows of one kind by outcome."""

    rows: int = 0
    accepted: int = 0
    rejected: int = 0
    undecided: int = 0
    faults: int = 0
    """Undecided because the judge failed."""

    @classmethod
    def of(cls, outcomes: list[tuple[str, str]]) -> Counts:
        """Counts of (outcome, reason) pairs."""
        each = Counter(outcome for outcome, _ in outcomes)
        return cls(rows=len(outcomes), **each, faults=outcomes.count(("undecided", "fault")))

    def plus(self, other: Counts) -> Counts:
        return Counts(**{key: getattr(self, key) + getattr(other, key) for key in Counts.model_fields})

    @property
    def share_accepted(self) -> Share:
        return Share.of(self.accepted, self.rows)


class Category(Stored):
    """Rows of one label, group, origin and category."""

    label: Label
    group: str
    origin: str
    category: str
    counts: Counts


class Again(Stored):
    """Rows that were judged again."""

    rows: int
    differing: dict[str, int]
    """Rows whose verdict changed, by the way in which they were judged again."""
    examples: list[str]


class Speed(Stored):
    """Time of one verdict in milliseconds, without the attacks."""

    rows: int
    workers: int
    p50_ms: float
    p99_ms: float
    longest_ms: float


class Second(Stored):
    """Another verifier on the same rows, without the attacks."""

    name: str
    version: str
    settings_hash: str
    rows: int
    agree: int
    """Rows with the same outcome."""
    only_first_accepts: int
    only_second_accepts: int
    undecided: int
    """Rows on which one of the two is undecided and the other is not."""


class Record(Stored):
    """What one audit measured of one verifier with its version and settings."""

    verifier: str
    version: str
    settings_hash: str
    settings: dict[str, JsonValue]
    when: str
    """UTC, ISO 8601."""
    environment: dict[str, str]
    asked: dict[str, JsonValue]
    """Sources with their settings, the labelled file with its hash, problems, seed, workers."""
    categories: list[Category]
    left_out: dict[str, int]
    """Made rows that turned out right, by category: not counted anywhere else."""
    notes: list[str]
    again: Again
    speed: Speed
    memory_mb: float | None
    """Peak of the workers and all their child processes, together."""
    sandbox: str | None
    second: Second | None = None

    def total(self, label: Label, *, attacks: bool = False) -> Counts:
        """All rows of a label; attacks are counted separately."""
        found = [one.counts for one in self.categories if one.label == label and (one.group == "attacks") == attacks]
        return reduce(Counts.plus, found, Counts())

    @property
    def sentence(self) -> str:
        """The record in one line, for a report."""
        right, wrong = self.total("right"), self.total("wrong")
        attacks, doubtful = self.total("wrong", attacks=True), self.total("doubtful")
        said = f"accepted {_of(right.share_accepted)} of right and {_of(wrong.share_accepted)} of wrong"
        if doubtful.rows:
            said += f", {_of(doubtful.share_accepted)} of rows made wrong without proof"
        if attacks.rows:
            said += f", {attacks.accepted} of {attacks.rows:,} attacks"
        undecided = right.undecided + wrong.undecided
        return f"{said}; {undecided:,} of {right.rows + wrong.rows:,} undecided (audit of {self.when[:10]})"


def folder() -> Path:
    """The folder of the records."""
    named = os.environ.get(FOLDER_VARIABLE)
    if named:
        return Path(named).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "selfplay" / "audits"


def store(record: Record) -> Path:
    """Write a record into the folder; returns its path. Raises BadFile where the folder cannot be written."""
    return write(record, folder() / _file(record.verifier, record.version, record.settings_hash))


def write(record: Record, path: Path) -> Path:
    """Write a record to a file, whole or not at all. Raises as `store`."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, record.model_dump_json(indent=2) + "\n")
    except OSError as error:
        raise BadFile(f"cannot write {path}: {error.strerror}; set {FOLDER_VARIABLE} to a folder") from error
    return path


def find(name: str, version: str, settings_hash: str) -> Record | None:
    """The record of a verifier; None where it was not audited. Raises BadFile where the file is not a record."""
    path = folder() / _file(name, version, settings_hash)
    return _read(path) if path.is_file() else None


def of_version(name: str, version: str) -> Iterator[Record]:
    """Records of a verifier's version, with any settings. Raises as `find`."""
    for path in sorted(folder().glob(f"*-{content_hash(name)}.json")):
        record = _read(path)
        if (record.verifier, record.version) == (name, version):
            yield record


def _read(path: Path) -> Record:
    try:
        return Record.model_validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        what = error.strerror if isinstance(error, OSError) else "it is not a record of this version of selfplay"
        raise BadFile(f"cannot read the audit {path}: {what}; remove it, or audit again") from None


def _file(name: str, version: str, settings_hash: str) -> str:
    shown = re.sub(r"[^A-Za-z0-9_.]+", "_", f"{name}-{version}".replace("-", "_"))[:60]
    return f"{shown}-{content_hash(version)[:6]}-{settings_hash}-{content_hash(name)}.json"


def _of(share: Share) -> str:
    if share.value is None or share.low is None or share.high is None:
        return "none"
    return f"{100 * share.value:.1f} % ({100 * share.low:.1f} to {100 * share.high:.1f})"
