"""Addition written in reverse (procedural): the digits of the sum, last digit first.

    prompt     55+65=
    reference  {"answer": "021"}
    solution   021

So written, each digit depends on two digits and a carry, which a small model can learn (Lee et al. 2023, arXiv
2307.03381). Equality is of texts. With `evaluate_digits` the held-out problems can be longer than all that are trained
on. With the operands swapped it is the same problem.
"""

from __future__ import annotations

from math import comb
from random import Random
from typing import ClassVar, Self

from pydantic import Field, model_validator

from selfplay.tasks.problem import Problem, Split
from selfplay.tasks.source import ProceduralFamily


class ReverseAddition(ProceduralFamily):
    """Add two numbers and write the sum with its last digit first."""

    name: ClassVar[str] = "reverse_addition"
    verifier: ClassVar[str] = "exact"

    digits: int = Field(default=3, ge=1, le=100)
    """Most digits of an operand. The dial of difficulty: every number of digits is as frequent as any other."""
    fewest_digits: int = Field(default=1, ge=1, le=100)
    """Fewest digits of an operand."""
    evaluate_digits: int | None = Field(default=None, ge=1, le=100)
    """Digits of both operands of held-out problems; unset: as in training."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.fewest_digits > self.digits:
            raise ValueError("`fewest_digits` must not exceed `digits`")
        return self

    def for_split(self, split: Split) -> Self:
        if split == "train" or self.evaluate_digits is None:
            return self
        return self.model_copy(update={"digits": self.evaluate_digits, "fewest_digits": self.evaluate_digits})

    def different(self) -> int:
        operands = 10**self.digits - (10 ** (self.fewest_digits - 1) if self.fewest_digits > 1 else 0)
        return comb(operands + 1, 2)

    def problem(self, seed: int, index: int) -> Problem:
        random = Random(f"reverse addition {seed} {index}")
        lengths = [random.randint(self.fewest_digits, self.digits) for _ in "ab"]
        left, right = (random.randrange(10 ** (n - 1) if n > 1 else 0, 10**n) for n in lengths)
        answer = str(left + right)[::-1]
        return self.asked(
            prompt=f"{left}+{right}=",
            reference={"answer": answer},
            solution=answer,
            twin_key=f"reverse addition {sorted((left, right))}",
            difficulty=float(max(lengths)),
        )
