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
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from selfplay.verifiers.sandbox.execution import LocalExecution
from selfplay.verifiers.sandbox.kernel.cgroups import Absent, ControlGroup
from selfplay.verifiers.sandbox.kernel.linux import map_ids
from selfplay.verifiers.sandbox.packages import located
from selfplay.verifiers.sandbox.parent_link import END, Line, Waiting
from selfplay.verifiers.sandbox.protocol import LEVELS, LevelRefused, Limits, Role, SandboxError, Stopped

START_SECONDS = 20.0
ENOUGH = 2
"""Executions of one kind in a row after which the next is made beforehand."""
# a bare interpreter has no pydantic, so this must be importable there without the __init__ of `selfplay.verifiers`
PACKAGE = Path(__file__).resolve().parents[1]
BOOTSTRAP = """
import sys, types
sys.modules["selfplay"] = types.ModuleType("selfplay")
sys.modules["selfplay"].__path__ = []
package = sys.modules["selfplay.verifiers"] = types.ModuleType("selfplay.verifiers")
package.__path__ = [sys.argv[4]]
from selfplay.verifiers.sandbox.warm_parent import main
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
        self._line: Line | None = None
        self._spares: dict[Role, LocalExecution] = {}
        """Made beforehand, one for each role at most."""
        self._last: dict[Role, tuple[tuple[Limits, bool], int]] = {}
        """The kind that was asked for last (limits, and whether without input), and how often in a row."""
        self._alive: dict[LocalExecution, int] = {}
        """What was given out and may still run, with the memory and scratch that it may use in MiB."""
        self._left: deque[tuple[LocalExecution, Waiting]] = deque()
        """What is being killed."""
        self._parent: subprocess.Popen[bytes] | None = None
        self._group: ControlGroup | None = None
        self._wants_group = control_group
        try:
            self._granted = {"names": list(packages), "entries": located(packages)}
        except LookupError as error:
            raise LevelRefused(str(error)) from error
        self._lock = threading.RLock()
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
        """A new confined process in the given role, after all that were left are gone. Raises SandboxError.

        Where two of a kind followed each other, a third is made as soon as the second is left.
        """
        with self._lock:
            spare = self._spares.pop(role, None)
            if spare is not None and (spare.limits != limits or standard_input is not None):
                self._discard(spare)
                spare = None
            self._wait_for_those_left()
            self._make_room(limits)
            if spare is not None and not spare.is_waiting(time.monotonic() + START_SECONDS):
                # the one before it held what it needed, such as all threads that there may be; now it is gone
                self._discard(spare)
                self._wait_for_those_left()
                spare = None
            execution = spare or self._make(role, limits, standard_input)[0]
            try:
                execution.pid  # noqa: B018 - whether it was made at all
            except SandboxError:
                execution.drop()
                raise
            self._alive[execution] = limits.memory_mb + limits.scratch_mb
            kind = (limits, standard_input is None)
            last, times = self._last.get(role, (kind, 0))
            self._last[role] = kind, min(times + 1, ENOUGH) if kind == last else 1
            return execution

    def clear(self) -> None:
        """End what was made beforehand, and wait until it and all that was left is gone. Raises SandboxError."""
        with self._lock:
            while self._spares:
                self._discard(self._spares.popitem()[1])
            self._last.clear()
            self._wait_for_those_left()

    def close(self) -> None:
        """End the warm parent and all that it made. May be called twice, and before there is one."""
        line, self._line = self._line, None
        if line is not None:
            line.close()
        with self._lock:
            while self._spares:
                self._spares.popitem()[1].drop()
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
        self._line = Line(control)
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
        answer = self._hear(control)
        if "map" in answer:
            try:
                map_ids(answer["map"])
            except OSError as error:
                raise LevelRefused(f"user ids cannot be mapped ({error})") from error
            control.sendall(b"mapped")
            answer = self._hear(control)
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

    def _make(
        self, role: Role, limits: Limits, standard_input: bytes | None, ends: int | None = None
    ) -> tuple[LocalExecution, Waiting | None]:
        """Ask for a new process, in place of the one that ends, and do not wait for it. Raises SandboxError."""
        line = self._open_line()
        ours, theirs = socket.socketpair()
        output, output_end = os.pipe()
        feed, feed_end = os.pipe() if standard_input is not None else (-1, -1)
        passed = [theirs.fileno(), output_end, *([feed] if feed >= 0 else [])]
        bounds = (limits.memory_mb, math.ceil(limits.cpu_seconds) + 1, limits.scratch_mb)
        try:
            begun, ended = line.spawn(role, bounds, passed, ends)
        except SandboxError:
            for descriptor in (output, feed_end):
                if descriptor >= 0:
                    os.close(descriptor)
            ours.close()
            raise
        finally:
            theirs.close()
            for descriptor in passed[1:]:
                os.close(descriptor)
        given = standard_input or b""
        made = LocalExecution(line, begun, role, self._end_it, ours, output, feed_end, given, limits)
        return made, ended

    def _end_it(self, execution: LocalExecution) -> Waiting:
        """Ask for the end of an execution, and for another like it where it is to be expected. Raises SandboxError."""
        role, limits = execution.role, execution.limits
        with self._lock:
            if role not in self._spares and self._last.get(role) == ((limits, True), ENOUGH):
                self._spares[role], ended = self._make(role, limits, None, execution.pid)
                assert ended is not None
            else:
                ended = self._open_line().ask(END, execution.pid)
            self._left.append((execution, ended))
            return ended

    def _discard(self, spare: LocalExecution) -> None:
        """End what was made beforehand, and make no other in its place."""
        self._last.pop(spare.role, None)
        with contextlib.suppress(SandboxError):  # it was never made; or nothing more can be asked, which is said next
            spare.leave()

    def _open_line(self) -> Line:
        line = self._line
        if line is None:
            raise SandboxError("the sandbox is closed")
        return line

    def _wait_for_those_left(self) -> None:
        """A process that is being killed still counts among those of its user, so its threads must be gone first."""
        while self._left:
            execution, ended = self._left.popleft()
            self._open_line().answer(ended)
            self._alive.pop(execution, None)

    def _make_room(self, limits: Limits) -> None:
        if self._group is None:
            return
        try:
            self._group.allow(len(self._alive) + 1, sum(self._alive.values()) + limits.memory_mb + limits.scratch_mb)
        except OSError as error:
            raise SandboxError(f"the sandbox's control group cannot be written ({error})") from error

    def _prove(self) -> None:
        """Run a program that tries to get out; a level that lets it is not that level."""
        order = {
            "mode": "calls",
            "programs": [f"LEVEL = {self.level!r}\n{_PROBE}"],
            "setup": "",
            "calls": [["tried", ["list"], ["dict"]]],
        }
        try:
            with self.spawn("candidate", Limits(cpu_seconds=10.0)) as execution:
                deadline = time.monotonic() + START_SECONDS
                execution.wait_ready(deadline)
                execution.send(order)
                execution.receive(deadline)
                answer = execution.receive(deadline)
            self.clear()
        except (SandboxError, Stopped) as error:
            raise LevelRefused(f"a first process could not be confined ({error})") from error
        if answer.get("value") != ["list"]:
            raise LevelRefused(f"a confined process could still do what it must not: {answer}")

    def _hear(self, control: socket.socket) -> dict[str, Any]:
        """What the warm parent says while it starts."""
        try:
            data = control.recv(1 << 16)
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
