"""The Linux calls that Python 3.11 has no name for, through ctypes.

Each raises OSError with the call's name when the kernel refuses. Numbers that differ between machines are in
NUMBERS; on a machine that is not there, `available` is False and the callers go without.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import struct
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

NUMBERS: dict[str, dict[str, int]] = {
    "x86_64": {
        "pivot_root": 155, "mount": 165, "umount2": 166, "capset": 126, "seccomp": 317, "dup3": 292, "prctl": 157,
        "unshare": 272, "setns": 308, "chdir": 80, "openat": 257, "close": 3, "write": 1,
    },
    "aarch64": {
        "pivot_root": 41, "mount": 40, "umount2": 39, "capset": 91, "seccomp": 277, "dup3": 24, "prctl": 167,
        "unshare": 97, "setns": 268, "chdir": 49, "openat": 56, "close": 57, "write": 64,
    },
}  # fmt: skip
# the same on every architecture, as all calls since Linux 5.0
SHARED_NUMBERS = {
    "mount_setattr": 442,
    "landlock_create_ruleset": 444,
    "landlock_add_rule": 445,
    "landlock_restrict_self": 446,
}

OWN_ID_BASE = 1_000_000_000
CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 2, 4, 8, 4096, 16384, 1 << 18
MNT_DETACH = 2
AT_RECURSIVE = 0x8000
MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID = 1, 2

AT_FDCWD = -100
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS = 1, 4, 38

machine = platform.machine() if sys.platform == "linux" else ""
available = machine in NUMBERS

_libc = ctypes.CDLL(None, use_errno=True)
_held = ctypes.PyDLL(None, use_errno=True)
_numbers = {**NUMBERS.get(machine, {}), **SHARED_NUMBERS}
raw_call = _held.syscall
"""syscall(2) as it is: prepared ctypes arguments, -1 where it fails (`last_error`), the interpreter's lock held."""


def number_of(name: str) -> int:
    """The number of a system call on this machine."""
    return _numbers[name]


def last_error() -> int:
    """errno of the last `raw_call` of this thread."""
    return ctypes.get_errno()


def system_call(name: str, *arguments: int | bytes | None) -> int:
    """Call the kernel by name; integers are passed as 64-bit words, bytes as a pointer."""
    words: list[object] = [ctypes.c_long(_numbers[name])]
    words += [ctypes.c_long(value) if isinstance(value, int) else value for value in arguments]
    result: int = _libc.syscall(*words)
    return _checked(name, result)


def prctl(option: int, value: int = 0) -> None:
    arguments = [ctypes.c_ulong(value), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0)]
    _checked("prctl", _libc.prctl(option, *arguments))


def fork() -> int:
    """fork(2) alone, with the interpreter's lock held. Only for a process with one thread."""
    return _checked("fork", _held.fork())


def unshare(flags: int) -> None:
    _checked("unshare", _libc.unshare(flags))


def mount(source: str, target: str, kind: str = "", flags: int = 0, options: str = "") -> None:
    words = [os.fsencode(source), os.fsencode(target), kind.encode() or None, flags, options.encode() or None]
    system_call("mount", *words)


def detach(target: str) -> None:
    """Take a mount out of sight now; it goes when nothing uses it."""
    system_call("umount2", os.fsencode(target), MNT_DETACH)


def pivot_root(new: str, old: str) -> None:
    system_call("pivot_root", os.fsencode(new), os.fsencode(old))


def make_read_only(path: str) -> None:
    """The mount at `path` and all below it become read-only and lose setuid (Linux 5.12)."""
    attributes = struct.pack("=QQQQ", MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID, 0, 0, 0)
    system_call("mount_setattr", AT_FDCWD, os.fsencode(path), AT_RECURSIVE, attributes, len(attributes))


def trim_heap() -> None:
    """Give free memory of the C library back to the kernel, so that a fork copies no page tables for it."""
    trim = getattr(_libc, "malloc_trim", None)  # glibc has it, musl has not
    if trim is not None:
        trim(0)


def die_with_parent() -> None:
    """SIGKILL for this process when the thread that made it ends. A change of user id undoes it."""
    prctl(PR_SET_PDEATHSIG, 9)


def _checked(name: str, result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
    return result


# What a new process does to itself is laid out beforehand in the process that makes it. Python writes to the memory of
# every object that it looks at, and a forked process pays for each page that it writes to. So the calls are prepared
# once, arguments and all, and the new process only walks the list: a third of the pages.
Step = tuple[Callable[..., object], tuple[object, ...], str]
"""A function, its arguments, and its name for a person; it fails by raising OSError or by returning -1."""


def call(name: str, *arguments: int | bytes | ctypes.Structure) -> Step:
    """A system call by name; integers are passed as 64-bit words, bytes (with a NUL at the end) as a pointer."""
    words = [_word(argument) for argument in (number_of(name), *arguments)]
    return raw_call, tuple(words), name


def walk(steps: Iterable[Step]) -> None:
    """Make the calls in their order. Raises OSError, which names the call that failed, at the first that does."""
    for function, arguments, name in steps:
        if function(*arguments) == -1:
            number = last_error()
            raise OSError(number, f"{name}: {os.strerror(number)}")


def _word(argument: int | bytes | ctypes.Structure) -> object:
    if isinstance(argument, int):
        return ctypes.c_long(argument)
    if isinstance(argument, bytes):
        return ctypes.create_string_buffer(argument, len(argument) + 1)
    return ctypes.pointer(argument)


def map_ids(pid: int) -> None:
    """Give the new user namespace its ids: an own one where this process may, else this process's own as 0.

    An own id makes the limit on processes count this sandbox alone, and owns no file of the machine; the
    present user stays in the map as 1, because only it may read an interpreter in its home while the root is
    built.
    """
    user, group = os.geteuid(), os.getegid()
    own = OWN_ID_BASE + os.getpid() % 1_000_000
    if user == 0 and _may_map(own):
        # refused where this process has user id 0 without the power that usually comes with it
        with contextlib.suppress(PermissionError):
            Path(f"/proc/{pid}/uid_map").write_text(f"0 {own} 1\n1 {user} 1\n")
            Path(f"/proc/{pid}/gid_map").write_text(f"0 {own} 1\n1 {group} 1\n")
            return
    Path(f"/proc/{pid}/setgroups").write_text("deny")
    Path(f"/proc/{pid}/uid_map").write_text(f"0 {user} 1\n")
    Path(f"/proc/{pid}/gid_map").write_text(f"0 {group} 1\n")


def _may_map(wanted: int) -> bool:
    """Whether this process's own user namespace has the id."""
    for line in Path("/proc/self/uid_map").read_text().splitlines():
        first, _, count = (int(field) for field in line.split())
        if first <= wanted < first + count:
            return True
    return False
