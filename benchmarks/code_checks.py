"""Programs with the tests they are judged by, for the benchmarks of the code verifier.

From MBPP (lists of asserts) and HumanEval (check functions), in the folder SELFPLAY_DATA: each problem's own
solution, which is right, and another problem's solution under the name that this problem asks for, which is
nearly always wrong. `plain_run` is the judge that all others are compared with: the program and its tests as one
script in a bare interpreter. It is no sandbox, and only ever runs what these data sets and our own changes to
them hold.
"""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# as the sandbox starts its interpreter; one hash seed, so that the order in a set is the same in both
INTERPRETER = (sys.executable, "-s", "-S", "-P", "-B")
DEFINITIONS = (ast.FunctionDef, ast.ClassDef)
ENVIRONMENT = {"PYTHONHASHSEED": "0"}
LIMITS = "import resource\nfor _what, _most in ((resource.RLIMIT_AS, 400 << 20), (resource.RLIMIT_CPU, {seconds})):\n"
LIMITS += "    resource.setrlimit(_what, (_most, _most))\n"


@dataclass(frozen=True)
class Check:
    """One program against one problem's tests."""

    id: str
    reference: dict[str, Any]
    """As the code verifier wants it."""
    prompt: str
    """What the completion continues."""
    completion: str
    tests: str
    """What runs after the program; calls `check` itself where there is one."""
    entry_point: str

    @property
    def script(self) -> str:
        return f"{self.prompt}{self.completion}\n{self.tests}\n"


@dataclass(frozen=True)
class PlainResult:
    """How a script ended in a bare interpreter."""

    passed: bool
    seconds: float
    timed_out: bool


def rows(name: str) -> list[dict[str, Any]]:
    """The rows of a data set. Ends the program with a sentence where there is none."""
    folder = os.environ.get("SELFPLAY_DATA", "")
    path = Path(folder) / name
    if not folder or not path.is_file():
        raise SystemExit(f"{name} is not there; set SELFPLAY_DATA to the folder that holds it")
    return [json.loads(line) for line in path.read_text().splitlines()]


def assert_checks() -> list[Check]:
    """MBPP: each problem with its own solution, then each with the next problem's."""
    problems = rows("mbpp.jsonl")
    named = [(row, called_name(row)) for row in problems]
    own = [_of_mbpp(row, name, f"own/{row['task_id']}", row["code"]) for row, name in named]
    others = [
        _of_mbpp(row, name, f"other/{row['task_id']}", f"{other['code']}\n\n{name} = {other_name}\n")
        for (row, name), (other, other_name) in zip(named, named[1:] + named[:1], strict=True)
    ]
    return own + others


def function_checks() -> list[Check]:
    """HumanEval: each problem with its own solution, then each with the next problem's."""
    problems = rows("humaneval.jsonl")
    own = [humaneval_check(row, f"own/{row['task_id']}", row["canonical_solution"]) for row in problems]
    pairs = zip(problems, problems[1:] + problems[:1], strict=True)
    return own + [humaneval_check(row, f"other/{row['task_id']}", renamed(other, row)) for row, other in pairs]


def humaneval_check(row: dict[str, Any], id: str, completion: str) -> Check:
    """A completion of a HumanEval prompt."""
    reference = {"entry_point": row["entry_point"], "tests": row["test"], "prefix": row["prompt"]}
    tests = f"{row['test']}\ncheck({row['entry_point']})"
    return Check(id, reference, row["prompt"], completion, tests, row["entry_point"])


def renamed(other: dict[str, Any], row: dict[str, Any]) -> str:
    """The whole solution of another HumanEval problem, under the name that this one asks for."""
    whole = other["prompt"] + other["canonical_solution"]
    return f"    pass\n\n{whole}\n\n{row['entry_point']} = {other['entry_point']}\n"


def called_name(row: dict[str, Any]) -> str:
    """The function that MBPP's asserts are about: the first that they call and the solution defines."""
    defined = {node.name for node in ast.walk(ast.parse(row["code"])) if isinstance(node, DEFINITIONS)}
    for node in ast.walk(ast.parse("\n".join(row["test_list"]))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in defined:
            return node.func.id
    raise ValueError(f"MBPP {row['task_id']}: its asserts call nothing that its solution defines")


def plain_run(check: Check, seconds: float) -> PlainResult:
    """Run program and tests in a fresh interpreter, for at most `seconds` of CPU time."""
    script = LIMITS.format(seconds=max(1, round(seconds))) + check.script
    began = time.perf_counter()
    try:
        ended = subprocess.run(
            [*INTERPRETER, "-c", script],
            env=ENVIRONMENT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=10 * seconds,
        )
    except subprocess.TimeoutExpired:
        return PlainResult(False, time.perf_counter() - began, True)
    # the kernel ends what has used its CPU time with SIGKILL, where soft and hard limit are one
    return PlainResult(ended.returncode == 0, time.perf_counter() - began, ended.returncode == -9)


def plain_runs(checks: Sequence[Check], seconds: float, workers: int) -> list[PlainResult]:
    """`plain_run` of each, some at a time."""
    with ThreadPoolExecutor(workers) as pool:
        return list(pool.map(lambda check: plain_run(check, seconds), checks))


def _of_mbpp(row: dict[str, Any], name: str, id: str, code: str) -> Check:
    tests = row["test_list"] + row["challenge_test_list"]
    reference = {"tests": tests, "setup": row["test_setup_code"]}
    setup = f"{row['test_setup_code']}\n" if row["test_setup_code"] else ""
    # MBPP's setup may use the program's classes, so for a plain run it belongs to the tests
    return Check(id, reference, "", code, setup + "\n".join(tests), name)
