"""What runs inside the process that holds the tests, where a test is more than `f(literals) == literal`.

The tests see the program through handles.py, so tests and program never share an interpreter. A name that the tests use
and nobody on their side defines is one that the program must define; a module `solution` holds the same names.

What is covered: each assert tells its two sides when it fails, and an error of the tests themselves (a missing package,
an exception before the program was ever used) is told apart from one of the program. Tests that need the program in
their own interpreter are told as `open`, whatever came of them until then.
What is not covered: a test that breaks by itself after it used the program counts against the program.
"""

from __future__ import annotations

import ast
import builtins
import gc
import os
import random
import symtable
import sys
import types
from collections.abc import Callable, Container
from typing import Any

from selfplay.verifiers.sandbox.channel import Channel
from selfplay.verifiers.sandbox.inside import unit_tests
from selfplay.verifiers.sandbox.inside.exception_data import describe
from selfplay.verifiers.sandbox.inside.handles import Missing, Program

TESTS = "<tests>"
LEFT, RIGHT = "@left", "@right"
"""No identifiers, so no test can use these names for its own."""
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def run(channel: Channel) -> None:
    """Run the tests of one order and say `passed`, `failed`, `broken` or `open`."""
    order = channel.receive()
    random.seed(order["seed"])
    gc.set_threshold(50_000, 20, 50)  # the default looks at a list of 100,000 nodes again and again
    gc.enable()
    program = Program(channel, order["follow"])
    # so that what stands behind `if __name__ == "__main__"` runs too
    module = types.ModuleType("__main__")
    names: dict[str, Any] = module.__dict__
    names["__file__"] = "tests.py"
    sys.modules["__main__"] = sys.modules["tests"] = module
    unit_tests.prepare([order["setup"], *order["tests"]])
    _watch_files(program)
    place, sides, bound = -1, Sides(program.shown), set[str]()
    try:
        blocks = [ast.parse(text, TESTS) for text in order["tests"]]
        _run_prefix(order["prefix"], names, order["entry_point"])
        setup = ast.parse(order["setup"], "<setup>")
        for block in (setup, *blocks):
            _refuse_patches(block, program)
        wanted, modules, bound = free_names([order["setup"], *order["tests"]], [setup, *blocks])
        for name in modules - names.keys():
            names[name] = __import__(name)
        imported = _of_solution([setup, *blocks])
        # after `from module import *` nobody knows beforehand whose a name is
        needed = set() if _imports_all([setup, *blocks]) else wanted - names.keys()
        needed = {name for name in needed if not name.startswith("__")} | imported
        needed |= {order["entry_point"]} if order["entry_point"] else set()
        program.introduce(wanted, needed, _read_for_sure(blocks), names)
        sys.modules["solution"] = solution = types.ModuleType("solution")
        solution.__dict__.update({name: names[name] for name in wanted | imported if name in names})
        names.update(sides.names)
        program.share(order["shared"], names)
        exec(compile(setup, "<setup>", "exec", dont_inherit=True), names)
        program.share(order["shared"], names)
        for block in blocks:
            place += 1
            code = compile(sides.told_by(block), TESTS, "exec", dont_inherit=True)
            unit_tests.run_text(block, code, names, order["entry_point"])
    except BaseException as error:
        if isinstance(error, unit_tests.CannotRun):
            program.needs = program.needs or str(error)
        if program.needs is None:
            channel.send(_told(error, place, program, sides, bound))
            return
    if program.needs is not None:
        channel.send({"open": program.needs})
        return
    channel.send({"passed": len(order["tests"]), "used": program.used, "changed": program.changed})


def _told(error: BaseException, place: int, program: Program, sides: Sides, bound: set[str]) -> dict[str, Any]:
    told = describe(error, TESTS)
    about = {"test": place, "error": told, "last": program.last, "sides": sides.shown()}
    about["line"] = program.raised_line if error is program.raised else None
    of_tests = is_of_tests(error, bound) and not program.comes_from_program(error)
    spoiled = not of_tests and (program.used or program.spoils or isinstance(error, Missing))
    return {"failed" if spoiled else "broken": about}


def is_of_tests(error: BaseException, known: Container[object]) -> bool:
    """Whether a module is missing, or a name that nobody gives: no doing of the program, whatever it returned."""
    return isinstance(error, ImportError) or (type(error) is NameError and error.name not in known)


