"""Do these tests read an argument that the program may have changed beside what it returned?

`assert f(a) == sorted(a)` does: in one interpreter `a.clear()` in `f` makes it pass. `assert a == [1, 2]` after `f(a)`
does not: one side of the comparison is the tests' own. Decided from the names in the tests, without running them and
without regard to order or scope, so in doubt the answer is yes.

What is covered: a name is the program's when anything of the program went into it; it is given to the program when it,
or a name that may hold the same object, is an argument. What is not covered: names that the tests make of texts.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator

BUILTINS = frozenset(dir(builtins))


def reads_changed(trees: list[ast.Module], program: frozenset[str]) -> bool:
    """Whether one statement reads both an argument of a program's function and something that the program returned.

    Args:
        program: the names that belong to the program.
    """
    nodes = [node for tree in trees for node in ast.walk(tree)]
    imports = [node for node in nodes if isinstance(node, (ast.Import, ast.ImportFrom))]
    own = {
        (alias.asname or alias.name).partition(".")[0]
        for node in imports
        for alias in node.names
        if not (isinstance(node, ast.ImportFrom) and node.module == "solution")
    }
    names = _Names(nodes, set(program - own), (own | BUILTINS) - program)
    return any(names.mixes(part) for node in nodes for part in _tested(node))


class _Names:
    """Which names hold something of the program, and which something that it was given."""

    def __init__(self, nodes: list[ast.AST], program: set[str], others: set[str]) -> None:
        self._functions = {node.name: node for node in nodes if isinstance(node, ast.FunctionDef)}
        check = self._functions.get("check")
        self.program = program | ({part.arg for part in check.args.args} if check else set())
        self.given: set[str] = set()
        pairs = [(names, set(_names(value)) - others) for node in nodes for names, value in self._assigned(node)]
        # the rows of a table of constants have no part in common
        tables = {name for names, read in pairs if not read for name in names}
        size = -1
        while size != len(self.program) + len(self.given):
            size = len(self.program) + len(self.given)
            for node in nodes:
                if isinstance(node, ast.Call) and self._is_of_program(node):
                    self.given |= {name for part in _arguments(node) for name in _names(part)} - program
            for names, read in pairs:
                self.program |= names if read & self.program else set()
                if names & self.given:
                    self.given |= read - program
                if read & self.given and not read <= tables:
                    self.given |= names

    def mixes(self, tested: ast.expr) -> bool:
        if isinstance(tested, ast.BoolOp):
            return any(self.mixes(part) for part in tested.values)
        if isinstance(tested, ast.Compare) and all(isinstance(kind, (ast.Is, ast.IsNot)) for kind in tested.ops):
            return False  # which object something is
        if any(not set(_names(side)) & (self.program | self.given) for side in _sides(tested)):
            return False
        reads, called = self._read(tested)
        # an object of the program that was also given something is one source, not two
        return any((called and name not in self.program) or reads & self.program - {name} for name in reads & self.given)

    def _assigned(self, node: ast.AST) -> Iterator[tuple[set[str], ast.AST]]:
        """Names that get a value, and the value; a call of the tests' own function gives values to its parameters."""
        if isinstance(node, ast.Assign):
            yield {name for target in node.targets for name in _names(target)}, node.value
        elif isinstance(node, (ast.AugAssign, ast.NamedExpr, ast.AnnAssign)) and node.value is not None:
            yield set(_names(node.target)), node.value
        elif isinstance(node, (ast.For, ast.comprehension)):
            yield set(_names(node.target)), node.iter
        elif isinstance(node, ast.withitem) and node.optional_vars:
            yield set(_names(node.optional_vars)), node.context_expr
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in self._functions:
            wanted = self._functions[node.func.id].args.args
            yield from (({part.arg}, value) for part, value in zip(wanted, node.args, strict=False))
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and not _is_assertion(node.func):
            # `results.append(f(a))`
            yield from ((set(_names(node.func.value)), value) for value in node.args)

    def _is_of_program(self, call: ast.Call) -> bool:
        """Whether it calls the program, or hands one of its functions to something that may (`map(f, xs)`)."""
        if isinstance(call.func, ast.Attribute) and _is_assertion(call.func):
            return False
        handed = {part.id for part in call.args if isinstance(part, ast.Name)}
        return bool((handed | set(_names(call.func))) & self.program)

    def _read(self, tested: ast.AST) -> tuple[set[str], bool]:
        """Names that are read outside of the arguments of the program's functions, and whether one is called."""
        if isinstance(tested, ast.Call) and self._is_of_program(tested):
            nested = any(isinstance(part, ast.Call) and part.args for part in ast.walk(tested.func))
            # `f(a).__eq__(sorted(a))`
            return {name for part in (tested.func, *(tested.args if nested else ())) for name in _names(part)}, True
        if isinstance(tested, ast.Name) or not list(ast.iter_child_nodes(tested)):
            return set(_names(tested)), False
        parts = [self._read(part) for part in ast.iter_child_nodes(tested)]
        own = {name for name in _names(tested) if "." in name}
        return own.union(*(reads for reads, _ in parts)), any(called for _, called in parts)


def _tested(node: ast.AST) -> Iterator[ast.expr]:
    """What decides about something, in one statement or comparison."""
    if isinstance(node, (ast.Assert, ast.If, ast.While, ast.IfExp)):
        yield node.test
    elif isinstance(node, ast.Compare) or (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _is_assertion(node.func)
    ):
        yield node
    elif isinstance(node, (ast.Expr, ast.Return, ast.Assign)) and node.value is not None:
        yield node.value


def _sides(tested: ast.expr) -> list[ast.expr]:
    if isinstance(tested, ast.Compare) and len(tested.ops) == 1:
        return [tested.left, tested.comparators[0]]
    if isinstance(tested, ast.Call) and isinstance(tested.func, ast.Attribute) and _is_assertion(tested.func):
        return tested.args[:2] if len(tested.args) > 1 else []
    return []


def _arguments(call: ast.Call) -> list[ast.expr]:
    return [*call.args, *(keyword.value for keyword in call.keywords)]


def _is_assertion(function: ast.Attribute) -> bool:
    return function.attr.startswith(("assert", "fail"))


def _names(node: ast.AST) -> Iterator[str]:
    """Names, and fields of the tests' own object, as `self.given`."""
    for part in ast.walk(node):
        if isinstance(part, ast.Name) and part.id not in ("self", "cls"):
            yield part.id
        elif isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name) and part.value.id in ("self", "cls"):
            yield f"self.{part.attr}"
