"""The audit itself: gather rows, judge them, judge some again, ask a second verifier, count.

A row that is judged again counts as different where outcome or reason is. Memory is the resident size of the workers
and of all processes below them, measured every 20 ms: a shorter peak is missed, and shared pages count twice.
What is not covered: other machines and other versions of Python.
"""

from __future__ import annotations

import hashlib
import platform
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from random import Random
from typing import Any

import psutil
from pydantic import JsonValue

from selfplay.tasks.intervals import percentile
from selfplay.tasks.plugins import absolute
from selfplay.tasks.registry import available_sources
from selfplay.verifiers.audit.corpus import (
    Corpus,
    NamedSource,
    check_references,
    program_attacks,
    source_rows,
    text_attacks,
)
from selfplay.verifiers.audit.labelled_rows import LABELS, AuditRow, Label, labelled_rows
from selfplay.verifiers.audit.record import Again, Category, Counts, Record, Second, Speed
from selfplay.verifiers.contract.spec import VerifierSpec
from selfplay.verifiers.contract.verdict import Judgement, Row
from selfplay.verifiers.errors import BadAudit
from selfplay.verifiers.workers.supervisor import Supervisor

PROBLEMS = 100
ROWS_AGAIN = 200
"""Rows that are judged again."""
THREADS = 4
MEASURED_EVERY_SECONDS = 0.02
SHOWN = 10
"""Examples of rows that got another verdict."""


@dataclass(frozen=True)
class Plan:
    """What to audit, and on what."""

    spec: VerifierSpec
    sources: Sequence[NamedSource] = ()
    """Where there is neither a source nor a labelled file: the procedural sources that the verifier judges."""
    labelled: Path | None = None
    problems: int = PROBLEMS
    """Problems of each source."""
    seed: int = 0
    workers: int = 1
    timeout: float | None = None
    second: VerifierSpec | None = None
    """Another verifier to ask about the same rows."""


@dataclass(frozen=True)
class Judged:
    """A row with its verdicts."""

    row: AuditRow
    judgement: Judgement
    second: Judgement | None = None

    @property
    def outcome(self) -> str:
        return self.judgement.verdict.outcome

    @property
    def is_wrong(self) -> bool:
        """Whether the verdict contradicts the label."""
        return (self.row.label, self.outcome) in (("right", "rejected"), ("wrong", "accepted"))

    @property
    def disagrees(self) -> bool:
        """Whether the second verifier has another outcome."""
        return self.second is not None and self.second.verdict.outcome != self.outcome


@dataclass(frozen=True)
class Audit:
    """What was measured, and every row behind it."""

    record: Record
    rows: list[Judged]


def audit(plan: Plan, progress: Callable[[str, int], None] = lambda what, done: None) -> Audit:
    """Measure how often a verifier is wrong. `progress` is called with the current step, and the rows done.

    Raises:
        UnknownVerifier, BadSettings, BrokenVerifier: see `Supervisor`; of either verifier.
        SourceError, BadFile: a source or the labelled file cannot be read.
        BadAudit: there are no rows, or a reference does not fit the verifier.
    """
    loaded = plan.spec.load()
    second = plan.second.load() if plan.second else None
    progress("gathering rows", 0)
    sources = list(plan.sources) or ([] if plan.labelled else _procedural(plan.spec.verifier))
    corpus = Corpus(labelled_rows(plan.labelled) if plan.labelled else [])
    for source in sources:
        corpus.add(source_rows(source, plan.problems, plan.seed))
    if not corpus.rows:
        raise BadAudit(
            f"there is nothing to audit {loaded.name} on: no procedural source names it; give --source or --labelled"
        )
    check_references(loaded, corpus.rows)
    if second is not None:
        check_references(second, corpus.rows)
    audited = _AuditedVerifier(plan.spec, plan)
    rights = [row for row in corpus.rows if row.label == "right"]
    attacks = program_attacks(loaded, audited.accepts) or text_attacks(rights)
    asked = [*corpus.rows, *attacks]
    judged = audited.judge(asked, lambda done: progress(f"judging {len(asked):,} rows", done))
    plain = judged[: len(corpus.rows)]
    progress("judging rows again", 0)
    again = audited.again(corpus.rows, plain)
    others: Sequence[Judgement | None] = [None] * len(asked)
    if plan.second:
        progress(f"asking {plan.second.verifier}", 0)
        theirs = _AuditedVerifier(plan.second, plan).judge(corpus.rows, lambda done: None)
        others = [*theirs, *[None] * len(attacks)]
    rows = [Judged(row, verdict, other) for row, verdict, other in zip(asked, judged, others, strict=True)]
    times = [1000 * judgement.seconds for judgement in plain]
    record = Record(
        verifier=loaded.name,
        version=loaded.version,
        settings_hash=loaded.settings_hash,
        settings=loaded.settings.model_dump(mode="json"),
        when=datetime.now(UTC).isoformat(timespec="seconds"),
        environment={
            "selfplay": version("selfplay-lab"),
            "python": platform.python_version(),
            "on": f"{platform.system()} {platform.machine()}",
        },
        asked=_asked(plan, sources),
        categories=list(_categories(rows)),
        left_out=dict(corpus.left_out),
        notes=corpus.notes,
        again=again,
        speed=Speed(
            rows=len(times),
            workers=plan.workers,
            p50_ms=percentile(times, 0.5),
            p99_ms=percentile(times, 0.99),
            longest_ms=max(times),
        ),
        memory_mb=audited.memory_mb,
        sandbox=audited.sandbox_level,
        second=_second(rows) if plan.second else None,
    )
    return Audit(record, rows)


def _procedural(name: str) -> list[NamedSource]:
    """The registered endless sources whose problems this verifier judges."""
    found = available_sources()
    return [
        NamedSource(key) for key, kind in found.items() if kind.endless and absolute(kind.verifier) == absolute(name)
    ]


