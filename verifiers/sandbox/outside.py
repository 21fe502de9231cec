"""The outside of the sandbox: starts the warm parent, asks for executions, reads them within limits, ends
them.

    with LocalSandbox(lowest="landlock") as sandbox:
        with sandbox.spawn("candidate", Limits()) as execution:
            execution.send({...})
            answer = execution.receive(deadline)

What is covered: one process per execution with its own limits, whose every byte is bounded here and whose end
is certain: leaving the `with` kills it and what it made. It all dies with the thread that made the sandbox.
Several threads may spawn; one execution belongs to one thread at a time. Where a control group can be written,
it bounds the whole (cgroups.py).
What is not covered: this is one process's private sandbox, not to be used after a fork.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from verifiers.sandbox.cgroups import Absent, ControlGroup
from verifiers.sandbox.execution import LocalExecution
from verifiers.sandbox.identity import map_ids
from verifiers.sandbox.packages import located
from verifiers.sandbox.protocol import LEVELS, LevelRefused, Limits, Role, SandboxError, Stopped

START_SECONDS = 20.0
# a bare interpreter has no pydantic, so `verifiers` must be importable there without its __init__
PACKAGE = Path(__file__).resolve().parents[1]
BOOTSTRAP = """
import sys, types
package = types.ModuleType("verifiers")
package.__path__ = [sys.argv[4]]
sys.modules["verifiers"] = package
from verifiers.sandbox.parent import main
main()
"""


class LocalSandbox:
    """Executions at the best level this machine gives.

    Args:
        lowest: the lowest level to accept.
        levels: the levels to try, best first; all by default.
        control_group: whether to put it in a control group, where one can be written.
        packages: what may be imported besides the standard library; see packages.py.

    Raises:
        LevelRefused: not even the lowest accepted level works here; names the remedy.
    """

    def __init__(
        self,
        lowest: str = "landlock",
        levels: Sequence[str] = LEVELS,
        *,
        control_group: bool = True,
        packages: Sequence[str] = (),
    ) -> None:
        self._control: socket.socket | None = None
        self._parent: subprocess.Popen[bytes] | None = None
        self._group: ControlGroup | None = None
        self._wants_group = control_group
        try:
            self._granted = {"names": list(packages), "entries": located(packages)}
        except LookupError as error:
            raise LevelRefused(str(error)) from error
        self._lock = threading.Lock()
        self._alive = self._alive_mb = 0
        self.refusals: dict[str, str] = {}
        """Why better levels were not reached."""
        accepted = [level for level in levels if LEVELS.index(level) <= LEVELS.index(lowest)]
        for level in accepted:
            self.level = level
            try:
                self._start(level)
                self._prove()
            except SandboxError as error:
                self.close()
                self.refusals[level] = str(error)
            else:
                bounded = self._group.about if self._group else f"no cgroup: {self._no_group}"
                self.about = f"{level} ({bounded})"
                return
        why = "; ".join(f"{level}: {reason}" for level, reason in self.refusals.items())
        raise LevelRefused(
            f"no sandbox of level `{lowest}` or better can be had here ({why}). Allow user namespaces or "
            "Landlock (in a container: by its seccomp profile), or set `sandbox` to a lower level if you "
            "trust the programs"
        )

    def spawn(self, role: Role, limits: Limits, *, standard_input: bytes | None = None) -> LocalExecution:
        """A new confined process in the given role. Raises SandboxError."""
        self._make_room(limits)
        ours, theirs = socket.socketpair()
        output, output_end = os.pipe()
        feed, feed_end = os.pipe() if standard_input is not None else (-1, -1)
        request = {
            "role": role,
            "memory_mb": limits.memory_mb,
            "cpu_seconds": math.ceil(limits.cpu_seconds) + 1,
            "scratch_mb": limits.scratch_mb,
        }
        passed = [theirs.fileno(), output_end, *([feed] if feed >= 0 else [])]
        execution = LocalExecution(self._ask, self._ended, ours, output, feed_end, standard_input or b"", limits)
        try:
            answer = self._ask({"spawn": request}, passed)
            if "pid" not in answer:
                raise SandboxError(f"the sandbox could not make a process: {answer.get('failed')}")
        except SandboxError:
            execution.close()
            self._ended(limits)
            raise
        finally:
            theirs.close()
            for descriptor in passed[1:]:
                os.close(descriptor)
        execution.pid = answer["pid"]
        return execution

    def close(self) -> None:
        """End the warm parent and all that it made. May be called twice, and before there is one."""
        control, self._control = self._control, None
        if control is not None:
            control.close()
        parent, self._parent = self._parent, None
        if parent is None:
            return
        with contextlib.suppress(ProcessLookupError):
            parent.kill()
        parent.wait()
        if parent.stderr is not None:
            parent.stderr.close()
        group, self._group = self._group, None
        if group is not None:
            group.remove()

    def __enter__(self) -> LocalSandbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start(self, level: str) -> None:
        if level == "process" and os.geteuid() == 0:
            raise LevelRefused("as root it would leave every file of the machine writable; use another user")
        control, theirs = socket.socketpair()
        control.settimeout(START_SECONDS)
        self._control = control
        command = [sys.executable, "-s", "-S", "-P", "-B", "-c", BOOTSTRAP]
        arguments = [level, str(theirs.fileno()), str(os.getpid()), str(PACKAGE), json.dumps(self._granted)]
        self._parent = subprocess.Popen(
            command + arguments,
            pass_fds=[theirs.fileno()],
            # the order of a set is then the same in every run, and a thread takes no 64 MB of address space
            env={"PYTHONHASHSEED": "0", "MALLOC_ARENA_MAX": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        theirs.close()
        self._bound(self._parent.pid)
        control.sendall(b"begin")
        answer = self._hear()
        if "map" in answer:
            try:
                map_ids(answer["map"])
            except OSError as error:
                raise LevelRefused(f"user ids cannot be mapped ({error})") from error
            control.sendall(b"mapped")
            answer = self._hear()
        if "ready" not in answer:
            raise LevelRefused(str(answer.get("refused")))

    def _bound(self, pid: int) -> None:
        """Put the warm parent, which has made no process yet, into a control group where there is one."""
        self._no_group = "not asked for"
        if not self._wants_group:
            return
        try:
            self._group = ControlGroup()
            self._group.hold(pid)
        except (Absent, OSError) as error:
            self._no_group = str(error)
            if self._group is not None:
                self._group.remove()
                self._group = None

    def _make_room(self, limits: Limits) -> None:
        with self._lock:
            alive, alive_mb = self._alive + 1, self._alive_mb + limits.memory_mb + limits.scratch_mb
            if self._group is not None:
                try:
                    self._group.allow(alive, alive_mb)
                except OSError as error:
                    raise SandboxError(f"the sandbox's control group cannot be written ({error})") from error
            self._alive, self._alive_mb = alive, alive_mb

    def _ended(self, limits: Limits) -> None:
        with self._lock:
            self._alive -= 1
            self._alive_mb -= limits.memory_mb + limits.scratch_mb

    def _prove(self) -> None:
        """Run a program that tries to get out; a level that lets it is not that level."""
        order = {
            "mode": "calls",
            "programs": [f"LEVEL = {self.level!r}\n{_PROBE}"],
            "setup": "",
            "seed": 0,
            "calls": [["tried", ["list"], ["dict"]]],
        }
        try:
            with self.spawn("candidate", Limits(cpu_seconds=10.0)) as execution:
                deadline = time.monotonic() + START_SECONDS
                execution.wait_ready(deadline)
                execution.send(order)
                execution.receive(deadline)
                answer = execution.receive(deadline)
        except (SandboxError, Stopped) as error:
            raise LevelRefused(f"a first process could not be confined ({error})") from error
        if answer.get("value") != ["list"]:
            raise LevelRefused(f"a confined process could still do what it must not: {answer}")

    def _ask(self, request: dict[str, Any], descriptors: Sequence[int] = ()) -> dict[str, Any]:
        with self._lock:
            if self._control is None:
                raise SandboxError("the sandbox is closed")
            try:
                socket.send_fds(self._control, [json.dumps(request).encode()], list(descriptors))
            except OSError as error:
                raise SandboxError(f"the sandbox's warm parent is gone ({error})") from error
            return self._hear()

    def _hear(self) -> dict[str, Any]:
        if self._control is None:
            raise SandboxError("the sandbox is closed")
        try:
            data = self._control.recv(1 << 16)
        except ConnectionResetError:
            data = b""
        except OSError as error:
            raise SandboxError(f"the sandbox's warm parent does not answer ({error})") from error
        if not data:
            raise LevelRefused(f"the sandbox's warm parent ended: {self._last_words()}")
        answer: dict[str, Any] = json.loads(data)
        return answer

    def _last_words(self) -> str:
        assert self._parent is not None
        self._parent.kill()
        _, error = self._parent.communicate()
        return error.decode(errors="replace").strip().splitlines()[-1] if error.strip() else "without a word"


_PROBE = """
import os, socket

def attempt(name, function):
    try:
        function()
    except OSError:
        return []
    return [name]

def tried():
    done = []
    if LEVEL != "process":
        done += attempt("fork", lambda: os.fork() or os._exit(0))
        done += attempt("network", lambda: socket.socket())
        done += attempt("signals", lambda: os.kill(os.getppid() or -1, 0))
        done += attempt("reading", lambda: os.listdir("/proc"))
        done += attempt("writing", lambda: open("/probe", "w"))
    return done
"""
