"""One program against the tests of one problem: the form of the tests decides how."""

from __future__ import annotations

from selfplay.verifiers.code import border, calls, scripts
from selfplay.verifiers.code.reference import CodeReference, Plan
from selfplay.verifiers.code.trial import Failed, Trial
from selfplay.verifiers.contract.verdict import Verdict


def judge(trial: Trial, reference: CodeReference, plan: Plan) -> Verdict:
    """Raises SandboxError when the sandbox fails; everything else is a verdict."""
    try:
        if reference.cases:
            return scripts.judge(trial, reference)
        if plan.checks:
            return calls.judge(trial, plan)
        return border.judge(trial, reference, plan)
    except Failed as failed:
        return failed.verdict
