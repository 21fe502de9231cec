"""Ctrl-C, SIGTERM and a closed terminal end a run like an error: with one sentence, ready to resume.

    with Signals() as signals:
        connect_to_ray()
        signals.heed()          # again, because Ray replaces our handlers and resets them when it ends
        ...                     # a signal raises KeyboardInterrupt here, and Interrupted leaves the block

Every `finally` runs on the way out. SIGKILL cannot be caught; `--resume` still finds what was written before it.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
from types import FrameType, TracebackType
from typing import Any, Self

from selfplay.errors import SelfplayError

HEEDED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Interrupted(SelfplayError):
    """A signal ended the command; its exit code is 128 and the signal's number, as a shell gives it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = 128 + number

    def __str__(self) -> str:
        number = self.exit_code - 128
        return "interrupted by Ctrl-C." if number == signal.SIGINT else f"ended by {signal.Signals(number).name}."


class Signals:
    """Turns signals into `Interrupted`, as a context manager of the main thread."""

    def __enter__(self) -> Self:
        self._received: signal.Signals | None = None
        self._before: dict[signal.Signals, Any] = {number: signal.getsignal(number) for number in HEEDED}
        self.heed()
        return self

    def heed(self) -> None:
        """Take the signals; one that was ignored when the command began (`nohup`) stays ignored."""
        for number, before in self._before.items():
            if before not in (signal.SIG_IGN, None):  # None: taken by another language's code
                signal.signal(number, self._interrupt)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, before in self._before.items():
            if before is not None:
                signal.signal(number, before)
        if error is not None and self.caused(error):
            raise Interrupted(self._received or signal.SIGINT) from None
        if isinstance(error, SystemExit) and error.code == signal.SIGTERM:
            raise Interrupted(signal.SIGTERM) from None  # by Ray's handler, while it still connected

    def caused(self, error: BaseException) -> bool:
        """Whether a signal is behind an error: DuckDB says "Query interrupted" in place of the KeyboardInterrupt."""
        return isinstance(error, KeyboardInterrupt) or bool(self._received and "interrupt" in str(error).casefold())

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        # Ray gives a KeyboardInterrupt of its own where this is raised in its code, so the number is kept here.
        self._received = signal.Signals(number)
        raise KeyboardInterrupt


def leave_without_ray(error: Interrupted) -> None:
    """End the process right after the error message is printed.

    Where Ray was interrupted as it connected, its threads may abort the process, with an exit code of their own, once
    Ray's exit handler ends the head that they talk to. Handlers run last in, first out, so this one runs before it.
    """

    def leave() -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(error.exit_code)

    atexit.register(leave)
