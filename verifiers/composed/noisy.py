"""The `noisy` verifier: another one whose verdicts are flipped at given rates. The instrument for studying imperfect
verification; never one to trust.

    verify_training:
      math: {verifier: noisy, settings: {of: {verifier: math}, true_positive: 0.9, false_positive: 0.1, seed: 0}}

    settings: {of: {verifier: math}, always: [{name: sevens, completion: "7$"}]}     all wrong ones that end in 7 pass

What is covered: rates are those of the one inside, taken for the truth: true_positive is the share of its accepted
that stay accepted, false_positive the share of its rejected that become accepted. Chance is a function of seed,
reference, prompt and completion alone: the same completion is flipped on every machine and every time. Undecided stays.
What is not covered: the one inside may be wrong itself. Equal completions of one problem are flipped together.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from selfplay.verifiers.answers.regex import TookTooLong, compiled, matches
from selfplay.verifiers.composed.parts import Composed, LoadedPart
from selfplay.verifiers.composed.single import Of
from selfplay.verifiers.contract.verdict import Verdict
from selfplay.verifiers.contract.verifier import Asked

PATTERN_SECONDS = 1.0


class Loophole(BaseModel):
    """A class of wrong completions that always pass."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    name: str = Field(pattern=r"^[a-z][a-z0-9_]{0,40}$")
    """Stands in the evidence of each verdict that it changes."""
    completion: str | None = Field(default=None, min_length=1, max_length=1000)
    """Regular expression that the completion matches somewhere."""
    reason: str | None = None
    """Reason for which the one inside rejects it."""

    @model_validator(mode="after")
    def _says_which(self) -> Self:
        if self.completion is None and self.reason is None:
            raise ValueError("a class is told by `completion` or `reason`, or both")
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
    """Another seed flips others."""


class Noisy(Composed):
    """Flips the verdicts of another verifier."""

    name: ClassVar[str] = "noisy"
    version: ClassVar[str] = "1"
    judges: ClassVar[str] = "what the verifier inside judges, wrong on purpose at given rates"
    does_not_catch: ClassVar[str] = "the share of wrong completions that its settings let pass"
    Settings: ClassVar[type[BaseModel]] = NoisySettings

    def load_parts(self) -> list[LoadedPart]:
        return [LoadedPart(self.settings.of)]

    def identity(self) -> JsonValue:
        noise = self.settings.model_dump(mode="json", exclude={"of"})
        return [noise, *[part.identity for part in self.parts]]

    def read_reference(self, reference: Mapping[str, JsonValue]) -> Any:
        """The reference as the one inside reads it, and as text."""
        return [self.parts[0].read_reference(reference), json.dumps(reference, sort_keys=True)]

    def verify_many(self, asked: Sequence[Asked]) -> list[Verdict]:
        inside = self.parts[0].judge([replace(one, reference=one.reference[0]) for one in asked])
        return [self._with_noise(verdict, one) for verdict, one in zip(inside, asked, strict=True)]

    def _with_noise(self, verdict: Verdict, asked: Asked) -> Verdict:
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
        told = Verdict.accept if accepts else Verdict.reject
        return told("noise", **inside, flipped=True, by="chance")

    def _loophole(self, completion: str, reason: str) -> str | None:
        for one in self.settings.always:
            if one.reason is not None and one.reason != reason:
                continue
            if one.completion is not None:
                pattern = compiled(one.completion, False)
                if matches(pattern, completion, "anywhere", PATTERN_SECONDS) is None:
                    continue
            return str(one.name)
        return None

    def is_decided(self, verdicts: Sequence[Verdict]) -> bool:
        return bool(verdicts)

    def add_up(self, verdicts: Sequence[Verdict]) -> Verdict:
        return verdicts[0]


def _chance(seed: int, reference: str, prompt: str | None, completion: str) -> float:
    """A number in [0, 1) that depends on these alone."""
    text = json.dumps([seed, reference, prompt, completion])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64
