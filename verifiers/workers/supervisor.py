"""Judging under limits: warm worker processes that are killed for real and replaced.

    with Supervisor("math", workers=2) as supervisor:
        for judgement in supervisor.judge(rows):
            ...

Each row has an address-space limit and a wall clock. `timeout` is the completion's own budget in seconds, which a
verifier may enforce; the deadline is twice that plus 5 s, so that only a hung judge is a fault.

What is covered: a row that hangs its judge (fault), kills its worker or takes all its memory (judged again alone; if
that kills again: rejected as `kills_its_judge`), makes it raise or return something else than a verdict (fault); the
rows around it are judged as if it had not been there. Before a completion is blamed, the judge must give a verdict on a
harmless one with the same reference; where it does not, the judge is to blame (fault, with the cause `judge_dies`). A
row with the verdict `fault` is judged a second time. Usable from any thread, from Ray actors and, through
`asyncio.wrap_future`, from asyncio: no signals, no fork of the caller.
Not covered: CPU and disk use within the deadline; a broken judge that survives the harmless completion.
"""

from __future__ import annotations

import atexit
import os
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from typing import Any

from selfplay.verifiers.contract.spec import VerifierSpec
from selfplay.verifiers.contract.verdict import Judgement, Row
from selfplay.verifiers.errors import BrokenVerifier
from selfplay.verifiers.workers.dispatcher import Dispatcher
from selfplay.verifiers.workers.process import PendingRow

READ_AHEAD_ROWS = 2048
READ_AHEAD_CHARACTERS = 64 * 1024 * 1024


class Supervisor:
    """Owns N worker processes for one verifier.

    Args:
        spec: the verifier with its settings; a name (`math`, `path/to/file.py:name`) is one without settings.
        workers: processes.
        timeout: a completion's own budget in seconds; None: the verifier's `timeout` setting, else 10 s.
        memory_mb: address space of one worker in MiB.

    Raises:
        UnknownVerifier, BadSettings, BrokenVerifier: from the first worker, before any row is taken.
    """

    def __init__(
        self, spec: VerifierSpec | str, *, workers: int = 1, timeout: float | None = None, memory_mb: int = 2048
    ) -> None:
        if workers < 1:
            raise ValueError("`workers` must be at least 1")
        if timeout is not None and not 0 < timeout < float("inf"):
            raise ValueError("`timeout` must be a positive number of seconds")
        self._pid = os.getpid()
        self._closed = False
        spec = VerifierSpec.of(spec)
        self._dispatcher = Dispatcher(spec.absolute(), workers, timeout, memory_mb)
        self._thread = threading.Thread(target=self._dispatcher.run, name=f"supervisor-{spec.verifier}", daemon=True)
        self._thread.start()
        atexit.register(self.close)
        try:
            hello = self._dispatcher.hello.result()
        except BaseException:
            self.close()
            raise
        self.name: str = hello["verifier"]
        self.version: str = hello["version"]
        self.settings_hash: str = hello["settings_hash"]
        self.sandbox_level: str | None = hello["sandbox_level"]

    def submit(self, row: Row) -> Future[Judgement]:
        """Judge one row; whatever the row does, the future has a judgement, or BrokenVerifier where workers no longer
        start. Raises BrokenVerifier where the supervisor is closed, or was made before this process was forked."""
        if self._closed or os.getpid() != self._pid:
            raise BrokenVerifier(f"this Supervisor of the {self.name} verifier is closed, or another process made it")
        pending = PendingRow(row)
        self._dispatcher.give(pending)
        return pending.future

    def judge(self, rows: Iterable[Row]) -> Iterator[Judgement]:
        """Judge a stream, in its order, reading ahead at most 2,048 rows or 64 M characters. Raises as `submit`."""
        waiting: deque[tuple[Future[Judgement], int]] = deque()
        characters = 0
        try:
            for row in rows:
                size = len(row.completion)
                waiting.append((self.submit(row), size))
                characters += size
                while waiting and (
                    waiting[0][0].done()
                    or len(waiting) >= READ_AHEAD_ROWS
                    or (characters > READ_AHEAD_CHARACTERS and len(waiting) > 1)
                ):
                    future, size = waiting.popleft()
                    characters -= size
                    yield future.result()
            while waiting:
                yield waiting.popleft()[0].result()
        finally:
            for future, _ in waiting:
                future.cancel()

    def close(self) -> None:
        """Kill the workers; rows that wait are cancelled. Safe to call twice."""
        if self._closed or os.getpid() != self._pid:
            return
        self._closed = True
        atexit.unregister(self.close)
        self._dispatcher.stop()
        self._thread.join()

    def __enter__(self) -> Supervisor:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def __reduce__(self) -> Any:
        raise TypeError("a Supervisor holds processes and cannot be sent to another one; make it there")
