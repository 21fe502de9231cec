"""Roman numerals from a stranger's package: a verifier with a reference, settings and a batch form, and a source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import ClassVar

from pydantic import BaseModel, Field

from selfplay.tasks import Origin, Problem, Split, TaskSource
from selfplay.tasks.source import distinct_problems
from selfplay.verifiers import Asked, Verdict, Verifier

SIGNS = {1000: "M", 900: "CM", 500: "D", 400: "CD", 100: "C", 90: "XC", 50: "L", 40: "XL", 10: "X", 9: "IX", 5: "V"}
SIGNS |= {4: "IV", 1: "I"}


def roman(number: int) -> str:
    """A number from 1 to 3999 in its only standard form."""
    text = ""
    for value, sign in SIGNS.items():
        text += sign * (number // value)
        number %= value
    return text


class Number(BaseModel):
    """The number that is asked for."""

    number: int = Field(ge=1, le=3999)


class Case(BaseModel):
    """Whether small letters count."""

    small: bool = False


class RomanNumeral(Verifier):
    """Judges a Roman numeral."""

    name: ClassVar[str] = "roman_numeral"
    version: ClassVar[str] = "3"
    judges: ClassVar[str] = "that the completion is the number as a Roman numeral"
    does_not_catch: ClassVar[str] = "nothing known; it refuses the rarer forms such as IIII"
    batch = 32
    Reference: ClassVar[type[BaseModel]] = Number
    Settings: ClassVar[type[BaseModel]] = Case

    def verify(self, asked: Asked) -> Verdict:
        return self.verify_many([asked])[0]

    def verify_many(self, asked: Sequence[Asked]) -> list[Verdict]:
        verdicts = []
        for one in asked:
            text = one.completion.strip()
            if self.settings.small:
                text = text.upper()
            right = text == roman(one.reference.number)
            verdicts.append(Verdict.accept() if right else Verdict.reject("wrong_numeral"))
        return verdicts


class RomanNumerals(TaskSource):
    """Write a number as a Roman numeral."""

    name: ClassVar[str] = "roman_numerals"
    verifier: ClassVar[str] = "roman_numeral"
    solution_origin: ClassVar[Origin] = "procedural"
    endless: ClassVar[bool] = True
    largest: int = Field(default=3999, ge=10, le=3999)

    def problems(self, split: Split, seed: int) -> Iterator[Problem]:
        return distinct_problems(self.problem, split, seed)

    def problem(self, seed: int, index: int) -> Problem:
        number = Random(f"roman {seed} {index}").randint(1, self.largest)
        return Problem(
            prompt=f"{number} in Roman numerals:",
            reference={"number": number},
            verifier=self.verifier,
            solution=roman(number),
            solution_origin=self.solution_origin,
            source=self.name,
            split="train",
            twin_key=f"roman {number}",
        )
