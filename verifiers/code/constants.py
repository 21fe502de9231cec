"""The value of an expression in a task's tests that is made of literals and arithmetic alone, such as `[3 * 19]`.

What is covered: literals, lists, tuples, sets and dicts of them, `set()`, and + - * / // % ** of numbers, + of texts
and lists. Nothing is called, and numbers beyond a few thousand digits are not computed.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any

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
