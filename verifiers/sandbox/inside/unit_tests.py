"""Runs a text of tests: its asserts, `check(candidate)`, test functions and classes.

What is covered: functions `test...`, classes `Test...` without a constructor (with `setup_method` and
`teardown_method`), and classes of `unittest.TestCase`, which the real unittest runs with their fixtures. A test
function that the text calls itself is not run again. What is not covered: fixtures, marks and parameters of pytest,
coroutines and generators as tests, and tests that skip themselves. They raise `CannotRun`.
"""

from __future__ import annotations

import ast
import inspect
import sys
import traceback
import types
from typing import Any

SKIPS = (("unittest.case", "SkipTest"), ("_pytest.outcomes", "Skipped"))


class CannotRun(Exception):
    """These tests need more than this runner; says what."""


def prepare(texts: list[str]) -> None:
    """`unittest.main()` in a text runs nothing by itself: all tests are run when the text is over."""
    if any("unittest" in text for text in texts):
        import unittest  # only tests that use it pay for it

        unittest.main = lambda *given, **named: None  # type: ignore[assignment]


def run_text(block: ast.Module, code: types.CodeType, names: dict[str, Any], entry_point: str | None) -> int:
    """Run one text in this namespace, then what it defines. Raises whatever a test raises, and CannotRun.

    Returns:
        How many functions and classes of tests ran, besides the text itself.
    """
    before = dict(names)
    try:
        exec(code, names)
    except SystemExit as stop:
        # the last line of a text is often `sys.exit(...)`
        if stop.code not in (None, 0, False) or not _is_own(stop, code.co_filename):
            raise
    new = {name: held for name, held in names.items() if name not in before or before[name] is not held}
    ran = 0
    if entry_point and "check" in new:
        names["check"](names[entry_point])
        ran += 1
    called = _called(block)
    for name, held in new.items():
        if name.startswith("test") and name not in called and callable(held) and not isinstance(held, type):
            run_function(held)
        elif isinstance(held, type) and _is_case(held):
            _run_case(held)
        elif name.startswith("Test") and isinstance(held, type) and not inspect.isabstract(held):
            _run_class(held)
        else:
            continue
        ran += 1
    return ran


def run_function(function: Any) -> None:
    if not inspect.isfunction(function) and not inspect.ismethod(function):
        raise CannotRun("a test is no plain function")
    name = function.__name__
    if inspect.iscoroutinefunction(function) or inspect.isgeneratorfunction(function):
        raise CannotRun(f"`{name}` is a coroutine or a generator")
    wanted = [part for part in inspect.signature(function).parameters.values() if part.default is part.empty]
    if hasattr(function, "pytestmark") or wanted:
        named = ", ".join(f"`{part.name}`" for part in wanted)
        raise CannotRun(f"`{name}` has fixtures or marks of pytest{f': {named}' if named else ''}")
    try:
        function()
    except Exception as error:
        if (type(error).__module__, type(error).__name__) in SKIPS:
            raise CannotRun(f"`{name}` skips itself") from error
        raise


def _is_case(kind: type) -> bool:
    unittest = sys.modules.get("unittest")
    return unittest is not None and issubclass(kind, unittest.TestCase)


def _run_case(case: Any) -> None:
    import unittest

    class First(unittest.TestResult):
        """Keeps the first error as it was raised."""

        error: BaseException | None = None

        def addError(self, test: Any, err: Any) -> None:
            self.error = self.error or err[1]

        addFailure = addError

        def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:
            self.error = self.error or (err and err[1])

        def addUnexpectedSuccess(self, test: Any) -> None:
            self.error = self.error or AssertionError("a test that is expected to fail passed")

    loader, result = unittest.TestLoader(), First()
    tests = [getattr(case, name) for name in loader.getTestCaseNames(case)]
    if any(not inspect.isfunction(test) or inspect.iscoroutinefunction(test) for test in tests):
        raise CannotRun(f"`{case.__name__}` has tests that are no plain functions")
    loader.loadTestsFromTestCase(case).run(result)
    if result.error is not None:
        raise result.error
    if result.skipped:
        raise CannotRun(f"`{case.__name__}` skips tests")


def _run_class(kind: type) -> None:
    if "__init__" in vars(kind) or hasattr(kind, "pytestmark"):
        raise CannotRun(f"`{kind.__name__}` has a constructor or marks")
    for name in [name for name in dir(kind) if name.startswith("test")]:
        made = kind()
        for part in ("setup_method", name, "teardown_method"):
            if hasattr(made, part):
                run_function(getattr(made, part))
    for name, held in vars(kind).items():
        if name.startswith("Test") and isinstance(held, type):
            _run_class(held)


def _called(block: ast.Module) -> set[str]:
    """Test functions that the text itself calls, outside of its functions."""
    found: set[str] = set()
    waiting: list[ast.AST] = [block]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            found.add(node.func.id)
        # a `try` or `with` may swallow what the test says
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.Try, ast.With)):
            waiting += ast.iter_child_nodes(node)
    return found


def _is_own(stop: SystemExit, source: str) -> bool:
    """Whether the text itself ended, and nothing that it called."""
    frames = [frame.filename for frame in traceback.extract_tb(stop.__traceback__)]
    return [name for name in frames if "_sitebuiltins" not in name][-1] == source
