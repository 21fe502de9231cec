"""What a confined process cannot reach: files, processes, the network, devices, other executions, the judge."""

from __future__ import annotations

import os
import platform
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from selfplay.verifiers.sandbox.kernel import linux, seccomp
from selfplay.verifiers.sandbox.local_sandbox import LocalSandbox

Outcome = Callable[..., Any]
ATTEMPT = """
import ctypes, glob, os, signal, socket, sys
def attempt(act):
    try:
        return act() or "done"
    except (OSError, ValueError) as error:
        return type(error).__name__
"""
REFUSED = {"PermissionError", "FileNotFoundError", "ProcessLookupError", "NotADirectoryError", "OSError"}


def test_the_mode_and_times_of_files_outside_stay(confined: LocalSandbox, outcome: Outcome, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    mine.write_text("kept")
    mine.chmod(0o600)
    os.utime(mine, (1, 1))
    program = f"""{ATTEMPT}
def f():
    libc = ctypes.CDLL(None)
    name = {str(mine)!r}
    return [attempt(lambda: os.chmod(name, 0o777)), attempt(lambda: os.utime(name, (5, 5))),
            libc.chmod(name.encode(), 0o777),
            attempt(lambda: os.truncate(name, 0)), attempt(lambda: os.unlink(name)),
            attempt(lambda: os.rename(name, name + "x")),
            attempt(lambda: os.chown(name, 1, 1)), attempt(lambda: os.link(name, "/tmp/x")),
            attempt(lambda: open(name).read())]
"""
    said = outcome(confined, program)[1:]
    assert said[2] == -1
    assert {word for word in said if isinstance(word, str)} <= REFUSED
    assert (mine.read_text(), oct(mine.stat().st_mode), mine.stat().st_mtime) == ("kept", "0o100600", 1)


def test_sockets_with_a_name_are_out_of_reach(confined: LocalSandbox, outcome: Outcome, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listens, socket.socket(socket.AF_UNIX) as stream:
        listens.bind(str(tmp_path / "datagrams"))
        listens.setblocking(False)
        stream.bind("\0selfplay-test")
        stream.listen()
        program = f"""{ATTEMPT}
def f():
    kinds = [socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET]
    return [attempt(lambda: [pair[0].sendto(b"out",
            {str(tmp_path / "datagrams")!r}) for pair in [socket.socketpair(socket.AF_UNIX, kind)]])
            for kind in kinds] + [attempt(lambda: socket.socket(socket.AF_UNIX).connect("\\0selfplay-test")),
            attempt(lambda: socket.create_connection(("127.0.0.1", 22), 1)),
            attempt(lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)),
            attempt(lambda: socket.socket(40, socket.SOCK_STREAM)),
            attempt(lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW))]
"""
        said = outcome(confined, program)[1:]
        assert set(said) <= REFUSED | {"IsADirectoryError"}
        with pytest.raises(BlockingIOError):
            listens.recv(10)


def test_no_other_process_is_in_reach(confined: LocalSandbox, outcome: Outcome) -> None:
    program = f"""{ATTEMPT}
def f():
    libc = ctypes.CDLL(None, use_errno=True)
    parent = os.getppid() or 2
    return [attempt(lambda: os.kill(parent, 0)), attempt(lambda: os.kill(-1, 0)), attempt(lambda: os.killpg(0, 0)),
            attempt(lambda: os.setsid()), libc.ptrace(16, parent, 0, 0), libc.syscall(310, parent, 0, 0, 0, 0, 0),
            libc.syscall(311, parent, 0, 0, 0, 0, 0), libc.syscall(434, parent, 0),
            attempt(lambda: os.pidfd_open(parent)),
            attempt(lambda: open(f"/proc/{{parent}}/environ", "rb").read()),
            attempt(lambda: open(f"/proc/{{parent}}/mem", "r+b")),
            attempt(lambda: os.listdir("/proc")), attempt(lambda: open("/proc/self/maps").read()),
            attempt(lambda: open("/proc/self/cmdline").read()),
            attempt(lambda: os.listdir("/proc/self/fd")), attempt(lambda: os.sched_setaffinity(parent, [0])),
            attempt(lambda: os.setpriority(os.PRIO_PROCESS, parent, 5))]
"""
    assert set(outcome(confined, program)[1:]) <= REFUSED | {-1}


def test_devices_are_not_there(confined: LocalSandbox, outcome: Outcome) -> None:
    program = f"""{ATTEMPT}
def f():
    names = [*glob.glob("/dev/nvidia*"), "/dev/nvidia0", "/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/dri/card0",
            "/dev/kvm",
             "/dev/mem", "/dev/ptmx", "/dev/tty", "/dev/shm/x", "/dev/fuse", "/dev/zero"]
    return [attempt(lambda: os.open(name,
            os.O_RDWR | os.O_CREAT)) for name in names] + [attempt(lambda: os.open(name,
            os.O_RDONLY)) for name in names]
"""
    assert set(outcome(confined, program)[1:]) <= REFUSED


@pytest.mark.skipif(not os.path.exists("/dev/nvidiactl"), reason="no NVIDIA device here")
def test_a_graphics_card_that_is_here_is_not_there(confined: LocalSandbox, outcome: Outcome) -> None:
    open("/dev/nvidiactl", "rb").close()
    assert outcome(confined, "def f(): open('/dev/nvidiactl', 'rb')")["error"]["type"] in REFUSED


def test_one_execution_does_not_see_another(confined: LocalSandbox, outcome: Outcome) -> None:
    leaves = f"""{ATTEMPT}
def f():
    for place in (".", "/tmp", "/dev/shm", "/var/tmp", os.path.expanduser("~")):
        attempt(lambda: open(os.path.join(place, "selfplay-left"), "w").write("x"))
    libc = ctypes.CDLL(None)
    return [libc.shmget(4711, 4096, 0o1666), libc.msgget(4711, 0o1666), libc.semget(4711, 1, 0o1666),
            libc.memfd_create(b"x", 0)]
"""
    finds = f"""{ATTEMPT}
def f():
    places = (".", "/tmp", "/dev/shm", "/var/tmp", os.path.expanduser("~"))
    return [place for place in places if os.path.exists(os.path.join(place, "selfplay-left"))]
"""
    assert outcome(confined, leaves) == ["list", -1, -1, -1, -1]
    assert outcome(confined, finds) == ["list"]


def test_the_machine_has_no_name_at_the_level_namespaces(confined: LocalSandbox, outcome: Outcome) -> None:
    name = outcome(confined, "import os\ndef f(): return os.uname().nodename")
    assert name == ("sandbox" if confined.level == "namespaces" else os.uname().nodename)


def test_rights_and_namespaces_cannot_be_regained(confined: LocalSandbox, outcome: Outcome) -> None:
    program = f"""{ATTEMPT}
def f():
    libc = ctypes.CDLL(None)
    calls = [(272, 0x10000000), (272, 0x20000), (308, 3, 0), (165, b"none", b"/", b"tmpfs", 0, 0), (161, b"/"),
            (155, b".", b"."), (166, b"/tmp", 2),
             (425, 8, bytes(120)), (321, 0, bytes(64), 64), (298, bytes(64), 0, -1, -1, 0), (323, 0), (250, 0, -3,
            1), (248, b"user", b"n", b"v", 1, -3),
             (135, 0xFFFFFFFF), (157, 4, 1), (157, 38, 0), (317, 1, 0, 0), (105, 0), (106, 0), (126, bytes(8),
            bytes(24)), (169, 0, 0, 0), (175, 0, 0, 0),
             (434, 1, 0), (438, 3, 0, 0), (304, 3, 0, 0), (0x40000000 + 39,), (160, 7, bytes(16)), (302, 0, 7,
            (ctypes.c_ulong * 2)(9, 9), 0)]
    return [number for number, *rest in calls if libc.syscall(number, *rest) >= 0]
"""
    if platform.machine() != "x86_64":
        pytest.skip("the numbers of the calls are those of x86_64")
    assert outcome(confined, program) == ["list"]


def test_the_numbers_of_system_calls_are_those_of_the_kernels_headers() -> None:
    headers = {
        "x86_64": "/usr/include/x86_64-linux-gnu/asm/unistd_64.h",
        "aarch64": "/usr/include/asm-generic/unistd.h",
    }
    read = 0
    for machine, path in headers.items():
        if not os.path.exists(path):
            continue
        found = re.findall(r"#define __NR(?:3264)?_(\w+) (\d+)", Path(path).read_text())
        known = {name: int(number) for name, number in found}
        known.setdefault("newfstatat", known.get("fstatat", -1))
        named = {
            **seccomp.ALLOWED[machine],
            **seccomp.GUARDED[machine],
            **linux.NUMBERS[machine],
            **linux.SHARED_NUMBERS,
        }
        assert {name: number for name, number in named.items() if known.get(name) != number} == {}
        read += 1
    if not read:
        pytest.skip("no kernel headers here")


def test_flags_and_locks_of_what_all_have_open_end_with_the_execution(confined: LocalSandbox, outcome: Outcome) -> None:
    locks = """
import fcntl, os, time
def lock(number):
    for left in range(100, -1, -1):
        try:
            return fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # it is the machine's own, and somebody else may have it for a moment
            if not left: raise
            time.sleep(0.02)
"""
    sets = f"""{locks}
def f():
    for number in (0, 2):
        fcntl.fcntl(number, fcntl.F_SETFL, os.O_APPEND | os.O_NONBLOCK)
    lock(0)
    return [fcntl.fcntl(number, fcntl.F_GETFL) for number in (0, 2)]
"""
    finds = f"""{locks}
def f():
    lock(os.open(os.devnull, os.O_RDWR))
    return [fcntl.fcntl(number, fcntl.F_GETFL) for number in range(4)]
"""
    before = outcome(confined, finds)
    assert [flags & os.O_ACCMODE for flags in before[1:]] == [os.O_RDWR, os.O_WRONLY, os.O_RDWR, os.O_RDWR]
    assert outcome(confined, sets)[1:] != [before[1], before[3]]
    assert outcome(confined, finds) == before
