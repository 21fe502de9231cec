"""The log of an engine's process, and its end when the process died.

The log has everything written to standard output and error, by Python and by native code, a crash's stack too. A
process killed from outside says nothing; the tail is then what it said before.
"""

from __future__ import annotations

import faulthandler
import os
import sys
from pathlib import Path

from selfplay.hostile_text import visible

LINES = 20
LONGEST_LINE = 300
_TAIL_BYTES = 4 << 20


def keep_log(path: Path) -> None:
    """Send this process's output to a file from now on; a process without a disk for it keeps the old place."""
    sys.stdout.flush()
    sys.stderr.flush()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    except OSError as error:
        print(f"no log at {path}: {error}", file=sys.stderr)
        return
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.close(file)
    faulthandler.enable(file=2)


def log_tail(path: Path) -> str:
    """The last lines of a log as text to be added to a sentence; empty where there are none.

    Whatever a model or library printed is shown and never obeyed.
    """
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL_BYTES))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    lines = [visible(line.rstrip())[:LONGEST_LINE] for line in text.splitlines() if line.strip()]
    if not lines:
        return ""
    return f"\nThe end of its log ({path}):\n" + "\n".join(f"  {line}" for line in lines[-LINES:])


def cause_of_death(error: Exception) -> str:
    """Ray's account of an actor's death without its identifiers: the line that says why, where there is one."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    why = [line for line in lines if line.startswith("The actor") or "died" in line]
    return (why or lines or ["it gave no reason"])[-1][:300]
