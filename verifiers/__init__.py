"""Who judges: verdicts, the plugin contract, the supervisor, and the built-in verifiers.

    from verifiers import Row, Supervisor, Verdict, verifier

(A library of the same name is on PyPI; this is the one that ships with selfplay.)
"""

from __future__ import annotations

from tasks.plugins import BrokenPluginWarning
from verifiers.errors import (
    BadFile,
    BadReference,
    BadSettings,
    BrokenVerifier,
    TooManyFaults,
    UnknownVerifier,
    VerifierError,
)
from verifiers.judgement import Judgement, Row
from verifiers.loaded import LoadedVerifier
from verifiers.needs import Needs
from verifiers.registry import Available, available, load
from verifiers.supervisor import Supervisor
from verifiers.verdict import Outcome, Verdict
from verifiers.verifier import Verifier, verifier

__all__ = [
    "Available",
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
    "available",
    "load",
    "verifier",
]
