"""$title (procedural, math): double a number.

    prompt     2*21=
    reference  {"answer": "42", "policy": {"answer": "whole", "form": "number"}}
    solution   42
"""

from __future__ import annotations

from random import Random
from typing import ClassVar

from pydantic import Field

from tasks import Problem, ProceduralFamily


class $class_name(ProceduralFamily):
    """Double a number."""

    name: ClassVar[str] = "$name"
    verifier: ClassVar[str] = "math"

    largest: int = Field(default=999_999, ge=1)
    """Largest number to double. The dial of difficulty."""

    def different(self) -> int:
        return self.largest + 1

    def problem(self, seed: int, index: int) -> Problem:
        number = Random(f"$name {seed} {index}").randint(0, self.largest)
        return self.asked(
            prompt=f"2*{number}=",
            # `form: number` refuses an answer that only repeats the question
            reference={"answer": str(2 * number), "policy": {"answer": "whole", "form": "number"}},
            solution=str(2 * number),
            twin_key=f"$name {number}",
            difficulty=float(len(str(number))),
        )
