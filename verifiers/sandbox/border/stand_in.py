"""What tests written for pytest find under that name: a small stand-in, on the tests' side of the border only.

What is covered: `pytest.raises(E)` and `pytest.raises((E, F), match="...")` as a context and as a call,
`pytest.approx` of numbers, lists, tuples and dicts of them, `pytest.fail`, `pytest.skip`, `pytest.param`, and the marks
`parametrize`, `skip`, `skipif` and `xfail`; other marks do nothing. collect.py runs what is found.
What is not covered: fixtures, plugins, and everything else of pytest, which is an error of the tests.
"""

from __future__ import annotations

import inspect
import math
import re
import types
from collections.abc import Iterable, Mapping
from numbers import Number
from typing import Any

from selfplay.verifiers.sandbox.border.arrays import is_array
from selfplay.verifiers.sandbox.border.raised import Halted
from selfplay.verifiers.sandbox.border.watch import BrokenTests


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
        error = error.stopped if isinstance(error, Halted) else error
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
    __array_ufunc__ = None
    """So that numpy leaves `array == approx(...)` to this class."""

    def __init__(self, expected: Any, rel: float | None, absolute: float | None, nan_ok: bool) -> None:
        self._expected, self._nan_ok = expected, nan_ok
        self._rel = 1e-6 if rel is None and absolute is None else rel or 0.0
        self._abs = 1e-12 if absolute is None else absolute

    def __eq__(self, got: object) -> bool:
        return self._near(got, self._expected)

    def __repr__(self) -> str:
        return f"approximately {self._expected!r}"

    def _near(self, got: Any, expected: Any) -> bool:
        got, expected = (value.tolist() if is_array(value) else value for value in (got, expected))
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


def run_later(*given: Any, **keywords: Any) -> int:
    """`pytest.main` and `unittest.main`: the tests of the text run when the text is over."""
    return 0


def fail(reason: str = "") -> None:
    raise AssertionError(reason)


class Skipped(Exception):
    """A test that ends itself by `pytest.skip`."""


def skip(reason: str = "", **keywords: Any) -> None:
    raise Skipped(reason)


class Param:
    """A row of `parametrize` with marks of its own."""

    def __init__(self, *values: Any, marks: Any = (), id: str | None = None) -> None:
        self.values = values
        self.marks = [*marks] if isinstance(marks, (list, tuple)) else [marks]


class Mark:
    """`pytest.mark.name`, before or after it was given its arguments; as a decorator it stays with what it marks."""

    def __init__(self, name: str, given: tuple[Any, ...] = (), keywords: dict[str, Any] | None = None) -> None:
        self.name, self.given, self.keywords = name, given, keywords or {}

    def __call__(self, *given: Any, **keywords: Any) -> Any:
        marked: Any = given[0] if len(given) == 1 and not keywords else None
        if inspect.isfunction(marked) or inspect.isclass(marked):
            return _marked(marked, self)
        return Mark(self.name, given, keywords)


def _marked(value: Any, mark: Mark) -> Any:
    value.marks = [*getattr(value, "marks", ()), mark]
    return value


class _Marks:
    def __getattr__(self, name: str) -> Mark:
        return Mark(name)


def skips(marks: Iterable[Any]) -> bool:
    """Raises BrokenTests for a mark that is not understood, as do the other readers of marks."""
    return any(_is_mark(mark, "skip") or (_is_mark(mark, "skipif") and _holds(mark)) for mark in marks)


def expects_failure(marks: Iterable[Any]) -> bool:
    wanted = [mark for mark in marks if _is_mark(mark, "xfail")]
    if any(mark.keywords.keys() - {"reason", "condition"} for mark in wanted):
        raise BrokenTests("an xfail with more than a condition is not supported")
    return any(_holds(mark) for mark in wanted)


def _is_mark(value: Any, name: str) -> bool:
    if not isinstance(value, Mark):
        raise BrokenTests("a mark that is none of pytest's")
    return value.name == name


def _holds(mark: Mark) -> bool:
    condition = mark.given[0] if mark.given else mark.keywords.get("condition", True)
    if isinstance(condition, str):
        raise BrokenTests("a condition of a mark that is a text is not supported")
    return bool(condition)


def rows_of(marks: Iterable[Mark]) -> list[tuple[dict[str, Any], list[Mark]]]:
    """Arguments of each run that `parametrize` asks for, each with the marks of its own."""
    rows: list[tuple[dict[str, Any], list[Mark]]] = [({}, [])]
    for mark in marks:
        if mark.name == "parametrize":
            inner = list(_rows(*mark.given, **mark.keywords))
            rows = [({**above, **row}, [*outer, *own]) for above, outer in rows for row, own in inner]
    return rows


def _rows(
    argnames: str | Iterable[str], argvalues: Iterable[Any], **keywords: Any
) -> Iterable[tuple[dict[str, Any], list[Mark]]]:
    listed = argnames.replace(" ", "").strip(",").split(",") if isinstance(argnames, str) else list(argnames)
    for row in argvalues:
        values = row.values if isinstance(row, Param) else row if len(listed) > 1 else (row,)
        yield dict(zip(listed, values, strict=True)), row.marks if isinstance(row, Param) else []


def pytest_module() -> types.ModuleType:
    module = types.ModuleType("pytest")
    module.__dict__.update(raises=raises, approx=approx, fail=fail, mark=_Marks(), param=Param, skip=skip)
    module.__dict__.update(main=run_later)
    return module


def prepare_unittest() -> None:
    """Let `unittest.main` run nothing, as all tests are run here, and let `assertRaises` know what stands for
    StopIteration."""
    import unittest
    from unittest import case

    unittest.main = run_later  # type: ignore[assignment]
    context: Any = case._AssertRaisesContext
    leave = context.__exit__

    def leaving(self: Any, kind: Any, error: Any, trace: Any) -> Any:
        if isinstance(error, Halted):
            kind, error = type(error.stopped), error.stopped
        return leave(self, kind, error, trace)

    context.__exit__ = leaving
