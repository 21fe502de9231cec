"""Taking `assert f(args) == expected` apart, so that only `f` and `args` go where the program runs.

What is taken apart: a call of one named function with constant arguments, compared with a constant, alone or negated,
inside a list of asserts or in a `def check(candidate)` that holds nothing else. `abs(f(x) - 1.5) < 1e-6` too. A
constant is made of literals, lists, tuples, sets and dicts of them, `set()`, and arithmetic of numbers, + of texts and
lists. What is not: everything else, which sandbox/inside/tests_process.py runs as it is.

The comparison is Python's own between rebuilt plain values: `1 == True` and `1 == 1.0` hold, as they do in
the test.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from selfplay.verifiers.code.program_run import ProgramRun, short, show
from selfplay.verifiers.contract.verdict import Verdict
from selfplay.verifiers.sandbox.inside.plain_data import Encoder, Plain, TooBig, Unreadable, decode
from selfplay.verifiers.sandbox.protocol import Stopped

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

LARGEST_BITS = 4096
LONGEST = 10_000
PLAIN = (type(None), bool, int, float, complex, str, bytes)
ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
}


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


def judge(run: ProgramRun, checks: list[Check], setup: str) -> Verdict:
    """All calls go over in one message, and the answers are read one by one until the first that is wrong.

    Raises Failed, SandboxError.
    """
    order = run.order("calls", setup=setup, calls=[check.call for check in checks])
    total = len(checks)
    with run.spawn("candidate") as program:
        run.begin(program, order)
        for place, check in enumerate(checks):
            run.evidence["passed"], run.evidence["of"] = place, total
            try:
                answer = run.wait(program)
            except Stopped as stop:
                raise run.stopped(program, stop, test=short(check.source)) from stop
            _judge_value(run, check, answer)
    run.evidence["passed"] = total
    return run.accepted()


def _judge_value(run: ProgramRun, check: Check, answer: dict[str, Any]) -> None:
    if "value" not in answer:
        raise run.no_value(answer, **_about(check))
    try:
        value = decode(answer["value"])
    except Unreadable as error:
        raise run.failed("unreadable_result", **_about(check)) from error
    try:
        holds = check.holds(value)
    except (TypeError, ValueError, ArithmeticError, RecursionError) as error:
        raise run.failed("wrong_answer", got=show(value), error=type(error).__name__, **_about(check)) from error
    if not holds:
        raise run.failed("wrong_answer", got=show(value), **_about(check))


def _about(check: Check) -> dict[str, JsonValue]:
    return {"test": short(check.source), "expected": short(check.expected)}


def _checks_of_function(function: ast.FunctionDef, entry_point: str) -> list[Check]:
    given = function.args.args
    if len(given) != 1 or function.decorator_list:
        raise NotApart
    named = {given[0].arg: entry_point}
    return [_check(statement, named) for statement in function.body if not _says_nothing(statement)]


def _says_nothing(statement: ast.stmt) -> bool:
    """A docstring, `pass`, `assert True`, an import, or a literal given to a name such as METADATA."""
    if isinstance(statement, ast.ImportFrom) and any(alias.asname for alias in statement.names):
        return False  # the program may go by another name here
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


def constant(node: ast.expr) -> Any:
    """The value.

    Raises:
        ValueError, TypeError, ArithmeticError: it is no such expression, or has no value.
    """
    if isinstance(node, ast.Constant) and type(node.value) in PLAIN:
        return node.value
    if isinstance(node, ast.List):
        return [constant(item) for item in node.elts]
    if isinstance(node, ast.Tuple):
        return tuple(constant(item) for item in node.elts)
    if isinstance(node, ast.Set):
        return {constant(item) for item in node.elts}
    if isinstance(node, ast.Dict) and None not in node.keys:
        keys = [constant(key) for key in node.keys if key is not None]
        return dict(zip(keys, map(constant, node.values), strict=True))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.USub, ast.UAdd)):
        value = constant(node.operand)
        return -value if isinstance(node.op, ast.USub) else +value
    if isinstance(node, ast.BinOp) and type(node.op) in ARITHMETIC:
        return _computed(type(node.op), constant(node.left), constant(node.right))
    if _is_empty_set(node):
        return set()
    raise ValueError("not a constant")


def _is_empty_set(node: ast.expr) -> bool:
    """Whether it is `set()`, which has no literal."""
    if not isinstance(node, ast.Call) or node.args or node.keywords:
        return False
    return isinstance(node.func, ast.Name) and node.func.id == "set"


def _computed(kind: type[ast.operator], left: Any, right: Any) -> Any:
    numbers = all(isinstance(value, (int, float, complex)) for value in (left, right))
    if not numbers and kind is not ast.Add:
        raise ValueError("not arithmetic")
    if kind is ast.Pow and isinstance(left, int) and isinstance(right, int):
        if left.bit_length() * abs(right) > LARGEST_BITS:
            raise ValueError("too large")
    elif any(_too_large(value) for value in (left, right)):
        raise ValueError("too large")
    return ARITHMETIC[kind](left, right)


def _too_large(value: Any) -> bool:
    if isinstance(value, int):
        return value.bit_length() > LARGEST_BITS
    return isinstance(value, (str, bytes, list, tuple)) and len(value) > LONGEST
