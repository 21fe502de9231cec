"""The supervisor's thread: hands rows to workers, watches their deadlines, replaces the dead.

One thread does everything that touches a worker, so there are no locks beyond the inbox. It also starts the
workers, because Linux ends them when the *thread* that started them ends.
"""

from __future__ import annotations

import contextlib
import math
import os
import selectors
import threading
import time
from collections import deque
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from dataclasses import replace
from typing import Any

from pydantic import JsonValue, ValidationError

from selfplay.tasks.trial import SECONDS_VARIABLE, import_seconds
from selfplay.verifiers import errors
from selfplay.verifiers.contract.judgement import Judgement, Killing, Task
from selfplay.verifiers.contract.loaded import DEFAULT_TIMEOUT
from selfplay.verifiers.contract.verdict import Verdict
from selfplay.verifiers.errors import BrokenVerifier, VerifierError
from selfplay.verifiers.workers.frames import EXIT_MEMORY, pack
from selfplay.verifiers.workers.process import WorkerProcess

START_SECONDS = 180.0
"""A worker that has imported its verifier and has not said hello by then will not."""
FAILED_STARTS = 3
"""Workers in a row that may fail to start before the verifier counts as broken."""
PATIENCE = 0.5
"""Seconds that a worker which closed its connection has to end by itself, so that its own end is told."""
QUICK_SECONDS = 0.005
PLAIN = "0"
"""A harmless completion. Where a judge dies of this as well, with the same reference, the judge is broken."""
WINDOW = 16
"""Rows that a quick worker may have in its socket, so that it never waits for us."""


