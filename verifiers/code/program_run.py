"""One completion's way through the sandbox: its clock, its evidence, and the verdicts for each way to fail.

The forms that tests have are judged in asserts.py, sealed_tests.py and whole_programs.py, through this.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

from pydantic import JsonValue

from selfplay.verifiers.code.extract import Reading
from selfplay.verifiers.contract.verdict import Verdict
from selfplay.verifiers.sandbox.protocol import Execution, Limits, Role, Sandbox, Stopped

START_SECONDS = 10.0
SHORTEST_WAIT = 0.02
SHOWN = 400
"""Characters of a value, message or test in a verdict's detail."""


class Failed(Exception):
    """The program is shown wrong, or the judge could not judge; carries the verdict."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.reason)
        self.verdict = verdict


class ProgramRun:
    """One completion's way through the sandbox.

    Args:
        seconds: CPU time for all tests together; wall time may be twice that.
        programs: the readings of the response, most likely first.
    """

    def __init__(self, sandbox: Sandbox, limits: Limits, seconds: float, programs: list[Reading]) -> None:
        self._sandbox, self._limits, self._seconds, self._programs = sandbox, limits, seconds, programs
        self._began = self._deadline = 0.0
        self._spent = 0.0
        """CPU seconds of processes that are over."""
        self.evidence: dict[str, JsonValue] = {"sandbox": sandbox.level}

    @property
    def program_text(self) -> str:
        """The most likely reading."""
        return self._programs[0].text

    @property
    def deadline(self) -> float:
        return self._deadline

    def spawn(self, role: Role, standard_input: bytes | None = None, longer: int = 1) -> Execution:
        """A process whose messages may be so many times longer than the setting says. Raises SandboxError."""
        limits = replace(self._limits, message_kb=self._limits.message_kb * longer) if longer > 1 else self._limits
        return self._sandbox.spawn(role, limits, standard_input=standard_input)

    def spent(self, seconds: float) -> None:
        """Count the CPU time of a process that is over."""
        self._spent += seconds

    def order(self, mode: str, **more: Any) -> dict[str, Any]:
        return {
            "mode": mode,
            "programs": [reading.text for reading in self._programs],
            "setup": "",
            **more,
        }

    def begin(self, program: Execution, order: dict[str, Any]) -> None:
        """Hand the program over and learn which reading of the response it is. The first starts the clock."""
        program.send(order)
        program.wait_ready(time.monotonic() + START_SECONDS)
        if not self._began:
            self._began = time.monotonic()
            self._deadline = self._began + self._seconds
        first = self.hear(program)
        if first.get("stage") == "compile" and isinstance(first.get("error"), dict):
            # told before any of the program ran, so this can be believed
            raise self.failed("not_python", **self.described(first["error"]))
        place = first.get("program")
        if type(place) is not int or not 0 <= place < len(self._programs):
            raise self.no_value(first)
        self.evidence["program"] = self._programs[place].how

    def wait(self, execution: Execution) -> dict[str, Any]:
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

    def hear(self, program: Execution, **about: JsonValue) -> dict[str, Any]:
        try:
            return self.wait(program)
        except Stopped as stop:
            raise self.stopped(program, stop, **about) from stop

    def stopped(self, program: Execution, stop: Stopped, **about: JsonValue) -> Failed:
        reason = stop.reason
        ending = program.close()
        if reason == "ended" and ending is not None:
            about["code"] = ending.code
            spent = ending.code < 0 and ending.cpu_seconds >= self._limits.cpu_seconds
            reason = "time_limit" if spent else "crashed" if ending.code in (-4, -6, -7, -8, -11) else "ended_early"
        return self.failed(reason, **about)

    def no_value(self, answer: dict[str, Any], **about: JsonValue) -> Failed:
        """The verdict for an answer that carries no value. The answer is hostile text like any other."""
        if "missing" in answer:
            return self.failed("missing_function", error=short(f"no `{answer['missing']}`"), **about)
        if "too_big" in answer:
            return self.failed("too_large", error=short(str(answer["too_big"])), **about)
        if not isinstance(answer.get("error"), dict):
            return self.failed("unreadable_result", **about)
        return self.raised(answer["error"], **about)

    def raised(self, error: dict[str, Any], /, **about: JsonValue) -> Failed:
        reason = "memory_limit" if error.get("type") == "MemoryError" else "exception"
        return self.failed(reason, **about, **self.described(error))

    def described(self, error: dict[str, Any]) -> dict[str, JsonValue]:
        told: dict[str, JsonValue] = {"error": short(f"{error.get('type')}: {error.get('message')}")}
        line = error.get("line")
        return {**told, "line": line} if isinstance(line, int) and abs(line) < 10**9 else told

    def failed(self, reason: str, **about: JsonValue) -> Failed:
        return Failed(Verdict(outcome="rejected", reason=reason, detail={**self.evidence, **about}))

    def accepted(self) -> Verdict:
        return Verdict(outcome="accepted", reason="tests_passed", detail=self.evidence)

    def fault(self, what: str) -> Verdict:
        return Verdict(outcome="undecided", reason="fault", detail={"what": short(what), **self.evidence})


def show(value: Any) -> str:
    """A value as text of bounded length; the values are plain data, but may be too large for repr."""
    try:
        return short(repr(value))
    except (ValueError, RecursionError):
        return f"a {type(value).__name__} too large to show"


def short(text: str) -> str:
    cut = text[:SHOWN]
    if not cut.isascii():
        # bounded in the bytes of JSON, where one character may take twelve
        cut = cut.encode("ascii", "backslashreplace").decode("ascii")
    return cut[:SHOWN] + ("..." if len(text) > SHOWN or len(cut) > SHOWN else "")
