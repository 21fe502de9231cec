"""May these tests compare what the program returned with an argument that it changed?

`assert f(a) == sorted(a)` does: in one interpreter `a.clear()` in `f` makes it pass. `assert nums[:k] == [1, 2]` does
not: one side is made of constants. Decided from the names in the tests without running them, so in doubt the answer is
yes; a yes costs a second run.
"""

from __future__ import annotations

import ast
import builtins

BUILTINS = frozenset(dir(builtins))


def reads_changed(trees: list[ast.Module]) -> bool:
    """Whether any comparison of the tests has no side that is made of constants alone."""
    nodes = [node for tree in trees for node in ast.walk(tree)]
    imports = [alias for node in nodes if isinstance(node, (ast.Import, ast.ImportFrom)) for alias in node.names]
    known = BUILTINS | {(alias.asname or alias.name).partition(".")[0] for alias in imports}
    assigned: dict[str, list[set[str]]] = {}
    """For each name the names that its values are made of."""
    rows: dict[str, list[set[str]]] = {}
    """The same for names that a loop gives values to: the rows of a table have no part in common."""
    for node in nodes:
        if isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign, ast.NamedExpr)) and node.value is not None:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                for name in _names(target):
                    assigned.setdefault(name, []).append(_names(node.value) - known)
        elif isinstance(node, (ast.For, ast.comprehension)):
            for name in _names(node.target):
                rows.setdefault(name, []).append(_names(node.iter) - known)
    given = {name: assigned.get(name, []) + rows.get(name, []) for name in assigned.keys() | rows.keys()}
    handed = _handed(nodes, known, given)
    waiting = list(handed)
    while waiting:
        for name in {name for names in assigned.get(waiting.pop(), []) for name in names} - handed:
            handed.add(name)
            waiting.append(name)
    constant: set[str] = set()
    for _ in range(3):
        tables = {name for name in constant - handed if not any(assigned.get(name, [{name}]))}
        constant |= {
            name
            for name in given
            if all(names <= constant - handed for names in assigned.get(name, []))
            and all(names <= tables for names in rows.get(name, []))
        }
    clean = (constant - handed) | (known - given.keys())
    return any(not any(_names(side) <= clean for side in sides) for sides in map(_sides, nodes) if sides)


def _handed(nodes: list[ast.AST], known: frozenset[str] | set[str], given: dict[str, list[set[str]]]) -> set[str]:
    """Names among the arguments of calls that may be the program's, or that hand something of it on (`map(f, a)`)."""
    found: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Call) and not _is_assertion(node):
            names = {name for part in [*node.args, *(word.value for word in node.keywords)] for name in _names(part)}
            if (_names(node.func) | (names - given.keys())) - known:
                found |= names
    return found


def _sides(node: ast.AST) -> list[ast.expr]:
    """What is compared: the sides of a comparison or `assertEqual`, or all of another assert with several calls."""
    if isinstance(node, ast.Compare):
        identity = all(isinstance(kind, (ast.Is, ast.IsNot)) for kind in node.ops)
        return [] if identity else [node.left, *node.comparators]
    if isinstance(node, ast.Call) and _is_assertion(node) and len(node.args) > 1:
        return node.args[:2]
    if isinstance(node, ast.Assert) and not isinstance(node.test, (ast.Compare, ast.Name, ast.BoolOp)):
        nested = [part for part in ast.walk(node.test) if isinstance(part, ast.Call)]
        return [node.test] if len(nested) > 1 else []
    return []


def _is_assertion(call: ast.Call) -> bool:
    return isinstance(call.func, ast.Attribute) and call.func.attr.startswith(("assert", "fail"))


def _names(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
