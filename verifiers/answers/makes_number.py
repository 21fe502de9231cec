"""The `makes_number` verifier: does an expression use the given numbers and make the target?

    {"numbers": [3, 5, 12], "target": 27}        3*5+12        accepted

What is covered: whole numbers, + - * / (also × · ÷ and the minus sign −), brackets; exact rational arithmetic. The
answer is found as for `math` (a box, `####`, "answer:", else the whole completion); `= 27` may follow it and must be
true. Each number is to be used as often as it is given, or at most as often with `use: some`. A sign before a number or
bracket is no operation between two numbers and is refused, and so are powers, factorials, roots, decimals and digits
that are put together (12 out of 1 and 2).
What is not covered: the words around the answer. Text never reaches eval: the parser is below, and its bounds (2,000
characters, brackets 100 deep, literals of 18 digits) keep every value within some thousand digits.
"""

from __future__ import annotations

import re
from collections import Counter
from fractions import Fraction
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from selfplay.verifiers.contract.verdict import Verdict
from selfplay.verifiers.contract.verifier import Asked, Verifier
from selfplay.verifiers.math.extraction import AnswerMode, extract

LONGEST = 2000
DEEPEST = 100
MOST_DIGITS = 18
_SIGNS = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-", "[": "(", "]": ")"})
_LATEX = ((r"\times", "*"), (r"\cdot", "*"), (r"\div", "/"), (r"\left", ""), (r"\right", ""))
_TOKEN = re.compile(r"\s*([0-9]+|[-+*/()])")


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
        if len(text) > LONGEST:
            return Verdict.reject("too_large", **evidence, why=f"an answer of {len(text)} characters")
        expression, *claims = text.split("=")
        try:
            value, used = evaluate(expression)
            claimed = [evaluate(claim)[0] for claim in claims]
        except Unreadable as error:
            return Verdict.reject("unreadable_answer", **evidence, why=str(error))
        except ZeroDivisionError:
            return Verdict.reject("undefined_value", **evidence, why="a division by zero")
        given = Counter(reference.numbers)
        extra = used - given
        if extra:
            return Verdict.reject("number_not_given", **evidence, why=f"{_listed(extra)} is not given so often")
        left = given - used
        if left and reference.use == "all":
            return Verdict.reject("number_not_used", **evidence, why=f"{_listed(left)} is left over")
        if value != reference.target:
            return Verdict.reject("wrong_value", **evidence, value=str(value)[:100])
        if any(claim != value for claim in claimed):
            return Verdict.reject("inconsistent_chain", **evidence)
        return Verdict.accept("makes_target", **evidence)


class Unreadable(ValueError):
    """The text is no expression of numbers, + - * / and brackets."""


def evaluate(text: str) -> tuple[Fraction, Counter[int]]:
    """The exact value of an expression, and how often each number stands in it.

    Raises:
        Unreadable: see the class.
        ZeroDivisionError: a divisor is zero.
    """
    tokens = _tokens(text)
    used: Counter[int] = Counter()
    value, end = _sum(tokens, 0, used, 0)
    if end != len(tokens):
        raise Unreadable(f"`{tokens[end]}` stands where an operation is due")
    return value, used


def _tokens(text: str) -> list[str]:
    for command, sign in _LATEX:
        text = text.replace(command, sign)
    text = text.translate(_SIGNS).rstrip()
    tokens, place = list[str](), 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            raise Unreadable(f"`{text[place : place + 20].strip()}` is no number, operation or bracket")
        if len(found[1]) > MOST_DIGITS:
            raise Unreadable(f"a number of {len(found[1])} digits")
        tokens.append(found[1])
        place = found.end()
    if not tokens:
        raise Unreadable("there is nothing")
    return tokens


def _sum(tokens: list[str], place: int, used: Counter[int], depth: int) -> tuple[Fraction, int]:
    value, place = _product(tokens, place, used, depth)
    while place < len(tokens) and tokens[place] in "+-":
        other, end = _product(tokens, place + 1, used, depth)
        value, place = (value + other if tokens[place] == "+" else value - other), end
    return value, place


def _product(tokens: list[str], place: int, used: Counter[int], depth: int) -> tuple[Fraction, int]:
    value, place = _atom(tokens, place, used, depth)
    while place < len(tokens) and tokens[place] in "*/":
        other, end = _atom(tokens, place + 1, used, depth)
        value, place = (value * other if tokens[place] == "*" else value / other), end
    return value, place


def _atom(tokens: list[str], place: int, used: Counter[int], depth: int) -> tuple[Fraction, int]:
    if place == len(tokens):
        raise Unreadable("it ends where a number is due")
    token = tokens[place]
    if token.isdigit():
        used[int(token)] += 1
        return Fraction(int(token)), place + 1
    if token != "(":
        raise Unreadable(f"`{token}` stands where a number is due")
    if depth == DEEPEST:
        raise Unreadable(f"brackets more than {DEEPEST} deep")
    value, end = _sum(tokens, place + 1, used, depth + 1)
    if end == len(tokens) or tokens[end] != ")":
        raise Unreadable("a bracket is not closed")
    return value, end + 1


def _listed(numbers: Counter[int]) -> str:
    return ", ".join(str(number) for number in sorted(numbers.elements()))[:100]
