"""Each bound of an execution, at each level that isolates files."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import pytest

from selfplay.verifiers.sandbox.kernel.confine import MAX_OPEN_FILES, MAX_THREADS, MAX_TIMERS
from selfplay.verifiers.sandbox.local_sandbox import LocalSandbox
from selfplay.verifiers.sandbox.protocol import Limits

Outcome = Callable[..., Any]


def test_address_space(confined: LocalSandbox, outcome: Outcome) -> None:
    takes = "def f():\n    held = []\n    while True: held.append(bytearray(1 << 20))"
    maps = "import mmap\ndef f():\n    held = []\n    while True: held.append(mmap.mmap(-1, 1 << 24))"
    assert outcome(confined, takes, Limits(memory_mb=64))["error"]["type"] == "MemoryError"
    assert "Cannot allocate memory" in outcome(confined, maps, Limits(memory_mb=64))["error"]["message"]
    assert outcome(confined, "def f(): return len(bytearray(40 << 20))", Limits(memory_mb=64)) == 40 << 20


def test_cpu_time(confined: LocalSandbox, outcome: Outcome) -> None:
    ignores = """
import signal
for number in (signal.SIGXCPU, signal.SIGTERM, signal.SIGALRM): signal.signal(number, signal.SIG_IGN)
def f():
    while True: pass
"""
    assert outcome(confined, ignores, Limits(cpu_seconds=0.5)) == "ended"


def test_cpu_time_of_all_threads_together(confined: LocalSandbox, outcome: Outcome) -> None:
    threads = """
import hashlib, threading
def burn():
    while True: hashlib.sha256(bytes(1 << 20)).digest()
def f():
    for _ in range(8): threading.Thread(target=burn).start()
    burn()
"""
    assert outcome(confined, threads, Limits(cpu_seconds=0.5), 30) == "ended"


def test_wall_time(confined: LocalSandbox, outcome: Outcome) -> None:
    for sleeps in ("time.sleep(100)", "signal.pause()", "os.read(3, 1)", "threading.Event().wait()"):
        began = time.monotonic()
        program = f"import os, signal, threading, time\ndef f(): {sleeps}"
        assert outcome(confined, program, seconds=0.3) == "time_limit"
        assert time.monotonic() - began < 10


def test_processes(confined: LocalSandbox, outcome: Outcome) -> None:
    ways = """
import ctypes, os, subprocess, struct, sys
def attempt(way):
    try:
        return way()
    except OSError as error:
        return error.errno
def f():
    libc = ctypes.CDLL(None, use_errno=True)
    return [attempt(os.fork), attempt(lambda: os.posix_spawn(sys.executable, ["x"], {})),
            libc.vfork() < 0 or os._exit(1),
            libc.syscall(56, 17, 0, 0, 0, 0), libc.syscall(435, struct.pack("8Q", 0, 0, 0, 0, 17, 0, 0, 0), 64),
            attempt(lambda: os.execv(sys.executable, ["x"]))]
"""
    assert outcome(confined, ways) == ["list", 1, 1, True, -1, -1, 1]


def test_threads(confined: LocalSandbox, outcome: Outcome) -> None:
    if confined.level == "landlock" and "pids" not in confined.about:
        pytest.skip("at `landlock` threads are counted by a control group, and none can be written here")
    flood = """
import threading
threading.stack_size(32768)
def f():
    stop, made = threading.Event(), 0
    try:
        while made < 5000:
            threading.Thread(target=stop.wait).start()
            made += 1
    except RuntimeError:
        pass
    stop.set()
    return made
"""
    made = outcome(confined, flood, Limits(memory_mb=1024, cpu_seconds=10))
    assert 20 < made <= (MAX_THREADS if confined.level == "namespaces" else 2 * MAX_THREADS + 16)


def test_file_size_and_scratch_space(confined: LocalSandbox, outcome: Outcome) -> None:
    fill = """
import os
def f():
    try:
        for name in "abcdefgh":
            number = os.open(name, os.O_RDWR | os.O_CREAT)
            for _ in range(3): os.write(number, bytes(1 << 20))
    except OSError as error:
        held = [os.path.getsize(name) for name in "abcdefgh" if os.path.exists(name)]
        return [error.strerror, sum(held) >> 20]
"""
    holes = "import os\ndef f(): os.truncate(os.open('a', os.O_RDWR | os.O_CREAT), 1 << 40)"
    names = "import os\ndef f():\n    for n in range(10**5): os.close(os.open(str(n), os.O_CREAT))"
    if confined.level == "landlock":
        assert outcome(confined, fill) == ["list", "Permission denied", 0]
        return
    assert outcome(confined, fill, Limits(scratch_mb=4)) == ["list", "No space left on device", 4]
    assert outcome(confined, holes)["error"]["message"].startswith("[Errno 27] File too large")
    assert "No space left" in outcome(confined, names)["error"]["message"]


def test_open_files(confined: LocalSandbox, outcome: Outcome) -> None:
    program = """
import os, resource
def f():
    held = []
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (10**6, 10**6))
    except (OSError, ValueError) as error:
        held.append(0)
    try:
        while True: held.append(os.dup(0))
    except OSError as error:
        return [error.strerror, max(held)]
"""
    assert outcome(confined, program) == ["list", "Too many open files", MAX_OPEN_FILES - 1]


def test_descriptors_in_flight(confined: LocalSandbox, outcome: Outcome) -> None:
    program = """
import array, socket
def f():
    one, two = socket.socketpair()
    one.setblocking(False)
    sent = 0
    try:
        while sent < 100000:
            one.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [two.fileno()] * 10))])
            sent += 10
    except OSError as error:
        return [error.errno, sent]
"""
    error, sent = outcome(confined, program)[1:]
    assert error in (11, 109)
    assert sent < 10 * MAX_OPEN_FILES


def test_output(confined: LocalSandbox, outcome: Outcome) -> None:
    flood = "def f():\n    while True: print('x' * 1000)"
    began = time.monotonic()
    execution_ends = outcome(confined, flood, Limits(output_kb=16))
    assert execution_ends == "output_limit"
    assert time.monotonic() - began < 10
    assert outcome(confined, "def f(): return 'x' * (1 << 21)", Limits(message_kb=1024)) == "output_limit"
    raw = "import os\nwhile True: os.write(3, b'x' * 65536)"
    assert outcome(confined, raw) in ("output_limit", "unreadable_result")


def test_kernel_timers(confined: LocalSandbox, outcome: Outcome) -> None:
    program = """
import ctypes
def f():
    libc, made, number = ctypes.CDLL(None), 0, ctypes.c_int()
    while made < 100000 and libc.syscall(222, 1, 0, ctypes.byref(number)) == 0: made += 1
    return made
"""
    if os.uname().machine != "x86_64":
        pytest.skip("the call's number is that of x86_64")
    assert 0 < outcome(confined, program) <= MAX_TIMERS


def test_no_core_is_written(confined: LocalSandbox, outcome: Outcome) -> None:
    program = "import os, resource\ndef f(): return [*resource.getrlimit(resource.RLIMIT_CORE)]"
    assert outcome(confined, program) == ["list", 0, 0]
    assert outcome(confined, "import os\ndef f(): os.abort()") == "ended"
