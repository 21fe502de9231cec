"""What a sandbox is to those who use it: confined processes that take and give messages.

    with open_sandbox("landlock") as sandbox:                       # open_sandbox.py
        with sandbox.spawn("candidate", Limits()) as execution:
            execution.send(order)
            execution.wait_ready(deadline)
            message = execution.receive(deadline)

`Sandbox` and `Execution` are the whole interface. The one that this machine gives is local_sandbox.py; one behind a
web service is remote/http_sandbox.py; a package adds another through the entry-point group `selfplay.sandboxes`, under
the scheme of its address. Deadlines are of `time.monotonic()`. The messages themselves are plain JSON objects, those of
inside/program_process.py and inside/tests_process.py, and hostile until they have been read.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, Protocol

LEVELS = ("namespaces", "landlock", "process")
"""What this machine may give, best first."""
Role = Literal["candidate", "tester"]


class SandboxError(RuntimeError):
    """The sandbox itself cannot be had, or failed. Never the fault of the program in it."""


class LevelRefused(SandboxError):
    """The isolation that was asked for cannot be had; the message names the remedy."""


class Stopped(Exception):
    """An execution is over without the message that was waited for. `reason` is one of

    time_limit, output_limit (output or one message too long), unreadable_result (a message that is none),
    ended.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


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


class Execution(Protocol):
    """One confined process. Leaving its `with` ends it and all that it made."""

    output: bytearray
    """What it wrote so far, up to `output_kb`."""

    def send(self, message: Any) -> None:
        """Queue a message for it; it may go out only while `receive` waits."""

    def wait_ready(self, deadline: float) -> None:
        """Wait until it is confined. Raises SandboxError: that it is not is never the program's fault."""

    def receive(self, deadline: float) -> dict[str, Any]:
        """The next message. Raises Stopped, SandboxError."""

    def drain(self, deadline: float) -> None:
        """Read output until it ends; messages are no longer read. Raises Stopped (time_limit, output_limit)."""

    def cpu_seconds(self) -> float:
        """CPU time it has used so far. Raises SandboxError."""

    def close(self) -> Ending | None:
        """Kill it and all that it made, and tell how it ended; None where it never ran."""

    def __enter__(self) -> Execution: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Sandbox(Protocol):
    """Makes confined processes, each fresh."""

    level: str
    """What it gives, as each verdict keeps it: one of LEVELS, or `remote:` and what the other side says."""
    about: str
    """The same for a person, with what bounds it besides."""

    def spawn(self, role: Role, limits: Limits, *, standard_input: bytes | None = None) -> Execution:
        """A new confined process. Raises SandboxError."""

    def close(self) -> None:
        """End it and all that it made. May be called twice."""
