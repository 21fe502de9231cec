"""The `all_of` verifier: every part has to accept.

    verifier: all_of
    settings:
      parts:
        - {verifier: length, settings: {most: 2000}}
        - {verifier: math}
        - {verifier: calculation, settings: {without_steps: accepted}}

What is covered: rejected where one part rejects, whatever the others say; else undecided where one is undecided; else
accepted. Parts are asked in order until one rejects, so the cheap ones come first; with weights all are asked. A part
that cannot read the reference is undecided (a fault), so what another rejects is rejected all the same.
What is not covered: what every part lets pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from selfplay.verifiers.composed.parts import Composed
from selfplay.verifiers.contract.verdict import Verdict


class AllOf(Composed):
    """Accepts what every part accepts."""

    name: ClassVar[str] = "all_of"
    version: ClassVar[str] = "2"
    judges: ClassVar[str] = "that every one of its parts accepts"
    does_not_catch: ClassVar[str] = "what every part lets pass"

    def is_decided(self, verdicts: Sequence[Verdict]) -> bool:
        return not self.weighs and any(verdict.outcome == "rejected" for verdict in verdicts)

    def add_up(self, verdicts: Sequence[Verdict]) -> Verdict:
        rejected = next((at for at, verdict in enumerate(verdicts) if verdict.outcome == "rejected"), None)
        if rejected is not None:
            return self.decided("rejected", rejected, verdicts)
        if any(verdict.outcome == "undecided" for verdict in verdicts):
            return self.undecided(verdicts)
        return Verdict.accept("all_accept", score=self.score(verdicts), **self.evidence(verdicts))
