"""The `exact` verifier: is the answer, as text, one of those that are right?

What is covered: line ends, composed and decomposed Unicode, and what the settings let pass. What is not covered:
another writing of the same answer (`1/2` for `0.5`: that is `math`), and reasoning.
"""

from __future__ import annotations

import unicodedata
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from verifiers.math.extraction import extract
from verifiers.verdict import Verdict
from verifiers.verifier import Verifier

Where = Literal["whole", "last_line", "marked"]


class ExactReference(BaseModel):
    """The answers that are right."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    answer: str | tuple[str, ...] = Field(min_length=1)
    """The right answer, or several of which any is right."""


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
    version: ClassVar[str] = "1"
    judges: ClassVar[str] = "that the answer is, as text, one of the reference's"
    does_not_catch: ClassVar[str] = "wrong reasoning above a right answer; it refuses right answers in other words"
    Reference: ClassVar[type[BaseModel]] = ExactReference
    Settings: ClassVar[type[BaseModel]] = ExactSettings

    def verify(self, reference: ExactReference, completion: str) -> Verdict:
        answer = located(completion, self.settings.where)
        if answer is None:
            return Verdict.reject("no_answer")
        right = (reference.answer,) if isinstance(reference.answer, str) else reference.answer
        if self._normal(answer) in map(self._normal, right):
            return Verdict.accept("equal_text", answer=answer[:300])
        return Verdict.reject("wrong_answer", answer=answer[:300], answers=len(right))

    def _normal(self, text: str) -> str:
        text = unicodedata.normalize("NFC", text.replace("\r\n", "\n"))
        if self.settings.ignore_space == "all":
            text = " ".join(text.split())
        elif self.settings.ignore_space == "ends":
            text = text.strip()
        return text.casefold() if self.settings.ignore_case else text


def located(completion: str, where: Where) -> str | None:
    """The part of a completion that is its answer; None where there is none."""
    if where == "marked":
        return extract(completion, "marked").text
    if where == "last_line":
        return next((line for line in reversed(completion.splitlines()) if line.strip()), None)
    return completion
