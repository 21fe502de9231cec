"""The `not` verifier: accepts what another rejects, and rejects what it accepts.

    verifier: not
    settings: {of: {verifier: regex, settings: {pattern: "(?i)as a language model"}}}

What is covered: undecided stays undecided. What is not covered: a rejection has many reasons; where the one inside
rejects an empty or unreadable completion, this one accepts it. So put it beside others in `all_of`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import BaseModel

from selfplay.verifiers.composed.parts import Composed, LoadedPart
from selfplay.verifiers.composed.single import Of
from selfplay.verifiers.contract.verdict import Verdict


class Not(Composed):
    """Turns a verdict round."""

    name: ClassVar[str] = "not"
    version: ClassVar[str] = "1"
    judges: ClassVar[str] = "that the verifier inside rejects"
    does_not_catch: ClassVar[str] = "completions that the one inside rejects for another reason, such as empty ones"
    Settings: ClassVar[type[BaseModel]] = Of

    def load_parts(self) -> list[LoadedPart]:
        return [LoadedPart(self.settings.of)]

    def is_decided(self, verdicts: Sequence[Verdict]) -> bool:
        return bool(verdicts)

    def add_up(self, verdicts: Sequence[Verdict]) -> Verdict:
        if verdicts[0].outcome == "undecided":
            return self.undecided(verdicts)
        turned = "rejected" if verdicts[0].outcome == "accepted" else "accepted"
        found = self.decided(turned, 0, verdicts)
        return found.model_copy(update={"reason": f"not_{verdicts[0].reason}"})
