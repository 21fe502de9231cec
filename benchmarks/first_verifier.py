"""The path of docs/write-a-verifier.md from a fresh clone to a run, walked and timed.

    git clone . /tmp/clone && cd /tmp/clone && python3 benchmarks/first_verifier.py

Between `<!-- path: begin -->` and `<!-- path: end -->` that page has commands after `$`, and Python files under their
names. The files are written where the page says, each command is run by bash with the clone's environment on its PATH,
and what it printed, with its seconds, takes the place of what the page said. Needs nothing but Python.
"""

from __future__ import annotations

import os
import re
import subprocess
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "write-a-verifier.md"
PATH = re.compile(r"(?<=<!-- path: begin -->\n).*(?=<!-- path: end -->)", re.DOTALL)
COMMAND = re.compile(r"^    \$ (?P<command>[^\n]+)\n(?:(?:    [^$\n][^\n]*)?\n)*", re.MULTILINE)
FILE = re.compile(r"```python\n# (?P<name>\S+\.py)\n(?P<text>.*?)```", re.DOTALL)
LONGEST = 24
"""Lines of output that the page shows of one command."""


def walked(command: str) -> str:
    """The command with what it printed, as the page shows it.

    Raises:
        SystemExit: it failed.
    """
    environment = {**os.environ, "PATH": f"{ROOT}/.venv/bin:{os.environ['PATH']}", "COLUMNS": "112"}
    began = time.monotonic()
    done = subprocess.run(
        ["bash", "-c", command], cwd=ROOT, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    seconds = time.monotonic() - began
    print(f"$ {command}\n{done.stdout}({seconds:.0f} s)\n", flush=True)
    if done.returncode:
        raise SystemExit(done.returncode)
    lines = [line.rstrip() for line in done.stdout.replace(str(ROOT), ".").splitlines()]
    lines = [line for line in lines if line and not line.startswith(("WARNING", "[notice]", "Looking in"))]
    if len(lines) > LONGEST:
        lines = [*lines[:4], "...", *lines[4 - LONGEST :]]
    shown = "".join(f"    {line}\n" for line in [*lines, f"({seconds:.0f} s)"])
    return f"    $ {command}\n{shown}\n"


def main() -> None:
    page = PAGE.read_text()
    path = PATH.search(page)
    assert path is not None
    parts, at = [], 0
    steps = sorted([*COMMAND.finditer(path[0]), *FILE.finditer(path[0])], key=lambda step: step.start())
    for step in steps:
        parts.append(path[0][at : step.start()])
        at = step.end()
        if step.re is FILE:
            (ROOT / step["name"]).write_text(step["text"])
            parts.append(step[0])
        else:
            parts.append(walked(step["command"]))
    PAGE.write_text(page[: path.start()] + "".join(parts) + path[0][at:] + page[path.end() :])


if __name__ == "__main__":
    main()
