"""The supervisor's thread: sends rows to workers, watches their deadlines, replaces workers that died.

One thread does everything that touches a worker, so only the inbox needs a lock. It also starts the workers, because
Linux ends them when the *thread* that started them ends.
"""

from __future__ import annotations

import contextlib
import math
import os
import selectors
import threading
import time
from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

from selfplay.tasks.first_import import SECONDS_VARIABLE, import_seconds
from selfplay.verifiers import errors
from selfplay.verifiers.contract.spec import VerifierSpec
from selfplay.verifiers.contract.verdict import Judgement, Verdict
from selfplay.verifiers.contract.verifier import DEFAULT_TIMEOUT
from selfplay.verifiers.errors import BrokenVerifier, VerifierError
from selfplay.verifiers.sandbox.channel import BadFrame, pack
from selfplay.verifiers.workers import EXIT_MEMORY, MAX_MESSAGE
from selfplay.verifiers.workers.process import PendingRow, WorkerDeath, WorkerProcess

START_SECONDS = 180.0
"""A worker that has imported its verifier must be ready by then."""
FAILED_STARTS = 3
"""Workers in a row that may fail to start before the verifier counts as broken."""
CLOSED_SECONDS = 0.5
"""Seconds that a worker which closed its connection is given to end by itself, so that its exit status is known."""
QUICK_SECONDS = 0.005
"""A worker whose last row took less is sent several rows ahead."""
HARMLESS_COMPLETION = "0"
"""Where a judge dies on this completion too, with the same reference, the judge is broken."""
WINDOW = 16
"""Rows that a quick worker may have in its socket, so that it does not wait for the next."""