def _categories(rows: Sequence[Judged]) -> Iterator[Category]:
    """By label, then group, in the order in which they were made."""
    found: dict[tuple[Label, str, str, str], list[tuple[str, str]]] = {}
    for one in rows:
        row = one.row
        # attacks are counted by their group; each single one is in the rows
        category = row.category.partition(":")[0] if row.group == "attacks" else row.category
        key = (row.label, row.group, row.origin, category)
        found.setdefault(key, []).append((one.outcome, one.judgement.verdict.reason))
    for key, outcomes in sorted(found.items(), key=lambda entry: LABELS.index(entry[0][0])):
        label, group, origin, category = key
        yield Category(label=label, group=group, origin=origin, category=category, counts=Counts.of(outcomes))


def _second(rows: Sequence[Judged]) -> Second:
    both = [(one.judgement, one.second) for one in rows if one.second is not None]
    pairs = Counter((ours.verdict.outcome, theirs.verdict.outcome) for ours, theirs in both)
    agree = sum(count for (ours, theirs), count in pairs.items() if ours == theirs)
    only_first, only_second = pairs["accepted", "rejected"], pairs["rejected", "accepted"]
    other = both[0][1]
    return Second(
        name=other.verifier,
        version=other.version,
        settings_hash=other.settings_hash,
        rows=len(both),
        agree=agree,
        only_first_accepts=only_first,
        only_second_accepts=only_second,
        undecided=len(both) - agree - only_first - only_second,
    )


def _asked(plan: Plan, sources: Sequence[NamedSource]) -> dict[str, JsonValue]:
    asked: dict[str, JsonValue] = {
        "sources": [{"source": source.name, **source.settings} for source in sources],
        "problems": plan.problems,
        "seed": plan.seed,
        "workers": plan.workers,
        "timeout": plan.timeout,
    }
    if plan.labelled:
        digest = hashlib.sha256(plan.labelled.read_bytes()).hexdigest()[:16]
        asked["labelled"] = {"file": plan.labelled.name, "sha256": digest}
    return asked


class _AuditedVerifier:
    """The verifier that is audited, or the second one, in supervised workers."""

    def __init__(self, spec: VerifierSpec, plan: Plan) -> None:
        self._spec = spec
        self._plan = plan
        self.memory_mb: float | None = None
        self.sandbox_level: str | None = None

    def _supervisor(self, workers: int) -> Supervisor:
        return Supervisor(self._spec, workers=workers, timeout=self._plan.timeout)

    def judge(self, rows: Sequence[AuditRow], progress: Callable[[int], None]) -> list[Judgement]:
        """Judgements in the order of the rows; measures the memory."""
        found: list[Judgement] = []
        with _memory() as peak, self._supervisor(self._plan.workers) as supervisor:
            for judgement in supervisor.judge(rows):
                found.append(judgement)
                progress(len(found))
            self.sandbox_level = supervisor.sandbox_level
        self.memory_mb = peak()
        return found

    def accepts(self, reference: Mapping[str, Any], completion: str) -> bool:
        """Whether it accepts one completion."""
        with self._supervisor(1) as supervisor:
            verdict = next(supervisor.judge([Row("honest", reference, completion)])).verdict
        return verdict.outcome == "accepted"

    def again(self, rows: Sequence[AuditRow], first: Sequence[Judgement]) -> Again:
        """Judge some of the rows again in several ways, and count those whose verdict is another."""
        step = max(1, len(rows) // ROWS_AGAIN)
        places = list(range(0, len(rows), step))[:ROWS_AGAIN]
        shuffled = places[:]
        Random(0).shuffle(shuffled)
        known = {place: _verdict(first[place]) for place in places}
        ways: dict[str, int] = {}
        examples: list[str] = []

        def note(way: str, found: Mapping[int, Judgement]) -> None:
            differing = [place for place in places if _verdict(found[place]) != known[place]]
            ways[way] = len(differing)
            for place in differing[: SHOWN - len(examples)]:
                examples.append(f"{rows[place].id}: {known[place]}, {way}: {_verdict(found[place])}")

        with self._supervisor(1) as supervisor:
            for way in ("in one new process", "again in the same process"):
                note(way, dict(zip(places, supervisor.judge(rows[p] for p in places), strict=True)))
        with self._supervisor(2) as supervisor:
            judged = supervisor.judge(rows[p] for p in shuffled)
            note("in two processes, in another order", dict(zip(shuffled, judged, strict=True)))
            with ThreadPoolExecutor(THREADS) as pool:
                asked = list(pool.map(lambda p: supervisor.submit(rows[p]).result(), places))
            note(f"asked from {THREADS} threads", dict(zip(places, asked, strict=True)))
        return Again(rows=len(places), differing=ways, examples=examples)


def _verdict(judgement: Judgement) -> str:
    return f"{judgement.verdict.outcome} {judgement.verdict.reason}"


@contextmanager
def _memory() -> Iterator[Callable[[], float]]:
    """The peak of what the processes started inside the `with` take together, in MiB."""
    here = psutil.Process()
    before = set(here.children(recursive=True))
    peak = 0.0
    done = threading.Event()

    def measure() -> None:
        nonlocal peak
        while not done.is_set():
            total = 0
            for child in set(here.children(recursive=True)) - before:
                with suppress(psutil.NoSuchProcess):  # it has just ended
                    total += child.memory_info().rss
            peak = max(peak, total / (1 << 20))
            time.sleep(MEASURED_EVERY_SECONDS)

    thread = threading.Thread(target=measure, name="audit-memory", daemon=True)
    thread.start()
    try:
        yield lambda: peak
    finally:
        done.set()
        thread.join()