def _watch_files(program: Program) -> None:
    """The program has files of its own, so tests that write some for it cannot be judged here (PEP 578)."""

    def hook(event: str, given: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(given[2], int) and given[2] & WRITES and given[0] != os.devnull:
            program.needs = program.needs or "they write files"
        elif event == "os.putenv":
            program.needs = program.needs or "they set variables of the environment"

    sys.addaudithook(hook)


def _refuse_patches(block: ast.Module, program: Program) -> None:
    """Tests that change a module change it on their side only."""
    modules: set[str] = set()
    for node in ast.walk(block):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            origin = node.module or "" if isinstance(node, ast.ImportFrom) else ""
            for alias in node.names:
                if f"{origin}.{alias.name}".strip(".").startswith(("unittest.mock", "mock")):
                    program.refuse("they put mocks in the place of what the program uses")
                modules.add((alias.asname or alias.name).partition(".")[0])
    for node in ast.walk(block):
        targets = node.targets if isinstance(node, (ast.Assign, ast.Delete)) else [getattr(node, "target", None)]
        for target in targets:
            owner = target.value if isinstance(target, ast.Attribute) else None
            if isinstance(owner, ast.Name) and owner.id in modules:
                program.refuse(f"they change the module `{owner.id}`")


class Sides(ast.NodeTransformer):
    """Remembers the two sides of the latest comparison that a test asserted."""

    def __init__(self, show: Callable[[Any], str]) -> None:
        self._show = show
        self._seen: dict[str, Any] = {}

    @property
    def names(self) -> dict[str, Any]:
        """What the changed text needs in its namespace."""
        return {LEFT: self._left, RIGHT: self._right}

    def told_by(self, block: ast.Module) -> Any:
        return ast.fix_missing_locations(self.visit(block))

    def visit_Assert(self, node: ast.Assert) -> ast.Assert:
        test = node.test
        if isinstance(test, ast.Compare) and len(test.ops) == 1:
            test.left = self._through(LEFT, test.left)
            test.comparators[0] = self._through(RIGHT, test.comparators[0])
        return node

    def _through(self, name: str, value: ast.expr) -> ast.expr:
        return ast.copy_location(ast.Call(ast.Name(name, ast.Load()), [value], []), value)

    def _left(self, value: Any) -> Any:
        self._seen = {"left": value}
        return value

    def _right(self, value: Any) -> Any:
        self._seen["right"] = value
        return value

    def shown(self) -> list[str] | None:
        return [self._show(self._seen[side]) for side in ("left", "right")] if len(self._seen) == 2 else None


def _run_prefix(prefix: str, names: dict[str, Any], entry_point: str | None) -> None:
    """What the task gives away before the completion is the task's own, so its helpers are taken from here.

    A prefix that ends in the middle of a statement defines nothing by itself, and a function without a body is one
    that the program is to write.
    """
    try:
        tree = ast.parse(prefix)
        code = compile(prefix, "<prefix>", "exec", dont_inherit=True)
    except SyntaxError:
        return
    exec(code, names)
    last = tree.body[-1] if tree.body else None
    if not entry_point and isinstance(last, (ast.FunctionDef, ast.AsyncFunctionDef)) and _is_stub(last):
        names.pop(last.name, None)


def _is_stub(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether it has a docstring, `pass` or `...` for a body, or says that it is not written."""
    return all(
        isinstance(part, (ast.Pass, ast.Raise)) or (isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant))
        for part in function.body
    )


def _imports(blocks: list[ast.Module]) -> list[ast.ImportFrom]:
    return [node for block in blocks for node in ast.walk(block) if isinstance(node, ast.ImportFrom)]


def _imports_all(blocks: list[ast.Module]) -> bool:
    return any(node.names[0].name == "*" and node.module != "solution" for node in _imports(blocks))


def _of_solution(blocks: list[ast.Module]) -> set[str]:
    """Names that the tests take from the module `solution`."""
    names = {alias.name for node in _imports(blocks) if node.module == "solution" for alias in node.names}
    for block in blocks:
        for node in ast.walk(block):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "solution":
                names.add(node.attr)
    return names - {"*"}


def _read_for_sure(blocks: list[ast.Module]) -> set[str]:
    """Names in asserts at the top level of the tests."""
    asserts = [part for block in blocks for part in block.body if isinstance(part, ast.Assert)]
    return {node.id for part in asserts for node in ast.walk(part) if isinstance(node, ast.Name)}


def free_names(texts: list[str], blocks: list[ast.Module]) -> tuple[set[str], set[str], set[str]]:
    """Names that the tests use and do not define: those for the program, and standard modules (`math.isclose`).
    Third, the names that they define."""
    read: set[str] = set()
    bound: set[str] = set()
    for text in texts:
        top = symtable.symtable(text, TESTS, "exec")
        tables = [top]
        while tables:
            table = tables.pop()
            tables += table.get_children()
            for symbol in table.get_symbols():
                if table is not top and not symbol.is_global():
                    continue
                if symbol.is_referenced():
                    read.add(symbol.get_name())
                if symbol.is_assigned() or symbol.is_imported():
                    bound.add(symbol.get_name())
    calls = [node.func for block in blocks for node in ast.walk(block) if isinstance(node, ast.Call)]
    called = {function.id for function in calls if isinstance(function, ast.Name)}
    free = {name for name in read - bound if not hasattr(builtins, name)}
    modules = {name for name in free - called if name in sys.stdlib_module_names}
    return free - modules, modules, bound
