"""Tests that are more than single calls: they run in a sandboxed process of their own, and this carries the messages.

A function that returns something and changes its arguments too could change what the tests expect
(`assert f(a) == sorted(a)`). Where the tests are of that kind (changed.py) and it happened, they run a second time
with arguments that stay as they were, and both must pass.
"""

from __future__ import annotations

import contextlib
import time
from typing import Any

from pydantic import JsonValue

from selfplay.tasks.problem import content_hash
from selfplay.verifiers.code.evidence import short
from selfplay.verifiers.code.reference import CodeReference, Plan
from selfplay.verifiers.code.trial import START_SECONDS, Trial
from selfplay.verifiers.contract.verdict import Verdict
from selfplay.verifiers.sandbox.protocol import Execution, SandboxError, Stopped


def judge(trial: Trial, reference: CodeReference, plan: Plan) -> Verdict:
    """Raises Failed, SandboxError."""
    said = _run(trial, reference, plan, follow=True)
    if said.get("changed") is True and plan.expects_of_changed:
        said = _run(trial, reference, plan, follow=False)
        if "passed" not in said:
            trial.evidence["note"] = "it passed only while the tests computed from arguments that it had changed"
    return _verdict(trial, reference, said)


def _run(trial: Trial, reference: CodeReference, plan: Plan, follow: bool) -> dict[str, Any]:
    """What the tests' process says last."""
    tests_order = {
        "tests": reference.test_list,
        "setup": reference.setup.replace("\r\n", "\n"),
        "prefix": reference.prefix,
        "entry_point": reference.entry_point,
        "shared": plan.shared_classes,
        "follow": follow,
        # not to be foreseen by a program that does not know the tests
        "seed": content_hash("\n".join(reference.test_list), trial.program_text),
    }
    order = trial.order("serve", setup=plan.program_setup, shared=plan.shared_classes)
    trial.evidence["of"] = len(reference.test_list)
    with contextlib.ExitStack() as stack:
        program = stack.enter_context(trial.spawn("candidate"))
        tests = stack.enter_context(trial.spawn("tester"))
        tests.send(tests_order)
        tests.wait_ready(time.monotonic() + START_SECONDS)
        trial.begin(program, order)
        loaded = trial.hear(program)
        if "loaded" not in loaded:
            raise trial.no_value(loaded)
        holds = False
        while "ask" in (said := _hear_tests(trial, tests, holds)):
            program.send(said["ask"])
            answer = trial.hear(program)
            if "too_big" in answer:
                raise trial.no_value(answer)
            tests.send(answer)
            holds = holds or "globals" not in said["ask"] or not _only_names(answer)
        for execution in (program, tests):
            ending = execution.close()
            trial.spent(ending.cpu_seconds if ending else 0.0)
    return said


def _only_names(answer: dict[str, Any]) -> bool:
    """Whether the answer to the first question, which is for names, holds no value that could harm who reads it."""
    told = answer.get("value")
    pairs = told[1:] if isinstance(told, list) else [None]
    return all(isinstance(pair, list) and len(pair) == 2 and _is_reference(pair[1]) for pair in pairs)


def _is_reference(held: Any) -> bool:
    return isinstance(held, list) and held[:1] in (["ref"], ["type"])


def _hear_tests(trial: Trial, tests: Execution, holds: bool) -> dict[str, Any]:
    """What they say next. Where they fall silent it is the program's doing if they hold something of it."""
    try:
        return trial.wait(tests)
    except Stopped as stop:
        if holds and stop.reason == "time_limit":
            raise trial.failed("time_limit", where="in the tests, with what the program returned") from stop
        if holds and stop.reason == "ended":
            raise trial.failed("ended_tests", where="the tests' process did not survive a returned value") from stop
        if holds:
            raise trial.failed(stop.reason, where="the tests said or printed more of it than is allowed") from stop
        raise SandboxError(f"the tests of this problem did not run ({stop.reason})") from stop


def _verdict(trial: Trial, reference: CodeReference, said: dict[str, Any]) -> Verdict:
    if "passed" in said:
        if not said["used"]:
            return trial.fault("the tests of this problem never call the program")
        trial.evidence["passed"] = said["passed"]
        return trial.accepted()
    if "failed" not in said:
        about = said["broken"]["error"]
        why = f"{about['type']}: {about['message']}, line {about['line']}"
        return trial.fault(f"the tests of this problem are broken ({why})")
    return _failed(trial, reference, said["failed"])


def _failed(trial: Trial, reference: CodeReference, told: dict[str, Any]) -> Verdict:
    error, place = told["error"], max(0, told["test"])
    lines = reference.test_list[place].splitlines()
    line = error["line"]
    source = lines[line - 1].strip() if isinstance(line, int) and 0 < line <= len(lines) else lines[0]
    shown: dict[str, JsonValue] = {"test": short(source), "passed": place}
    if error["type"] == "Missing":
        return trial.failed("missing_function", error=short(error["message"]), **shown).verdict
    if error["type"] == "AssertionError":
        got, expected = (told["sides"] or [told["last"], None])[:2]
        shown["got"] = short(str(got))
        if expected is not None:
            shown["expected"] = short(str(expected))
        if error["message"]:
            shown["error"] = short(error["message"])
        return trial.failed("wrong_answer", **shown).verdict
    # where the exception is the program's, its line there says more than that of the test
    error = {**error, "line": told["line"]}
    return trial.raised(error, got=short(str(told["last"])), **shown).verdict
