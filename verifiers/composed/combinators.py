"""The `all_of`, `any_of`, `not` and `cascade` verifiers.

    {verifier: all_of, settings: {parts: [{verifier: length, settings: {most: 2000}}, {verifier: math}]}}
    {verifier: not, settings: {of: {verifier: regex, settings: {pattern: "(?i)as a language model"}}}}

What is covered: parts are asked in order until the verdict is decided, so the cheap ones come first; where a part has a
weight, all are asked. A part that cannot read the reference is undecided (a fault), and what the other parts decide is
decided all the same. What is not covered: what the parts let pass; each class says how that adds up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

from pydantic import BaseModel, field_validator

from selfplay.verifiers.composed.composed_verifier import Composed, Of, Part, Parts
from selfplay.verifiers.contract.verdict import Verdict
from selfplay.verifiers.contract.verifier import Asked


class _OneDecides(Composed):
    """One part with the deciding outcome decides, whatever the others say."""

    deciding: ClassVar[Literal["accepted", "rejected"]]

    def is_decided(self, verdicts: Sequence[Verdict]) -> bool:
        return not self.weighs and any(verdict.outcome == self.deciding for verdict in verdicts)

    def combined(self, verdicts: Sequence[Verdict], asked: Asked) -> Verdict:
        place = next((at for at, verdict in enumerate(verdicts) if verdict.outcome == self.deciding), None)
        if place is not None:
            return self.decided(self.deciding, place, verdicts)
        if any(verdict.outcome == "undecided" for verdict in verdicts):
            return self.undecided(verdicts)
        score, evidence = self.score(verdicts), self.evidence(verdicts)
        if self.deciding == "rejected":
            return Verdict.accept("all_accept", score=score, **evidence)
        return Verdict.reject("none_accepts", score=score, **evidence)


class AllOf(_OneDecides):
    """Accepts what every part accepts: rejected where one rejects, else undecided where one is undecided."""

    name: ClassVar[str] = "all_of"
    version: ClassVar[str] = "2"
    judges: ClassVar[str] = "that every one of its parts accepts"
    does_not_catch: ClassVar[str] = "what every part lets pass"
    deciding = "rejected"


class AnyOf(_OneDecides):
    """Accepts what some part accepts: else undecided where one is undecided. The false accepts of the parts add up; the
    worst part decides how far it can be trusted."""

    name: ClassVar[str] = "any_of"
    version: ClassVar[str] = "2"
    judges: ClassVar[str] = "that at least one of its parts accepts"
    does_not_catch: ClassVar[str] = "what any part lets pass: the false accepts of all parts together"
    deciding = "accepted"
    one_is_enough = True


class Not(Composed):
    """Accepts what another verifier rejects, and rejects what it accepts; undecided stays undecided.

    A rejection has many reasons: where the verifier inside rejects an empty or unreadable completion, this one accepts
    it. So use it beside others in `all_of`.
    """

    name: ClassVar[str] = "not"
    version: ClassVar[str] = "1"
    judges: ClassVar[str] = "that the verifier inside rejects"
    does_not_catch: ClassVar[str] = "completions that the one inside rejects for another reason, such as empty ones"
    Settings: ClassVar[type[BaseModel]] = Of

    def combined(self, verdicts: Sequence[Verdict], asked: Asked) -> Verdict:
        if verdicts[0].outcome == "undecided":
            return self.undecided(verdicts)
        opposite = "rejected" if verdicts[0].outcome == "accepted" else "accepted"
        found = self.decided(opposite, 0, verdicts)
        return found.model_copy(update={"reason": f"not_{verdicts[0].reason}"})


class CascadeSettings(Parts):
    """The parts, cheapest first."""

    @field_validator("parts")
    @classmethod
    def _unweighted(cls, parts: tuple[Part, ...]) -> tuple[Part, ...]:
        if any(part.weight is not None for part in parts):
            raise ValueError("a part of a cascade has no `weight`: only some parts are asked")
        return parts


class Cascade(Composed):
    """Takes the verdict of the first part that is not undecided. A fault is undecided, so a later part may settle what
    an earlier one could not judge; it never sees what an earlier one decided wrongly."""

    name: ClassVar[str] = "cascade"
    version: ClassVar[str] = "2"
    judges: ClassVar[str] = "what the first of its parts judges that is not undecided"
    does_not_catch: ClassVar[str] = "what the deciding part lets pass"
    Settings: ClassVar[type[BaseModel]] = CascadeSettings
    one_is_enough = True

    def is_decided(self, verdicts: Sequence[Verdict]) -> bool:
        return bool(verdicts) and verdicts[-1].outcome != "undecided"

    def combined(self, verdicts: Sequence[Verdict], asked: Asked) -> Verdict:
        if not self.is_decided(verdicts):
            return self.undecided(verdicts)
        found = self.decided(verdicts[-1].outcome, len(verdicts) - 1, verdicts)
        return found.model_copy(update={"score": verdicts[-1].score})
