"""What goes into a supervisor and what comes out: rows and judgements."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from selfplay.verifiers.contract.verdict import Verdict


@dataclass(frozen=True)
class Row:
    """What is to be judged. Ids may repeat."""

    id: str
    reference: Mapping[str, JsonValue]
    completion: str
    prompt: str | None = None


@dataclass(frozen=True)
class Judgement:
    """A verdict with what is needed to trust it later."""

    id: str
    verdict: Verdict
    seconds: float
    """Time that the verifier took; for a fault, the time until it was given up."""
    verifier: str
    version: str
    settings_hash: str
    sandbox_level: str | None
