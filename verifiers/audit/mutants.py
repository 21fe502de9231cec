"""Mutants of a program: one operator, constant or comparison changed, all else as it was.

Only the changed expression is rewritten; the rest of the text stays as it is. Not changed: docstrings, what is inside
f-strings (Python 3.11 does not give its position), and None.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.Div: ast.Mult, ast.FloorDiv: ast.Div,
    ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.BitXor: ast.BitAnd,
    ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.MatMult: ast.Mult,
}  # fmt: skip
COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip


@dataclass(frozen=True)
class Mutant:
    text: str
    kind: str
    """operator, constant or comparison."""
    change: str
    """Line and the expression before and after."""


def mutants(text: str, first_line: int = 1) -> list[Mutant]:
    """All of them, in the order of the text, from line `first_line` (from 1) on.

    Raises:
        SyntaxError: the text is not Python.
    """
    tree = ast.parse(text)
    hidden = {id(part) for node in ast.walk(tree) for part in _hidden(node)}
    found = []
    for node in ast.walk(tree):
        if not isinstance(node, (ast.expr, ast.stmt)) or id(node) in hidden or node.lineno < first_line:
            continue
        for kind, changed in _changes(node):
            change = f"line {node.lineno}: {ast.unparse(node)} -> {ast.unparse(changed)}"
            found.append((node.lineno, node.col_offset, Mutant(_with(text, node, changed), kind, change)))
    return [mutant for _, _, mutant in sorted(found, key=lambda entry: entry[:2])]


def _changes(node: ast.expr | ast.stmt) -> Iterator[tuple[str, ast.AST]]:
    changed = deepcopy(node)
    if isinstance(changed, (ast.BinOp, ast.AugAssign)):
        changed.op = OPERATORS[type(changed.op)]()
        yield "operator", changed
    elif isinstance(changed, ast.BoolOp):
        changed.op = ast.Or() if isinstance(changed.op, ast.And) else ast.And()
        yield "operator", changed
    elif isinstance(changed, ast.UnaryOp):
        yield "operator", changed.operand
    elif isinstance(changed, ast.Compare):
        for place, comparison in enumerate(changed.ops):
            other = deepcopy(changed)
            other.ops[place] = COMPARISONS[type(comparison)]()
            yield "comparison", other
    elif isinstance(changed, ast.Constant) and changed.value is not None and changed.value is not ...:
        changed.value = _other_constant(changed.value)
        yield "constant", changed


def _other_constant(value: object) -> Any:
    if isinstance(value, bool):
        return not value
    if isinstance(value, (int, float, complex)):
        return value + 1
    if isinstance(value, (str, bytes)):
        return value[1:] or ("x" if isinstance(value, str) else b"x")
    raise TypeError(f"a constant of type {type(value).__name__}")


def _hidden(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.JoinedStr):
        yield from ast.walk(node)
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        yield node.value


def _with(text: str, node: ast.expr | ast.stmt, changed: ast.AST) -> str:
    assert node.end_lineno is not None
    lines = [line.encode() for line in text.splitlines(keepends=True)]
    first, last = node.lineno - 1, node.end_lineno - 1
    before = b"".join(lines[:first]) + lines[first][: node.col_offset]
    after = lines[last][node.end_col_offset :] + b"".join(lines[last + 1 :])
    new = ast.unparse(changed)
    return (before + (new if isinstance(node, ast.stmt) else f"({new})").encode() + after).decode()
