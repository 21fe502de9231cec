"""Tests and program in one interpreter, for tests that ask for it (`seal: shared` of the code verifier).

The program is the module `solution`. Test functions and classes are run by the real pytest where the settings grant
that package, with fixtures, marks, parameters and mocks; otherwise, and for bare asserts and `check(candidate)`,
unit_tests.py runs them. Needs a place to write, so the level `namespaces`.

What is not covered: a program that sets out to forge its verdict can, as in any harness that runs both together.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import os
import re
import sys
import types
from typing import Any

from selfplay.verifiers.sandbox.inside import unit_tests
from selfplay.verifiers.sandbox.inside.exception_data import describe
from selfplay.verifiers.sandbox.inside.tests_process import TESTS, Sides, free_names, is_of_tests

COLLECTED = re.compile(r"^[ \t]*(?:async[ \t]+)?def test|^class \w*Test|TestCase\b", re.MULTILINE)

NO_TEST = {"type": "NoTests", "message": "none of them ran", "line": 1}


def run(order: dict[str, Any], namespace: dict[str, Any]) -> dict[str, Any]:
    """The outcome: `passed`, `failed` or `broken`, each with what is known of it.

    Args:
        namespace: of the module `solution`, which holds the program.
    """
    texts = [order["tests_setup"], *order["tests"]]
    try:
        blocks = [ast.parse(text, TESTS) for text in texts]
        wanted, modules, bound = free_names(texts, blocks)
    except (SyntaxError, ValueError) as error:
        return {"broken": {"test": 0, "error": describe(error, TESTS)}}
    given = {name: namespace[name] for name in wanted if name in namespace}
    given |= {name: __import__(name) for name in modules - given.keys()}
    if "pytest" in sys.modules and any(COLLECTED.search(text) for text in order["tests"]):
        # names that the tests use and do not import are found last of all
        vars(builtins).update(given)
        return _pytest(texts)
    return _plain(order, blocks, given, bound)


def _plain(order: dict[str, Any], blocks: list[ast.Module], given: dict[str, Any], bound: set[str]) -> dict[str, Any]:
    main = types.ModuleType("__main__")
    names = main.__dict__
    names.update(given)
    sys.modules["__main__"] = main
    entry, place, ran, sides = order["entry_point"], -1, 0, Sides(lambda value: repr(value)[:300])
    if entry and entry not in sys.modules["solution"].__dict__:
        return {"missing": entry}
    if entry:
        names[entry] = sys.modules["solution"].__dict__[entry]
    names.update(sides.names)
    try:
        unit_tests.prepare(order["tests"])
        for place, block in enumerate(blocks, -1):  # noqa: B007 - told in the evidence
            code = compile(sides.told_by(block), TESTS, "exec", dont_inherit=True)
            ran += unit_tests.run_text(block, code, names, entry)
    except unit_tests.CannotRun as error:
        return {"needs": str(error)}
    except BaseException as error:
        told = describe(error, TESTS)
        broken = is_of_tests(error, bound | given.keys())
        return {"broken" if broken else "failed": {"test": max(0, place), "error": told, "sides": sides.shown()}}
    if not ran and not any(_calls(part) for block in blocks for part in block.body):
        return {"broken": {"test": 0, "error": NO_TEST}}
    return {"passed": len(order["tests"])}


def _calls(part: ast.stmt) -> bool:
    """Whether a statement of the text itself uses something."""
    definition = isinstance(part, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef))
    return not definition and any(isinstance(node, (ast.Call, ast.Attribute)) for node in ast.walk(part))


class _Reports:
    """A plugin of pytest that remembers what failed first."""

    def __init__(self) -> None:
        self.passed = 0
        self.first: Any = None
        self.broken = False

    def pytest_runtest_logreport(self, report: Any) -> None:
        self.passed += report.when == "call" and report.outcome == "passed" and not hasattr(report, "wasxfail")
        self._failed(report)

    def pytest_collectreport(self, report: Any) -> None:
        self.broken = self.broken or (report.outcome == "failed" and "ModuleNotFoundError" in str(report.longrepr))
        self._failed(report)

    def _failed(self, report: Any) -> None:
        if report.outcome == "failed" and self.first is None:
            self.first = report


def _pytest(texts: list[str]) -> dict[str, Any]:
    import pytest

    with open("test_solution.py", "w", encoding="utf-8") as file:
        file.write("\n".join(texts).lstrip("\n"))
    reports, here = _Reports(), os.getcwd()
    flags = ["-p", "no:cacheprovider", "-p", "no:terminal", "-c", os.devnull, "--rootdir", here]
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stderr(nowhere):
        pytest.main(["test_solution.py", *flags, "--basetemp", f"{here}/basetemp"], plugins=[reports])
    if reports.first is None:
        if not reports.passed:
            return {"broken": {"test": 0, "error": NO_TEST}}
        return {"passed": reports.passed}
    message = str(getattr(reports.first.longrepr, "reprcrash", None) or reports.first.longrepr)
    told = {"type": "test", "message": message[-400:], "line": None}
    about = {"test": 0, "name": reports.first.nodeid, "error": told, "sides": None, "passed": reports.passed}
    return {"broken" if reports.broken else "failed": about}
