"""The audit itself, top to bottom: gather rows, judge them, judge some again, ask a second verifier, count."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pydantic import JsonValue

from selfplay.tasks.plugins import absolute
from selfplay.tasks.registry import available_sources
from selfplay.verifiers.audit.audited import AuditedVerifier, speed
from selfplay.verifiers.audit.corpus import (
    Corpus,
    NamedSource,
    check_references,
    program_attacks,
    source_rows,
    text_attacks,
)
from selfplay.verifiers.audit.record import Category, Record, Second, counted
from selfplay.verifiers.audit.rows import LABELS, AuditRow, Label, labelled_rows
from selfplay.verifiers.contract.spec import VerifierSpec
from selfplay.verifiers.contract.verdict import Judgement
from selfplay.verifiers.errors import BadAudit

PROBLEMS = 100
MEMORY_MB = 2048


@dataclass(frozen=True)
class Plan:
    """What to audit, and on what."""

    spec: VerifierSpec
    sources: Sequence[NamedSource] = ()
    """None and no labelled file: the procedural sources that the verifier judges."""
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
        """Whether the verdict contradicts what is known."""
        return (self.row.label, self.outcome) in (("right", "rejected"), ("wrong", "accepted"))

    @property
    def disagrees(self) -> bool:
        """Whether the second verifier says something else."""
        return self.second is not None and self.second.verdict.outcome != self.outcome


@dataclass(frozen=True)
class Audit:
    """What was measured, and every row behind it."""

    record: Record
    rows: list[Judged]


def audit(plan: Plan, progress: Callable[[str, int], None] = lambda what, done: None) -> Audit:
    """Measure how often a verifier is wrong.

    Args:
        progress: called with what is going on, and the rows done.

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
    audited = _audited(plan, plan.spec)
    attacks = program_attacks(loaded, audited.accepts)
    if not attacks:
        attacks = text_attacks([row for row in corpus.rows if row.label == "right"])
    asked = [*corpus.rows, *attacks]
    judged = audited.judge(asked, lambda done: progress(f"judging {len(asked):,} rows", done))
    plain = judged[: len(corpus.rows)]
    progress("judging rows again", 0)
    again = audited.again(corpus.rows, plain)
    others: Sequence[Judgement | None] = [None] * len(asked)
    if plan.second:
        progress(f"asking {plan.second.verifier}", 0)
        theirs = _audited(plan, plan.second).judge(corpus.rows, lambda done: None)
        others = [*theirs, *[None] * len(attacks)]
    rows = [Judged(row, verdict, other) for row, verdict, other in zip(asked, judged, others, strict=True)]
    record = Record(
        verifier=loaded.name,
        version=loaded.version,
        settings_hash=loaded.settings_hash,
        settings=loaded.settings.model_dump(mode="json"),
        when=datetime.now(UTC).isoformat(timespec="seconds"),
        environment=_environment(),
        asked=_asked(plan, sources),
        categories=list(_categories(rows)),
        left_out=dict(corpus.left_out),
        notes=corpus.notes,
        again=again,
        speed=speed(plain, plan.workers),
        memory_mb=audited.memory_mb,
        sandbox=audited.sandbox_level,
        second=_second(rows) if plan.second else None,
    )
    return Audit(record, rows)


def _audited(plan: Plan, spec: VerifierSpec) -> AuditedVerifier:
    return AuditedVerifier(spec, workers=plan.workers, timeout=plan.timeout, memory_mb=MEMORY_MB)


def _procedural(name: str) -> list[NamedSource]:
    """The registered sources without end that this verifier judges."""
    found = available_sources()
    return [
        NamedSource(key) for key, kind in found.items() if kind.endless and absolute(kind.verifier) == absolute(name)
    ]


def _categories(rows: Sequence[Judged]) -> Iterator[Category]:
    """By label, then group, in the order in which they were made."""
    found: dict[tuple[Label, str, str, str], list[tuple[str, str]]] = {}
    for one in rows:
        row = one.row
        # an attack's category is its group of attacks; the single ones are in the rows
        category = row.category.partition(":")[0] if row.group == "attacks" else row.category
        key = (row.label, row.group, row.origin, category)
        found.setdefault(key, []).append((one.outcome, one.judgement.verdict.reason))
    for key, outcomes in sorted(found.items(), key=lambda entry: LABELS.index(entry[0][0])):
        label, group, origin, category = key
        yield Category(label=label, group=group, origin=origin, category=category, counts=counted(outcomes))


def _second(rows: Sequence[Judged]) -> Second:
    both = [(one.judgement, one.second) for one in rows if one.second is not None]
    outcomes = [(ours.verdict.outcome, theirs.verdict.outcome) for ours, theirs in both]
    other = both[0][1]
    only_first = sum(ours == "accepted" and theirs == "rejected" for ours, theirs in outcomes)
    only_second = sum(ours == "rejected" and theirs == "accepted" for ours, theirs in outcomes)
    agree = sum(ours == theirs for ours, theirs in outcomes)
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


def _environment() -> dict[str, str]:
    try:
        ours = version("selfplay-lab")
    except PackageNotFoundError:
        ours = "not installed"
    return {"selfplay": ours, "python": platform.python_version(), "on": f"{platform.system()} {platform.machine()}"}
