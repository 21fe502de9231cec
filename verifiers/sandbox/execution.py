"""One confined process, seen from outside: what it says and prints is read within bounds, its end is certain.

What is covered: every message and all output is bounded in bytes and in time; descriptors that a process
sends along are dropped. What is not covered: what the messages mean; they are hostile until plain_data.py and the
judge have read them.
"""

from __future__ import annotations

import os
import select
import socket
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

from selfplay.verifiers.sandbox.channel import BadFrame, Frames, FrameTooLong, pack
from selfplay.verifiers.sandbox.parent_link import CPU, Line, Waiting
from selfplay.verifiers.sandbox.protocol import Ending, Limits, Role, SandboxError, Stopped


class LocalExecution:
    """One confined process. Use it in a `with`."""

    def __init__(
        self,
        line: Line,
        begun: Waiting,
        role: Role,
        end_it: Callable[[LocalExecution], Waiting],
        end: socket.socket,
        output: int,
        feed: int,
        standard_input: bytes,
        limits: Limits,
    ) -> None:
        self._line, self._begun, self._end_it, self._end = line, begun, end_it, end
        self.role, self.limits, self.has_input = role, limits, feed >= 0
        self._leaving: Waiting | None = None
        self._output_end, self._feed_end = output, feed
        self._unsent, self._unfed = bytearray(), memoryview(standard_input)
        self._frames = Frames(limits.message_kb << 10)
        self._closed_by_them = False
        self._confined = False
        self.output = bytearray()
        """What it wrote so far, up to `output_kb`."""
        self.ending: Ending | None = None
        end.setblocking(False)
        os.set_blocking(output, False)
        if feed >= 0:
            os.set_blocking(feed, False)

    @property
    def pid(self) -> int:
        """As the warm parent counts. Raises SandboxError where it could not be made."""
        number = self._line.answer(self._begun).number
        if number < 0:
            raise SandboxError(f"the sandbox could not make a process: {os.strerror(-number)}")
        return number

    def wait_ready(self, deadline: float) -> None:
        """Wait until it is confined. Raises SandboxError: that it is not is never the program's fault."""
        if self._confined:
            return
        try:
            message = self.receive(deadline)
        except Stopped as stop:
            raise SandboxError(f"a process of the sandbox did not start ({stop.reason})") from stop
        if "ready" not in message:
            raise SandboxError(f"a process could not be confined: {message.get('fault')}")
        self._confined = True

    def is_waiting(self, deadline: float) -> bool:
        """Whether it is confined, alive, and waits for its first message; False too where it never will."""
        try:
            self.wait_ready(deadline)
        except SandboxError:
            return False
        waiting = select.poll()
        waiting.register(self._end, select.POLLIN)
        return not waiting.poll(0)

    def send(self, message: Any) -> None:
        """Queue a message; it goes out while `receive` waits, and not before the process is confined: what comes
        until then is never the program's."""
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
        """Read output until it ends; messages are no longer read. Raises Stopped (time_limit,
        output_limit)."""
        self._closed_by_them = True
        while self._output_end >= 0:
            self._exchange(deadline)

    def cpu_seconds(self) -> float:
        """CPU time it has used so far. Raises SandboxError."""
        return self._line.answer(self._line.ask(CPU, self.pid)).seconds

    def leave(self) -> None:
        """Have it killed with all that it made, and wait for neither: the sandbox waits before the next one runs."""
        if self._leaving is None:
            self.drop()
            self._leaving = self._end_it(self)

    def drop(self) -> None:
        """Close this end of it."""
        for descriptor in (self._output_end, self._feed_end):
            if descriptor >= 0:
                os.close(descriptor)
        self._output_end = self._feed_end = -1
        self._end.close()

    def close(self) -> Ending | None:
        """Kill it and all that it made, and tell how it ended."""
        self.leave()
        assert self._leaving is not None
        code, cpu_seconds, peak_kb = self._line.answer(self._leaving)
        self.ending = Ending(code, cpu_seconds, peak_kb)
        return self.ending

    def __enter__(self) -> LocalExecution:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()

    def _exchange(self, deadline: float) -> None:
        """Move what can be moved, waiting until something can."""
        waiting = select.poll()
        if not self._closed_by_them:
            sends = self._unsent and self._confined
            waiting.register(self._end, select.POLLIN | (select.POLLOUT if sends else 0))
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
        if len(self.output) > self.limits.output_kb << 10:
            del self.output[self.limits.output_kb << 10 :]
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
