"""One program against the tests of one problem: three ways, one for each form that tests have."""

from __future__ import annotations

import contextlib
import time
from typing import Any

from pydantic import JsonValue

from tasks.problem import content_hash
from verifiers.code.asserts import Check
from verifiers.code.extract import Reading
from verifiers.code.reference import Case, CodeReference, Plan
from verifiers.sandbox.execution import Execution, Limits, SandboxError, Stopped
from verifiers.sandbox.outside import Sandbox
from verifiers.sandbox.plain import Opaque, Unreadable, decode
from verifiers.verdict import Verdict

START_SECONDS = 10.0
SHORTEST_WAIT = 0.02
SHOWN = 400
"""Characters of a value, message or test in a verdict's detail."""


class Failed(Exception):
    """The program is shown wrong; carries the verdict."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.reason)
        self.verdict = verdict


class Trial:
    """One completion's way through the sandbox.

    Args:
        seconds: CPU time for all tests together; wall time may be twice that.
        programs: the readings of the response, most likely first.
    """

    def __init__(self, sandbox: Sandbox, limits: Limits, seconds: float, programs: list[Reading]) -> None:
        self._sandbox, self._limits, self._seconds, self._programs = sandbox, limits, seconds, programs
        self._began = self._deadline = 0.0
        self._spent = 0.0
        """CPU seconds of processes of this trial that are over."""
        self.evidence: dict[str, JsonValue] = {"sandbox": sandbox.level}

    def run(self, reference: CodeReference, plan: Plan) -> Verdict:
        """Raises SandboxError when the sandbox fails; everything else is a verdict."""
        try:
            if reference.cases:
                return self._cases(reference)
            if plan.checks:
                return self._calls(plan)
            return self._with_tests(reference, plan)
        except Failed as failed:
            return failed.verdict

    def _calls(self, plan: Plan) -> Verdict:
        order = self._order("calls", setup=plan.program_setup, calls=[check.call for check in plan.checks])
        total = len(plan.checks)
        with self._sandbox.spawn("candidate", self._limits) as program:
            self._begin(program, order)
            for place, check in enumerate(plan.checks):
                self.evidence["passed"], self.evidence["of"] = place, total
                answer = self._hear(program, test=_short(check.source))
                self._judge_value(check, answer)
        self.evidence["passed"] = total
        return self._accepted()

    def _judge_value(self, check: Check, answer: dict[str, Any]) -> None:
        about: dict[str, JsonValue] = {"test": _short(check.source), "expected": _short(check.expected)}
        if "value" not in answer:
            raise self._no_value(answer, **about)
        try:
            value = decode(answer["value"])
        except Unreadable as error:
            raise self._failed("unreadable_result", **about) from error
        try:
            holds = check.holds(value)
        except (TypeError, ValueError, ArithmeticError) as error:
            raise self._failed("wrong_answer", got=show(value), error=type(error).__name__, **about) from error
        if not holds:
            raise self._failed("wrong_answer", got=show(value), **about)

    def _with_tests(self, reference: CodeReference, plan: Plan) -> Verdict:
        """Tests that are more than single calls run in a process of their own; this one carries the
        messages."""
        tests_order = {
            "tests": reference.test_list,
            "setup": reference.setup.replace("\r\n", "\n"),
            "prefix": reference.prefix,
            "entry_point": reference.entry_point,
            # not to be foreseen by a program that does not know the tests
            "seed": content_hash("\n".join(reference.test_list), self._programs[0].text),
        }
        order = self._order("serve", setup=plan.program_setup, shared=plan.shared_classes)
        self.evidence["of"] = len(reference.test_list)
        with contextlib.ExitStack() as stack:
            program = stack.enter_context(self._sandbox.spawn("candidate", self._limits))
            tests = stack.enter_context(self._sandbox.spawn("tester", self._limits))
            tests.send(tests_order)
            tests.wait_ready(time.monotonic() + START_SECONDS)
            self._begin(program, order)
            loaded = self._hear(program)
            if "loaded" not in loaded:
                raise self._no_value(loaded)
            asked = 0
            while "ask" in (said := self._hear_tests(tests, asked)):
                program.send(said["ask"])
                answer = self._hear(program)
                if "too_big" in answer:
                    raise self._no_value(answer)
                tests.send(answer)
                asked += 1
        return self._outcome_of_tests(reference, said)

    def _hear_tests(self, tests: Execution, asked: int) -> dict[str, Any]:
        try:
            return self._wait(tests)
        except Stopped as stop:
            # the first question is only for names; after the second the tests hold something of the program
            if asked > 1 and stop.reason == "time_limit":
                raise self._failed("time_limit", where="in the tests, with what the program returned") from stop
            if asked > 1 and stop.reason == "ended":
                raise self._failed("ended_tests", where="the tests' process did not survive a returned value") from stop
            raise SandboxError(f"the tests of this problem did not run ({stop.reason})") from stop

    def _outcome_of_tests(self, reference: CodeReference, said: dict[str, Any]) -> Verdict:
        if "passed" in said:
            if not said["calls"]:
                return self._fault("the tests of this problem never call the program")
            self.evidence["passed"] = said["passed"]
            return self._accepted()
        if "failed" not in said:
            about = said["broken"]["error"]
            why = f"{about['type']}: {about['message']}, line {about['line']}"
            what = f"the tests of this problem are broken ({why})"
            return self._fault(what)
        told = said["failed"]
        error, place = told["error"], max(0, told["test"])
        lines = reference.test_list[place].splitlines()
        line = error["line"]
        source = lines[line - 1].strip() if isinstance(line, int) and 0 < line <= len(lines) else lines[0]
        about = {"test": _short(source), "got": _short(str(told["last"])), "passed": place}
        if error["type"] == "AssertionError":
            return self._failed("wrong_answer", **about).verdict
        return self._raised(error, **about).verdict

    def _cases(self, reference: CodeReference) -> Verdict:
        cases = reference.cases or ()
        for place, case in enumerate(cases):
            self.evidence["passed"], self.evidence["of"] = place, len(cases)
            self._case(case, reference.compare)
        self.evidence["passed"] = len(cases)
        return self._accepted()

    def _case(self, case: Case, compare: str) -> None:
        about: dict[str, JsonValue] = {
            "test": _short(f"stdin {case.stdin!r}"),
            "expected": _short(repr(case.stdout)),
        }
        message: dict[str, Any] = {}
        stdin = case.stdin.encode("utf-8", "surrogateescape")
        with self._sandbox.spawn("candidate", self._limits, standard_input=stdin) as program:
            self._begin(program, self._order("script"))
            try:
                message = self._wait(program)
                program.drain(self._deadline)
            except Stopped as stop:
                if stop.reason != "ended":
                    raise self._stopped(program, stop, **about) from stop
                with contextlib.suppress(Stopped):
                    program.drain(self._deadline)
            # a program may end itself with os._exit(0), which leaves no message
            ending = program.close()
        self._spent += ending.cpu_seconds if ending else 0.0
        if "error" in message or "program" in message:
            raise self._no_value(message, **about)
        code = message.get("exit", ending.code if ending else -1)
        if code != 0:
            raise self._failed("exit_code", code=code, **about)
        got = program.output.decode("utf-8", "replace")
        if not same_output(got, case.stdout, compare):
            raise self._failed("wrong_answer", got=show(got), **about)

    def _order(self, mode: str, **more: Any) -> dict[str, Any]:
        return {
            "mode": mode,
            "programs": [reading.text for reading in self._programs],
            "seed": 0,
            "setup": "",
            **more,
        }

    def _begin(self, program: Execution, order: dict[str, Any]) -> None:
        """Hand the program over and learn which reading of the response it is. The first starts the clock."""
        program.send(order)
        program.wait_ready(time.monotonic() + START_SECONDS)
        if not self._began:
            self._began = time.monotonic()
            self._deadline = self._began + self._seconds
        first = self._hear(program)
        if first.get("stage") == "compile" and isinstance(first.get("error"), dict):
            # told before any of the program ran, so this can be believed
            raise self._failed("not_python", **self._described(first["error"]))
        place = first.get("program")
        if type(place) is not int or not 0 <= place < len(self._programs):
            raise self._no_value(first)
        self.evidence["program"] = self._programs[place].how

    def _wait(self, execution: Execution) -> dict[str, Any]:
        """The next message, within the time limit.

        The limit is of CPU time, with twice as much wall time: on a machine that is busy with other things a program
        gets its seconds later, and the verdict stays the same. Raises Stopped.
        """
        while True:
            try:
                return execution.receive(self._deadline)
            except Stopped as stop:
                if stop.reason != "time_limit":
                    raise
                left = self._seconds - self._spent - execution.cpu_seconds()
                last = self._began + 2 * self._seconds
                now = time.monotonic()
                if left <= 0 or now >= last:
                    raise
                self._deadline = min(last, now + max(left, SHORTEST_WAIT))

    def _hear(self, program: Execution, **about: JsonValue) -> dict[str, Any]:
        try:
            return self._wait(program)
        except Stopped as stop:
            raise self._stopped(program, stop, **about) from stop

    def _stopped(self, program: Execution, stop: Stopped, **about: JsonValue) -> Failed:
        reason = stop.reason
        ending = program.close()
        if reason == "ended" and ending is not None:
            about["code"] = ending.code
            spent = ending.code < 0 and ending.cpu_seconds >= self._limits.cpu_seconds
            reason = "time_limit" if spent else "crashed" if ending.code in (-4, -6, -7, -8, -11) else "ended_early"
        return self._failed(reason, **about)

    def _no_value(self, answer: dict[str, Any], **about: JsonValue) -> Failed:
        """The verdict for an answer that carries no value. The answer is hostile text like any other."""
        if "missing" in answer:
            return self._failed("missing_function", error=_short(f"no `{answer['missing']}`"), **about)
        if "too_big" in answer:
            return self._failed("too_large", error=_short(str(answer["too_big"])), **about)
        if not isinstance(answer.get("error"), dict):
            return self._failed("unreadable_result", **about)
        return self._raised(answer["error"], **about)

    def _raised(self, error: dict[str, Any], /, **about: JsonValue) -> Failed:
        reason = "memory_limit" if error.get("type") == "MemoryError" else "exception"
        return self._failed(reason, **about, **self._described(error))

    def _described(self, error: dict[str, Any]) -> dict[str, JsonValue]:
        told: dict[str, JsonValue] = {"error": _short(f"{error.get('type')}: {error.get('message')}")}
        line = error.get("line")
        return {**told, "line": line} if isinstance(line, int) and abs(line) < 10**9 else told

    def _failed(self, reason: str, **about: JsonValue) -> Failed:
        return Failed(Verdict(outcome="rejected", reason=reason, detail={**self.evidence, **about}))

    def _accepted(self) -> Verdict:
        return Verdict(outcome="accepted", reason="tests_passed", detail=self.evidence)

    def _fault(self, what: str) -> Verdict:
        return Verdict(outcome="undecided", reason="fault", detail={"what": _short(what), **self.evidence})


def same_output(got: str, expected: str, compare: str) -> bool:
    """Whether two outputs are the same, `exact`, by `tokens`, or by `lines` without spaces at their ends."""
    if compare == "exact":
        return got == expected
    if compare == "tokens":
        return got.split() == expected.split()
    return _lines(got) == _lines(expected)


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.replace("\r\n", "\n").rstrip().split("\n")]


def show(value: Any) -> str:
    """A value as text of bounded length; the values are plain data, but may be too large for repr."""
    if isinstance(value, Opaque):
        return _short(repr(value))
    try:
        return _short(repr(value))
    except (ValueError, RecursionError):
        return f"a {type(value).__name__} too large to show"


def _short(text: str) -> str:
    cut = text[:SHOWN]
    if not cut.isascii():
        # bounded in the bytes of JSON, where one character may take twelve
        cut = cut.encode("ascii", "backslashreplace").decode("ascii")
    return cut[:SHOWN] + ("..." if len(text) > SHOWN or len(cut) > SHOWN else "")
