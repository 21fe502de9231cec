"""What the adapters share: a verifier whose workers start when they are first needed and end with the process.

Stacks copy reward functions into other processes (Ray, accelerate, a fork). Only the spec is copied; each process that
judges starts its own workers.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from functools import partial
from typing import Any, Literal, TypedDict, Unpack

from selfplay.verifiers.contract.spec import VerifierSpec
from selfplay.verifiers.contract.verdict import Judgement, Row, Verdict
from selfplay.verifiers.errors import TooManyFaults
from selfplay.verifiers.workers.supervisor import Supervisor

Reward = Literal["outcome", "score"]
"""The reward for a verdict: 1.0 or 0.0 by its outcome, or its own score where it has one."""
FEWEST_ROWS = 100
"""The share of faults is computed over at least so many rows, so that one early fault does not stop anything."""


class Limits(TypedDict, total=False):
    """What every adapter takes by keyword: `workers` (1), `timeout` (None) and `memory_mb` (2048) as for `Supervisor`;
    `max_fault_share` (0.01): share of verdicts with reason `fault` above which judging stops; 1.0: never."""

    workers: int
    timeout: float | None
    memory_mb: int
    max_fault_share: float


class LazySupervisor:
    """One verifier, judged under supervision in whichever process asks."""

    _supervisor: Supervisor | None

    def __init__(self, spec: VerifierSpec, **limits: Unpack[Limits]) -> None:
        self._limits = limits
        options: dict[str, Any] = dict(limits)
        self.max_fault_share = options.pop("max_fault_share", 0.01)
        self.spec = spec
        self._make = partial(Supervisor, spec, **options)
        self._forget()

    def start(self) -> Supervisor:
        """The supervisor of this process, started at the first call. Raises as `Supervisor` does."""
        if self._process != os.getpid():
            self._forget()
        with self._lock:
            if self._supervisor is None:
                self._supervisor = self._make()
            return self._supervisor

    def judge(self, rows: Sequence[Row]) -> list[Judgement]:
        """A judgement for each row, in order. Callable from any thread.

        Raises:
            TooManyFaults: more of the verdicts so far than `max_fault_share` are faults.
            UnknownVerifier, BadSettings, BrokenVerifier: see `Supervisor`.
        """
        supervisor = self.start()
        judgements = [future.result() for future in [supervisor.submit(row) for row in rows]]
        faults = [found.verdict for found in judgements if found.verdict.reason == "fault"]
        with self._lock:
            self._rows += len(judgements)
            self._faults += len(faults)
            judged, failed = self._rows, self._faults
        if faults and failed > self.max_fault_share * max(judged, FEWEST_ROWS):
            raise TooManyFaults(
                f"{failed} of {judged} completions could not be judged by the {self.spec.verifier} verifier, more than "
                f"the {self.max_fault_share:.1%} of `max_fault_share`; the last: {faults[-1].detail.get('what')}"
            )
        return judgements

    def close(self) -> None:
        """End this process's workers; the next row starts new ones. At the process's end they end by themselves."""
        if self._supervisor is not None and self._process == os.getpid():
            self._supervisor.close()
        self._forget()

    def _forget(self) -> None:
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._supervisor = None
        self._rows = self._faults = 0

    def __reduce__(self) -> Any:
        return partial(LazySupervisor, self.spec, **self._limits), ()


def worth(verdict: Verdict, reward: Reward) -> float | None:
    """The reward for a verdict; None for undecided, which is neither right nor wrong."""
    if verdict.outcome == "undecided":
        return None
    if reward == "score" and verdict.score is not None:
        return verdict.score
    return 1.0 if verdict.outcome == "accepted" else 0.0
