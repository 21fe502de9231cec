"""Taking `assert f(args) == expected` apart, so that only `f` and `args` go where the program runs.

What is taken apart: a call of one named function with constant arguments (constants.py), compared with a constant,
alone or negated, inside a list of asserts or in a `def check(candidate)` that holds nothing else. `abs(f(x) - 1.5) <
1e-6` too.
What is not: everything else, which sandbox/tester.py runs as it is.

The comparison is Python's own between rebuilt plain values: `1 == True` and `1 == 1.0` hold, as they do in
the test.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from selfplay.verifiers.code.constants import constant
from selfplay.verifiers.sandbox.border.plain import Encoder, Plain, TooBig

COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda value, held: value in held,
    ast.NotIn: lambda value, held: value not in held,
}
SIGNS: dict[type[ast.cmpop], str] = {
    ast.Eq: "", ast.NotEq: "not ", ast.Lt: "< ", ast.LtE: "<= ", ast.Gt: "> ", ast.GtE: ">= ",
    ast.Is: "", ast.IsNot: "not ", ast.In: "one of ", ast.NotIn: "none of ",
}  # fmt: skip
MIRRORED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.Eq, ast.NotEq: ast.NotEq, ast.Lt: ast.Gt, ast.LtE: ast.GtE, ast.Gt: ast.Lt, ast.GtE: ast.LtE,
}  # fmt: skip


@dataclass(frozen=True)
class Check:
    """One assert: the call, as plain data, and what must hold of its value."""

    function: str
    arguments: Plain
    keywords: Plain
    holds: Callable[[Any], bool]
    """Python's own test of the value; raises what the comparison of unlike types raises."""
    expected: str
    statement: ast.Assert

    @property
    def source(self) -> str:
        """The assert as text."""
        return ast.unparse(self.statement)

    @property
    def call(self) -> list[Plain]:
        return [self.function, self.arguments, self.keywords]


class NotApart(Exception):
    """This test is more than one call compared with a literal."""


def checks_of(tests: list[ast.Module], entry_point: str | None) -> list[Check]:
    """The asserts of all tests. Raises NotApart when any test is more."""
    found: list[Check] = []
    for tree in tests:
        for statement in tree.body:
            if isinstance(statement, ast.FunctionDef) and statement.name == "check" and entry_point is not None:
                found += _checks_of_function(statement, entry_point)
            elif not _says_nothing(statement):
                found.append(_check(statement, {}))
    if not found:
        raise NotApart
    return found


def _checks_of_function(function: ast.FunctionDef, entry_point: str) -> list[Check]:
    given = function.args.args
    if len(given) != 1 or function.decorator_list:
        raise NotApart
    named = {given[0].arg: entry_point}
    return [_check(statement, named) for statement in function.body if not _says_nothing(statement)]


def _says_nothing(statement: ast.stmt) -> bool:
    """A docstring, `pass`, `assert True`, an import, or a literal given to a name such as METADATA."""
    if isinstance(statement, (ast.Pass, ast.Import, ast.ImportFrom)):
        return True
    if isinstance(statement, ast.Expr):
        return isinstance(statement.value, ast.Constant)
    if isinstance(statement, ast.Assert):
        return isinstance(statement.test, ast.Constant) and bool(statement.test.value)
    return (
        isinstance(statement, ast.Assign)
        and isinstance(statement.targets[0], ast.Name)
        and _is_literal(statement.value)
    )


def _check(statement: ast.stmt, named: dict[str, str]) -> Check:
    if not isinstance(statement, ast.Assert):
        raise NotApart
    test = statement.test
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return _of_call(test.operand, named, operator.not_, "something false", statement)
    if not isinstance(test, ast.Compare):
        return _of_call(test, named, bool, "something true", statement)
    if len(test.ops) != 1:
        raise NotApart
    left, kind, right = test.left, type(test.ops[0]), test.comparators[0]
    if kind in MIRRORED and not _is_literal(right):
        left, kind, right = right, MIRRORED[kind], left
    expected = _literal(right)
    compare = COMPARISONS[kind]
    if kind in (ast.Is, ast.IsNot) and not (expected is None or isinstance(expected, bool)):
        raise NotApart
    shown = f"{SIGNS[kind]}{expected!r}"
    distance = _distance(left)
    if distance is not None:
        call, centre = distance.left, _literal(distance.right)
        near = f"a distance {shown} from {centre!r}"
        return _of_call(call, named, lambda value: bool(compare(abs(value - centre), expected)), near, statement)
    return _of_call(left, named, lambda value: bool(compare(value, expected)), shown, statement)


def _distance(node: ast.expr) -> ast.BinOp | None:
    """The difference in `abs(f(x) - literal)`."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "abs"):
        return None
    inside = node.args[0] if len(node.args) == 1 else None
    if isinstance(inside, ast.BinOp) and isinstance(inside.op, ast.Sub) and _is_literal(inside.right):
        return inside
    return None


def _of_call(
    node: ast.expr, named: dict[str, str], holds: Callable[[Any], bool], expected: str, statement: ast.Assert
) -> Check:
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
        raise NotApart
    if any(keyword.arg is None for keyword in node.keywords):
        raise NotApart
    function = node.func.id
    if named and function not in named:
        raise NotApart
    encoder = Encoder()
    try:
        arguments = encoder.encode([_literal(argument) for argument in node.args])
        keywords = encoder.encode({str(keyword.arg): _literal(keyword.value) for keyword in node.keywords})
    except TooBig as error:
        raise NotApart from error
    return Check(named.get(function, function), arguments, keywords, holds, expected, statement)


def _is_literal(node: ast.expr) -> bool:
    try:
        _literal(node)
    except NotApart:
        return False
    return True


def _literal(node: ast.expr) -> Any:
    try:
        return constant(node)
    except (ValueError, TypeError, ArithmeticError, MemoryError, RecursionError) as error:
        raise NotApart from error
