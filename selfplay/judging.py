"""Judging in the cluster: a Ray actor that owns supervised verifier processes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import ray

from selfplay.records import as_json
from verifiers.judgement import Judgement, Row
from verifiers.supervisor import Supervisor


class Judge:
    """Judges groups of completions; its verifier processes are warm and are killed at their limits."""

    def __init__(self, settings: dict[str, dict[str, Any]], workers: int, memory_mb: int) -> None:
        self._settings, self._workers, self._memory_mb = settings, workers, memory_mb
        self._supervisors: dict[str, Supervisor] = {}

    def judge(self, verifier: str, rows: Sequence[Row]) -> list[dict[str, Any]]:
        """`verdicts` rows for completions of one verifier, in order.

        Equal completions of one problem are judged once: a verdict depends on nothing else.
        """
        first: dict[tuple[str, str], Row] = {}
        keys = []
        for row in rows:
            key = (as_json(row.reference), row.completion)
            first.setdefault(key, row)
            keys.append(key)
        supervisor = self._supervisor(verifier)
        found = dict(zip(first, supervisor.judge(first.values()), strict=True))
        return [_verdict_row(row.id, found[key]) for row, key in zip(rows, keys, strict=True)]

    def close(self) -> None:
        """End the verifier processes."""
        for supervisor in self._supervisors.values():
            supervisor.close()
        self._supervisors.clear()

    def _supervisor(self, verifier: str) -> Supervisor:
        if verifier not in self._supervisors:
            self._supervisors[verifier] = Supervisor(
                verifier, self._settings.get(verifier, {}), workers=self._workers, memory_mb=self._memory_mb
            )
        return self._supervisors[verifier]


def _verdict_row(sample_id: str, judgement: Judgement) -> dict[str, Any]:
    verdict = judgement.verdict
    return {
        "sample_id": sample_id,
        "outcome": verdict.outcome,
        "reason": verdict.reason,
        "detail": as_json(verdict.detail),
        "score": verdict.score,
        "seconds": judgement.seconds,
        "verifier": judgement.verifier,
        "version": judgement.version,
        "settings_hash": judgement.settings_hash,
        "sandbox": judgement.sandbox_level,
    }


JudgeActor: Any = ray.remote(Judge)
