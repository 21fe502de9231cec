"""Tests that are single calls (asserts.py): the program gets the arguments, the comparison happens here.

All calls go over in one message, and the answers are read one by one until the first that is wrong.
"""

from __future__ import annotations

from typing import Any

from pydantic import JsonValue

from selfplay.verifiers.code.asserts import Check
from selfplay.verifiers.code.evidence import short, show
from selfplay.verifiers.code.reference import Plan
from selfplay.verifiers.code.trial import Trial
from selfplay.verifiers.contract.verdict import Verdict
from selfplay.verifiers.sandbox.border.plain import Unreadable, decode
from selfplay.verifiers.sandbox.protocol import Stopped


def judge(trial: Trial, plan: Plan) -> Verdict:
    """Raises Failed, SandboxError."""
    order = trial.order("calls", setup=plan.program_setup, calls=[check.call for check in plan.checks])
    total = len(plan.checks)
    with trial.spawn("candidate") as program:
        trial.begin(program, order)
        for place, check in enumerate(plan.checks):
            trial.evidence["passed"], trial.evidence["of"] = place, total
            try:
                answer = trial.wait(program)
            except Stopped as stop:
                raise trial.stopped(program, stop, test=short(check.source)) from stop
            _judge_value(trial, check, answer)
    trial.evidence["passed"] = total
    return trial.accepted()


def _judge_value(trial: Trial, check: Check, answer: dict[str, Any]) -> None:
    if "value" not in answer:
        raise trial.no_value(answer, **_about(check))
    try:
        value = decode(answer["value"])
    except Unreadable as error:
        raise trial.failed("unreadable_result", **_about(check)) from error
    try:
        holds = check.holds(value)
    except (TypeError, ValueError, ArithmeticError) as error:
        raise trial.failed("wrong_answer", got=show(value), error=type(error).__name__, **_about(check)) from error
    if not holds:
        raise trial.failed("wrong_answer", got=show(value), **_about(check))


def _about(check: Check) -> dict[str, JsonValue]:
    return {"test": short(check.source), "expected": short(check.expected)}