class Dispatcher:
    """State of the thread. `give` and `stop` may be called from anywhere; the rest belongs to `run`."""

    def __init__(self, spec: VerifierSpec, workers: int, timeout: float | None, memory_mb: int) -> None:
        self.hello: Future[dict[str, Any]] = Future()
        """What the first worker reports about its verifier, as the last fields of a Judgement, or why none starts."""
        self._spec = spec
        self._name = spec.verifier
        self._worker_count = workers
        self._timeout = timeout
        self._memory_mb = memory_mb
        self._budget = DEFAULT_TIMEOUT
        self._batch = 1
        self._inbox: deque[PendingRow] = deque()
        self._queue: deque[PendingRow] = deque()
        self._one_at_a_time: deque[PendingRow] = deque()
        self._workers: list[WorkerProcess] = []
        self._failed_starts = 0
        self._broken: VerifierError | None = None
        self._stopping = False
        self._selector = selectors.DefaultSelector()
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        self._woken = False
        self._lock = threading.Lock()
        self._selector.register(self._wake_read, selectors.EVENT_READ, None)

    def give(self, pending: PendingRow) -> None:
        with self._lock:
            self._inbox.append(pending)
            self._wake()

    def stop(self) -> None:
        with self._lock:
            self._stopping = True
            self._wake()

    def _wake(self) -> None:
        if not self._woken and self._wake_write >= 0:
            self._woken = True
            os.write(self._wake_write, b"!")

    def run(self) -> None:
        try:
            for _ in range(self._worker_count):
                self._start()
            while self._step():
                pass
        except BaseException as error:
            self._give_up(BrokenVerifier(f"the supervisor of {self._name} failed: {type(error).__name__}: {error}"))
            raise
        finally:
            self._finish()

    def _step(self) -> bool:
        for key, _ in self._selector.select(self._seconds_to_deadline()):
            if key.data is None:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._wake_read, 64)
            else:
                worker, what = key.data
                if worker in self._workers:
                    if what == "rows":
                        self._read_answers(worker)
                    elif worker.read_log() is False:
                        self._selector.unregister(worker.log_fd)
        with self._lock:
            self._woken = False
            self._queue.extend(self._inbox)
            self._inbox.clear()
            if self._stopping:
                return False
        if self._broken is not None and not any(worker.ready for worker in self._workers):
            self._end([*self._queue, *self._one_at_a_time])
            self._queue.clear()
            self._one_at_a_time.clear()
        self._check_deadlines()
        for worker in self._workers:
            self._feed(worker)
        return True

    def _seconds_to_deadline(self) -> float | None:
        """Seconds until the next deadline; None: nothing is being waited for."""
        ends = [worker.head_since + self._limit(worker) for worker in self._workers if worker.rows or not worker.ready]
        return max(0.0, min(ends) - time.monotonic()) + 0.001 if ends else None

    def _limit(self, worker: WorkerProcess) -> float:
        """Seconds that a worker has from `head_since` on: for its start, for a row, or for what is left of a batch."""
        if not worker.ready:
            return START_SECONDS if worker.loaded else import_seconds()
        rows = len(worker.rows) if worker.rows and worker.rows[0].in_batch else 1
        return 2 * self._budget * rows + 5

    def _start(self) -> None:
        worker = WorkerProcess(self._spec, self._memory_mb)
        worker.head_since = time.monotonic()
        self._workers.append(worker)
        self._selector.register(worker.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, (worker, "rows"))
        self._selector.register(worker.log_fd, selectors.EVENT_READ, (worker, "log"))

    def _read_answers(self, worker: WorkerProcess) -> None:
        worker.flush()
        if not worker.receive():
            self._replace(worker, "")
            return
        try:
            while (message := worker.messages.next()) is not None:
                if worker.ready:
                    self._take_answer(worker, message)
                else:
                    self._started(worker, message)
        except BadFrame:
            self._replace(worker, "wrote something that is no answer")
            return
        self._watch_socket(worker)

    def _watch_socket(self, worker: WorkerProcess) -> None:
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if worker.backed_up else 0)
        if worker in self._workers and self._selector.get_key(worker.socket).events != events:
            self._selector.modify(worker.socket, events, (worker, "rows"))

    def _started(self, worker: WorkerProcess, message: dict[str, Any]) -> None:
        if "loaded" in message:
            worker.loaded, worker.head_since = True, time.monotonic()
            return
        if "error" in message:
            if not self.hello.done():  # else other workers have started, and its end counts as a failed start
                text, kind = message["error"], getattr(errors, message["kind"] or "", BrokenVerifier)
                self._give_up(kind(text if message["kind"] else f"verifier {self._name} does not start: {text}"))
            return
        worker.ready = True
        self._failed_starts = 0
        self._batch = max(1, int(message["batch"]))
        self._budget = self._timeout * message["budgets"] if self._timeout else message["timeout"]
        if not self.hello.done():
            self.hello.set_result(message["about"])

    def _take_answer(self, worker: WorkerProcess, message: dict[str, Any]) -> None:
        """Raises BadFrame where the message is no answer to the oldest row."""
        try:
            number, outcome, reason, detail, score, seconds = message["answer"]
            verdict = Verdict(outcome=outcome, reason=reason, detail=detail, score=score)
        except (KeyError, TypeError, ValueError) as error:
            raise BadFrame("a message that is no answer") from error
        if not worker.rows or number != worker.rows_sent - len(worker.rows):
            raise BadFrame("an answer to another row")
        pending = worker.rows.popleft()
        worker.quick = seconds < QUICK_SECONDS
        worker.head_since = time.monotonic()
        if pending.tests_the_judge_after is not None:
            self._blame(pending, f"failed ({verdict.detail.get('what')})" if verdict.reason == "fault" else None)
        elif verdict.outcome == "undecided" and verdict.reason == "fault" and not pending.faulted_once:
            # a fault may pass, such as that of a sandbox that did not start; in a batch another row may be its cause
            pending.faulted_once = not pending.in_batch
            pending.in_batch, pending.never_batch = False, True
            self._queue.append(pending)
        else:
            self._deliver(pending, verdict, seconds)

    def _deliver(self, pending: PendingRow, verdict: Verdict, seconds: float) -> None:
        judgement = Judgement(pending.row.id, verdict, seconds, **self.hello.result())
        # the reader of a stream may have stopped and cancelled it
        if pending.future.set_running_or_notify_cancel():
            pending.future.set_result(judgement)

    def _feed(self, worker: WorkerProcess) -> None:
        if not worker.ready:
            return
        window = WINDOW if worker.quick and self._batch == 1 else 1
        while len(worker.rows) < window:
            if self._one_at_a_time and not worker.rows:
                rows, last = [self._one_at_a_time.popleft()], True
            elif self._queue and not self._one_at_a_time:
                rows, last = self._next(), False
            else:
                break
            if self._send(worker, rows) and last:
                break
        worker.flush()
        self._watch_socket(worker)

    def _next(self) -> list[PendingRow]:
        """The rows to send at once: one, or with a batch form the worker's share of those that wait."""
        share = min(self._batch, math.ceil(len(self._queue) / len(self._workers)))
        rows = [self._queue.popleft()]
        while len(rows) < share and self._queue and not (rows[0].never_batch or self._queue[0].never_batch):
            rows.append(self._queue.popleft())
        return rows

    def _send(self, worker: WorkerProcess, rows: list[PendingRow]) -> bool:
        """Send rows as one message; False where none of them went."""
        rows = [pending for pending in rows if not pending.future.cancelled()]
        message = [
            [worker.rows_sent + place, dict(row.reference), row.completion, row.prompt, self._timeout]
            for place, row in enumerate(pending.row for pending in rows)
        ]
        try:
            frame = pack({"rows": message})
            if len(frame) > MAX_MESSAGE:
                raise ValueError(f"it has {len(frame)} bytes as JSON, of {MAX_MESSAGE} that are allowed")
        except (TypeError, ValueError, RecursionError) as error:
            if len(rows) > 1:
                self._split_up(rows)
            else:
                self._deliver(rows[0], Verdict.fault(f"the row cannot be sent to a worker: {error}"[:1000]), 0.0)
            return False
        if not rows:
            return False
        if not worker.rows:
            worker.head_since = time.monotonic()
        for pending in rows:
            pending.in_batch = len(rows) > 1
        worker.rows.extend(rows)
        worker.rows_sent += len(rows)
        worker.send(frame)
        return True

    def _split_up(self, rows: Iterable[PendingRow]) -> None:
        for pending in rows:
            pending.in_batch, pending.never_batch = False, True
            self._one_at_a_time.append(pending)

    def _check_deadlines(self) -> None:
        now = time.monotonic()
        for worker in list(self._workers):
            limit = self._limit(worker)
            if (worker.rows or not worker.ready) and now - worker.head_since > limit:
                self._replace(worker, f"gave no answer within {limit:g} s", hung=True)

    def _replace(self, worker: WorkerProcess, cause: str, hung: bool = False) -> None:
        """Kill what is left of a worker and start a new one; `cause`: what it did, or empty for its exit status."""
        spent = time.monotonic() - worker.head_since
        self._selector.unregister(worker.socket)
        with contextlib.suppress(KeyError):
            self._selector.unregister(worker.log_fd)
        self._workers.remove(worker)
        status = worker.kill(0.0 if cause else CLOSED_SECONDS)
        cause = cause or _how_it_ended(status)
        self._take_back_rows(worker, cause, hung, spent)
        if not worker.ready:
            self._count_failed_start(worker, cause, hung, status)
        if self._broken is None:
            self._start()

    def _take_back_rows(self, worker: WorkerProcess, cause: str, hung: bool, spent: float) -> None:
        """Settle the row that a lost worker was judging, and put the others back."""
        if worker.rows and worker.rows[0].in_batch:
            # any of them may be the cause
            self._split_up(worker.rows)
            worker.rows.clear()
        elif worker.rows:
            pending = worker.rows.popleft()
            if pending.tests_the_judge_after is not None:
                self._blame(pending, cause)
            elif hung or cause.startswith("wrote"):
                self._deliver(pending, Verdict.fault(f"the judge {cause}", log=worker.log_tail()[-1000:]), spent)
            elif pending.killed_a_worker:
                harmless = replace(pending.row, completion=HARMLESS_COMPLETION)
                death = WorkerDeath(cause, spent)
                self._one_at_a_time.append(
                    PendingRow(harmless, pending.future, never_batch=True, tests_the_judge_after=death)
                )
            else:
                pending.killed_a_worker = True
                self._one_at_a_time.append(pending)
            self._queue.extendleft(reversed(worker.rows))
            worker.rows.clear()

    def _count_failed_start(self, worker: WorkerProcess, cause: str, hung: bool, status: int | None) -> None:
        """Give up where the first worker hangs, or where several in a row do not start."""
        self._failed_starts += 1
        if hung and not self.hello.done():
            doing, variable = ("warms up", "") if worker.loaded else ("is imported", f", or set {SECONDS_VARIABLE}")
            why = f"the verifier {self._name} {cause} while it {doing}; repair the plugin{variable}"
            self._give_up(BrokenVerifier(why))
        elif self._failed_starts >= FAILED_STARTS and self._broken is None:
            tail = worker.log_tail().splitlines()[-1:] or ["it printed nothing"]
            # a process that was ended from outside, or in native code, may have lacked memory
            hungry = status is not None and (status < 0 or status == EXIT_MEMORY)
            remedy = "give them more memory, or repair the plugin" if hungry else "repair the plugin"
            why = f"workers of the verifier {self._name} do not start ({cause}; {tail[0]}); {remedy}"
            self._give_up(BrokenVerifier(why))

    def _blame(self, harmless: PendingRow, failed: str | None) -> None:
        """The verdict on a completion that killed two workers; `failed`: how the harmless one failed too, or None."""
        death = harmless.tests_the_judge_after
        assert death is not None
        if failed is None:
            verdict = Verdict.reject("kills_its_judge", how=death.how)
        else:
            other = f"on the completion `{HARMLESS_COMPLETION}` in its place it {failed}"
            what = f"the judge dies: it {death.how}, and {other}"
            verdict = Verdict.fault(what[:1000], cause="judge_dies", how=death.how)
        self._deliver(harmless, verdict, death.seconds)

    def _give_up(self, error: VerifierError) -> None:
        """Start no more workers: the verifier is broken."""
        self._broken = error
        if not self.hello.done():
            self.hello.set_exception(error)

    def _end(self, waiting: Iterable[PendingRow]) -> None:
        """Rows that no worker will judge: their futures carry why the verifier is broken, or are cancelled."""
        for pending in waiting:
            if self._broken is None:
                pending.future.cancel()
            elif pending.future.set_running_or_notify_cancel():
                pending.future.set_exception(self._broken)

    def _finish(self) -> None:
        for worker in self._workers:
            worker.kill()
        with self._lock:
            os.close(self._wake_write)
            self._wake_write = -1
            judging = [pending for worker in self._workers for pending in worker.rows]
            left = [*self._inbox, *self._queue, *self._one_at_a_time, *judging]
        os.close(self._wake_read)
        self._selector.close()
        self._end(left)
        if not self.hello.done():
            self.hello.set_exception(self._broken or BrokenVerifier(f"the supervisor of {self._name} was closed"))


def _how_it_ended(status: int | None) -> str:
    """A worker's exit status as the end of a sentence; None: it had not ended."""
    if status is None:
        return "closed its connection"
    if status == EXIT_MEMORY:
        return "ran out of memory"
    return f"was ended by signal {-status}" if status < 0 else f"exited with status {status}"
