"""Wrong rows from a worked solution that is a program.

A mutant can be right: it may compute the same, or the tests may not cover where it differs, and with these tests alone
that cannot be decided. So mutants are `doubtful`, and their accepted share is an upper bound of the share of wrong
programs that pass. Another problem's program, stubs, and a program cut so that it is no longer Python are wrong.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from random import Random
from typing import Any

from selfplay.verifiers.audit.labelled_rows import Label
from selfplay.verifiers.audit.mutants import Mutant, mutants
from selfplay.verifiers.audit.wrong_answers import Wrong, empty

_FENCED = re.compile(r"\A(?P<head>.*?```(?:python|py)?\n)(?P<body>.*?)(?P<tail>```.*)\Z", re.DOTALL)
_KINDS = {"constant": "changed number or constant", "operator": "changed operator", "comparison": "changed comparison"}


def is_program(reference: Mapping[str, Any]) -> bool:
    """Whether a reference asks for a program: it has tests, or inputs with outputs."""
    return "tests" in reference or "cases" in reference


def wrong_programs(
    reference: Mapping[str, Any], solution: str, other: tuple[Mapping[str, Any], str] | None, random: Random
) -> Iterator[Wrong]:
    """Wrong completions made from a program.

    Args:
        solution: a right completion: a program, a fenced one, or the body that continues `reference["prefix"]`.
        other: reference and solution of another problem.
    """
    fenced = _FENCED.match(solution)
    head, body, tail = (fenced["head"], fenced["body"], fenced["tail"]) if fenced else ("", solution, "")
    prefix = str(reference.get("prefix") or "")
    if other is not None:
        program = _renamed(*other, called(reference))
        yield Wrong("another problem's program", program, "wrong", "under the name that is asked for")
    for mutant in _some(prefix, body, random):
        text = head + mutant.text[len(prefix) :] + tail
        yield Wrong(_KINDS[mutant.kind], text, "doubtful", mutant.change)
    name = called(reference)
    if name is not None:
        yield Wrong("stub", f"{head}def {name}(*given, **named):\n    return None\n{tail}", "wrong", "returns None")
    yield from _cut(prefix, head, body, tail)
    yield from empty(random)


def called(reference: Mapping[str, Any]) -> str | None:
    """The name of the function that the tests call; None where the reference does not show it."""
    if reference.get("entry_point"):
        return str(reference["entry_point"])
    tests = reference.get("tests")
    if not isinstance(tests, list) or not tests:
        return None
    try:
        calls = [node.func for node in ast.walk(ast.parse(str(tests[0]))) if isinstance(node, ast.Call)]
    except SyntaxError:
        return None
    names = [function.id for function in calls if isinstance(function, ast.Name)]
    return next((name for name in names if name not in vars(builtins)), None)


def _some(prefix: str, body: str, random: Random) -> list[Mutant]:
    """One mutant of each kind; none where the text is not Python."""
    try:
        found = mutants(prefix + body, first_line=prefix.count("\n") + 1)
    except (SyntaxError, ValueError, RecursionError):
        return []
    found = [mutant for mutant in found if mutant.text.startswith(prefix)]
    by_kind = [[mutant for mutant in found if mutant.kind == kind] for kind in _KINDS]
    return [random.choice(of_kind) for of_kind in by_kind if of_kind]


def _renamed(reference: Mapping[str, Any], solution: str, name: str | None) -> str:
    own = called(reference)
    fenced = _FENCED.match(solution)
    program = str(reference.get("prefix") or "") + (fenced["body"] if fenced else solution)
    return re.sub(rf"\b{re.escape(own)}\b", name, program) if own and name else program


def _cut(prefix: str, head: str, body: str, tail: str) -> Iterator[Wrong]:
    half = body[: len(body) // 2]
    if not half.strip():
        return
    label: Label = "wrong"
    with suppress(SyntaxError, ValueError, RecursionError):
        ast.parse(prefix + half)
        label = "doubtful"  # still a program, which may be right
    yield Wrong("truncation", head + half + tail, label, f"cut after {len(half)} characters")
