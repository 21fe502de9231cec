"""A first import in a process of its own, so that a plugin which hangs or dies there takes nobody along.

    try_import(path=Path("mine.py"), name="mine")        raises FailedImport where the import does not come to its end

What is covered: a plugin that hangs, calls `sys.exit` or `os._exit`, crashes in native code or raises while it is
imported. The process has the caller's environment, folder and `sys.path`, no terminal and no input. Processes that are
watched themselves (verifier workers, and this trial) import at once, and so does a caller that has a module which the
process does not find (made in a notebook or a test). What is not covered: a plugin that behaves otherwise the second
time; what it does later.

This file also is the program of that process, and imports only what every Python has.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

IMPORT_SECONDS = 120.0
SECONDS_VARIABLE = "SELFPLAY_IMPORT_SECONDS"
WATCHED_VARIABLE = "SELFPLAY_WATCHED"
"""Set in processes that somebody else ends when they hang."""
LONGEST_MESSAGE = 2000
IMPORTED, RAISED = 173, 174
"""Exit statuses of the process, for an import that closes the file over which it would say more."""


class FailedImport(ImportError):
    """An import raised, ended its process or took too long; the message says which."""


def import_seconds() -> float:
    """Seconds that an import may take, from the environment where it says so."""
    with contextlib.suppress(ValueError):
        seconds = float(os.environ.get(SECONDS_VARIABLE, ""))
        if 0 < seconds < float("inf"):
            return seconds
    return IMPORT_SECONDS


def try_import(name: str, path: Path | None = None) -> None:
    """Import a module, or a file under a module's name, in a new process, and wait for it.

    Raises:
        FailedImport: it does not come to its end.
    """
    if os.environ.get(WATCHED_VARIABLE) or not sys.executable:
        return
    seconds = import_seconds()
    order = {"name": name, "path": None if path is None else str(path), "sys_path": search_path(), "seconds": seconds}
    answers, theirs = os.pipe()
    try:
        process = subprocess.Popen(
            [sys.executable, "-P", __file__, str(theirs), json.dumps(order)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            pass_fds=[theirs],
            start_new_session=True,
            env={**os.environ, WATCHED_VARIABLE: "1"},
        )
    except OSError:
        os.close(answers)
        return  # no process can be started, which is nothing that the plugin did
    finally:
        os.close(theirs)
    deadline = time.monotonic() + seconds
    try:
        said = _answer(answers, deadline)
        status = None if said else process.wait(max(0.0, deadline - time.monotonic()))
        if status == IMPORTED:
            return
        if status is not None:
            raise FailedImport(_end(status))
        error, missing = json.loads(said)
        # what the caller made or changed itself, as a notebook does, is not there in another process
        if error is not None and not any(sys.modules.get(module) for module in missing):
            raise FailedImport(error)
    except (TimeoutError, subprocess.TimeoutExpired):
        why = f"it had not ended after {seconds:g} s; {SECONDS_VARIABLE} sets another limit"
        raise FailedImport(why) from None
    finally:
        os.close(answers)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def search_path() -> list[str]:
    """`sys.path` as text; a folder may stand there as a `Path` or as bytes."""
    return [os.fsdecode(entry) for entry in sys.path if isinstance(entry, str | bytes | os.PathLike)]


def _answer(answers: int, deadline: float) -> bytes:
    """What the process wrote before it closed its end. Raises TimeoutError where it is still open at the deadline."""
    said = b""
    with selectors.DefaultSelector() as selector:
        selector.register(answers, selectors.EVENT_READ)
        while selector.select(max(0.0, deadline - time.monotonic())):
            some = os.read(answers, 1 << 16)
            if not some:
                return said
            said += some
    raise TimeoutError


def _end(status: int) -> str:
    if status == RAISED:
        return "it raises, and has closed the files by which it would say what"
    if status >= 0:
        return f"it ends its process, with status {status}"
    return f"it ends its process by signal {-status}, {signal.strsignal(-status)}"


def _in_the_process() -> None:
    answers, order = int(sys.argv.pop(1)), json.loads(sys.argv.pop(1))
    os.set_inheritable(answers, False)
    opened = _identity(answers)
    os.register_at_fork(after_in_child=lambda: os.close(answers))
    signal.alarm(int(order["seconds"]) + 10)  # in case nobody is left who would end this
    sys.path[:] = order["sys_path"]
    error, missing = None, list[str]()
    try:
        _import(order)
    except BaseException as raised:
        error, missing = f"{type(raised).__name__}: {_text(raised)}"[:LONGEST_MESSAGE], _missing(raised)
    if opened is not None and _identity(answers) == opened:  # the import may have closed it and opened another
        os.write(answers, json.dumps([error, missing]).encode())
    os._exit(IMPORTED if error is None else RAISED)


def _import(order: dict[str, Any]) -> None:
    if order["path"] is None:
        importlib.import_module(order["name"])
        return
    spec = importlib.util.spec_from_file_location(order["name"], order["path"])
    if spec is None or spec.loader is None:
        raise ImportError(f"{order['path']} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[order["name"]] = module
    spec.loader.exec_module(module)


def _identity(descriptor: int) -> tuple[int, int] | None:
    """Which open file a descriptor stands for; None where it is closed."""
    try:
        about = os.fstat(descriptor)
    except OSError:
        return None
    return about.st_dev, about.st_ino


def _missing(error: BaseException | None) -> list[str]:
    """Modules that were not found, by an error or one that led to it."""
    found: list[str] = []
    seen: list[BaseException] = []
    while error is not None and error not in seen:
        if isinstance(error, ModuleNotFoundError) and isinstance(error.name, str):
            found.append(error.name)
        seen.append(error)
        error = error.__cause__ or error.__context__
    return found


def _text(error: BaseException) -> str:
    try:
        return " ".join(str(error).split())
    except Exception:
        return "(it cannot say why)"


if __name__ == "__main__":
    _in_the_process()
