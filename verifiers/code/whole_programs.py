"""Whole programs, judged by what they print for each input.

How output is compared is the reference's `compare`: `lines` leaves out spaces at the ends of lines and empty last
lines, `tokens` compares words, `exact` compares every character. With `tolerance`, words that are both numbers may
differ by that much, absolutely or relative to the expected one. Where several outputs are right, a special judge
(special_judge.py) decides. Output is read as UTF-8, and bytes that are none become U+FFFD.
"""

from __future__ import annotations

import contextlib
import math
import re
from typing import Any

from pydantic import JsonValue

from selfplay.verifiers.code import special_judge
from selfplay.verifiers.code.program_run import Failed, ProgramRun, short, show
from selfplay.verifiers.code.reference import Case, CodeReference
from selfplay.verifiers.contract.verdict import Verdict
from selfplay.verifiers.sandbox.protocol import Stopped

NUMBER = re.compile(r"[+-]?(?:\d{1,300}(?:\.\d{0,300})?|\.\d{1,300})(?:[eE][+-]?\d{1,4})?", re.ASCII)


def judge(run: ProgramRun, reference: CodeReference) -> Verdict:
    """Raises Failed, SandboxError."""
    cases = reference.cases or ()
    for place, case in enumerate(cases):
        run.evidence["passed"], run.evidence["of"] = place, len(cases)
        _judge_case(run, case, reference)
    run.evidence["passed"] = len(cases)
    return run.accepted()


def _judge_case(run: ProgramRun, case: Case, reference: CodeReference) -> None:
    about: dict[str, JsonValue] = {
        "test": short(f"stdin {case.stdin!r}"),
        "expected": short(repr(case.stdout)),
    }
    got = _output(run, case, about)
    if reference.judge is not None:
        verdict = special_judge.ask(reference.judge, case.stdin, got, case.stdout)
        if verdict.outcome == "undecided":
            what = str(verdict.detail.get("what", verdict.reason))
            raise Failed(run.fault(what))
        if verdict.outcome == "rejected":
            raise run.failed(verdict.reason, **{**verdict.detail, **about, "got": show(got)})
    elif not same_output(got, case.stdout, reference.compare, reference.tolerance):
        raise run.failed("wrong_answer", got=show(got), **about)


def _output(run: ProgramRun, case: Case, about: dict[str, JsonValue]) -> str:
    """What the program prints for one input, where it ends well."""
    message: dict[str, Any] = {}
    stdin = case.stdin.encode("utf-8", "surrogateescape")
    with run.spawn("candidate", stdin) as program:
        run.begin(program, run.order("script"))
        try:
            message = run.wait(program)
            program.drain(run.deadline)
        except Stopped as stop:
            if stop.reason != "ended":
                raise run.stopped(program, stop, **about) from stop
            with contextlib.suppress(Stopped):
                program.drain(run.deadline)
        # a program may end itself with os._exit(0), which leaves no message
        ending = program.close()
    run.spent(ending.cpu_seconds if ending else 0.0)
    if "error" in message or "program" in message:
        raise run.no_value(message, **about)
    code = message.get("exit", ending.code if ending else -1)
    if type(code) is not int:
        raise run.failed("unreadable_result", **about)
    if code != 0:
        raise run.failed("exit_code", code=max(-(2**31), min(code, 2**31)), **about)
    return program.output.decode("utf-8", "replace")


def same_output(got: str, expected: str, compare: str, tolerance: float | None = None) -> bool:
    """Whether two outputs are the same, `exact`, by `tokens`, or by `lines` without spaces at their ends."""
    if compare == "exact":
        return got == expected
    if compare == "tokens":
        return _same_words(got.split(), expected.split(), tolerance)
    ours, theirs = _lines(got), _lines(expected)
    if tolerance is None:
        return ours == theirs
    return len(ours) == len(theirs) and all(
        line == other or _same_words(line.split(), other.split(), tolerance)
        for line, other in zip(ours, theirs, strict=True)
    )


def _lines(text: str) -> list[str]:
    return [line.rstrip() for line in text.replace("\r\n", "\n").rstrip().split("\n")]


def _same_words(got: list[str], expected: list[str], tolerance: float | None) -> bool:
    if tolerance is None or got == expected:
        return got == expected
    return len(got) == len(expected) and all(_near(*pair, tolerance) for pair in zip(got, expected, strict=True))


def _near(got: str, expected: str, tolerance: float) -> bool:
    if got == expected:
        return True
    if not (NUMBER.fullmatch(got) and NUMBER.fullmatch(expected)):
        return False
    return math.isclose(float(got), wanted := float(expected), rel_tol=0.0, abs_tol=tolerance * max(1.0, abs(wanted)))
