"""Small Python programs about a list of numbers, made at random with their description, and bugs put into them.

Every program here is made by this module from loops over finite lists, so it ends, and it may run in this process.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

SWAPS: dict[type[ast.AST], tuple[type[ast.AST], ...]] = {
    ast.Eq: (ast.NotEq,),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.Lt: (ast.LtE, ast.Gt),
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Add,),
    ast.Mod: (ast.FloorDiv,),
}
"""Operators, and what a bug writes in their place."""


@dataclass(frozen=True)
class Bug:
    """One change to a program."""

    place: int
    """Which operator or number, in the order of `ast.walk`."""
    other: int
    """Which of the things that may stand there instead."""


def step(random: Random) -> tuple[str, str]:
    """One step on the list `v`: what it does in words, and its statements."""
    k, c = random.randint(2, 5), random.randint(1, 9)
    kind = random.choice(("keep", "change", "drop", "differences", "totals"))
    if kind == "keep":
        condition = random.choice((f"x % {k} == {random.randrange(k)}", f"x > {c}", f"x < {c}"))
        return (
            f"keep each x with {condition}",
            f"kept = []\nfor x in v:\n    if {condition}:\n        kept.append(x)\nv = kept",
        )
    if kind == "change":
        value = random.choice((f"x * {k} + {c}", f"x * {k} - {c}", f"x + {c}", f"x % {k + c}"))
        return f"change each x to {value}", f"v = [{value} for x in v]"
    if kind == "drop":
        return random.choice(((f"drop the first {k}", f"v = v[{k}:]"), (f"take the first {k + 1}", f"v = v[:{k + 1}]")))
    if kind == "differences":
        return "take the differences of neighbours, next minus this", "v = [v[i + 1] - v[i] for i in range(len(v) - 1)]"
    return "take running totals", "sums = []\ntotal = 0\nfor x in v:\n    total += x\n    sums.append(total)\nv = sums"


def ending(random: Random) -> tuple[str, str]:
    """What the program returns, in words and as statements."""
    c = random.randint(1, 9)
    return random.choice(
        (
            ("return the list", "return v"),
            ("return the sum", "total = 0\nfor x in v:\n    total += x\nreturn total"),
            (
                f"return how many are greater than {c}",
                f"count = 0\nfor x in v:\n    if x > {c}:\n        count += 1\nreturn count",
            ),
            (
                f"return the largest, or {c} if none is larger",
                f"best = {c}\nfor x in v:\n    if x > best:\n        best = x\nreturn best",
            ),
            (f"return the sum of squares plus {c}", f"total = {c}\nfor x in v:\n    total += x * x\nreturn total"),
        )
    )


def program(random: Random, steps: int, described: bool) -> str:
    """The text of a right program `f(v)`."""
    parts = [*(step(random) for _ in range(steps)), ending(random)]
    words = ", then ".join(said for said, _ in parts).capitalize() + "."
    body = "\n".join(statements for _, statements in parts)
    lines = ([f'"""{words}"""'] if described else []) + body.split("\n")
    return "def f(v):\n" + "\n".join("    " + line for line in lines)


def bugs(right: str) -> list[Bug]:
    """Every bug that can be put into a program: another operator, or a number off by one."""
    found: list[Bug] = []
    for place, (node, attribute) in enumerate(_places(ast.parse(right))):
        now = _held(node, attribute)
        others = len(SWAPS[type(now)]) if isinstance(now, ast.AST) else 2 if now else 1
        found.extend(Bug(place, other) for other in range(others))
    return found


def with_bugs(right: str, chosen: Sequence[Bug]) -> ast.Module:
    """The program with those bugs, at most one for each place."""
    broken = ast.parse(right)
    places = _places(broken)
    for bug in chosen:
        node, attribute = places[bug.place]
        now = _held(node, attribute)
        other = SWAPS[type(now)][bug.other]() if isinstance(now, ast.AST) else now + (1, -1)[bug.other]
        setattr(node, attribute, [other] if attribute == "ops" else other)
    return broken


def _places(tree: ast.Module) -> list[tuple[ast.AST, str]]:
    """Each operator and whole number that a bug may change: its node and attribute."""
    found: list[tuple[ast.AST, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and type(node.ops[0]) in SWAPS:
            found.append((node, "ops"))
        elif isinstance(node, (ast.BinOp, ast.AugAssign)) and type(node.op) in SWAPS:
            found.append((node, "op"))
        elif isinstance(node, ast.Constant) and isinstance(node.value, int):
            found.append((node, "value"))
    return found


def _held(node: ast.AST, attribute: str) -> Any:
    """The number or operator; a comparison made here has one operator."""
    held = getattr(node, attribute)
    return held[0] if attribute == "ops" else held


def outputs(tree: ast.Module, inputs: list[list[int]]) -> list[str]:
    """What `f` gives for each input, as Python writes it; for an exception its name."""
    scope: dict[str, object] = {"__builtins__": {"len": len, "range": range}}
    exec(compile(tree, "<made>", "exec"), scope)  # made above, never by a model
    function = scope["f"]
    assert callable(function)
    results = []
    for values in inputs:
        try:
            results.append(repr(function(list(values))))
        except (ArithmeticError, LookupError) as error:
            results.append(type(error).__name__)
    return results
