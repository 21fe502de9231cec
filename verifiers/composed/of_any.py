"""The `any_of` verifier: one part has to accept.

What is covered: accepted where one part accepts, whatever the others say; else undecided where one is undecided; else
rejected. Parts are asked in order until one accepts; with weights all are asked. A part that cannot read the reference
is undecided (a fault), so what another accepts is accepted all the same.
What is not covered: the false accepts of the parts add up; the worst part decides how far it can be trusted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from pydantic import JsonValue

from selfplay.verifiers.composed.parts import Composed
from selfplay.verifiers.contract.verdict import Verdict


class AnyOf(Composed):
    """Accepts what some part accepts."""

    name: ClassVar[str] = "any_of"
    version: ClassVar[str] = "2"
    judges: ClassVar[str] = "that at least one of its parts accepts"
    does_not_catch: ClassVar[str] = "what any part lets pass: the false accepts of all parts together"

    def check_reference(self, reference: Mapping[str, JsonValue]) -> None:
        """Raises BadReference where no part could accept anything with it."""
        self.check_that_one_can(reference)

    def is_decided(self, verdicts: Sequence[Verdict]) -> bool:
        return not self.weighs and any(verdict.outcome == "accepted" for verdict in verdicts)

    def add_up(self, verdicts: Sequence[Verdict]) -> Verdict:
        accepted = next((at for at, verdict in enumerate(verdicts) if verdict.outcome == "accepted"), None)
        if accepted is not None:
            return self.decided("accepted", accepted, verdicts)
        if any(verdict.outcome == "undecided" for verdict in verdicts):
            return self.undecided(verdicts)
        return Verdict.reject("none_accepts", score=self.score(verdicts), **self.evidence(verdicts))
