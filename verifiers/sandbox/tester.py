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
import sys
import types
from typing import Any

from verifiers.sandbox.bridge import Bridge, Missing, shown
from verifiers.sandbox.channel import Channel
from verifiers.sandbox.raised import describe
from verifiers.sandbox.stand_in import BrokenTests, collected, pytest_module

TESTS = "<tests>"
LEFT, RIGHT = "@left", "@right"
"""No identifiers, so no test can use these names for its own."""


def run(channel: Channel) -> None:
    """Run the tests of one order and say `passed`, `failed` or `broken`."""
    order = channel.receive()
    random.seed(order["seed"])
    gc.enable()
    bridge = Bridge(channel, order["follow"])
    module = types.ModuleType("tests")
    names: dict[str, Any] = module.__dict__
    sys.modules["tests"] = module
    sys.modules["pytest"] = pytest_module()
    sides = Sides()
    place = -1
    try:
        blocks = [ast.parse(text, TESTS) for text in order["tests"]]
        _run_prefix(order["prefix"], names)
        parsed = [ast.parse(order["setup"]), *blocks]
        wanted, modules, called = _free_names(parsed)
        for name in modules - names.keys():
            names[name] = __import__(name)
        # after `from module import *` nobody knows beforehand whose a name is
        needed = set() if _imports_all(parsed) else wanted - names.keys()
        needed |= {order["entry_point"]} if order["entry_point"] else set()
        bridge.introduce(wanted, needed, _read_for_sure(blocks), names)
        names.update({LEFT: sides.left, RIGHT: sides.right})
        exec(compile(order["setup"], "<setup>", "exec", dont_inherit=True), names)
        for block in blocks:
            place += 1
            exec(compile(sides.told_by(block), TESTS, "exec", dont_inherit=True), names)
            if "check" in names and order["entry_point"] and any(_defines_check(part) for part in block.body):
                names["check"](names[order["entry_point"]])
        for test in collected(names, called):
            test()
    except BaseException as error:
        told = describe(error, TESTS)
        about = {"test": place, "error": told, "last": bridge.last, "sides": sides.shown()}
        about["line"] = bridge.raised_line if error is bridge.raised else None
        of_tests = isinstance(error, (BrokenTests, ImportError)) and error is not bridge.raised
        spoiled = not of_tests and (bridge.used or isinstance(error, Missing))
        channel.send({"failed" if spoiled else "broken": about})
        return
    channel.send({"passed": len(order["tests"]), "used": bridge.used, "changed": bridge.changed})


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


def _run_prefix(prefix: str, names: dict[str, Any]) -> None:
    """What the task gives away before the completion is the task's own, so its helpers are taken from here.

    A prefix that ends in the middle of a statement defines nothing by itself.
    """
    try:
        code = compile(prefix, "<prefix>", "exec", dont_inherit=True)
    except SyntaxError:
        return
    exec(code, names)


def _defines_check(part: ast.stmt) -> bool:
    return isinstance(part, ast.FunctionDef) and part.name == "check"


def _imports_all(blocks: list[ast.Module]) -> bool:
    imports = [node for block in blocks for node in ast.walk(block) if isinstance(node, ast.ImportFrom)]
    return any(node.names[0].name == "*" for node in imports)


def _read_for_sure(blocks: list[ast.Module]) -> set[str]:
    """Names in asserts at the top level of the tests."""
    asserts = [part for block in blocks for part in block.body if isinstance(part, ast.Assert)]
    return {node.id for part in asserts for node in ast.walk(part) if isinstance(node, ast.Name)}


def _free_names(blocks: list[ast.Module]) -> tuple[set[str], set[str], set[str]]:
    """Names that the tests use and do not define: those for the program, and standard modules
    (`math.isclose`). Third, all names that they call."""
    read: set[str] = set()
    bound: set[str] = set()
    called: set[str] = set()
    for node in (node for block in blocks for node in ast.walk(block)):
        if isinstance(node, ast.Name):
            (read if isinstance(node.ctx, ast.Load) else bound).add(node.id)
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            bound.add(node.name)
        elif isinstance(node, ast.alias):
            bound.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, (ast.ExceptHandler, ast.MatchAs, ast.MatchStar)) and node.name:
            bound.add(node.name)
        elif isinstance(node, ast.MatchMapping) and node.rest:
            bound.add(node.rest)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            called.add(node.func.id)
    free = {name for name in read - bound if not hasattr(builtins, name)}
    modules = {name for name in free - called if name in sys.stdlib_module_names}
    return free - modules, modules, called
