"""A worker process as its supervisor holds it: started, fed, read from, killed. When, is for dispatcher.py to decide.

The worker leads its own process group, which is killed whole. Not covered: a descendant that moved to a session of its
own; a verifier that starts such things must tie their life to its own, as the sandbox does.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path

import selfplay
from selfplay.tasks.first_import import WATCHED_VARIABLE, search_path
from selfplay.verifiers.contract.spec import VerifierSpec
from selfplay.verifiers.contract.verdict import Judgement, Row
from selfplay.verifiers.sandbox.channel import Frames, pack
from selfplay.verifiers.workers import MAX_MESSAGE

LOG_TAIL = 4096
PACKAGE_ROOT = str(Path(selfplay.__file__).parent.parent)
"""The folder to import `selfplay` from. Not taken from this file's own place, which is behind a link."""
START = "import sys; sys.path.append(sys.argv[2]); from selfplay.verifiers.workers.worker import main; main()"
"""Our own folder comes last on a worker's path: it may also contain `verifiers` and `tasks`, and a plugin may need
other packages of these names."""


@dataclass(frozen=True)
class WorkerDeath:
    """How a worker ended on a completion, and after how many seconds."""

    how: str
    seconds: float


@dataclass
class PendingRow:
    """A row that waits to be judged, or that a worker is judging."""

    row: Row
    future: Future[Judgement] = field(default_factory=Future)
    killed_a_worker: bool = False
    faulted_once: bool = False
    in_batch: bool = False
    """Whether it was sent together with others; what fails then is judged again without them."""
    never_batch: bool = False
    """Whether it must not be sent together with others any more."""
    tests_the_judge_after: WorkerDeath | None = None
    """Set where the row's own completion has killed two workers: a harmless one is judged in its place, which shows
    whether the judge is to blame. The future is still the row's own."""


class WorkerProcess:
    """One process, its socket, and the rows that were sent to it and are not yet answered (oldest first)."""

    def __init__(self, spec: VerifierSpec, memory_mb: int) -> None:
        ours, theirs = socket.socketpair()
        log_read, log_write = os.pipe()
        given = ["selfplay.verifiers.workers.worker", PACKAGE_ROOT, str(theirs.fileno()), str(os.getpid())]
        with theirs:
            try:
                self._process = subprocess.Popen(
                    [sys.executable, "-P", "-c", START, *given],
                    stdin=subprocess.DEVNULL,
                    stdout=log_write,
                    stderr=log_write,
                    pass_fds=[theirs.fileno()],
                    start_new_session=True,
                    env=_environment(),
                )
            finally:
                os.close(log_write)
        ours.setblocking(False)
        os.set_blocking(log_read, False)
        self.socket = ours
        self.log_fd = log_read
        self.rows: deque[PendingRow] = deque()
        self.head_since = 0.0
        """When the oldest row in `rows` began to be the one worked on, by the monotonic clock."""
        self.quick = False
        """Whether its last row was so quick that several may wait in its socket."""
        self.loaded = False
        """Whether it has imported and built its verifier."""
        self.ready = False
        self.rows_sent = 0
        """Rows sent to it so far; each answer carries its row's number."""
        self._outgoing: deque[memoryview] = deque()
        self.messages = Frames(MAX_MESSAGE)
        """What has arrived from it."""
        self._log = bytearray()
        start = {"spec": spec.model_dump(mode="json"), "memory_mb": memory_mb, "sys_path": search_path()}
        self.send(pack(start))

    @property
    def backed_up(self) -> bool:
        """Whether bytes wait for the socket to take them."""
        return bool(self._outgoing)

    def send(self, frame: bytes) -> None:
        self._outgoing.append(memoryview(frame))

    def flush(self) -> None:
        """Write as much as the socket takes. A broken pipe is left for `receive` to find."""
        while self._outgoing:
            frame = self._outgoing.popleft()
            try:
                sent = self.socket.send(frame)
            except BlockingIOError:
                self._outgoing.appendleft(frame)
                return
            except (BrokenPipeError, ConnectionResetError):
                self._outgoing.clear()
                return
            if sent < len(frame):
                self._outgoing.appendleft(frame[sent:])

    def receive(self) -> bool:
        """Take what has arrived into `messages`; False when the worker is gone."""
        try:
            data = self.socket.recv(1 << 18)
        except BlockingIOError:
            return True
        except ConnectionResetError:
            return False
        self.messages.feed(data)
        return bool(data)

    def read_log(self) -> bool | None:
        """Keep the last of what the worker printed; None where nothing waits to be read, False at the end."""
        try:
            data = os.read(self.log_fd, 1 << 16)
        except BlockingIOError:
            return None
        self._log += data
        del self._log[:-LOG_TAIL]
        return bool(data)

    def log_tail(self) -> str:
        return self._log.decode("utf-8", "replace").strip()

    def kill(self, patience: float = 0.0) -> int | None:
        """End the process and its group, and reap it. Returns its exit status (negative: the signal) where it ended by
        itself within `patience` seconds, else None."""
        own: int | None = None
        with contextlib.suppress(subprocess.TimeoutExpired):
            own = self._process.wait(patience) if patience else None
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # it has already ended, with its whole group
        except PermissionError:
            self._process.kill()  # macOS answers so when the group's leader is a zombie
        self._process.wait()
        while self.read_log():
            pass
        self.socket.close()
        os.close(self.log_fd)
        return own


def _environment() -> dict[str, str]:
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    # a fixed hash seed makes the order in sets, and so symbolic results, the same in every worker; a plugin
    # that prints half a surrogate pair must not fail by it
    fixed = {"PYTHONHASHSEED": "0", "PYTHONIOENCODING": "utf-8:backslashreplace", WATCHED_VARIABLE: "1"}
    return {**os.environ, **threads, **fixed}
