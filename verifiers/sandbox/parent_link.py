"""The line between the outside and the warm parent: fixed words, so that the parent spends little on reading them.

    spawn  role, limits    -> process id (or minus the errno), and descriptors go along: channel, output, input
    cpu    process id      -> CPU seconds so far
    end    process id      -> exit code (minus the signal), CPU seconds, peak memory in kB; killed before that

A request may hold a spawn and an end: the one that takes the other's place is then made while the other dies. Answers
come in the order of the requests, that of a spawn first. The outside need not wait for one before it sends the next
request: `Line` reads an answer when somebody wants it.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from selfplay.verifiers.sandbox.protocol import Role, SandboxError

SPAWN, CPU, END = 1, 2, 4
REQUEST = struct.Struct("=BBqIII")
"""Kind, or the sum of two; role; process id; memory in MiB, CPU seconds and scratch in MiB."""
ANSWER = struct.Struct("=qdq")
ROLES: tuple[Role, ...] = ("candidate", "tester")


class Answer(NamedTuple):
    number: int
    seconds: float
    peak_kb: int


class Waiting:
    """An answer that has not been read yet."""

    answer: Answer | None = None


class Line:
    """The outside's end. Any thread may ask. A line that failed once fails always."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._waiting: deque[Waiting] = deque()
        self._lock = threading.Lock()

    def spawn(
        self, role: Role, limits: tuple[int, int, int], descriptors: Sequence[int], ends: int | None = None
    ) -> tuple[Waiting, Waiting | None]:
        """Ask for a new process and, in the same breath, for the end of another. Raises SandboxError.

        Returns:
            What will hold the answer to each.
        """
        begun, ended = Waiting(), None if ends is None else Waiting()
        kind = SPAWN if ended is None else SPAWN | END
        request = REQUEST.pack(kind, ROLES.index(role), ends or 0, *limits)
        self._send(request, descriptors, [begun] if ended is None else [begun, ended])
        return begun, ended

    def ask(self, kind: int, pid: int) -> Waiting:
        """Ask about a process. Raises SandboxError."""
        waiting = Waiting()
        self._send(REQUEST.pack(kind, 0, pid, 0, 0, 0), [], [waiting])
        return waiting

    def answer(self, waiting: Waiting) -> Answer:
        """The answer to a request; those to earlier ones are read on the way. Raises SandboxError."""
        with self._lock:
            while waiting.answer is None:
                self._waiting[0].answer = Answer(*ANSWER.unpack(self._receive()))
                self._waiting.popleft()
            return waiting.answer

    def close(self) -> None:
        """Whoever waits for an answer in another thread gets none."""
        with contextlib.suppress(OSError):
            self._end.shutdown(socket.SHUT_RDWR)
        self._end.close()

    def _send(self, request: bytes, descriptors: Sequence[int], waiting: Sequence[Waiting]) -> None:
        with self._lock:
            try:
                socket.send_fds(self._end, [request], list(descriptors))
            except OSError as error:
                raise self._failed(f"the sandbox's warm parent is gone ({error})") from error
            self._waiting.extend(waiting)

    def _receive(self) -> bytes:
        data = b""
        while len(data) < ANSWER.size:
            try:
                more = self._end.recv(ANSWER.size - len(data))
            except OSError as error:
                raise self._failed(f"the sandbox's warm parent does not answer ({error})") from error
            if not more:
                raise self._failed("the sandbox's warm parent ended")
            data += more
        return data

    def _failed(self, why: str) -> SandboxError:
        """The error to raise; what comes late would be taken for the answer to something else."""
        self._end.close()
        return SandboxError(why)
