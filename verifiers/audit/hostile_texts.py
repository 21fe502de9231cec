"""The hostile texts of attacks/answers, which hold no answer of anybody and try to pass for one.

A text is a heading (its name) and a fenced block, like the programs. Each is tried against references of the audited
sources, so it is wrong whatever the verifier's reference looks like.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "attacks" / "answers"
TEXT = re.compile(r"^## (?P<name>[^\n]+)\n\n(?P<fence>`{3,})text\n(?P<text>.*?)\n(?P=fence)$", re.MULTILINE | re.DOTALL)
LONG = 100_000
"""Repetitions of what stands in a text's last line, for those whose name ends with `(repeated)`."""


@dataclass(frozen=True)
class HostileText:
    """One text."""

    group: str
    name: str
    text: str


def hostile_texts() -> list[HostileText]:
    """All of them, in the order of the files; `\\x1b` and the like stand for the character."""
    found = []
    for path in sorted(FOLDER.glob("*.md")):
        for match in TEXT.finditer(path.read_text(encoding="utf-8")):
            text = re.sub(r"\\x([0-9a-f]{2})", lambda code: chr(int(code[1], 16)), match["text"])
            if match["name"].endswith("(repeated)"):
                *before, last = text.split("\n")
                text = "\n".join([*before, last * (LONG // len(last))])
            found.append(HostileText(path.stem, match["name"], text))
    return found
