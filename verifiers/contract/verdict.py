"""The verdict of a verifier on one completion; the row that a supervisor is given, and the judgement it returns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator

Outcome = Literal["accepted", "rejected", "undecided"]


class Verdict(BaseModel):
    """Outcome with its reason and evidence. Never a bare bool or float.

    accepted   proved right.
    rejected   shown wrong, or spoiled by the completion itself (no answer, unreadable, too large, its own limits).
    undecided  reason `fault`: the judge could not judge; reason `open`: read, but neither proved nor refuted.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    outcome: Outcome
    reason: str
    """A short snake_case word that can be counted, such as `equal_value` or `wrong_answer`."""
    detail: dict[str, JsonValue] = Field(default_factory=dict)
    """Evidence, at most 4 kB as JSON."""
    score: float | None = None

    @field_validator("detail", mode="before")
    @classmethod
    def _sendable(cls, detail: Any) -> Any:
        return _without_surrogates(detail)

    @classmethod
    def accept(cls, reason: str = "accepted", *, score: float | None = None, **detail: JsonValue) -> Verdict:
        return cls(outcome="accepted", reason=reason, score=score, detail=detail)

    @classmethod
    def reject(cls, reason: str = "rejected", *, score: float | None = None, **detail: JsonValue) -> Verdict:
        return cls(outcome="rejected", reason=reason, score=score, detail=detail)

    @classmethod
    def fault(cls, what: str, **detail: JsonValue) -> Verdict:
        """The judge failed; never counted against the completion."""
        return cls(outcome="undecided", reason="fault", detail={"what": what, **detail})

    @classmethod
    def open(cls, why: str, **detail: JsonValue) -> Verdict:
        """Read, but neither proved nor refuted within limits."""
        return cls(outcome="undecided", reason="open", detail={"why": why, **detail})


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


def _without_surrogates(value: Any) -> Any:
    """Evidence quotes hostile text, and half a surrogate pair is no valid Unicode: it becomes `\\udXXX`."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode("utf-8")
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    return value
