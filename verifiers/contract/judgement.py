"""What goes into a supervisor and what comes out: rows and judgements."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field

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


@dataclass
class Task:
    """A row on its way, as the supervisor holds it."""

    row: Row
    future: Future[Judgement] = field(default_factory=Future)
    killed_once: bool = False
    faulted_once: bool = False
    batched: bool = False
    """Whether it was sent together with others; what fails then is judged again by itself."""
    by_itself: bool = False
    """Whether it must not be sent together with others any more."""
    control_of: Killing | None = None
    """Set where the row is the control of one that killed its worker twice; the future is still that row's."""


@dataclass(frozen=True)
class Killing:
    """How a completion killed its worker the second time, and after how many seconds."""

    how: str
    seconds: float
