"""List functions (procedural, code): write a Python function from its description.

    prompt     add 17+26, drop 2
    reference  {"entry_point": "f", "tests": ["assert f([4, 1, ...]) == [...]", ...]}
    solution   def f(v): return [x+43 for x in v][2:]
               def f(v): return [x+17+26 for x in v][2:]

Many functions are right. A share `folded` of the worked solutions adds the addends up, which needs arithmetic; the
others copy them. With the default settings there are 102,375 different problems (4,095 pairs of addends, 25
operations); with the addends in another order they are the same. No result is nearly always empty.
"""

from __future__ import annotations

from math import comb
from random import Random
from typing import ClassVar, Self

from pydantic import Field, model_validator

from selfplay.tasks.problem import Problem
from selfplay.tasks.source import ProceduralFamily

COUNTS = range(2, 10)
"""How many elements an operation drops, takes or steps over."""
OPERATIONS = {"reverse": "[::-1]", "drop": "[{0}:]", "take": "[:{0}]", "every": "[::{0}]"}
TEST_LENGTHS = (24, 13, 6)
LEAST_RESULT = 2
"""Elements that the longest test must give at least."""


class ListFunctions(ProceduralFamily):
    """Write a Python function that adds to a list's elements, then reverses, drops, takes or skips."""

    name: ClassVar[str] = "list_functions"
    verifier: ClassVar[str] = "code"

    addends: int = Field(default=2, ge=1, le=6)
    """Numbers to add to each element."""
    largest: int = Field(default=99, ge=1, le=999)
    """Largest addend."""
    smallest: int = Field(default=10, ge=1)
    """Smallest addend."""
    operations: int = Field(default=1, ge=1, le=4)
    """Slicing steps after the addition. The dial of difficulty, with `addends`."""
    folded: float = Field(default=0.55, ge=0, le=1)
    """Share of worked solutions that add the addends up."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.smallest > self.largest:
            raise ValueError("`smallest` must not exceed `largest`")
        return self

    def different(self) -> int:
        addends = comb(self.largest - self.smallest + self.addends, self.addends)
        steps = 1 + (len(OPERATIONS) - 1) * len(COUNTS)
        return addends * int(steps**self.operations)

    def problem(self, seed: int, index: int) -> Problem:
        random = Random(f"list functions {seed} {index}")
        while True:
            addends = [random.randint(self.smallest, self.largest) for _ in range(self.addends)]
            steps = [
                (operation, random.choice(COUNTS)) for operation in random.choices(list(OPERATIONS), k=self.operations)
            ]
            inputs = [random.sample(range(100), length) for length in TEST_LENGTHS]
            outputs = [_apply(values, sum(addends), steps) for values in inputs]
            if len(outputs[0]) >= LEAST_RESULT:
                break
        words = [operation if operation == "reverse" else f"{operation} {k}" for operation, k in steps]
        written = "+".join(map(str, addends))
        term = str(sum(addends)) if random.random() < self.folded else written
        slices = "".join(OPERATIONS[operation].format(k) for operation, k in steps)
        tests = [f"assert f({given}) == {wanted}" for given, wanted in zip(inputs, outputs, strict=True)]
        return self.asked(
            prompt=f"add {written}, {', '.join(words)}\n",
            reference={"entry_point": "f", "tests": list(tests)},
            solution=f"def f(v): return [x+{term} for x in v]{slices}",
            twin_key=f"list functions {sorted(addends)} {words}",
            difficulty=float(len(steps)),
        )


def _apply(values: list[int], addend: int, steps: list[tuple[str, int]]) -> list[int]:
    result = [value + addend for value in values]
    for operation, k in steps:
        slices = {
            "reverse": slice(None, None, -1),
            "drop": slice(k, None),
            "take": slice(k),
            "every": slice(0, None, k),
        }
        result = result[slices[operation]]
    return result
