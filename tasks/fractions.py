"""Fraction sums (procedural, math): add and subtract fractions; every equal fraction is right.

    prompt     3/4+5/6=
    reference  {"answer": "19/12", "policy": {"answer": "whole", "form": "number"}}
    solution   38/24        or        19/12

A share `reduced` of the worked solutions is in lowest terms, the others are over the product of the denominators.
`form: number` refuses an answer that only repeats the question. With its terms in another order, or a fraction written
unreduced, it is the same problem.
"""

from __future__ import annotations

from fractions import Fraction
from math import prod
from random import Random
from typing import ClassVar

from pydantic import Field

from selfplay.tasks.problem import Problem
from selfplay.tasks.source import ProceduralFamily


class Fractions(ProceduralFamily):
    """Add and subtract fractions; any equal fraction is right."""

    name: ClassVar[str] = "fractions"
    verifier: ClassVar[str] = "math"

    terms: int = Field(default=2, ge=2, le=6)
    """Fractions in a question. The dial of difficulty, with `largest`."""
    largest: int = Field(default=9, ge=2, le=9999)
    """Largest numerator and denominator."""
    subtraction: bool = True
    """Whether terms after the first may be subtracted."""
    reduced: float = Field(default=0.5, ge=0, le=1)
    """Share of worked solutions in lowest terms."""

    def problem(self, seed: int, index: int) -> Problem:
        random = Random(f"fractions {seed} {index}")
        tops = [random.randint(1, self.largest) for _ in range(self.terms)]
        bottoms = [random.randint(2, self.largest) for _ in range(self.terms)]
        signs = [1, *(random.choice((1, -1)) if self.subtraction else 1 for _ in range(self.terms - 1))]
        values = [sign * Fraction(top, bottom) for sign, top, bottom in zip(signs, tops, bottoms, strict=True)]
        total, common = sum(values, Fraction(0)), prod(bottoms)
        written = f"{total * common}/{common}"
        question = "".join(
            f"{'-' if sign < 0 else '+'}{top}/{bottom}" for sign, top, bottom in zip(signs, tops, bottoms, strict=True)
        )
        return self.asked(
            prompt=question.removeprefix("+") + "=",
            reference={"answer": str(total), "policy": {"answer": "whole", "form": "number"}},
            solution=str(total) if random.random() < self.reduced else written,
            twin_key=f"fractions {sorted(map(str, values))}",
            difficulty=float(self.terms),
        )
