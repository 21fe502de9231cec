r"""The `exact` verifier: is the answer, as text, one of those that are right?

    reference {"answer": "Paris"}    where: marked    The answer is Paris. It lies on the Seine.    \boxed{\text{Paris}}

What is covered: line ends, composed and decomposed Unicode, and what the settings let pass. Behind "the answer is" it
is the line, or its beginning up to a sentence's end, "because" or "since"; a line without a full stop is left undecided
where the paragraph goes on in the next. docs/verifiers.md has the rules.
What is not covered: another writing of the same answer (`1/2` for `0.5`: that is `math`), and words that take it back.
"""

from __future__ import annotations

import re
import unicodedata
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from selfplay.verifiers.contract.verdict import Verdict
from selfplay.verifiers.contract.verifier import Asked, Verifier
from selfplay.verifiers.math.extraction import Place, Where, places, without_text_commands

_END = re.compile(r"[.!]?\Z|[.!](?=\s+\W?[\w'’]+\s+\S)|,?\s(?:because|since)\b", re.IGNORECASE)
"""Where the answer in a line may end."""
_DOLLARS = re.compile(r"\A\$+([^$]+)\$+\Z")


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
    version: ClassVar[str] = "3"
    judges: ClassVar[str] = "that the answer is, as text, one of the reference's"
    does_not_catch: ClassVar[str] = (
        "wrong reasoning above a right answer, and words that take a marked answer back; it refuses right answers in "
        "other words"
    )
    Reference: ClassVar[type[BaseModel]] = ExactReference
    Settings: ClassVar[type[BaseModel]] = ExactSettings

    def verify(self, asked: Asked) -> Verdict:
        reference: ExactReference = asked.reference
        stated = places(asked.completion, self.settings.where)
        place = next((one for one in stated if one.text.strip() or one.rule == "whole"), None)
        if place is None:
            return Verdict.reject("no_answer")
        right = (reference.answer,) if isinstance(reference.answer, str) else reference.answer
        expected = set(map(self._normal, right))
        found = next((one for one in _readings(place) if self._normal(one) in expected), None)
        if found is None:
            return Verdict.reject("wrong_answer", extracted_by=place.rule, answer=place.text[:300])
        if place.rule == "answer_phrase" and place.behind.strip() and found == _line(place):
            return Verdict.open("the answer may go on in the next line", extracted_by=place.rule, answer=found[:300])
        return Verdict.accept("equal_text", extracted_by=place.rule, answer=found[:300])

    def _normal(self, text: str) -> str:
        text = unicodedata.normalize("NFC", text.replace("\r\n", "\n"))
        if self.settings.ignore_space == "all":
            text = " ".join(text.split())
        elif self.settings.ignore_space == "ends":
            text = text.strip()
        return text.casefold() if self.settings.ignore_case else text


def _line(place: Place) -> str:
    return place.text.replace("**", "").strip()


def _readings(place: Place) -> list[str]:
    """The texts that a place may state."""
    texts = [place.text]
    if place.rule in ("whole", "last_line"):
        return texts
    if place.rule == "answer_phrase":
        line = _line(place)
        texts = [*(line[: found.start()] for found in _END.finditer(line)), line]
    return [*texts, *(_DOLLARS.sub(r"\1", without_text_commands(text).strip()).strip() for text in texts)]


def _shows(text: str) -> bool:
    """Whether anything of it can be seen: not only spaces, control and zero-width characters."""
    return any(not one.isspace() and unicodedata.category(one) not in ("Cc", "Cf") for one in text)
