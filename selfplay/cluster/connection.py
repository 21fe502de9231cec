"""Ray: use a cluster that is there, or start a local one and stop it at the end.

What is covered: a Ray head that dies, also while Ray connects to it. Ray's own code would end the process after a
while, and nobody is asked, so a thread watches the head and ends the driver with a sentence first; at every instant a
run can be killed and resumed. What is not: the head of an existing cluster that dies in the second of connecting.
"""

from __future__ import annotations

import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import Self, TypeVar

import psutil
import ray

from selfplay.errors import RunError

_Told = TypeVar("_Told")
LOCAL_OBJECT_STORE = 256 * 1024**2
HEAD = ("gcs_server", "raylet")
"""Processes of a local cluster's head."""
PATIENCE = 45.0
"""Seconds that the head of an existing cluster may be out of reach; Ray ends its clients after 60."""
ANSWERS_WITHIN = 5.0
"""Seconds in which an address must take a connection; a question to Ray itself may take four times as long."""
TOO_BUSY = "As it started (is this machine too busy?),"
"""What a head's death is told with that no one may have killed; start again when there is less to do."""
LOST = 2
"""Exit code of a driver whose Ray head died."""


class Cluster:
    """A connection to Ray, as a context manager: to the address given, else RAY_ADDRESS, else a local cluster."""

    def __init__(self, address: str | None = None) -> None:
        self._address = address or os.environ.get("RAY_ADDRESS")
        self._watch: _Watch | None = None
        self.gpus = 0
        self.cpus = 1

    def __enter__(self) -> Self:
        if not self._address:
            self._watch = _Watch(None)
            self._watch.start()
        try:
            if self._address:
                _ask_for_ray(self._address)
                ray.init(self._address, log_to_driver=False, logging_level=logging.ERROR)
            else:
                # The engine, the judge and the trainer are three actors; a machine with one core still holds them.
                ray.init(
                    address="local",
                    num_cpus=max(2, cores_here()),
                    include_dashboard=False,
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                    object_store_memory=LOCAL_OBJECT_STORE,
                )
            resources = ray.cluster_resources()
            address: str = ray.get_runtime_context().gcs_address
        except BaseException as error:
            if self._watch is not None:
                self._watch.stop()
                self._watch.end_what_was_started()
            if not isinstance(error, Exception):
                raise
            # Ray raises a bare Exception where its head does not come up
            where = f"the Ray cluster at {self._address}" if self._address else "a local Ray cluster"
            raise RunError(
                f"Cannot reach {where} ({' '.join(str(error).split())[:300]}); check `--ray-address` and RAY_ADDRESS, "
                "or leave both out for a local cluster."
            ) from None
        self.gpus = int(resources.get("GPU", 0))
        self.cpus = int(resources.get("CPU", 1))
        if self._watch is None:
            self._watch = _Watch(address)
            self._watch.start()
        else:
            self._watch.connected()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._watch is not None:
            self._watch.stop()
        ray.shutdown()


def _ask_for_ray(address: str) -> None:
    """Refuse an address where nothing listens, or something else than Ray; Ray itself would try for minutes.

    Raises ConnectionError: with what was found.
    """
    host, colon, port = address.rpartition("://")[2].rpartition(":")
    if not colon or not port.isdigit():
        return  # `auto` and its like are looked up by Ray
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWERS_WITHIN).close()
    except OSError as error:
        raise ConnectionError(f"nothing answers there: {error}") from None
    if "://" in address:
        return  # Ray's client protocol has no such question
    # a private class: `ray.init`, which is public, would join the cluster to learn whether one is there
    question = [sys.executable, "-c", "import sys, ray; ray._raylet.GcsClient(address=sys.argv[1])", address]
    try:
        done = subprocess.run(question, capture_output=True, timeout=4 * ANSWERS_WITHIN, check=False)
    except subprocess.TimeoutExpired:
        raise ConnectionError("what listens there is not Ray") from None
    if done.returncode:
        raise ConnectionError("what listens there does not answer as Ray does")


class _Watch(threading.Thread):
    """Ends this process with a sentence when Ray's head is gone.

    Without an address the head's processes are children of this one, yet to be started.
    """

    def __init__(self, address: str | None) -> None:
        super().__init__(name="ray-head-watch", daemon=True)
        self._address = address
        self._others = {child.pid for child in psutil.Process().children()}
        self._head: dict[int, psutil.Process] = {}
        self._connecting = address is None
        self._done = threading.Event()
        self._seen = time.monotonic()

    def run(self) -> None:
        while not self._done.wait(self._pause()):
            if self._connecting:
                self._look_for_head()
            if self._is_there():
                self._seen = time.monotonic()
            elif self._address is None or time.monotonic() - self._seen > PATIENCE:
                self._end()

    def connected(self) -> None:
        """Ray has started: the head has all its processes."""
        self._connecting = False
        self._look_for_head()

    def stop(self) -> None:
        self._done.set()
        self.join()

    def end_what_was_started(self) -> None:
        """Kill the processes of a local head that did not come up."""
        if self._address is None:
            none: list[psutil.Process] = []
            for child in psutil.Process().children():
                if child.pid not in self._others:
                    for process in (*_unless_gone(partial(child.children, recursive=True), none), child):
                        _unless_gone(process.kill, None)

    def _pause(self) -> float:
        if self._connecting:
            return 0.25
        return 0.5 if self._address is None else 5.0

    def _look_for_head(self) -> None:
        for child in psutil.Process().children():
            if child.pid not in self._others and child.pid not in self._head and _unless_gone(child.name, "") in HEAD:
                self._head[child.pid] = child

    def _is_there(self) -> bool:
        if self._address is None:
            return all(map(_is_alive, list(self._head.values())))
        host, _, port = self._address.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), timeout=5).close()
        except OSError:
            return False
        return True

    def _end(self) -> None:
        if self._done.is_set():
            return
        sys.stdout.flush()
        show_cursor = "\x1b[?25h" if sys.stderr.isatty() else ""
        which = f"Ray's head at {self._address}" if self._address else "The head of the local Ray cluster"
        if self._connecting:
            # Ray's own daemon gives up when the processes that it starts are not there within 15 seconds.
            which = f"{TOO_BUSY} {which[0].lower()}{which[1:]}"
        print(
            f"{show_cursor}selfplay: {which} has died. What was made is kept; continue with --resume and the run "
            "directory printed above.",
            file=sys.stderr,
            flush=True,
        )
        os._exit(LOST)


def _unless_gone(ask: Callable[[], _Told], gone: _Told) -> _Told:
    """What a process tells, or `gone` where it has ended."""
    try:
        return ask()
    except psutil.NoSuchProcess:
        return gone


def _is_alive(process: psutil.Process) -> bool:
    return _unless_gone(lambda: process.is_running() and process.status() != psutil.STATUS_ZOMBIE, False)


def cores_here() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
