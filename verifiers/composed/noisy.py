"""The `noisy` verifier: another one whose verdicts are flipped at given rates. The instrument for studying imperfect
verification; never one to trust.

    {verifier: noisy, settings: {of: {verifier: math}, true_positive: 0.9, false_positive: 0.1, seed: 0}}
    settings: {of: {verifier: math}, always: [{name: sevens, completion: "7$"}]}     all wrong ones that end in 7 pass

What is covered: rates refer to the verdicts of the one inside, as if they were the truth. Chance depends on seed,
reference, prompt and completion alone: the same completion is flipped on every machine and every time. Undecided stays.
What is not covered: the one inside may be wrong itself. Equal completions of one problem are flipped together.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from selfplay.verifiers.answers.regex import TookTooLong, compiled, matches
from selfplay.verifiers.composed.composed_verifier import Composed, Of
from selfplay.verifiers.contract.verdict import Verdict
from selfplay.verifiers.contract.verifier import Asked

PATTERN_SECONDS = 1.0


class Loophole(BaseModel):
    """A class of wrong completions that are always accepted."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")
    """Named in the evidence of each verdict that it changes."""
    completion: str | None = Field(default=None, min_length=1, max_length=1000)
    """Regular expression that the completion matches somewhere."""
    reason: str | None = None
    """Reason for which the one inside rejects it."""

    @model_validator(mode="after")
    def _says_which(self) -> Self:
        if self.completion is None and self.reason is None:
            raise ValueError("a class needs `completion` or `reason`, or both")
        if self.completion is not None:
            compiled(self.completion, False)
        return self


class NoisySettings(Of):
    """The verifier inside and its noise."""

    true_positive: float = Field(default=1.0, ge=0, le=1)
    """Share of what the one inside accepts that stays accepted."""
    false_positive: float = Field(default=0.0, ge=0, le=1)
    """Share of what the one inside rejects that becomes accepted."""
    always: tuple[Loophole, ...] = ()
    """Classes of rejected completions that become accepted whatever the rate."""
    seed: int = Field(default=0, ge=0, lt=2**31)
    """Another seed flips other verdicts."""


class Noisy(Composed):
    """Flips the verdicts of another verifier."""

    name: ClassVar[str] = "noisy"
    version: ClassVar[str] = "1"
    judges: ClassVar[str] = "what the verifier inside judges, wrong on purpose at given rates"
    does_not_catch: ClassVar[str] = "the share of wrong completions that its settings let pass"
    Settings: ClassVar[type[BaseModel]] = NoisySettings

    def identity(self) -> JsonValue:
        noise = self.settings.model_dump(mode="json", exclude={"of"})
        return [noise, *[part.identity for part in self.parts]]

    def read_reference(self, reference: Mapping[str, JsonValue]) -> Any:
        """The reference as the one inside reads it, and as text."""
        return [*super().read_reference(reference), json.dumps(reference, sort_keys=True)]

    def combined(self, verdicts: Sequence[Verdict], asked: Asked) -> Verdict:
        (verdict,) = verdicts
        if verdict.outcome == "undecided":
            return verdict
        inside: dict[str, Any] = {"inside": verdict.outcome, "inside_reason": verdict.reason}
        if verdict.outcome == "rejected":
            try:
                loophole = self._loophole(asked.completion, verdict.reason)
            except TookTooLong as error:
                return Verdict.fault(f"a pattern of `always`: {error}", **inside)
            if loophole is not None:
                return Verdict.accept("noise", **inside, flipped=True, by=loophole)
        rate = self.settings.true_positive if verdict.outcome == "accepted" else self.settings.false_positive
        accepts = _chance(self.settings.seed, asked.reference[1], asked.prompt, asked.completion) < rate
        if accepts == (verdict.outcome == "accepted"):
            return verdict.model_copy(update={"detail": {**verdict.detail, **inside, "flipped": False}})
        flipped = Verdict.accept if accepts else Verdict.reject
        return flipped("noise", **inside, flipped=True, by="chance")

    def _loophole(self, completion: str, reason: str) -> str | None:
        for one in self.settings.always:
            if one.reason is not None and one.reason != reason:
                continue
            pattern = one.completion and compiled(one.completion, False)
            if pattern and matches(pattern, completion, "anywhere", PATTERN_SECONDS) is None:
                continue
            return str(one.name)
        return None


def _chance(seed: int, reference: str, prompt: str | None, completion: str) -> float:
    """A number in [0, 1) that depends on these alone."""
    text = json.dumps([seed, reference, prompt, completion])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64
