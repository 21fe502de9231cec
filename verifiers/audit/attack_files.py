"""The attacks in the files of attacks/: hostile programs with the tests that they try to pass, and hostile texts, which
hold no answer and try to pass for one.

Each is a heading (its name) and a fenced block. Of the programs, C and a number name an entry of the published list of
attacks on unit-test harnesses; the others are our own. A program is tried against tests that are taken apart and
against tests that run in a process of their own; those in scripts.md against input and output.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent / "attacks"
_BLOCK = re.compile(
    r"^## (?P<name>[^\n]+)\n\n(?P<fence>`{3,})(?:python|text)\n(?P<text>.*?)\n(?P=fence)$", re.MULTILINE | re.DOTALL
)
LONG = 100_000
"""Characters that the last line of a text is repeated to, where the text's name ends with `(repeated)`."""

APART: dict[str, Any] = {
    "entry_point": "f",
    "tests": ["assert f(3) == 31", "assert f([4]) == [44]", "assert f('x') == 'xq'"],
}
WHOLE: dict[str, Any] = {
    "entry_point": "f",
    "tests": """
def check(candidate):
    for given, wanted in [(3, 31), ([4], [44]), ("x", "xq")]:
        got = candidate(given)
        assert got == wanted
        assert len(str(got)) == len(str(wanted))
    assert abs(candidate(7) - 71) < 1e-6
    assert candidate(9) in (91,)
    assert candidate([2]) <= [22] and candidate([2]) >= [22]
""",
}
CASES: dict[str, Any] = {"cases": [{"stdin": "3\n", "stdout": "31\n"}]}
FORMS = {"apart": APART, "whole": WHOLE, "script": CASES}
HONEST = """
def f(x):
    if isinstance(x, int):
        return x * 10 + 1
    if isinstance(x, list):
        return [y * 11 for y in x]
    return x + "q"
"""
HONEST_SCRIPT = "print(int(input()) * 10 + 1)"
SETTINGS: dict[str, Any] = {"timeout": 1.0, "memory_mb": 128}


@dataclass(frozen=True)
class HostileText:
    """One text."""

    group: str
    name: str
    text: str


@dataclass(frozen=True)
class Attack:
    """One hostile program against one form of tests."""

    group: str
    name: str
    form: str
    program: str

    @property
    def reference(self) -> dict[str, Any]:
        return FORMS[self.form]

    @property
    def honest(self) -> str:
        return HONEST_SCRIPT if self.form == "script" else HONEST

    def __str__(self) -> str:
        return f"{self.group}: {self.name}, {self.form}"


def attacks() -> list[Attack]:
    """All of them, in the order of the files."""
    found = []
    for path in sorted((FOLDER / "programs").glob("*.md")):
        forms = ["script"] if path.stem == "scripts" else ["apart", "whole"]
        for match in _BLOCK.finditer(path.read_text(encoding="utf-8")):
            found += [Attack(path.stem, match["name"], form, match["text"]) for form in forms]
    return found


def hostile_texts() -> list[HostileText]:
    """All of them, in the order of the files; `\\x1b` and the like stand for the character."""
    found = []
    for path in sorted((FOLDER / "answers").glob("*.md")):
        for match in _BLOCK.finditer(path.read_text(encoding="utf-8")):
            text = re.sub(r"\\x([0-9a-f]{2})", lambda code: chr(int(code[1], 16)), match["text"])
            if match["name"].endswith("(repeated)"):
                *before, last = text.split("\n")
                text = "\n".join([*before, last * (LONG // len(last))])
            found.append(HostileText(path.stem, match["name"], text))
    return found
