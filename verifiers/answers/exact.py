"""The `exact` verifier: is the answer, as text, one of those that are right?

What is covered: line ends, composed and decomposed Unicode, `\\text{}` around a marked answer, names with a full stop
("Dr. Who"), and what the settings let pass. What is not covered: another writing of the same answer (`1/2` for `0.5`:
that is `math`), and reasoning.
"""

from __future__ import annotations

import unicodedata
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from selfplay.verifiers.answers.located import Where, located
from selfplay.verifiers.contract.verdict import Verdict
from selfplay.verifiers.contract.verifier import Asked, Verifier


class ExactReference(BaseModel):
    """The answers that are right."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    answer: str | tuple[str, ...] = Field(min_length=1)
    """The right answer, or several of which any is right; none may be blank."""

    @field_validator("answer")
    @classmethod
    def _is_seen(cls, answer: str | tuple[str, ...]) -> str | tuple[str, ...]:
        if not all(map(_shows, (answer,) if isinstance(answer, str) else answer)):
            raise ValueError("an answer that is blank would make an empty completion right; leave it out")
        return answer


class ExactSettings(BaseModel):
    """Where the answer stands and what may differ."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    where: Where = "whole"
    """The whole completion, its last line that is not empty, or the marked answer (`\\boxed{}`, `####`, "the answer
    is")."""
    ignore_case: bool = False
    """Whether capitals count as small letters."""
    ignore_space: Literal["none", "ends", "all"] = "ends"
    """Spaces that do not count: none, those at both ends, or also how many stand between words."""


class ExactVerifier(Verifier):
    """Judges an answer by its text."""

    name: ClassVar[str] = "exact"
    version: ClassVar[str] = "2"
    judges: ClassVar[str] = "that the answer is, as text, one of the reference's"
    does_not_catch: ClassVar[str] = "wrong reasoning above a right answer; it refuses right answers in other words"
    Reference: ClassVar[type[BaseModel]] = ExactReference
    Settings: ClassVar[type[BaseModel]] = ExactSettings

    def verify(self, asked: Asked) -> Verdict:
        reference: ExactReference = asked.reference
        written = located(asked.completion, self.settings.where)
        if not written:
            return Verdict.reject("no_answer")
        right = (reference.answer,) if isinstance(reference.answer, str) else reference.answer
        expected = set(map(self._normal, right))
        for answer in written:
            if self._normal(answer) in expected:
                return Verdict.accept("equal_text", answer=answer[:300])
        return Verdict.reject("wrong_answer", answer=written[0][:300], answers=len(right))

    def _normal(self, text: str) -> str:
        text = unicodedata.normalize("NFC", text.replace("\r\n", "\n"))
        if self.settings.ignore_space == "all":
            text = " ".join(text.split())
        elif self.settings.ignore_space == "ends":
            text = text.strip()
        return text.casefold() if self.settings.ignore_case else text


def _shows(text: str) -> bool:
    """Whether anything of it can be seen: not only spaces, control and zero-width characters."""
    return any(not one.isspace() and unicodedata.category(one) not in ("Cc", "Cf") for one in text)
