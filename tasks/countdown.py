"""Expressions that make a number (procedural): use the given numbers, each once, to make the target.

    prompt     make 27 of 3 5 12:
    reference  {"numbers": [3, 5, 12], "target": 27}
    solution   3*5+12

Many expressions are right; the verifier `makes_number` judges. Each problem is made from an expression whose
intermediate results are whole and positive. The numbers in another order are the same problem. Known as the numbers
round of "Countdown"; as a task for language models see Gandhi et al. 2024, arXiv 2404.03683.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import ClassVar, Self

from pydantic import Field, model_validator

from selfplay.tasks.errors import SourceError
from selfplay.tasks.problem import Problem
from selfplay.tasks.source import ProceduralFamily

MOST_TRIES = 10_000


class Countdown(ProceduralFamily):
    """Make a number of given numbers with + - * / and brackets; many expressions are right."""

    name: ClassVar[str] = "countdown"
    verifier: ClassVar[str] = "makes_number"

    numbers: int = Field(default=3, ge=2, le=8)
    """Numbers to use. The dial of difficulty, with `largest`."""
    smallest: int = Field(default=1, ge=1)
    """Smallest given number."""
    largest: int = Field(default=20, ge=2, le=999)
    """Largest given number."""
    largest_target: int = Field(default=100, ge=2, le=99_999)
    """Largest number to make."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.smallest > self.largest:
            raise ValueError("`smallest` must not exceed `largest`")
        return self

    def problem(self, seed: int, index: int) -> Problem:
        random = Random(f"countdown {seed} {index}")
        for _ in range(MOST_TRIES):
            given = [random.randint(self.smallest, self.largest) for _ in range(self.numbers)]
            made = _combined(given, random)
            # a target that is given already is no question
            if made.value <= self.largest_target and made.value not in given:
                break
        else:
            raise SourceError(
                f"`countdown` made no number up to {self.largest_target:,} of {self.numbers} numbers from "
                f"{self.smallest:,} to {self.largest:,}; raise `largest_target`, or lower `smallest` or `numbers`"
            )
        random.shuffle(given)
        return self.asked(
            prompt=f"make {made.value} of {' '.join(map(str, given))}:\n",
            reference={"numbers": list(given), "target": made.value},
            solution=made.text,
            twin_key=f"countdown {sorted(given)} {made.value}",
            difficulty=float(self.numbers),
        )


@dataclass(frozen=True)
class _Part:
    value: int
    text: str
    rank: int
    """How tightly the text binds: 3 a number, 2 a product or quotient, 1 a sum or difference."""


def _combined(numbers: list[int], random: Random) -> _Part:
    """All numbers in one expression with whole positive intermediate results, by joining two parts at a time."""
    parts = [_Part(number, str(number), 3) for number in numbers]
    while len(parts) > 1:
        left, right = (parts.pop(random.randrange(len(parts))) for _ in "ab")
        if left.value < right.value:
            left, right = right, left
        operations = ["+", "*"]
        if left.value > right.value:
            operations.append("-")
        if right.value > 1 and left.value % right.value == 0:
            operations.append("/")
        parts.append(_joined(left, random.choice(operations), right))
    return parts[0]


def _joined(left: _Part, operation: str, right: _Part) -> _Part:
    value = {
        "+": left.value + right.value,
        "-": left.value - right.value,
        "*": left.value * right.value,
        "/": left.value // right.value,
    }[operation]
    rank = 1 if operation in "+-" else 2
    before = left.text if left.rank >= rank else f"({left.text})"
    after = right.text if right.rank > rank or (right.rank == rank and operation in "+*") else f"({right.text})"
    return _Part(value, before + operation + after, rank)
