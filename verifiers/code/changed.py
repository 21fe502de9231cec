"""Do these tests compute what they expect from arguments that the program may have changed?

`assert f(a) == sorted(a)` does: in one interpreter `a.clear()` in `f` makes it pass. `assert a == [1, 2]` after
`f(a)` does not, nor does `assert len(a) == n - 1`. Decided from the names in the tests, without running them and
without regard to order, so in doubt the answer is yes.

What is covered: a name is the program's when anything of the program went into it, be it an alias, an object, an entry
of a dict or a function of the tests that uses the program; and it is given to the program when it, or something made
of it, is an argument. What is not covered: names that the tests make of texts, as by `exec`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator

REACHES_ANYTHING = frozenset({"globals", "locals", "vars", "getattr", "eval", "exec", "__import__"})
"""Built-in functions whose result may be the program's."""
OWNERS = ("self", "cls")

Assigned = list[tuple[list[ast.AST], ast.AST]]


def expects_of_changed(trees: list[ast.Module], program: frozenset[str]) -> bool:
    """Whether one statement reads both an argument of a program's function and something that the program returned.

    Args:
        program: the names that belong to the program.
    """
    return Names([node for tree in trees for node in ast.walk(tree)], program).mixed()


class Names:
    """Which names of the tests hold something of the program, and which something that it was given."""

    def __init__(self, nodes: list[ast.AST], program: frozenset[str]) -> None:
        self._nodes = nodes
        self._imported = {
            (alias.asname or alias.name).partition(".")[0]
            for node in nodes
            if isinstance(node, (ast.Import, ast.ImportFrom))
            for alias in node.names
        }
        self._functions = {node.name: node for node in nodes if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
        check = self._functions.get("check")
        handed = {part.arg for part in check.args.args} if isinstance(check, ast.FunctionDef) else set()
        own = self._functions.keys() | self._imported
        self._program = set(program | REACHES_ANYTHING | handed) - own
        self._named_first = frozenset(self._program)
        self._given: set[str] = set()
        self._settle([pair for node in nodes for pair in self._assigned(node)])

    def mixed(self) -> bool:
        return any(self._mixes(part) for node in self._nodes for part in _tested(node))

    def _settle(self, assigned: Assigned) -> None:
        size = -1
        while size != len(self._program) + len(self._given):
            size = len(self._program) + len(self._given)
            for node in self._nodes:
                if isinstance(node, ast.Call) and self._is_of(node):
                    for argument in (*node.args, *(keyword.value for keyword in node.keywords)):
                        self._given |= self._names_in(argument) - self._named_first
            for name, function in self._functions.items():
                names = {name for part in function.body for name in self._names_in(part)}
                self._program |= {name} if names & self._program else set()
                self._given |= {name} if names & self._given else set()
            for targets, value in assigned:
                self._assign({name for target in targets for name in self._names_in(target)}, targets, value)

    def _assign(self, names: set[str], targets: list[ast.AST], value: ast.AST) -> None:
        reads, uses_program = self._read(value)
        if uses_program or self._names_in(value) & self._program:
            self._program |= names
        if reads & self._given:
            self._given |= names
        if names & self._given and isinstance(value, ast.Name) and all(isinstance(one, ast.Name) for one in targets):
            # another name for what is given
            self._given |= reads

    def _assigned(self, node: ast.AST) -> Assigned:
        """What gets a value, and the value; a call of the tests' own function gives values to its arguments."""
        if isinstance(node, ast.Assign):
            return [(list(node.targets), node.value)]
        if isinstance(node, (ast.AugAssign, ast.NamedExpr)) or (isinstance(node, ast.AnnAssign) and node.value):
            return [([node.target], node.value)]  # type: ignore[list-item]
        if isinstance(node, (ast.For, ast.comprehension)):
            return [([node.target], node.iter)]
        if isinstance(node, ast.withitem) and node.optional_vars:
            return [([node.optional_vars], node.context_expr)]
        if not isinstance(node, ast.Call):
            return []
        if isinstance(node.func, ast.Attribute) and isinstance(node.func.value, (ast.Name, ast.Attribute)):
            # `results.append(f(a))`
            return [] if _is_assertion(node.func) else [([node.func.value], argument) for argument in node.args]
        function = self._functions.get(node.func.id) if isinstance(node.func, ast.Name) else None
        if not isinstance(function, ast.FunctionDef):
            return []
        wanted = [ast.Name(part.arg, ast.Store()) for part in function.args.args]
        return [([name], value) for name, value in zip(wanted, node.args, strict=False)]

    def _names_in(self, node: ast.AST) -> set[str]:
        return {name for name in _keys(node) if name not in self._imported}

    def _is_of(self, call: ast.Call) -> bool:
        """Whether it calls the program, or hands one of its functions to something that may (`map(f, xs)`)."""
        if isinstance(call.func, ast.Attribute) and _is_assertion(call.func):
            return False
        handed = {name for part in call.args if isinstance(part, ast.Name) for name in self._names_in(part)}
        called = self._names_in(call.func)
        if isinstance(call.func, ast.Attribute) and call.func.attr in self._functions:
            called.add(call.func.attr)
        return bool(handed & self._named_first or called & self._program)

    def _read(self, value: ast.AST) -> tuple[set[str], bool]:
        """Names that are read outside of the arguments of a program's function, and whether one is called."""
        reads: set[str] = set()
        called = False
        waiting: list[ast.AST] = [value]
        while waiting:
            node = waiting.pop()
            if isinstance(node, ast.Call) and self._is_of(node):
                called = True
                waiting.append(node.func)
                if any(isinstance(part, ast.Call) and part.args for part in ast.walk(node.func)):
                    # `f(a).__eq__(sorted(a))`
                    waiting += node.args
            elif isinstance(node, (ast.Name, ast.Attribute)) and _is_key(node):
                reads |= self._names_in(node)
            else:
                waiting += ast.iter_child_nodes(node)
        return reads, called

    def _mixes(self, tested: ast.AST) -> bool:
        if isinstance(tested, ast.BoolOp):
            return any(self._mixes(part) for part in tested.values if not _is_identity(part))
        if self._is_of_own_content(tested):
            return False
        reads, called = self._read(tested)
        given = reads & self._given
        # an object of the program that was also given something is one source, not two
        return any((called and name not in self._program) or reads & self._program - {name} for name in given)

    def _is_of_own_content(self, tested: ast.AST) -> bool:
        """Whether it compares a given argument's own content, as `nums[:k]`, with what the program had no part in."""
        sides: list[ast.expr] = []
        if isinstance(tested, ast.Compare) and len(tested.ops) == 1 and isinstance(tested.ops[0], ast.Eq):
            sides = [tested.left, tested.comparators[0]]
        elif isinstance(tested, ast.Call) and isinstance(tested.func, ast.Attribute) and _is_assertion(tested.func):
            sides = tested.args[:2] if tested.func.attr.endswith("Equal") else []
        if len(sides) < 2:
            return False
        apart = [not self._names_in(side) & (self._given | self._program) for side in sides]
        return any(_is_content(side) and apart[1 - place] for place, side in enumerate(sides))


def _is_content(node: ast.expr) -> bool:
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("sorted", "list", "set"):
        return len(node.args) == 1 and _is_content(node.args[0])
    return isinstance(node, ast.Name) or (isinstance(node, ast.Subscript) and _is_content(node.value))


def _tested(node: ast.AST) -> Iterator[ast.AST]:
    """What decides about something, in one statement or comparison."""
    part: ast.AST | None = None
    if isinstance(node, (ast.Assert, ast.If, ast.While, ast.IfExp)):
        part = node.test
    elif isinstance(node, ast.Match):
        part = node.subject
    elif isinstance(node, (ast.Expr, ast.Return, ast.Assign, ast.AnnAssign)):
        part = node.value
    elif isinstance(node, ast.Compare):
        part = node
    if part is not None and not _is_identity(part):
        yield part


def _is_identity(tested: ast.AST) -> bool:
    """Whether nothing is compared but which object something is; `(x == y) is True` is no such thing."""
    if not isinstance(tested, ast.Compare) or not all(isinstance(kind, (ast.Is, ast.IsNot)) for kind in tested.ops):
        return False
    return not any(isinstance(part, ast.Compare) and part is not tested for part in ast.walk(tested)) and not any(
        isinstance(part, ast.Constant) and isinstance(part.value, bool) for part in (tested.left, *tested.comparators)
    )


def _is_assertion(function: ast.Attribute) -> bool:
    return function.attr.startswith(("assert", "fail"))


def _is_key(node: ast.AST) -> bool:
    owner = node.value if isinstance(node, ast.Attribute) else None
    return isinstance(node, ast.Name) or (isinstance(owner, ast.Name) and owner.id in OWNERS)


def _keys(node: ast.AST) -> Iterator[str]:
    """Names, and fields of the tests' own object, as `self.given`."""
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Attribute) and _is_key(node):
        yield f"self.{node.attr}"
    else:
        for part in ast.iter_child_nodes(node):
            yield from _keys(part)
