"""Judging the rows of an audit: verdicts with their time, the workers' memory, and the same rows again.

What is covered: the same verdicts are asked for again in one process, in two processes in another order, and from four
threads at once; a row counts as different where outcome or reason is. Memory is the resident size of the workers and of
all processes below them together, looked at every 20 ms, so a shorter peak is missed and pages that they share count
twice. What is not covered: other machines and other versions of Python.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from random import Random
from typing import Any

import psutil

from selfplay.tasks.intervals import percentile
from selfplay.verifiers.audit.record import Again, Speed
from selfplay.verifiers.audit.rows import AuditRow
from selfplay.verifiers.contract.judgement import Judgement, Row
from selfplay.verifiers.contract.spec import VerifierSpec
from selfplay.verifiers.workers.supervisor import Supervisor

ROWS_AGAIN = 200
"""Rows that are judged again."""
THREADS = 4
LOOKS_SECONDS = 0.02
SHOWN = 10


class AuditedVerifier:
    """The verifier that is audited, or asked beside it, in supervised workers."""

    def __init__(self, spec: VerifierSpec, *, workers: int, timeout: float | None, memory_mb: int) -> None:
        self._supervisor: Callable[[int], Supervisor] = lambda count: Supervisor(
            spec, workers=count, timeout=timeout, memory_mb=memory_mb
        )
        self._workers = workers
        self.memory_mb: float | None = None
        self.sandbox_level: str | None = None

    def judge(self, rows: Sequence[AuditRow], progress: Callable[[int], None]) -> list[Judgement]:
        """Judgements in the order of the rows; notes the memory.

        Args:
            progress: called with the rows judged so far.
        """
        found: list[Judgement] = []
        with _memory() as peak, self._supervisor(self._workers) as supervisor:
            for judgement in supervisor.judge(map(plain, rows)):
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
                note(way, dict(zip(places, supervisor.judge(plain(rows[p]) for p in places), strict=True)))
        with self._supervisor(2) as supervisor:
            judged = supervisor.judge(plain(rows[p]) for p in shuffled)
            note("in two processes, in another order", dict(zip(shuffled, judged, strict=True)))
            with ThreadPoolExecutor(THREADS) as pool:
                asked = list(pool.map(lambda p: supervisor.submit(plain(rows[p])).result(), places))
            note(f"asked from {THREADS} threads", dict(zip(places, asked, strict=True)))
        return Again(rows=len(places), differing=ways, examples=examples)


def speed(judgements: Sequence[Judgement], workers: int) -> Speed:
    """Time of the verdicts, as the workers measured it."""
    seconds = [judgement.seconds for judgement in judgements]
    return Speed(
        rows=len(seconds),
        workers=workers,
        p50_ms=1000 * percentile(seconds, 0.5),
        p99_ms=1000 * percentile(seconds, 0.99),
        longest_ms=1000 * max(seconds),
    )


def plain(row: AuditRow) -> Row:
    """The row without what is known of it."""
    return Row(row.id, row.reference, row.completion, row.prompt)


def _verdict(judgement: Judgement) -> str:
    return f"{judgement.verdict.outcome} {judgement.verdict.reason}"


@contextmanager
def _memory() -> Iterator[Callable[[], float]]:
    """The peak of what the processes that are started within take together, in MiB."""
    here = psutil.Process()
    before = {child.pid for child in here.children(recursive=True)}
    peak = 0.0
    done = threading.Event()

    def look() -> None:
        nonlocal peak
        while not done.is_set():
            total = 0
            for child in here.children(recursive=True):
                if child.pid in before:
                    continue
                try:
                    total += child.memory_info().rss
                except psutil.NoSuchProcess:
                    continue  # it ended while it was looked at
            peak = max(peak, total / (1 << 20))
            time.sleep(LOOKS_SECONDS)

    thread = threading.Thread(target=look, name="audit-memory", daemon=True)
    thread.start()
    try:
        yield lambda: peak
    finally:
        done.set()
        thread.join()
