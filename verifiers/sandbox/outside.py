"""The outside of the sandbox: starts the warm parent, asks for executions, reads them within limits, ends
them.

    with Sandbox(lowest="landlock") as sandbox:
        with sandbox.spawn("candidate", Limits()) as execution:
            execution.send({...})
            answer = execution.receive(deadline)

What is covered: one process per execution with its own limits, whose every byte is bounded here and whose end
is certain: leaving the `with` kills it and what it made. It all dies with the process that made the Sandbox.
What is not covered: this is one process's private sandbox; it is neither thread-safe nor to be used after a
fork.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from verifiers.sandbox.channel import BadFrame, Frames, FrameTooLong, pack

LEVELS = ("namespaces", "landlock", "process")
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
OWN_ID_BASE = 1_000_000_000


class SandboxError(RuntimeError):
    """The sandbox itself cannot be had, or failed. Never the fault of the program in it."""


class LevelRefused(SandboxError):
    """The machine does not give the isolation that was asked for."""


@dataclass(frozen=True)
class Limits:
    """What one execution may use."""

    cpu_seconds: float = 3.0
    memory_mb: int = 256
    """On top of the interpreter itself."""
    scratch_mb: int = 16
    """All files together, where there is a scratch folder; also the largest file."""
    output_kb: int = 64
    """Standard output and error together."""
    message_kb: int = 1024
    """One message of the execution, such as a returned value."""


@dataclass(frozen=True)
class Ending:
    """How a process ended: exit code, or minus the signal; CPU seconds; peak memory in kB."""

    code: int
    cpu_seconds: float
    peak_kb: int


class Stopped(Exception):
    """An execution is over without the message that was waited for. `reason` is one of

    time_limit, output_limit (output or one message too long), unreadable_result (a message that is none),
    ended.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Sandbox:
    """Executions at the best level this machine gives.

    Args:
        lowest: the lowest level to accept.
        levels: the levels to try, best first; all by default.

    Raises:
        LevelRefused: not even the lowest accepted level works here; names the remedy.
    """

    def __init__(self, lowest: str = "landlock", levels: Sequence[str] = LEVELS) -> None:
        self.refusals: dict[str, str] = {}
        """Why better levels were not reached."""
        accepted = [level for level in levels if LEVELS.index(level) <= LEVELS.index(lowest)]
        for level in accepted:
            self.level = level
            try:
                self._start(level)
                self._prove()
            except LevelRefused as error:
                self.close()
                self.refusals[level] = str(error)
            else:
                return
        why = "; ".join(f"{level}: {reason}" for level, reason in self.refusals.items())
        raise LevelRefused(
            f"no sandbox of level `{lowest}` or better can be had here ({why}). Allow user namespaces or "
            "Landlock (in a container: by its seccomp profile), or set `sandbox` to a lower level if you "
            "trust the programs"
        )

    def spawn(self, role: str, limits: Limits, *, standard_input: bytes | None = None) -> Execution:
        """A new confined process in the given role (`candidate` or `tester`). Raises SandboxError."""
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
        execution = Execution(self, ours, output, feed_end, standard_input or b"", limits)
        try:
            answer = self._ask({"spawn": request}, passed)
            if "pid" not in answer:
                raise SandboxError(f"the sandbox could not make a process: {answer.get('failed')}")
        except SandboxError:
            execution.close()
            raise
        finally:
            theirs.close()
            for descriptor in passed[1:]:
                os.close(descriptor)
        execution.pid = answer["pid"]
        return execution

    def close(self) -> None:
        """End the warm parent and all that it made."""
        self._control.close()
        with contextlib.suppress(ProcessLookupError):
            self._parent.kill()
        self._parent.wait()
        if self._parent.stderr is not None:
            self._parent.stderr.close()

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start(self, level: str) -> None:
        if level == "process" and os.geteuid() == 0:
            raise LevelRefused("as root it would leave every file of the machine writable; use another user")
        self._control, theirs = socket.socketpair()
        self._control.settimeout(START_SECONDS)
        command = [sys.executable, "-s", "-S", "-P", "-B", "-c", BOOTSTRAP]
        arguments = [level, str(theirs.fileno()), str(os.getpid()), str(PACKAGE)]
        self._parent = subprocess.Popen(
            command + arguments,
            pass_fds=[theirs.fileno()],
            env={"PYTHONHASHSEED": "0"},  # the order of a set is then the same in every run
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        theirs.close()
        answer = self._hear()
        if "map" in answer:
            try:
                _map_ids(answer["map"])
            except OSError as error:
                raise LevelRefused(f"user ids cannot be mapped ({error})") from error
            self._control.sendall(b"mapped")
            answer = self._hear()
        if "ready" not in answer:
            raise LevelRefused(str(answer.get("refused")))

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
        try:
            socket.send_fds(self._control, [json.dumps(request).encode()], list(descriptors))
        except OSError as error:
            raise SandboxError(f"the sandbox's warm parent is gone ({error})") from error
        return self._hear()

    def _hear(self) -> dict[str, Any]:
        try:
            data = self._control.recv(1 << 16)
        except OSError as error:
            raise SandboxError(f"the sandbox's warm parent does not answer ({error})") from error
        if not data:
            raise LevelRefused(f"the sandbox's warm parent ended: {self._last_words()}")
        answer: dict[str, Any] = json.loads(data)
        return answer

    def _last_words(self) -> str:
        assert self._parent.stderr is not None
        self._parent.kill()
        _, error = self._parent.communicate()
        return error.decode(errors="replace").strip().splitlines()[-1] if error.strip() else "without a word"


class Execution:
    """One confined process. Use it in a `with`."""

    def __init__(
        self,
        sandbox: Sandbox,
        pid: int,
        end: socket.socket,
        output: int,
        feed: int,
        standard_input: bytes,
        limits: Limits,
    ) -> None:
        self._sandbox, self._pid, self._end, self._limits = sandbox, pid, end, limits
        self._output_end, self._feed_end = output, feed
        self._unsent, self._unfed = bytearray(), memoryview(standard_input)
        self._frames = Frames(limits.message_kb << 10)
        self._closed_by_them = False
        self.output = bytearray()
        """What it wrote so far, up to `output_kb`."""
        self.ending: Ending | None = None
        end.setblocking(False)
        os.set_blocking(output, False)
        if feed >= 0:
            os.set_blocking(feed, False)

    def wait_ready(self, deadline: float) -> None:
        """Wait until it is confined. Raises SandboxError: that it is not is never the program's fault."""
        try:
            message = self.receive(deadline)
        except Stopped as stop:
            raise SandboxError(f"a process of the sandbox did not start ({stop.reason})") from stop
        if "ready" not in message:
            raise SandboxError(f"a process could not be confined: {message.get('fault')}")

    def send(self, message: Any) -> None:
        """Queue a message; it goes out while `receive` waits."""
        self._unsent += pack(message)

    def receive(self, deadline: float) -> dict[str, Any]:
        """The next message before `deadline` (time.monotonic). Raises Stopped."""
        while True:
            try:
                message = self._frames.next()
            except FrameTooLong as error:
                raise Stopped("output_limit") from error
            except BadFrame as error:
                raise Stopped("unreadable_result") from error
            if message is not None:
                return dict(message)
            if self._closed_by_them:
                raise Stopped("ended")
            self._exchange(deadline)

    def drain(self, deadline: float) -> None:
        """Read output until it ends; messages are no longer read. Raises Stopped (time_limit, output_limit)."""
        self._closed_by_them = True
        while self._output_end >= 0:
            self._exchange(deadline)

    def close(self) -> Ending | None:
        """Kill it and all that it made, and tell how it ended."""
        for descriptor in (self._output_end, self._feed_end):
            if descriptor >= 0:
                os.close(descriptor)
        self._output_end = self._feed_end = -1
        self._end.close()
        if self._pid >= 0:
            answer = self._sandbox._ask({"reap": self._pid})
            self.ending = Ending(answer["code"], answer["cpu_seconds"], answer["peak_kb"])
            self._pid = -1
        return self.ending

    def __enter__(self) -> Execution:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _exchange(self, deadline: float) -> None:
        """Move what can be moved, waiting until something can."""
        waiting = select.poll()
        if not self._closed_by_them:
            waiting.register(self._end, select.POLLIN | (select.POLLOUT if self._unsent else 0))
        if self._output_end >= 0:
            waiting.register(self._output_end, select.POLLIN)
        if self._feed_end >= 0:
            waiting.register(self._feed_end, select.POLLOUT)
        left = deadline - time.monotonic()
        ready = waiting.poll(max(0.0, left) * 1000) if left > 0 else []
        if not ready:
            raise Stopped("time_limit")
        for descriptor, events in ready:
            if descriptor == self._output_end:
                self._read_output()
            elif descriptor == self._feed_end:
                self._feed()
            else:
                self._talk(events)

    def _talk(self, events: int) -> None:
        try:
            if events & select.POLLOUT and self._unsent:
                del self._unsent[: self._end.send(self._unsent)]
            if events & (select.POLLIN | select.POLLHUP | select.POLLERR):
                data = self._end.recv(1 << 16)
                self._closed_by_them = not data
                self._frames.feed(data)
        except BlockingIOError:
            return
        except (BrokenPipeError, ConnectionResetError):
            self._unsent.clear()
            self._closed_by_them = True

    def _read_output(self) -> None:
        data = os.read(self._output_end, 1 << 16)
        if not data:
            os.close(self._output_end)
            self._output_end = -1
            return
        self.output += data
        if len(self.output) > self._limits.output_kb << 10:
            del self.output[self._limits.output_kb << 10 :]
            raise Stopped("output_limit")

    def _feed(self) -> None:
        try:
            self._unfed = self._unfed[os.write(self._feed_end, self._unfed[: 1 << 16]) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            self._unfed = self._unfed[:0]
        if not self._unfed:
            os.close(self._feed_end)
            self._feed_end = -1


def _map_ids(pid: int) -> None:
    """Give the new user namespace its ids: an own one where this process may, else this process's own as 0.

    An own id makes the limit on processes count this sandbox alone, and owns no file of the machine; the
    present user stays in the map as 1, because only it may read an interpreter in its home while the root is
    built.
    """
    user, group = os.geteuid(), os.getegid()
    own = OWN_ID_BASE + os.getpid() % 1_000_000
    if user == 0 and _may_map(own):
        Path(f"/proc/{pid}/uid_map").write_text(f"0 {own} 1\n1 {user} 1\n")
        Path(f"/proc/{pid}/gid_map").write_text(f"0 {own} 1\n1 {group} 1\n")
        return
    Path(f"/proc/{pid}/uid_map").write_text(f"0 {user} 1\n")
    Path(f"/proc/{pid}/setgroups").write_text("deny")
    Path(f"/proc/{pid}/gid_map").write_text(f"0 {group} 1\n")


def _may_map(wanted: int) -> bool:
    """Whether this process's own user namespace has the id."""
    for line in Path("/proc/self/uid_map").read_text().splitlines():
        first, _, count = (int(field) for field in line.split())
        if first <= wanted < first + count:
            return True
    return False


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
