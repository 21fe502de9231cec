"""Runs what pytest and unittest would find in a text of tests, as they would run it.

What is covered: functions `test...`, classes `Test...` without a constructor, classes of `unittest.TestCase` with their
fixtures, skips and expected failures, `parametrize`, and the plain set-up functions of both (`setup_method`,
`setUpModule`). A function that the text has run to its end already does not run again.
What is not covered: fixtures, coroutines and generators as tests, `load_tests`; they are an error of the tests, as is
a test that skips itself after it has seen the program's answer.
"""

from __future__ import annotations

import inspect
import sys
from collections import Counter
from collections.abc import Callable
from typing import Any

from selfplay.verifiers.sandbox.border.bridge import Bridge
from selfplay.verifiers.sandbox.border.remote import Remote
from selfplay.verifiers.sandbox.border.stand_in import Mark, Skipped, expects_failure, rows_of, skips
from selfplay.verifiers.sandbox.border.watch import BrokenTests, Watch


class Collector:
    """Runs the tests of one text after the other; one for each run of the tests."""

    def __init__(self, watch: Watch, bridge: Bridge, names: dict[str, Any]) -> None:
        self._watch, self._bridge, self._names = watch, bridge, names
        self._seen: list[Any] = []

    def run(self) -> None:
        """What the texts so far define and what has not run. Raises what a failing test raises, and BrokenTests."""
        if "load_tests" in self._names:
            raise BrokenTests("`load_tests` is not supported")
        found = self._found()
        if not found:
            return
        made = Counter(number for number, _, _ in found)
        over = {number for number in made if self._watch.is_over(number, made[number])}
        self._call("setup_module", "setUpModule")
        for number, name, value in found:
            if isinstance(value, type):
                self._class(value, name)
            elif number not in over or rows_of(_marks_of(value)) != [({}, [])]:
                self._call("setup_function")
                self._function(number, name, value, _marks_of(value))
                self._call("teardown_function")
        self._call("teardown_module", "tearDownModule")

    def _found(self) -> list[tuple[int, str, Any]]:
        """What the text defines by `def` and `class`, and what else has the name of a test by now."""
        made, self._watch.pending = self._watch.pending, []
        loose = [(-1, name, value) for name, value in list(self._names.items())]
        found = []
        for number, name, value in [*made, *loose]:
            if (number < 0 and not _is_test(name, value)) or any(value is known for known in self._seen):
                continue
            self._seen.append(value)
            found.append((number, name, value))
        return found

    def _call(self, *names: str) -> None:
        for name in names:
            if inspect.isfunction(function := self._names.get(name)):
                function(*[None] * len(inspect.signature(function).parameters))

    def _function(self, number: int, name: str, function: Any, marks: Any) -> None:
        if isinstance(function, Mark) or not callable(function):
            raise BrokenTests(f"{name} is a test that cannot be called")
        _refuse_lazy(name, function)
        if skips(marks):
            self._watch.excuse(name)
            return
        for row, own in rows_of(marks):
            # what unittest.mock patches is given by it
            if not isinstance(function, Remote) and not hasattr(function, "patchings"):
                try:
                    inspect.signature(function).bind(**row)
                except TypeError as error:
                    raise BrokenTests(f"{name} needs arguments that nobody gives ({error})") from error
            if skips(own):
                self._watch.excuse(name)
            elif expects_failure([*marks, *own]):
                self._watch.excuse(name)
                self._failing(function, row)
            else:
                before = self._watch.times(number)
                skipped = self._skipped(name, lambda given=row: function(**given))  # type: ignore[misc]
                if number >= 0 and not skipped and self._watch.times(number) == before:
                    raise BrokenTests(f"{name} returned and never came to its end")

    def _failing(self, function: Callable[..., Any], row: dict[str, Any]) -> None:
        try:
            function(**row)
        except Exception as error:
            if isinstance(error, BrokenTests):
                raise

    def _skipped(self, name: str, test: Callable[[], Any]) -> bool:
        """Run a test; whether it skipped itself."""
        before, self._bridge.used = self._bridge.used, False
        try:
            returned = test()
        except Exception as error:
            if not _is_skip(error) or self._bridge.comes_from_program(error):
                raise
            if self._bridge.used:
                raise BrokenTests(f"{name} skips itself after it has used the program") from error
            self._watch.excuse(name)
            return True
        finally:
            self._bridge.used = self._bridge.used or before
        if inspect.isawaitable(returned) or inspect.isgenerator(returned):
            raise BrokenTests(f"{name} returns what nobody runs")
        return False

    def _class(self, kind: Any, name: str) -> None:
        unittest = sys.modules.get("unittest")
        if unittest and issubclass(kind, unittest.TestCase):
            self._unittest_class(kind)
        elif name.startswith("Test"):
            self._pytest_class(kind)

    def _pytest_class(self, kind: Any) -> None:
        if kind.__init__ is not object.__init__ or inspect.isabstract(kind):
            return  # not one that pytest runs, and its tests must have run by themselves
        above = getattr(kind, "marks", [])
        tests = [name for name in dir(kind) if name.startswith("test")]
        tests.sort(key=lambda name: getattr(_function_of(kind, name), "co_firstlineno", 0))
        if tests and hasattr(kind, "setup_class"):
            kind.setup_class()
        for name in tests:
            holder = kind()
            method = getattr(holder, name)
            if isinstance(method, Remote):
                raise BrokenTests(f"{name} is wrapped by the program")
            if callable(method):
                _around(holder, "setup_method", method)
                self._function(-1, _told(kind, name), method, [*above, *_marks_of(method)])
                _around(holder, "teardown_method", method)
        if tests and hasattr(kind, "teardown_class"):
            kind.teardown_class()
        for held in list(vars(kind).values()):
            if isinstance(held, type) and held.__name__.startswith("Test"):
                self._class(held, held.__name__)

    def _unittest_class(self, kind: Any) -> None:
        unittest: Any = sys.modules["unittest"]
        tests = unittest.TestLoader().getTestCaseNames(kind) or ["runTest"] * hasattr(kind, "runTest")
        for name in tests:
            if isinstance(getattr(kind, name), Remote):
                raise BrokenTests(f"{name} is wrapped by the program")
            _refuse_lazy(name, getattr(kind, name))
        if getattr(kind, "__unittest_skip__", False) or skips(getattr(kind, "marks", ())):
            for name in tests:
                self._watch.excuse(_told(kind, name))
            return
        if hasattr(kind, "asyncSetUp"):
            raise BrokenTests("IsolatedAsyncioTestCase is not supported")
        try:
            kind.setUpClass()
        except unittest.SkipTest as error:
            raise BrokenTests("setUpClass skips its class") from error
        for name in tests:
            self._method(unittest, kind, name)
        kind.tearDownClass()
        kind.doClassCleanups()

    def _method(self, unittest: Any, kind: Any, name: str) -> None:
        marks = getattr(getattr(kind, name), "marks", ())
        if rows_of(marks) != [({}, [])]:
            raise BrokenTests("`parametrize` does nothing in a unittest.TestCase")
        if skips(marks):
            self._watch.excuse(_told(kind, name))
            return
        errors: list[BaseException] = []
        result = unittest.TestResult()
        result.addError = result.addFailure = lambda test, error: errors.append(error[1])
        result.addSubTest = lambda test, part, error: errors.append(error[1]) if error else None
        latest = self._bridge.raised
        before, self._bridge.used = self._bridge.used, False
        try:
            kind(name).run(result)
        finally:
            asked, self._bridge.used = self._bridge.used, self._bridge.used or before
        skipped = [error for error in errors if isinstance(error, Skipped)]
        errors = [error for error in errors if error not in skipped]
        if errors and not expects_failure(marks):
            raise errors[0]
        told = self._bridge.raised
        if result.skipped and told is not None and told is not latest and _is_skip(told):
            raise told  # as if the test had asked for it
        if result.unexpectedSuccesses:
            raise AssertionError(f"{name} was expected to fail, and did not")
        if result.skipped or skipped or errors or result.expectedFailures:
            declared = getattr(getattr(kind, name), "__unittest_skip__", False)
            if (result.skipped or skipped) and asked and not declared:
                raise BrokenTests(f"{name} skips itself after it has used the program")
            self._watch.excuse(_told(kind, name))


