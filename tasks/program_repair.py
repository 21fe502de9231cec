'''Program repair (procedural, code): a program with a bug and a test that fails; write it right.

    prompt     This function is wrong:

               def f(v):
                   """Change each x to x + 7, then return the sum."""
                   v = [x - 7 for x in v]
                   ...

               It fails:

               assert f([3, 5]) == 22  # gives -6

               Write it right.
    reference  {"entry_point": "f", "tests": ["assert f([3, 5]) == 22", ...]}
    solution   the program before the bug

Both programs are run when the problem is made. Every single bug that could be put into the program fails a test where
one of POOL more inputs shows it. A program is asked about once.
'''

from __future__ import annotations

import ast
from random import Random
from typing import ClassVar

from pydantic import Field

from selfplay.tasks.errors import SourceError
from selfplay.tasks.problem import Problem
from selfplay.tasks.programs import Bug, bugs, outputs, program, with_bugs
from selfplay.tasks.source import ProceduralFamily

TEST_LENGTHS = (0, 1, 3, 6, 8, 10)
POOL = 60
"""Further inputs that are looked through for tests that bugs cannot hide from."""
MOST_TRIES = 1000


class ProgramRepair(ProceduralFamily):
    """Repair a short Python function that fails its tests."""

    name: ClassVar[str] = "program_repair"
    verifier: ClassVar[str] = "code"

    steps: int = Field(default=2, ge=1, le=8)
    """Steps on the list before the result. The dial of difficulty, with `bugs`."""
    bugs: int = Field(default=1, ge=1, le=3)
    """Bugs in the program."""
    described: bool = True
    """Whether a docstring says what the function should do; without it only the failing tests tell."""
    shown_tests: int = Field(default=1, ge=1, le=len(TEST_LENGTHS))
    """Failing tests that the prompt shows at most."""

    def problem(self, seed: int, index: int) -> Problem:
        random = Random(f"program repair {seed} {index}")
        for _ in range(MOST_TRIES):
            inputs = [[random.randint(-9, 20) for _ in range(length)] for length in TEST_LENGTHS]
            right = program(random, self.steps, self.described)
            wanted = outputs(with_bugs(right, []), inputs)
            # a program that always gives the same tells nothing
            if len(set(wanted)) < len(TEST_LENGTHS) // 2:
                continue
            broken = self._broken(right, inputs, wanted, random)
            if broken is not None:
                inputs += _exposing(right, inputs, random)
                return self._asked(right, broken, inputs, outputs(with_bugs(right, []), inputs))
        raise SourceError("`program_repair` finds no program with such bugs; lower its `bugs` or raise its `steps`")

    def _broken(self, right: str, inputs: list[list[int]], wanted: list[str], random: Random) -> ast.Module | None:
        """The program with its bugs: each fails a test on its own, and so do all together. None where they hide."""
        chosen: list[Bug] = []
        possible = bugs(right)
        random.shuffle(possible)
        for bug in possible:
            if all(bug.place != other.place for other in chosen) and outputs(with_bugs(right, [bug]), inputs) != wanted:
                chosen.append(bug)
            if len(chosen) == self.bugs:
                broken = with_bugs(right, chosen)
                return broken if outputs(broken, inputs) != wanted else None
        return None

    def _asked(self, right: str, broken: ast.Module, inputs: list[list[int]], wanted: list[str]) -> Problem:
        given = outputs(broken, inputs)
        failing = [
            f"assert f({values}) == {want}  # {'gives' if got[0] in '-0123456789[' else 'raises'} {got}"
            for values, want, got in zip(inputs, wanted, given, strict=True)
            if want != got
        ]
        solution = ast.unparse(ast.parse(right))
        shown = "\n".join(failing[: self.shown_tests])
        tests = [f"assert f({values}) == {want}" for values, want in zip(inputs, wanted, strict=True)]
        return self.asked(
            prompt=f"This function is wrong:\n\n{ast.unparse(broken)}\n\nIt fails:\n\n{shown}\n\nWrite it right.\n",
            reference={"entry_point": "f", "tests": list(tests)},
            solution=solution,
            twin_key=f"program repair {solution}",
            difficulty=float(self.steps + self.bugs),
        )


def _exposing(right: str, inputs: list[list[int]], random: Random) -> list[list[int]]:
    """Inputs to add, so that no single bug passes which one of POOL inputs shows."""
    pool = [[random.randint(-9, 20) for _ in range(random.randint(1, max(TEST_LENGTHS)))] for _ in range(POOL)]
    both = [*inputs, *pool]
    wanted = outputs(with_bugs(right, []), both)
    added: list[int] = []
    for bug in bugs(right):
        given = outputs(with_bugs(right, [bug]), both)
        differs = [at for at, (want, got) in enumerate(zip(wanted, given, strict=True)) if want != got]
        if differs and differs[0] >= len(inputs) and not set(differs) & set(added):
            added.append(differs[0])
    return [both[at] for at in added]
