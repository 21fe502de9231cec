"""The process that is made while its predecessor dies, and the line on which it is asked for."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from selfplay.verifiers.sandbox.local_sandbox import LocalSandbox
from selfplay.verifiers.sandbox.parent_link import ANSWER, CPU, Line
from selfplay.verifiers.sandbox.protocol import LevelRefused, Limits, SandboxError

Outcome = Callable[..., Any]


def test_threads_that_take_all_room_while_they_die_spoil_no_successor(confined: LocalSandbox, outcome: Outcome) -> None:
    flood = """
import threading, time
threading.stack_size(32768)
def f():
    made = 0
    try:
        while made < 2000:
            threading.Thread(target=time.sleep, args=(100,), daemon=True).start()
            made += 1
    except RuntimeError:
        pass
    return made
"""
    for _ in range(20):
        assert outcome(confined, flood, Limits(memory_mb=512, cpu_seconds=10)) > 20


def test_a_spare_that_died_is_made_again(outcome: Outcome) -> None:
    try:
        sandbox = LocalSandbox(lowest="landlock", levels=["landlock"])  # where its number is that of the machine
    except LevelRefused as error:
        pytest.skip(str(error))
    with sandbox:
        for _ in range(3):
            for _ in range(2):
                assert outcome(sandbox, "import os\ndef f(): return os.getpid()") > 1
            spare = sandbox._spares["candidate"]
            spare.wait_ready(time.monotonic() + 20)
            os.kill(spare.pid, signal.SIGKILL)
            while ") Z " not in Path(f"/proc/{spare.pid}/stat").read_text():
                time.sleep(0.01)
            assert outcome(sandbox, "def f(): return 5") == 5


def test_a_spare_is_taken_for_its_own_limits_only(confined: LocalSandbox, outcome: Outcome) -> None:
    program = "import resource\ndef f(): return resource.getrlimit(resource.RLIMIT_CPU)[0]"
    for seconds in (3, 3, 3, 7, 3, 3, 3):
        assert outcome(confined, program, Limits(cpu_seconds=seconds)) == seconds + 1


def test_closing_while_others_spawn_is_an_error_of_the_sandbox_to_them() -> None:
    sandbox = LocalSandbox(lowest="landlock")
    begun, raised = threading.Event(), []

    def spawn() -> None:
        try:
            while True:
                with sandbox.spawn("candidate", Limits()):
                    begun.set()
        except Exception as error:
            raised.append(error)

    threads = [threading.Thread(target=spawn) for _ in range(3)]
    for thread in threads:
        thread.start()
    assert begun.wait(20)
    sandbox.close()
    for thread in threads:
        thread.join(20)
    assert [type(error) for error in raised] == [SandboxError] * 3


def test_a_line_that_failed_takes_no_late_answer_for_another() -> None:
    ours, theirs = socket.socketpair()
    ours.settimeout(0.05)
    line = Line(ours)
    first, late = line.ask(CPU, 7), ANSWER.pack(0, 1.5, 0)
    theirs.sendall(late[:5])
    with pytest.raises(SandboxError, match="does not answer"):
        line.answer(first)
    with contextlib.suppress(BrokenPipeError):  # nobody listens any more
        theirs.sendall(late)
    for wanted in (first, None):
        with pytest.raises(SandboxError):
            line.answer(wanted or line.ask(CPU, 8))
    theirs.close()
