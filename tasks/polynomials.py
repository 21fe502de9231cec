"""Polynomial sums (procedural, math): add two polynomials and collect the terms, in any order.

    prompt     (3x^2+5x+2)+(4x^2+2x+6)=
    reference  {"answer": "7x^2+7x+8", "policy": {"form": "collected"}}
    solution   8+7x+7x^2        or        7x^2+7x+8

A share `rising` of the worked solutions has rising powers. `form: collected` refuses an answer that only repeats the
question. With coefficients from 2 to 9 there are 131,328 different problems of degree 2; with the operands swapped they
are the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import comb
from random import Random
from typing import ClassVar, Self

from pydantic import Field, JsonValue, model_validator

from selfplay.tasks.problem import Problem
from selfplay.tasks.source import ProceduralFamily


class Polynomials(ProceduralFamily):
    """Add two polynomials in x and collect the terms; any order of terms is right."""

    name: ClassVar[str] = "polynomials"
    verifier: ClassVar[str] = "math"
    verifier_settings: ClassVar[Mapping[str, JsonValue]] = {"answer": "whole"}

    degree: int = Field(default=2, ge=1, le=6)
    """Highest power of x: the dial of length."""
    largest: int = Field(default=9, ge=2, le=9999)
    """Largest coefficient of the question. The dial of difficulty."""
    smallest: int = Field(default=2, ge=1)
    """Smallest coefficient; from 1 on, some terms are written without one (`x`), which is harder to learn."""
    rising: float = Field(default=0.3, ge=0, le=1)
    """Share of worked solutions written with rising powers."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.smallest > self.largest:
            raise ValueError("`smallest` must not exceed `largest`")
        return self

    def different(self) -> int:
        polynomials = (self.largest - self.smallest + 1) ** (self.degree + 1)
        return comb(polynomials + 1, 2)

    def problem(self, seed: int, index: int) -> Problem:
        random = Random(f"polynomials {seed} {index}")
        left, right = ([random.randint(self.smallest, self.largest) for _ in range(self.degree + 1)] for _ in "ab")
        total = [a + b for a, b in zip(left, right, strict=True)]
        rising = random.random() < self.rising
        return self.asked(
            prompt=f"({_written(left)})+({_written(right)})=",
            reference={"answer": _written(total), "policy": {"form": "collected"}},
            solution=_written(total, rising=rising),
            twin_key=f"polynomials {sorted([left, right])}",
            difficulty=float(sum(value > 9 for value in total)),
        )


def _written(coefficients: list[int], *, rising: bool = False) -> str:
    """A polynomial with positive coefficients, highest power first, as text such as `7x^2+x+8`."""
    terms = []
    for position, value in enumerate(coefficients):
        power = len(coefficients) - 1 - position
        variable = "" if power == 0 else "x" if power == 1 else f"x^{power}"
        terms.append(f"{'' if value == 1 and variable else value}{variable}")
    return "+".join(reversed(terms) if rising else terms)
