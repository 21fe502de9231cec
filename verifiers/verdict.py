"""The verdict: what a verifier says of one completion."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

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