def _is_test(name: str, value: Any) -> bool:
    if not isinstance(value, type) and not (name.startswith("test") and inspect.isfunction(value)):
        return False
    return bool(value.__module__ == "__main__")


def _marks_of(value: Any) -> Any:
    """Never asked of the program."""
    return () if isinstance(value, Remote) else getattr(value, "marks", ())


def _around(holder: Any, name: str, method: Any) -> None:
    if hasattr(holder, name):
        function = getattr(holder, name)
        function(*[method] * len(inspect.signature(function).parameters))


def _is_skip(error: BaseException) -> bool:
    unittest = sys.modules.get("unittest")
    return isinstance(error, Skipped) or bool(unittest and isinstance(error, unittest.SkipTest))


def _function_of(kind: Any, name: str) -> Any:
    return getattr(inspect.unwrap(inspect.getattr_static(kind, name)), "__code__", None)


def _told(kind: Any, name: str) -> str:
    """A method's name with that of the class that defines it."""
    owner = next((base for base in kind.__mro__ if name in vars(base)), kind)
    return f"{owner.__qualname__}.{name}"


def _refuse_lazy(name: str, function: Any) -> None:
    if isinstance(function, Remote):
        return
    plain = inspect.unwrap(function)
    if inspect.iscoroutinefunction(plain) or inspect.isgeneratorfunction(plain) or inspect.isasyncgenfunction(plain):
        raise BrokenTests(f"{name} is a coroutine or a generator, which nobody runs")
