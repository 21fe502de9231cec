"""The `cascade` verifier: cheap parts first, later ones only on what earlier ones left undecided.

    verifier: cascade
    settings:
      parts:
        - {verifier: math}
        - {verifier: judge, settings: {url: http://127.0.0.1:8000/v1, model: judge-7b, rubric: ...}}

What is covered: the first part that is not undecided decides; a fault is undecided, so a later part may settle what an
earlier one could not judge, or whose reference it could not read. What is not covered: a later part never sees what an
earlier one decided wrongly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from pydantic import BaseModel, JsonValue, field_validator

from selfplay.verifiers.composed.parts import Composed, Part, Parts
from selfplay.verifiers.contract.verdict import Verdict


class CascadeSettings(Parts):
    """The parts, cheapest first."""

    @field_validator("parts")
    @classmethod
    def _unweighted(cls, parts: tuple[Part, ...]) -> tuple[Part, ...]:
        if any(part.weight is not None for part in parts):
            raise ValueError("a part of a cascade has no `weight`: only some parts are asked")
        return parts


class Cascade(Composed):
    """Takes the verdict of the first part that has one."""

    name: ClassVar[str] = "cascade"
    version: ClassVar[str] = "2"
    judges: ClassVar[str] = "what the first of its parts judges that is not undecided"
    does_not_catch: ClassVar[str] = "what the deciding part lets pass"
    Settings: ClassVar[type[BaseModel]] = CascadeSettings

    def check_reference(self, reference: Mapping[str, JsonValue]) -> None:
        """Raises BadReference where no part could accept anything with it."""
        self.check_that_one_can(reference)

    def is_decided(self, verdicts: Sequence[Verdict]) -> bool:
        return bool(verdicts) and verdicts[-1].outcome != "undecided"

    def add_up(self, verdicts: Sequence[Verdict]) -> Verdict:
        if not self.is_decided(verdicts):
            return self.undecided(verdicts)
        found = self.decided(verdicts[-1].outcome, len(verdicts) - 1, verdicts)
        return found.model_copy(update={"score": verdicts[-1].score})
