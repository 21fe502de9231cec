"""The `exact` verifier: is the completion, without white space around it, the answer to the letter?

    {"answer": "021"}        accepted: 021        rejected: 21, 0 2 1, "it is 021"

What is covered: texts, compared code point by code point. What is not covered: another writing of the same answer,
which is rejected; see `math` for equal values.
"""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from verifiers.verdict import Verdict
from verifiers.verifier import Verifier


class ExactReference(BaseModel):
    """The right answer."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    answer: str = Field(min_length=1)
    """Compared without white space at its ends."""


class Exact(Verifier):
    """Accepts the answer's own text and nothing else."""

    name: ClassVar[str] = "exact"
    version: ClassVar[str] = "1"
    judges: ClassVar[str] = "that the completion is the answer's text"
    does_not_catch: ClassVar[str] = "nothing; it refuses right answers in another writing"
    Reference: ClassVar[type[BaseModel]] = ExactReference

    def verify(self, reference: ExactReference, completion: str) -> Verdict:
        answer = completion.strip()
        if not answer:
            return Verdict.reject("no_answer")
        if answer == reference.answer.strip():
            return Verdict.accept("equal_text")
        return Verdict.reject("wrong_answer", answer=answer[:300])
