"""Do these tests compute what they expect from arguments that the program may have changed?

`assert f(a) == sorted(a)` does: in one interpreter `a.clear()` in `f` makes it pass. `assert a == [1, 2]` after
`f(a)` does not, nor does `assert len(a) == n - 1`. Decided from the names in the tests, without running them and
without regard to order, so in doubt the answer is yes.
"""

from __future__ import annotations

import ast


def expects_of_changed(trees: list[ast.Module], program: frozenset[str]) -> bool:
    """Whether one statement reads both an argument of a program's function and something that the program returned.

    Args:
        program: the names that belong to the program.
    """
    nodes = [node for tree in trees for node in ast.walk(tree)]
    functions = {node.name: node for node in nodes if isinstance(node, ast.FunctionDef)}
    program |= {argument.arg for argument in functions["check"].args.args} if "check" in functions else set()
    assigned = [pair for node in nodes for pair in _assigned(node, functions)]
    given = {
        part.id
        for node in nodes
        if isinstance(node, ast.Call) and _is_of(node, program)
        for argument in (*node.args, *(keyword.value for keyword in node.keywords))
        for part in ast.walk(argument)
        if isinstance(part, ast.Name)
    } - program
    returned: set[str] = set()
    while True:
        before = len(given) + len(returned)
        for target, value in assigned:
            reads, uses_program = _read(value, program)
            names = {part.id for part in ast.walk(target) if isinstance(part, ast.Name)}
            given |= names if reads & given else set()
            # another name for what is given
            given |= reads if names & given and isinstance(value, ast.Name) and isinstance(target, ast.Name) else set()
            returned |= names if uses_program or reads & returned else set()
        if len(given) + len(returned) == before:
            break
    return any(_compares(node, program, given, returned) for node in nodes)


def _compares(node: ast.AST, program: frozenset[str], given: set[str], returned: set[str]) -> bool:
    if isinstance(node, (ast.Expr, ast.Return)):
        tested = node.value
    elif isinstance(node, (ast.Assert, ast.If, ast.While)):
        tested = node.test
    else:
        return False
    if tested is None or _is_identity(tested):
        return False
    reads, uses_program = _read(tested, program)
    return bool(reads & given and (uses_program or reads & returned))


def _is_identity(tested: ast.expr) -> bool:
    return isinstance(tested, ast.Compare) and all(isinstance(kind, (ast.Is, ast.IsNot)) for kind in tested.ops)


def _is_of(call: ast.Call, program: frozenset[str]) -> bool:
    """Whether it calls the program, or hands one of its functions to something that may (`map(f, xs)`)."""
    handed = {argument.id for argument in call.args if isinstance(argument, ast.Name)}
    return bool(handed & program) or any(
        isinstance(part, ast.Name) and part.id in program for part in ast.walk(call.func)
    )


def _assigned(node: ast.AST, functions: dict[str, ast.FunctionDef]) -> list[tuple[ast.expr, ast.expr]]:
    """Pairs of what gets a value, and the value; a call of the tests' own function gives values to its arguments."""
    if isinstance(node, ast.Assign):
        return [(target, node.value) for target in node.targets]
    if isinstance(node, (ast.AugAssign, ast.NamedExpr)):
        return [(node.target, node.value)]
    if isinstance(node, (ast.For, ast.comprehension)):
        return [(node.target, node.iter)]
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in functions:
        wanted: list[ast.expr] = [ast.Name(part.arg, ast.Store()) for part in functions[node.func.id].args.args]
        return list(zip(wanted, node.args, strict=False))
    return []


def _read(value: ast.expr, program: frozenset[str]) -> tuple[set[str], bool]:
    """Names that an expression reads outside of the arguments of a program's function, and whether one is called."""
    reads: set[str] = set()
    called = False
    waiting: list[ast.AST] = [value]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Call) and _is_of(node, program):
            called = True
            continue
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            reads.add(node.id)
        waiting += ast.iter_child_nodes(node)
    return reads, called
