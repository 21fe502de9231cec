"""What tests written for pytest find under that name: a small stand-in, on the tests' side of the border only.

What is covered: `pytest.raises(E)` and `pytest.raises((E, F), match="...")` as a context and as a call,
`pytest.approx` of numbers, lists, tuples and dicts of them, `pytest.fail`, `pytest.mark.parametrize` and other marks
(which do nothing); functions called `test_...` and classes of `unittest.TestCase` are run.
What is not covered: fixtures, plugins, and everything else of pytest, which is an error of the tests.
"""

from __future__ import annotations

import inspect
import math
import re
import sys
import types
from collections.abc import Callable, Iterable, Mapping
from numbers import Number
from typing import Any


class BrokenTests(Exception):
    """The tests themselves cannot be run."""


class ExceptionInfo:
    """What `with pytest.raises(...) as info` gives."""

    value: Any = None

    @property
    def type(self) -> Any:
        return type(self.value)

    def match(self, pattern: str) -> bool:
        assert re.search(pattern, str(self.value)), f"{pattern!r} is not in {str(self.value)!r}"
        return True


class Raises:
    """Holds when the body raises one of the expected exceptions, and its text matches."""

    def __init__(self, expected: Any, match: str | None) -> None:
        self._expected, self._match = expected, match
        self._info = ExceptionInfo()

    def __enter__(self) -> ExceptionInfo:
        return self._info

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> bool:
        if error is None:
            raise AssertionError(f"did not raise {self._expected}")
        if not isinstance(error, self._expected):
            return False
        self._info.value = error
        if self._match is not None:
            self._info.match(self._match)
        return True


def raises(expected: Any, *call: Any, match: str | None = None, **keywords: Any) -> Any:
    """As pytest's: a context, or a function with its arguments to be called in one."""
    if not call:
        return Raises(expected, match)
    with Raises(expected, match) as info:
        call[0](*call[1:], **keywords)
    return info


class Approx:
    """Equal to numbers near the expected ones: within 1e-6 of their size or 1e-12, unless told otherwise."""

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, expected: Any, rel: float | None, absolute: float | None, nan_ok: bool) -> None:
        self._expected, self._nan_ok = expected, nan_ok
        self._rel = 1e-6 if rel is None and absolute is None else rel or 0.0
        self._abs = 1e-12 if absolute is None else absolute

    def __eq__(self, got: object) -> bool:
        return self._near(got, self._expected)

    def __repr__(self) -> str:
        return f"approximately {self._expected!r}"

    def _near(self, got: Any, expected: Any) -> bool:
        if isinstance(expected, Mapping):
            same = isinstance(got, Mapping) and got.keys() == expected.keys()
            return same and all(self._near(got[key], expected[key]) for key in expected)
        if isinstance(expected, (list, tuple)):
            same = isinstance(got, (list, tuple)) and len(got) == len(expected)
            return same and all(map(self._near, got, expected))
        if isinstance(expected, bool) or isinstance(got, bool) or not hasattr(expected, "__float__"):
            return bool(got == expected)
        if not isinstance(got, Number):
            return False
        if got != got or expected != expected:
            return self._nan_ok and got != got and expected != expected
        if got == expected:
            return True
        distance = abs(got - expected)
        return bool(math.isfinite(distance) and distance <= max(self._rel * abs(expected), self._abs))


def approx(expected: Any, rel: float | None = None, abs: float | None = None, nan_ok: bool = False) -> Approx:
    """As pytest's."""
    return Approx(expected, rel, abs, nan_ok)


def fail(reason: str = "") -> None:
    raise AssertionError(reason)


class _Mark:
    def __getattr__(self, name: str) -> Any:
        def mark(*given: Any, **keywords: Any) -> Any:
            return given[0] if len(given) == 1 and inspect.isfunction(given[0]) else lambda function: function

        return mark

    @staticmethod
    def parametrize(names: str | Iterable[str], values: Iterable[Any], **keywords: Any) -> Any:
        listed = names.replace(" ", "").split(",") if isinstance(names, str) else list(names)
        rows = [dict(zip(listed, row if len(listed) > 1 else (row,), strict=True)) for row in values]

        def mark(function: Any) -> Any:
            before = getattr(function, "rows", [{}])
            function.rows = [{**outer, **inner} for outer in before for inner in rows]
            return function

        return mark


def pytest_module() -> types.ModuleType:
    module = types.ModuleType("pytest")
    module.__dict__.update(raises=raises, approx=approx, fail=fail, mark=_Mark())
    return module


def collected(names: Mapping[str, Any], called: set[str]) -> list[Callable[[], Any]]:
    """Test functions and classes among the names of the tests, without those that the tests call themselves.

    Raises:
        BrokenTests: one that needs arguments nobody gives.
    """
    found: list[Callable[[], Any]] = []
    # there only where the tests imported it: most do not, and it is large
    unittest = sys.modules.get("unittest")
    for name, value in list(names.items()):
        if (
            unittest
            and isinstance(value, type)
            and issubclass(value, unittest.TestCase)
            and value.__module__ == "tests"
        ):
            found.append(lambda kind=value: _run_class(kind))  # type: ignore[misc]
        elif inspect.isfunction(value) and name.startswith("test_") and name not in called:
            for row in getattr(value, "rows", [{}]):
                try:
                    inspect.signature(value).bind(**row)
                except TypeError as error:
                    raise BrokenTests(f"{name} needs arguments that nobody gives ({error})") from error
                found.append(lambda function=value, given=row: function(**given))  # type: ignore[misc]
    return found


def _run_class(kind: Any) -> None:
    kind.setUpClass()
    for name in sys.modules["unittest"].TestLoader().getTestCaseNames(kind):
        kind(name).debug()
    kind.tearDownClass()
