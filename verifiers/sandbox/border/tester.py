"""What runs inside the process that holds the tests, where a test is more than `f(literals) == literal`.

The tests see the program through bridge.py, so tests and program never share an interpreter. A name that the tests
use and nobody on their side defines is one that the program must define. Tests for pytest and unittest find a
stand-in for the one (stand_in.py) and the real other; their test functions and classes are run.

What is covered: each assert tells its two sides when it fails, and an error of the tests themselves (a missing
package, a fixture, an exception before the program was ever used) is told apart from one of the program.
What is not covered: a test that breaks by itself after it used the program counts against the program.
"""

from __future__ import annotations

import ast
import builtins
import gc
import random
import symtable
import sys
import types
from typing import Any

from selfplay.verifiers.sandbox.border.bridge import Bridge, Missing, shown
from selfplay.verifiers.sandbox.border.collect import Collector
from selfplay.verifiers.sandbox.border.raised import describe
from selfplay.verifiers.sandbox.border.remote import Remote
from selfplay.verifiers.sandbox.border.stand_in import prepare_unittest, pytest_module
from selfplay.verifiers.sandbox.border.watch import BrokenTests, Watch
from selfplay.verifiers.sandbox.channel import Channel

TESTS = "<tests>"
LEFT, RIGHT = "@left", "@right"
"""No identifiers, so no test can use these names for its own."""


def run(channel: Channel) -> None:
    """Run the tests of one order and say `passed`, `failed` or `broken`."""
    order = channel.receive()
    random.seed(order["seed"])
    gc.enable()
    bridge = Bridge(channel, order["follow"])
    # so that what stands behind `if __name__ == "__main__"` runs too
    module = types.ModuleType("__main__")
    names: dict[str, Any] = module.__dict__
    names["__file__"] = "tests.py"
    sys.modules["__main__"] = sys.modules["tests"] = module
    sys.modules["pytest"] = pytest_module()
    sides = Sides()
    watch = Watch("check" if order["entry_point"] else None, lambda value: isinstance(value, Remote))
    collector = Collector(watch, bridge, names)
    place = -1
    bound: set[str] = set()
    try:
        blocks = [ast.parse(text, TESTS) for text in order["tests"]]
        _run_prefix(order["prefix"], names, order["entry_point"])
        setup = ast.parse(order["setup"], "<setup>")
        parsed = [setup, *blocks]
        if any(_imports_unittest(block) for block in parsed):
            prepare_unittest()
        wanted, modules, bound = _free_names([order["setup"], *order["tests"]], parsed)
        for name in modules - names.keys():
            names[name] = __import__(name)
        # after `from module import *` nobody knows beforehand whose a name is
        needed = set() if _imports_all(parsed) else wanted - names.keys()
        needed = {name for name in needed if not name.startswith("__")}
        needed |= {order["entry_point"]} if order["entry_point"] else set()
        bridge.introduce(wanted, needed, _read_for_sure(blocks), names)
        names.update({LEFT: sides.left, RIGHT: sides.right, **watch.names})
        bridge.share(order["shared"])
        exec(compile(watch.told_by(setup), "<setup>", "exec", dont_inherit=True), names)
        bridge.share(order["shared"])
        for block in blocks:
            place += 1
            checks = any(_defines_check(part) for part in block.body)
            _run_text(compile(sides.told_by(watch.told_by(block)), TESTS, "exec", dont_inherit=True), names, bridge)
            if "check" in names and order["entry_point"] and checks:
                names["check"](names[order["entry_point"]])
            collector.run()
        watch.complete()
    except BaseException as error:
        told = describe(error, TESTS)
        about = {"test": place, "error": told, "last": bridge.last, "sides": sides.shown()}
        about["line"] = bridge.raised_line if error is bridge.raised else None
        # a name that nobody gives is no doing of the program, whatever it returned
        nobodys = type(error) is NameError and error.name not in bound
        of_tests = isinstance(error, (BrokenTests, ImportError)) or nobodys
        of_tests = of_tests and not bridge.comes_from_program(error)
        spoiled = not of_tests and (bridge.used or bridge.spoils or isinstance(error, Missing))
        channel.send({"failed" if spoiled else "broken": about})
        return
    channel.send({"passed": len(order["tests"]), "used": bridge.used, "changed": bridge.changed})


def _run_text(code: types.CodeType, names: dict[str, Any], bridge: Bridge) -> None:
    try:
        exec(code, names)
    except SystemExit as stop:
        # the last line of a text is often `sys.exit(pytest.main())`
        if stop is bridge.raised or stop.code not in (None, 0):
            raise


class Sides(ast.NodeTransformer):
    """Remembers the two sides of the latest comparison that a test asserted."""

    def __init__(self) -> None:
        self._seen: dict[str, Any] = {}

    def told_by(self, block: ast.Module) -> Any:
        return ast.fix_missing_locations(self.visit(block))

    def visit_Assert(self, node: ast.Assert) -> ast.Assert:
        test = node.test
        if isinstance(test, ast.Compare) and len(test.ops) == 1:
            test.left = self._through(LEFT, test.left)
            test.comparators[0] = self._through(RIGHT, test.comparators[0])
        return node

    def _through(self, name: str, value: ast.expr) -> ast.expr:
        call = ast.Call(ast.Name(name, ast.Load()), [value], [])
        return ast.copy_location(call, value)

    def left(self, value: Any) -> Any:
        self._seen = {"left": value}
        return value

    def right(self, value: Any) -> Any:
        self._seen["right"] = value
        return value

    def shown(self) -> list[str] | None:
        return [shown(self._seen[side]) for side in ("left", "right")] if len(self._seen) == 2 else None


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


def _defines_check(part: ast.stmt) -> bool:
    return isinstance(part, ast.FunctionDef) and part.name == "check"


def _imports_unittest(block: ast.Module) -> bool:
    for node in ast.walk(block):
        if isinstance(node, ast.Import) and any(name.name.partition(".")[0] == "unittest" for name in node.names):
            return True
        if isinstance(node, ast.ImportFrom) and str(node.module).partition(".")[0] == "unittest":
            return True
    return False


def _imports_all(blocks: list[ast.Module]) -> bool:
    imports = [node for block in blocks for node in ast.walk(block) if isinstance(node, ast.ImportFrom)]
    return any(node.names[0].name == "*" for node in imports)


def _read_for_sure(blocks: list[ast.Module]) -> set[str]:
    """Names in asserts at the top level of the tests."""
    asserts = [part for block in blocks for part in block.body if isinstance(part, ast.Assert)]
    return {node.id for part in asserts for node in ast.walk(part) if isinstance(node, ast.Name)}


def _free_names(texts: list[str], blocks: list[ast.Module]) -> tuple[set[str], set[str], set[str]]:
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
