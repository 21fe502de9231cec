"""Which tests really ran: each function of the tests that is named like a test reports when it begins and ends.

A name in the text is no proof that a test ran: it may stand in a branch that is never taken, be overwritten by a later
text, or be wrapped by something that does not call it. So each body reports by itself, and one that never came to its
end is an error of the tests and not a pass.

What is covered: functions `test...` of a module and of its classes, `runTest`, and `check` where there is an entry
point, wherever they stand outside of functions; and every class that would inherit from an object of the program.
What is not covered: a function inside a function, which neither pytest nor unittest would find.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

WATCHED, MADE, BASE = "@watched", "@made", "@base"
"""No identifiers, so no test can use these names for its own."""


class BrokenTests(Exception):
    """The tests themselves cannot be run."""


class Watch:
    """One for each run of the tests.

    Args:
        also: a further name that counts as a test.
        of_program: whether a value is an object of the program.
    """

    def __init__(self, also: str | None, of_program: Callable[[Any], bool]) -> None:
        self._also, self._of_program = also, of_program
        self._places: list[str] = []
        """The names of all tests in the text, `Class.method` for a method; a test's number is its place here."""
        self._ended: list[int] = []
        self._failed: list[int] = []
        """How often each came to its end, and how often an exception ended it."""
        self._excused: set[str] = set()
        self.pending: list[tuple[int, str, Any]] = []
        """Number, name and value of what the text defined since the last look; classes have the number -1."""

    @property
    def names(self) -> dict[str, Any]:
        """What the changed text needs in its namespace."""
        return {WATCHED: self._watched, MADE: self._made, BASE: self._base}

    def told_by(self, block: ast.Module) -> ast.Module:
        """The same text, which reports."""
        block.body = self._statements(block.body, "")
        return ast.fix_missing_locations(block)

    def times(self, number: int) -> int:
        """How often the test of this number came to its end without an exception."""
        return self._ended[number] if number >= 0 else 0

    def is_over(self, number: int, made: int) -> bool:
        """Whether a test that the text defined so many times has come to its end as often, and never failed."""
        return number >= 0 and self._ended[number] >= made and not self._failed[number]

    def excuse(self, name: str) -> None:
        """This test need not come to its end: it is skipped or expected to fail."""
        self._excused.add(name)

    def complete(self) -> None:
        """Raises BrokenTests for a test that never came to its end, or failed while the text went on."""
        for name, ended, failed in zip(self._places, self._ended, self._failed, strict=True):
            if name not in self._excused and (failed or not ended):
                raise BrokenTests(f"the test {name} {'failed unheard' if failed else 'is there and never ran'}")

    def _statements(self, body: list[ast.stmt], inside: str) -> list[ast.stmt]:
        found: list[ast.stmt] = []
        for part in body:
            found.append(part)
            if isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef)):
                name = inside + part.name
                if part.name.startswith("test") or name == self._also or (inside and part.name == "runTest"):
                    number = self._reporting(part, name)
                    if not inside and name != self._also:
                        found.append(_call(part, MADE, [ast.Constant(number), _read(part)]))
            elif isinstance(part, ast.ClassDef):
                part.bases = [base if isinstance(base, ast.Starred) else _through(BASE, base) for base in part.bases]
                part.body = self._statements(part.body, f"{inside}{part.name}.")
                if not inside:
                    found.append(_call(part, MADE, [ast.Constant(-1), _read(part)]))
            else:
                for owner in [part, *getattr(part, "handlers", ()), *getattr(part, "cases", ())]:
                    for field in ("body", "orelse", "finalbody"):
                        if isinstance(held := getattr(owner, field, None), list):
                            setattr(owner, field, self._statements(held, inside))
        return found

    def _reporting(self, function: ast.FunctionDef | ast.AsyncFunctionDef, name: str) -> int:
        self._places.append(name)
        self._ended.append(0)
        self._failed.append(0)
        number = len(self._places) - 1
        said = 1 if ast.get_docstring(function, clean=False) is not None else 0
        body = function.body[said:] or [ast.copy_location(ast.Pass(), function.body[0])]
        context = ast.copy_location(ast.Call(ast.Name(WATCHED, ast.Load()), [ast.Constant(number)], []), body[0])
        around = ast.copy_location(ast.With([ast.withitem(context)], body), body[0])
        function.body = [*function.body[:said], around]
        return number

    def _watched(self, number: int) -> Ended:
        return Ended(self._ended, self._failed, number)

    def _made(self, number: int, value: Any) -> None:
        name = getattr(value, "__name__", "?") if number < 0 else self._places[number]
        self.pending.append((number, name, value))

    def _base(self, value: Any) -> Any:
        if self._of_program(value):
            raise BrokenTests("a class of the tests cannot inherit from one of the program")
        return value


class Ended:
    """Counts how a body ends."""

    def __init__(self, ended: list[int], failed: list[int], number: int) -> None:
        self._ended, self._failed, self._number = ended, failed, number

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        counted = self._ended if error is None else self._failed
        counted[self._number] += 1


def _read(part: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> ast.expr:
    return ast.Name(part.name, ast.Load())


def _through(name: str, value: ast.expr) -> ast.expr:
    return ast.copy_location(ast.Call(ast.Name(name, ast.Load()), [value], []), value)


def _call(part: ast.stmt, name: str, arguments: list[ast.expr]) -> ast.stmt:
    return ast.copy_location(ast.Expr(ast.Call(ast.Name(name, ast.Load()), arguments, [])), part)
