"""A plugin's first import, in a process of its own: one that hangs or kills its process is an error (FailedImport).
An import that only raises passes here; it raises again in the caller, who reports it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from pathlib import Path
from subprocess import DEVNULL, TimeoutExpired, run

IMPORT_SECONDS = 120.0
SECONDS_VARIABLE = "SELFPLAY_IMPORT_SECONDS"
WATCHED_VARIABLE = "SELFPLAY_WATCHED"
"""Set in processes that somebody else ends when they hang, such as verifier workers; they import at once."""
ENDED = 173
PROGRAM = f"""
import importlib, json, os, runpy, sys
name, path, sys.path[:] = json.loads(sys.argv.pop())
try:
    runpy.run_path(path, run_name=name) if path else importlib.import_module(name)
finally:
    os._exit({ENDED})
"""


class FailedImport(ImportError):
    """An import ended its process or took too long; the message says which."""


def import_seconds() -> float:
    """Seconds that an import may take, from the environment where it says so."""
    with contextlib.suppress(ValueError):
        if 0 < (seconds := float(os.environ.get(SECONDS_VARIABLE, ""))) < float("inf"):
            return seconds
    return IMPORT_SECONDS


def search_path() -> list[str]:
    """`sys.path` as text; a folder may stand there as a `Path` or as bytes."""
    return [os.fsdecode(entry) for entry in sys.path if isinstance(entry, str | bytes | os.PathLike)]


def try_import(name: str, path: Path | None = None) -> None:
    """Import a module, or a file under a module's name, in a new process; raises FailedImport where it does not end."""
    if os.environ.get(WATCHED_VARIABLE):
        return
    command = [sys.executable, "-P", "-c", PROGRAM, json.dumps([name, path and str(path), search_path()])]
    seconds, env = import_seconds(), {**os.environ, WATCHED_VARIABLE: "1"}
    try:
        done = run(command, stdin=DEVNULL, stdout=DEVNULL, stderr=DEVNULL, env=env, timeout=seconds, check=False)
    except TimeoutExpired:
        raise FailedImport(f"it had not ended after {seconds:g} s; {SECONDS_VARIABLE} sets another limit") from None
    if (status := done.returncode) != ENDED:
        how = f", with status {status}" if status >= 0 else f" by signal {-status}, {signal.strsignal(-status)}"
        raise FailedImport(f"it ends its process{how}")
