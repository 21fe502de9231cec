"""Who judges: verdicts, the plugin contract, the supervisor, and the built-in verifiers.

from selfplay.verifiers import Row, Supervisor, Verdict, verifier
"""

from __future__ import annotations

if __name__ != "selfplay.verifiers":
    raise ImportError(
        "this folder is the package `selfplay.verifiers`; import it by that name, or leave the folder above"
    )

from selfplay.tasks.plugins import BrokenPluginWarning
from selfplay.verifiers.contract.spec import LoadedVerifier, VerifierSpec, load
from selfplay.verifiers.contract.verdict import Judgement, Outcome, Row, Verdict
from selfplay.verifiers.contract.verifier import Asked, Needs, Verifier, verifier
from selfplay.verifiers.errors import (
    BadFile,
    BadReference,
    BadSettings,
    BrokenVerifier,
    TooManyFaults,
    UnknownVerifier,
    VerifierError,
)
from selfplay.verifiers.workers.supervisor import Supervisor

__all__ = [
    "Asked",
    "BadFile",
    "BadReference",
    "BadSettings",
    "BrokenPluginWarning",
    "BrokenVerifier",
    "Judgement",
    "LoadedVerifier",
    "Needs",
    "Outcome",
    "Row",
    "Supervisor",
    "TooManyFaults",
    "UnknownVerifier",
    "Verdict",
    "Verifier",
    "VerifierError",
    "VerifierSpec",
    "load",
    "verifier",
]
