"""The `length` verifier: is the completion as long as it should be?

What is covered: characters (Unicode code points), words between spaces, lines that are not empty; characters that show
nothing and are no space (zero-width, control) count for nothing. What is not covered: what the text says, and tokens,
whose number depends on the model.
"""

from __future__ import annotations

import unicodedata
from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from selfplay.verifiers.contract.verdict import Verdict
from selfplay.verifiers.contract.verifier import Asked, Verifier

Unit = Literal["characters", "words", "lines"]


class LengthReference(BaseModel):
    """Limits of a problem; each takes the place of the one in the settings."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    least: int | None = Field(default=None, ge=0)
    """Fewest units."""
    most: int | None = Field(default=None, ge=0)
    """Most units."""


class LengthSettings(BaseModel):
    """Limits for all problems."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    least: int | None = Field(default=None, ge=0)
    """Fewest units."""
    most: int | None = Field(default=None, ge=0)
    """Most units."""
    unit: Unit = "characters"
    """What is counted."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.least is not None and self.most is not None and self.least > self.most:
            raise ValueError("`least` must not exceed `most`")
        return self


class LengthVerifier(Verifier):
    """Judges the length of a completion."""

    name: ClassVar[str] = "length"
    version: ClassVar[str] = "2"
    judges: ClassVar[str] = "that the completion is neither too short nor too long"
    does_not_catch: ClassVar[str] = "anything but the length"
    Reference: ClassVar[type[BaseModel]] = LengthReference
    Settings: ClassVar[type[BaseModel]] = LengthSettings

    def verify(self, asked: Asked) -> Verdict:
        """Judge the length; a problem without any limit is undecided."""
        settings = self.settings
        reference: LengthReference = asked.reference
        least = reference.least if reference.least is not None else settings.least
        most = reference.most if reference.most is not None else settings.most
        if least is None and most is None:
            return Verdict.fault("neither the settings nor the reference give `least` or `most`")
        length = counted(asked.completion, settings.unit)
        evidence: dict[str, Any] = {"length": length, "unit": settings.unit}
        if least is not None and length < least:
            return Verdict.reject("too_short", **evidence, least=least)
        if most is not None and length > most:
            return Verdict.reject("too_long", **evidence, most=most)
        return Verdict.accept("within_limits", **evidence)


def counted(text: str, unit: Unit) -> int:
    """How many characters, words or lines that are not empty."""
    seen = "".join(one for one in text if one.isspace() or unicodedata.category(one) not in ("Cc", "Cf"))
    if unit == "characters":
        return len(seen)
    return len(seen.split()) if unit == "words" else sum(bool(line.strip()) for line in seen.splitlines())
