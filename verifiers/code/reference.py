"""What the code verifier is given: tests in one of three forms, and how each is going to be judged."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from selfplay.verifiers.code import special_judge
from selfplay.verifiers.code.asserts import Check, NotApart, checks_of
from selfplay.verifiers.code.changed_arguments import BUILTINS, reads_changed


class Case(BaseModel):
    """One run of a whole program."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stdin: str = ""
    stdout: str


class CodeReference(BaseModel):
    """The tests of one problem: either `tests` or `cases`.

    {"tests": ["assert add(1, 2) == 3"]}                                       a list of asserts, or one text
    {"tests": "def check(candidate): ...", "entry_point": "add"}               a check function
    {"tests": "class TestAdd(unittest.TestCase): ..."}                         test classes and test_ functions
    {"cases": [{"stdin": "1 2\\n", "stdout": "3\\n"}]}                           whole programs
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tests: tuple[str, ...] | str | None = None
    cases: tuple[Case, ...] | None = Field(default=None, min_length=1)
    entry_point: str | None = Field(default=None, pattern=r"^[^\W\d]\w*$")
    """The function or class that is asked for; what `check` is called with."""
    setup: str = ""
    """Code that the tests need first. Where it uses nothing of the program, the program has it as well."""
    prefix: str = ""
    """What the completion continues: imports, helpers, the signature and docstring."""
    compare: Literal["lines", "tokens", "exact"] = "lines"
    """How output is compared: by lines without trailing spaces and empty last lines, by words, or to the
    byte."""
    tolerance: float | None = Field(default=None, ge=0, lt=1)
    """How far numbers in the output may be off, absolutely or relative to the expected one; without it not at all."""
    judge: str | None = None
    """A special judge for the output of `cases`: `path/to/file.py:name`, or a name of the entry-point group
    `selfplay.judges`. It decides in place of `compare`."""

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if bool(self.tests) == bool(self.cases):
            raise ValueError("give either `tests` (one or more) or `cases` (one or more)")
        if self.judge is not None and not self.cases:
            raise ValueError("`judge` decides about the output of `cases`; tests have none")
        if self.tolerance is not None and (not self.cases or self.judge is not None or self.compare == "exact"):
            raise ValueError("`tolerance` needs `cases` that are compared by `lines` or `tokens`, without a `judge`")
        if self.judge is not None:
            special_judge.find(self.judge)
        if self.entry_point is None and any("def check(" in text for text in self.test_list):
            raise ValueError("`tests` with a check function need `entry_point`, the function to check")
        return self

    @property
    def setup_text(self) -> str:
        return self.setup.replace("\r\n", "\n")

    @property
    def test_list(self) -> list[str]:
        texts = [self.tests] if isinstance(self.tests, str) else list(self.tests or ())
        return [text.replace("\r\n", "\n").strip("\n ") for text in texts]


@dataclass(frozen=True)
class Plan:
    """How a reference is judged; made once for all completions of a problem."""

    checks: list[Check] = field(default_factory=list)
    """All tests as single calls; empty where they run in a process of their own."""
    names: frozenset[str] = frozenset()
    """Functions and classes that the program must define, as far as known."""
    program_setup: str = ""
    shared_classes: list[str] = field(default_factory=list)
    """Classes that both sides have, whose objects cross as their fields."""
    reads_changed: bool = False
    """Whether the tests read an argument beside what the program returned; see changed_arguments.py."""
    broken: str | None = None
    """Why the tests themselves cannot be read."""


@lru_cache(maxsize=4096)
def plan(reference: CodeReference) -> Plan:
    """Decide how to judge; only ever parses the task's own tests, never the completion."""
    setup = reference.setup_text
    try:
        setup_tree = ast.parse(setup)
        trees = [ast.parse(text) for text in reference.test_list]
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return Plan(broken=f"{type(error).__name__}: {error}")
    own = not _free(setup_tree)
    classes = [node.name for node in ast.walk(setup_tree) if isinstance(node, ast.ClassDef)] if own else []
    classes += _classes_of_prefix(reference.prefix)
    try:
        checks = checks_of(trees, reference.entry_point) if own else []
    except NotApart:
        checks = []
    if checks:
        return Plan(checks, frozenset(check.function for check in checks), setup, classes)
    names = frozenset([reference.entry_point] if reference.entry_point else _called(trees))
    doubtful = reads_changed([setup_tree, *trees])
    return Plan(checks, names, setup if own else "", classes, doubtful)


def _free(tree: ast.Module) -> set[str]:
    """Names that a setup reads and does not make itself."""
    names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
    bound = {node.id for node in names if not isinstance(node.ctx, ast.Load)}
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)):
            bound.add(node.name)
        elif isinstance(node, ast.alias):
            bound.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, ast.arg):
            bound.add(node.arg)
    return {node.id for node in names} - bound - BUILTINS


def _called(trees: list[ast.Module]) -> set[str]:
    calls = [node.func for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    defined = {
        node.name for tree in trees for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.ClassDef))
    }
    names = {function.id for function in calls if isinstance(function, ast.Name)}
    return names - defined - BUILTINS


def _classes_of_prefix(prefix: str) -> list[str]:
    if "class" not in prefix:
        return []
    try:
        tree = ast.parse(prefix)
    except SyntaxError:
        return []  # it ends in the middle of a statement; see Reference.prefix
    return [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
