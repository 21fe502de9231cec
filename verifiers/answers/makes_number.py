"""The `makes_number` verifier: does an expression use the given numbers and make the target?

    {"numbers": [3, 5, 12], "target": 27}        3*5+12        accepted

What is covered: whole numbers, + - * / and brackets, in exact arithmetic (arithmetic.py). The answer is found as for
`math`; `= 27` may follow it and must be true. Signs before a number, powers, decimals and digits that are put together
(12 out of 1 and 2) are refused. What is not covered: the words around the answer.
"""

from __future__ import annotations

from collections import Counter
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from selfplay.verifiers.answers.arithmetic import MOST_CHARACTERS, MOST_DIGITS, Unreadable, evaluate
from selfplay.verifiers.contract.verdict import Verdict
from selfplay.verifiers.contract.verifier import Asked, Verifier
from selfplay.verifiers.math.extraction import AnswerMode, extract


class MakesNumberReference(BaseModel):
    """The numbers to use and the number to make."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    numbers: tuple[int, ...] = Field(min_length=1, max_length=64)
    """Whole numbers from 0 on, each as often as it may be used."""
    target: int = Field(ge=-(10**18), le=10**18)
    use: Literal["all", "some"] = "all"
    """`some`: numbers may be left over."""

    @model_validator(mode="after")
    def _bounded(self) -> MakesNumberReference:
        if any(not 0 <= number < 10**MOST_DIGITS for number in self.numbers):
            raise ValueError(f"`numbers` must be whole, not negative and below 10^{MOST_DIGITS}")
        return self


class MakesNumberSettings(BaseModel):
    """Settings of the verifier."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    answer: AnswerMode = "whole"
    """`whole`: a completion without a marked answer is the answer; `marked`: it has none."""


class MakesNumber(Verifier):
    """Proves that an expression uses the given numbers and makes the target."""

    name: ClassVar[str] = "makes_number"
    version: ClassVar[str] = "1"
    judges: ClassVar[str] = "that an expression of + - * / uses the given numbers and makes the target"
    does_not_catch: ClassVar[str] = "what is said around the answer"
    Reference: ClassVar[type[BaseModel]] = MakesNumberReference
    Settings: ClassVar[type[BaseModel]] = MakesNumberSettings

    def verify(self, asked: Asked) -> Verdict:
        reference: MakesNumberReference = asked.reference
        extracted = extract(asked.completion, self.settings.answer)
        if extracted.text is None:
            return Verdict.reject("no_answer", extracted_by=extracted.rule)
        text = extracted.text.strip().strip("$").strip().rstrip(".")
        evidence: dict[str, Any] = {"extracted_by": extracted.rule, "answer": text[:300]}
        if len(text) > MOST_CHARACTERS:
            return Verdict.reject("too_large", **evidence, why=f"an answer of {len(text)} characters")
        expression, *claims = text.split("=")
        try:
            made = evaluate(expression)
            claimed = [evaluate(claim).value for claim in claims]
        except Unreadable as error:
            return Verdict.reject("unreadable_answer", **evidence, why=str(error))
        except ZeroDivisionError:
            return Verdict.reject("undefined_value", **evidence, why="a division by zero")
        used, given = Counter(map(int, made.numbers)), Counter(reference.numbers)
        extra = used - given
        if extra:
            return Verdict.reject("number_not_given", **evidence, why=f"{_listed(extra)} is not given so often")
        left = given - used
        if left and reference.use == "all":
            return Verdict.reject("number_not_used", **evidence, why=f"{_listed(left)} is left over")
        if made.value != reference.target:
            return Verdict.reject("wrong_value", **evidence, value=str(made.value)[:100])
        if any(claim != made.value for claim in claimed):
            return Verdict.reject("inconsistent_chain", **evidence)
        return Verdict.accept("makes_target", **evidence)


def _listed(numbers: Counter[int]) -> str:
    return ", ".join(str(number) for number in sorted(numbers.elements()))[:100]
