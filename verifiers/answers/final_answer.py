"""The `final_answer` verifier: does the response state a final answer, by the declared extraction of `math`?

What is covered: the rules of verifiers/math/extraction.py; the evidence holds the answer as written (`answer`), its
normalised text (`text`), and whether the math verifier can compare it with another (`comparable`). Group filters vote
on these. What is not covered: whether the answer is right; answers that are names, which end at a full stop as numbers
do ("Dr. Who" is Dr here, and whole in `exact`).
"""

from __future__ import annotations

import json
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from selfplay.verifiers.contract.verdict import Verdict
from selfplay.verifiers.contract.verifier import Asked, Verifier
from selfplay.verifiers.math.extraction import AnswerMode, extract
from selfplay.verifiers.math.latex_cleanup import clean, squeezed
from selfplay.verifiers.math.verifier import equivalent

LARGEST = 3000
"""Bytes of the answer and its text as JSON; evidence has room for 4 kB."""


class FinalAnswerSettings(BaseModel):
    """Where an answer may stand."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    answer: AnswerMode = "marked"
    """`whole`: a completion without a marked answer is the answer; `marked`: it has none."""


class FinalAnswerVerifier(Verifier):
    """Accepts a response that states a final answer, whatever it is. Takes any reference and does not read it."""

    name: ClassVar[str] = "final_answer"
    version: ClassVar[str] = "1"
    judges: ClassVar[str] = "that the response states a final answer, by the extraction of the math verifier"
    does_not_catch: ClassVar[str] = "wrong answers"
    Settings: ClassVar[type[BaseModel]] = FinalAnswerSettings

    def verify(self, asked: Asked) -> Verdict:
        extracted = extract(asked.completion, self.settings.answer)
        if extracted.text is None:
            return Verdict.reject("no_answer", extracted_by=extracted.rule)
        raw = extracted.text
        if len(raw) > LARGEST:
            return Verdict.reject("too_large", extracted_by=extracted.rule, why=f"an answer of {len(raw)} characters")
        text = squeezed(clean(raw))
        if not text:
            return Verdict.reject("no_answer", extracted_by=extracted.rule)
        if len(json.dumps([raw, text])) > LARGEST:
            return Verdict.reject("too_large", extracted_by=extracted.rule, why=f"an answer of {len(raw)} characters")
        # As a reference it is compared with any other answer: a fault says that it cannot be read as one.
        comparable = equivalent(raw, "0").reason != "fault"
        return Verdict.accept("answered", extracted_by=extracted.rule, answer=raw, text=text, comparable=comparable)
