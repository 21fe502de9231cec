"""Judging in the cluster: a Ray actor that owns supervised verifier processes.

A judge whose process dies is started again, at most `MAX_RESTARTS` times in a run, and given what it had not answered.
A completion that kills its verifier twice is rejected only where the verifier survives a harmless completion
(supervisor.py) and the problem's worked solution; a verifier that dies of those too is broken, and its verdicts are
faults.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import ray
from ray.exceptions import RayActorError, RayTaskError

from selfplay.cluster import carried_files
from selfplay.engines.engine import Completion
from selfplay.engines.log_tail import cause_of_death
from selfplay.errors import RunError
from selfplay.experiment.judges import judge_of, named_by_tasks, needs
from selfplay.experiment.schema import Experiment
from selfplay.ledger.tables import Purpose, as_json
from selfplay.tasks.problem import Problem
from selfplay.verifiers.contract.spec import VerifierSpec
from selfplay.verifiers.contract.verdict import Judgement, Outcome, Row, Verdict
from selfplay.verifiers.workers.supervisor import Supervisor

DEFAULT_VERIFIER_WORKERS = 8
MAX_RESTARTS = 3
CONSULTED = 2048
NETWORK = "network"
"""Ray resource of the nodes that reach other machines, where a cluster declares it
(`ray start --resources '{"network": 1}'`); a judge that needs the network is then placed on one of them."""
KILLED = "kills_its_judge"
UNJUDGED: dict[str, tuple[Outcome, str]] = {
    "error": ("undecided", "no_completion"),
    "refused": ("undecided", "prompt_refused"),
    "length": ("rejected", "truncated"),
}
"""Finish reason -> verdict of a completion that no verifier sees. A refused prompt is nobody's failure and stops no
run; what was cut off is no answer, even where its beginning would pass."""


class Judge:
    """Judges groups of completions; its verifier processes are warm and are killed at their limits."""

    def __init__(self, workers: int, memory_mb: int, files: Mapping[str, str] | None = None) -> None:
        """`files`: text of plugin files by the path that they have for the caller (cluster/carried_files.py)."""
        self._workers, self._memory_mb = workers, memory_mb
        self._moved = carried_files.unpack(files or {})
        self._supervisors: dict[str, Supervisor] = {}

    def judge(
        self, verifier: VerifierSpec, rows: Sequence[Row], solutions: Mapping[str, str] | None = None
    ) -> list[dict[str, Any]]:
        """`verdicts` rows for completions of one verifier, in order.

        Equal completions of one problem are judged once: a verdict depends on nothing else. `solutions` are worked
        ones by row id, of the problems that have one.
        """
        first: dict[tuple[str, str | None, str], Row] = {}
        keys = []
        for row in rows:
            key = (as_json(row.reference), row.prompt, row.completion)
            first.setdefault(key, row)
            keys.append(key)
        supervisor = self._supervisor(verifier)
        found = dict(zip(first, supervisor.judge(first.values()), strict=True))
        for key, judgement in found.items():
            solution = (solutions or {}).get(judgement.id)
            if judgement.verdict.reason == KILLED and solution is not None:
                found[key] = _at_fault(supervisor, first[key], solution, judgement)
        return [_verdict_row(row.id, found[key]) for row, key in zip(rows, keys, strict=True)]

    def close(self) -> None:
        """End the verifier processes."""
        for supervisor in self._supervisors.values():
            supervisor.close()

    def _supervisor(self, verifier: VerifierSpec) -> Supervisor:
        if verifier.key not in self._supervisors:
            here = VerifierSpec.model_validate(carried_files.relocate(verifier.model_dump(), self._moved))
            self._supervisors[verifier.key] = Supervisor(here, workers=self._workers, memory_mb=self._memory_mb)
        return self._supervisors[verifier.key]


def _at_fault(supervisor: Supervisor, row: Row, solution: str, judgement: Judgement) -> Judgement:
    """The judgement of a completion that killed its verifier: a fault where the worked solution kills it as well."""
    control = next(supervisor.judge([replace(row, completion=solution)])).verdict
    if control.reason not in (KILLED, "fault"):
        return judgement
    how = control.detail.get("how") or control.detail.get("what")
    what = f"the verifier dies of a worked solution as of this completion: {how}"
    return replace(judgement, verdict=Verdict.fault(what))


def _verdict_row(sample_id: str, judgement: Judgement) -> dict[str, Any]:
    """A `verdicts` row."""
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


class JudgePool:
    """The driver's handle on the judge; started with the first completion."""

    def __init__(self, experiment: Experiment, *, spare_cpus: int) -> None:
        self._experiment, self._spare_cpus = experiment, max(1, spare_cpus)
        self._judge: Any = None
        self.needs = needs(experiment)
        """What the judge needs of the node that it runs on."""

    def send(self, paired: Sequence[tuple[Completion, Problem]], purpose: Purpose) -> Iterator[tuple[Any, list[Any]]]:
        """Send completions to the judge by verifier.

        Yields (reference of the verdict rows, sample ids), or (None, verdict rows) for what cannot be judged.
        """
        if self._judge is None:
            self._judge = self._start()
        by_verifier: dict[str, list[Row]] = {}
        solutions: dict[str, str] = {}
        failed = []
        for completion, problem in paired:
            if completion.finish_reason in UNJUDGED:
                outcome, reason = UNJUDGED[completion.finish_reason]
                detail = {"error": completion.error} if completion.error else {}
                verdict = Verdict(outcome=outcome, reason=reason, detail=detail)
                unjudged = Judgement(completion.id, verdict, 0.0, problem.verifier, "", "", None)
                failed.append(_verdict_row(completion.id, unjudged))
                continue
            row = Row(completion.id, dict(problem.reference), completion.text, problem.prompt)
            by_verifier.setdefault(problem.verifier, []).append(row)
            if problem.solution is not None:
                solutions[row.id] = problem.solution
        if failed:
            yield None, failed
        for verifier, rows in by_verifier.items():
            worked = {row.id: solutions[row.id] for row in rows if row.id in solutions}
            spec = judge_of(self._experiment, verifier, purpose)
            yield self._judge.judge.remote(spec, rows, worked), [row.id for row in rows]

    def consult(self, verifier: VerifierSpec, rows: Sequence[Row]) -> list[dict[str, Any]]:
        """Verdict rows of completions, in order, `CONSULTED` at a time."""
        if self._judge is None:
            self._judge = self._start()
        found: list[dict[str, Any]] = []
        for start in range(0, len(rows), CONSULTED):
            found += verdicts_of(self._judge.judge.remote(verifier, rows[start : start + CONSULTED]))
        return found

    def close(self) -> None:
        """End the judge and its verifier processes."""
        if self._judge is not None:
            ray.kill(self._judge)
            self._judge = None

    def _start(self) -> Any:
        experiment, resources = self._experiment, self._experiment.resources
        workers = resources.verifier_workers or min(self._spare_cpus, DEFAULT_VERIFIER_WORKERS)
        files = carried_files.collect(named_by_tasks(experiment), experiment.verify, experiment.verify_training)
        # One CPU, whatever the workers: an actor that asks for more than any node has would wait without end.
        options: dict[str, Any] = {"num_cpus": 1, "num_gpus": self.needs.gpu}
        if self.needs.network and NETWORK in ray.cluster_resources():
            options["resources"] = {NETWORK: 0.001}
        actor = JudgeActor.options(**options, max_restarts=MAX_RESTARTS, max_task_retries=MAX_RESTARTS)
        return actor.remote(workers, resources.verifier_memory_mb, files)


def verdicts_of(reference: Any) -> list[dict[str, Any]]:
    """What the judge answered; RunError: it failed, or died too often."""
    try:
        rows: list[dict[str, Any]] = ray.get(reference)
    except RayTaskError as error:
        raise RunError(f"The judge failed: {type(error.cause).__name__}: {error.cause}") from error
    except RayActorError as error:
        raise RunError(
            f"The judge's process died more than {MAX_RESTARTS} times ({cause_of_death(error)}); give it memory, "
            "then resume the run to judge what is missing."
        ) from None
    return rows