class Dispatcher:
    """State of the thread. `give` and `stop` may be called from anywhere; the rest belongs to `run`."""

    def __init__(
        self,
        name: str,
        settings: Mapping[str, JsonValue],
        workers: int,
        timeout: float | None,
        memory_mb: int,
    ) -> None:
        self.hello: Future[dict[str, Any]] = Future()
        """What the first worker says of itself, or why none starts."""
        self._name = name
        self._settings = settings
        self._wanted = workers
        self._timeout = timeout
        self._memory_mb = memory_mb
        self._budget = DEFAULT_TIMEOUT
        self._batch = 1
        self._inbox: deque[Task] = deque()
        self._queue: deque[Task] = deque()
        self._alone: deque[Task] = deque()
        self._workers: list[WorkerProcess] = []
        self._failed_starts = 0
        self._broken: VerifierError | None = None
        self._stopping = False
        self._selector = selectors.DefaultSelector()
        self._bell_out, self._bell_in = os.pipe()
        os.set_blocking(self._bell_out, False)
        self._rung = False
        self._lock = threading.Lock()
        self._selector.register(self._bell_out, selectors.EVENT_READ, None)

    def give(self, task: Task) -> None:
        with self._lock:
            self._inbox.append(task)
            self._ring()

    def stop(self) -> None:
        with self._lock:
            self._stopping = True
            self._ring()

    def _ring(self) -> None:
        if not self._rung and self._bell_in >= 0:
            self._rung = True
            os.write(self._bell_in, b"!")

    def run(self) -> None:
        try:
            for _ in range(self._wanted):
                self._start()
            while self._turn():
                pass
        except BaseException as error:
            self._broken = BrokenVerifier(f"the supervisor of {self._name} failed: {type(error).__name__}: {error}")
            raise
        finally:
            self._finish()

    def _turn(self) -> bool:
        for key, _ in self._selector.select(self._patience()):
            if key.data is None:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._bell_out, 64)
            else:
                worker, what = key.data
                if worker in self._workers:
                    self._log(worker) if what == "log" else self._talk(worker)
        with self._lock:
            self._rung = False
            self._queue.extend(self._inbox)
            self._inbox.clear()
            if self._stopping:
                return False
        if self._broken is not None:
            self._refuse()
        self._check_deadlines()
        for worker in self._workers:
            self._feed(worker)
        return True

    def _patience(self) -> float | None:
        """Seconds until the next deadline; None: nothing is being waited for."""
        ends = [worker.head_since + self._limit(worker) for worker in self._workers if worker.rows or not worker.ready]
        return max(0.0, min(ends) - time.monotonic()) + 0.001 if ends else None

    def _limit(self, worker: WorkerProcess) -> float:
        """Seconds that a worker has from `head_since` on: for its start, for a row, or for what is left of a batch."""
        if not worker.ready:
            return START_SECONDS if worker.loaded else import_seconds()
        rows = len(worker.rows) if worker.rows and worker.rows[0].batched else 1
        return 2 * self._budget * rows + 5

    def _start(self) -> None:
        worker = WorkerProcess(self._name, self._settings, self._memory_mb)
        worker.head_since = time.monotonic()
        self._workers.append(worker)
        self._selector.register(worker.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, (worker, "rows"))
        self._selector.register(worker.log_fd, selectors.EVENT_READ, (worker, "log"))

    def _log(self, worker: WorkerProcess) -> None:
        if not worker.read_log():
            self._selector.unregister(worker.log_fd)

    def _talk(self, worker: WorkerProcess) -> None:
        worker.flush()
        messages = worker.read()
        if messages is None:
            self._lost(worker, "")
            return
        for message in messages:
            if not worker.ready:
                self._greeted(worker, message)
            elif not self._answered(worker, message):
                self._lost(worker, "wrote something that is no answer")
                return
        if worker.spoiled:
            self._lost(worker, "wrote something that is no answer")
            return
        self._listen(worker)

    def _listen(self, worker: WorkerProcess) -> None:
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if worker.backed_up else 0)
        if worker in self._workers and self._selector.get_key(worker.socket).events != events:
            self._selector.modify(worker.socket, events, (worker, "rows"))

    def _greeted(self, worker: WorkerProcess, message: dict[str, Any]) -> None:
        if "loaded" in message:
            worker.loaded, worker.head_since = True, time.monotonic()
            return
        if "error" in message and self.hello.done():
            return  # others have started: it counts as a failed start when its end is seen
        if "error" in message:
            kind = getattr(errors, message["kind"] or "", BrokenVerifier)
            text = message["error"] if message["kind"] else f"verifier {self._name} does not start: {message['error']}"
            self._broken = kind(text)
            self.hello.set_exception(self._broken)
            return
        worker.ready = True
        self._failed_starts = 0
        self._batch = max(1, int(message["batch"]))
        self._budget = self._timeout * message["budgets"] if self._timeout else message["timeout"]
        if not self.hello.done():
            self.hello.set_result(message)

    def _answered(self, worker: WorkerProcess, message: Any) -> bool:
        try:
            number, outcome, reason, detail, score, seconds = message
            verdict = Verdict(outcome=outcome, reason=reason, detail=detail, score=score)
        except (TypeError, ValueError, ValidationError):
            return False
        if not worker.rows or number != worker.handed - len(worker.rows):
            return False
        task = worker.rows.popleft()
        worker.quick = seconds < QUICK_SECONDS
        worker.head_since = time.monotonic()
        if task.control_of is not None:
            self._settle(task, f"failed ({verdict.detail.get('what')})" if verdict.reason == "fault" else None)
        elif verdict.outcome == "undecided" and verdict.reason == "fault" and not task.faulted_once:
            # what failed once, such as a sandbox that did not start, may work a moment later; in a batch it may be
            # another's failure
            task.faulted_once = not task.batched
            task.batched, task.by_itself = False, True
            self._queue.append(task)
        else:
            self._deliver(task, verdict, seconds)
        return True

    def _deliver(self, task: Task, verdict: Verdict, seconds: float) -> None:
        about = self.hello.result()
        judgement = Judgement(
            id=task.row.id,
            verdict=verdict,
            seconds=seconds,
            verifier=about["name"],
            version=about["version"],
            settings_hash=about["settings_hash"],
            sandbox_level=about["sandbox_level"],
        )
        # the reader of a stream may have gone away and cancelled
        if task.future.set_running_or_notify_cancel():
            task.future.set_result(judgement)

    def _feed(self, worker: WorkerProcess) -> None:
        if not worker.ready:
            return
        window = WINDOW if worker.quick and self._batch == 1 else 1
        while len(worker.rows) < window:
            if self._alone and not worker.rows:
                tasks, last = [self._alone.popleft()], True
            elif self._queue and not self._alone:
                tasks, last = self._next(), False
            else:
                break
            if self._hand(worker, tasks) and last:
                break
        worker.flush()
        self._listen(worker)

    def _next(self) -> list[Task]:
        """What a worker is given at once: one row, or its share of those that wait where there is a batch form."""
        share = min(self._batch, math.ceil(len(self._queue) / len(self._workers)))
        tasks = [self._queue.popleft()]
        while len(tasks) < share and self._queue and not (tasks[0].by_itself or self._queue[0].by_itself):
            tasks.append(self._queue.popleft())
        return tasks

    def _hand(self, worker: WorkerProcess, tasks: list[Task]) -> bool:
        """Send rows as one message; False where none of them went."""
        tasks = [task for task in tasks if not task.future.cancelled()]
        rows = [
            [worker.handed + place, dict(task.row.reference), task.row.completion, task.row.prompt, self._timeout]
            for place, task in enumerate(tasks)
        ]
        try:
            frame = pack(rows)
        except (TypeError, ValueError, RecursionError) as error:
            if len(tasks) > 1:
                self._one_by_one(tasks)
            else:
                self._deliver(tasks[0], Verdict.fault(f"the row cannot be sent to a worker: {error}"[:1000]), 0.0)
            return False
        if not tasks:
            return False
        if not worker.rows:
            worker.head_since = time.monotonic()
        for task in tasks:
            task.batched = len(tasks) > 1
        worker.rows.extend(tasks)
        worker.handed += len(tasks)
        worker.send(frame)
        return True

    def _one_by_one(self, tasks: Iterable[Task]) -> None:
        for task in tasks:
            task.batched, task.by_itself = False, True
            self._alone.append(task)

    def _check_deadlines(self) -> None:
        now = time.monotonic()
        for worker in list(self._workers):
            limit = self._limit(worker)
            if (worker.rows or not worker.ready) and now - worker.head_since > limit:
                self._lost(worker, f"gave no answer within {limit:g} s", hung=True)

    def _lost(self, worker: WorkerProcess, cause: str, hung: bool = False) -> None:
        """Kill what is left of a worker, settle the row it was on, put the others back, start a new one."""
        spent = time.monotonic() - worker.head_since
        self._selector.unregister(worker.socket)
        with contextlib.suppress(KeyError):
            self._selector.unregister(worker.log_fd)
        self._workers.remove(worker)
        status = worker.kill(0.0 if cause else PATIENCE)
        cause = cause or _obituary(status)
        if worker.rows and worker.rows[0].batched:
            # any of them may be to blame
            self._one_by_one(worker.rows)
            worker.rows.clear()
        elif worker.rows:
            task = worker.rows.popleft()
            if task.control_of is not None:
                self._settle(task, cause)
            elif hung or cause.startswith("wrote"):
                self._deliver(task, Verdict.fault(f"the judge {cause}", log=worker.log_tail()[-1000:]), spent)
            elif task.killed_once:
                control = replace(task.row, completion=PLAIN)
                self._alone.append(Task(control, task.future, by_itself=True, control_of=Killing(cause, spent)))
            else:
                task.killed_once = True
                self._alone.append(task)
            self._queue.extendleft(reversed(worker.rows))
            worker.rows.clear()
        if not worker.ready:
            self._failed_starts += 1
            if hung and not self.hello.done():
                doing, variable = ("warms up", "") if worker.loaded else ("is imported", f", or set {SECONDS_VARIABLE}")
                self._broken = BrokenVerifier(
                    f"the verifier {self._name} {cause} while it {doing}; repair the plugin{variable}"
                )
                self.hello.set_exception(self._broken)
            elif self._failed_starts >= FAILED_STARTS and self._broken is None:
                tail = worker.log_tail().splitlines()[-1:] or ["it printed nothing"]
                # what ends a process from outside, or in native code, may be for want of memory
                hungry = status is not None and (status < 0 or status == EXIT_MEMORY)
                remedy = "give them more memory, or repair the plugin" if hungry else "repair the plugin"
                self._broken = BrokenVerifier(
                    f"workers of the verifier {self._name} do not start ({cause}; {tail[0]}); {remedy}"
                )
                if not self.hello.done():
                    self.hello.set_exception(self._broken)
        if self._broken is None:
            self._start()

    def _settle(self, control: Task, failed: str | None) -> None:
        """The verdict on a completion that killed its worker twice; `failed`: how its control failed too, if it did."""
        killing = control.control_of
        assert killing is not None
        if failed is None:
            verdict = Verdict.reject("kills_its_judge", how=killing.how)
        else:
            what = f"the judge dies: it {killing.how}, and on the completion `{PLAIN}` in its place it {failed}"
            verdict = Verdict.fault(what[:1000], cause="judge_dies", how=killing.how)
        self._deliver(control, verdict, killing.seconds)

    def _refuse(self) -> None:
        """Workers no longer start: what could wait for ever fails now."""
        if self._workers and any(worker.ready for worker in self._workers):
            return
        for task in [*self._queue, *self._alone]:
            if self._broken is not None and task.future.set_running_or_notify_cancel():
                task.future.set_exception(self._broken)
        self._queue.clear()
        self._alone.clear()

    def _finish(self) -> None:
        for worker in self._workers:
            worker.kill()
        with self._lock:
            os.close(self._bell_in)
            self._bell_in = -1
            left = [*self._inbox, *self._queue, *self._alone, *(t for w in self._workers for t in w.rows)]
        os.close(self._bell_out)
        self._selector.close()
        for task in left:
            if self._broken is None:
                task.future.cancel()
            elif task.future.set_running_or_notify_cancel():
                task.future.set_exception(self._broken)
        if not self.hello.done():
            self.hello.set_exception(self._broken or BrokenVerifier(f"the supervisor of {self._name} was closed"))


def _obituary(status: int | None) -> str:
    if status is None:
        return "closed its connection"
    if status == EXIT_MEMORY:
        return "ran out of memory"
    return f"was ended by signal {-status}" if status < 0 else f"exited with status {status}"
