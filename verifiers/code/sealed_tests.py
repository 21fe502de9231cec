"""Tests that are more than single calls, under one of two seals.

`apart` (the default): they run in a sandboxed process of their own and use the program from there with plain data and
handles; what needs more is `open`. A function that returns something and changes its arguments too could change what
the tests expect (`assert f(a) == sorted(a)`). Where they read such arguments beside what it returned
(changed_arguments.py) they run a second time with arguments that stay as they were; a row that then fails is `open`.

`shared`: tests and program in one sandboxed interpreter. A program that sets out to can forge the verdict, so the
verdict says `seal: shared`.
"""

from __future__ import annotations

import contextlib
import time
from typing import Any

from pydantic import JsonValue

from selfplay.tasks.problem import content_hash
from selfplay.verifiers.code.program_run import START_SECONDS, ProgramRun, short
from selfplay.verifiers.code.reference import CodeReference, Plan
from selfplay.verifiers.contract.verdict import Verdict
from selfplay.verifiers.sandbox.protocol import Execution, SandboxError, Stopped

LONGER = 16
"""Messages of objects between tests and program may be so many times longer than one returned value."""
NEEDS_SHARED = "these tests need the program in their own interpreter; `seal: shared` runs them so"


def judge_apart(run: ProgramRun, reference: CodeReference, plan: Plan) -> Verdict:
    """Raises Failed, SandboxError."""
    told = _run(run, reference, plan, follow=True)
    if told.get("changed") is True and plan.reads_changed:
        again = _run(run, reference, plan, follow=False)
        if "passed" not in again:
            told = {"open": "they read an argument that the program changed beside what it returned"}
    return _verdict(run, reference, told)


def judge_shared(run: ProgramRun, reference: CodeReference, plan: Plan) -> Verdict:
    """Raises Failed, SandboxError."""
    run.evidence["seal"] = "shared"
    order = run.order(
        "shared",
        setup=plan.program_setup,
        tests=reference.test_list,
        tests_setup="" if plan.program_setup else reference.setup_text,
        entry_point=reference.entry_point,
    )
    run.evidence["of"] = len(reference.test_list)
    with run.spawn("candidate") as program:
        run.begin(program, order)
        told = run.hear(program)
    if "needs" in told:
        return run.fault(f"the tests of this problem need pytest ({told['needs']}); name it in `packages: [pytest]`")
    if {"passed", "failed", "broken"}.isdisjoint(told):
        raise run.no_value(told)
    try:
        return _verdict(run, reference, {"used": True, **told})
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        # the message is the program's as much as the tests'
        raise run.failed("unreadable_result") from error


def _run(run: ProgramRun, reference: CodeReference, plan: Plan, follow: bool) -> dict[str, Any]:
    """What the tests' process says last."""
    tests_order = {
        "tests": reference.test_list,
        "setup": reference.setup_text,
        "prefix": reference.prefix,
        "entry_point": reference.entry_point,
        "shared": plan.shared_classes,
        "follow": follow,
        # not to be foreseen by a program that does not know the tests
        "seed": content_hash("\n".join(reference.test_list), run.program_text),
    }
    order = run.order("serve", setup=plan.program_setup, shared=plan.shared_classes)
    run.evidence["of"] = len(reference.test_list)
    with contextlib.ExitStack() as stack:
        program = stack.enter_context(run.spawn("candidate", longer=LONGER))
        tests = stack.enter_context(run.spawn("tester", longer=LONGER))
        tests.send(tests_order)
        tests.wait_ready(time.monotonic() + START_SECONDS)
        run.begin(program, order)
        loaded = run.hear(program)
        if "loaded" not in loaded:
            raise run.no_value(loaded)
        holds = False
        while "ask" in (told := _hear_tests(run, tests, holds)):
            program.send(told["ask"])
            answer = run.hear(program)
            if "too_big" in answer:
                raise run.no_value(answer)
            tests.send(answer)
            holds = holds or "globals" not in told["ask"] or not _only_names(answer)
        for execution in (program, tests):
            ending = execution.close()
            run.spent(ending.cpu_seconds if ending else 0.0)
    return told


def _only_names(answer: dict[str, Any]) -> bool:
    """Whether the answer to the first question, which is for names, holds no value that could harm who reads it."""
    told = answer.get("value")
    pairs = told[1:] if isinstance(told, list) else [None]
    return not answer.get("nodes") and all(
        isinstance(pair, list) and len(pair) == 2 and isinstance(pair[1], list) and pair[1][:1] == ["handle"]
        for pair in pairs
    )


def _hear_tests(run: ProgramRun, tests: Execution, holds: bool) -> dict[str, Any]:
    """What they say next. Where they fall silent it is the program's doing if they hold something of it."""
    try:
        return run.wait(tests)
    except Stopped as stop:
        if holds and stop.reason == "time_limit":
            raise run.failed("time_limit", where="in the tests, with what the program returned") from stop
        if holds and stop.reason == "ended":
            raise run.failed("ended_tests", where="the tests' process did not survive a returned value") from stop
        if holds:
            raise run.failed(stop.reason, where="the tests said or printed more of it than is allowed") from stop
        raise SandboxError(f"the tests of this problem did not run ({stop.reason})") from stop


def _verdict(run: ProgramRun, reference: CodeReference, told: dict[str, Any]) -> Verdict:
    if "open" in told:
        return Verdict.open(f"{NEEDS_SHARED} ({short(told['open'])})", **run.evidence)
    if "passed" in told:
        if not told["used"]:
            return run.fault("the tests of this problem never call the program")
        run.evidence["passed"] = told["passed"]
        return run.accepted()
    if "failed" not in told:
        about = told["broken"]["error"]
        why = f"{about['type']}: {about['message']}, line {about['line']}"
        remedy = "; name the package in `packages`" if about["type"] == "ModuleNotFoundError" else ""
        return run.fault(f"the tests of this problem are broken ({why}){remedy}")
    return _failed(run, reference, told["failed"])


def _failed(run: ProgramRun, reference: CodeReference, told: dict[str, Any]) -> Verdict:
    error, place = told["error"], max(0, int(told["test"]))
    lines = reference.test_list[place].splitlines()
    line = error["line"]
    source = lines[line - 1].strip() if isinstance(line, int) and 0 < line <= len(lines) else lines[0]
    shown: dict[str, JsonValue] = {"test": short(str(told.get("name", source))), "passed": told.get("passed", place)}
    if error["type"] == "test":
        return run.failed("wrong_answer", error=short(str(error["message"])), **shown).verdict
    if error["type"] == "Missing":
        return run.failed("missing_function", error=short(error["message"]), **shown).verdict
    if error["type"] == "AssertionError":
        got, expected = (told["sides"] or [told.get("last"), None])[:2]
        shown["got"] = short(str(got))
        if expected is not None:
            shown["expected"] = short(str(expected))
        if error["message"]:
            shown["error"] = short(error["message"])
        return run.failed("wrong_answer", **shown).verdict
    # where the exception is the program's, its line there says more than that of the test
    if "last" in told:
        error, shown["got"] = {**error, "line": told["line"]}, short(str(told["last"]))
    return run.raised(error, **shown).verdict
