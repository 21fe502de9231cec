"""What a forked process gives up before it reads a program. Runs inside the new process, in this order.

What is covered, by level:
  namespaces  own pid and mount namespace, an empty scratch folder of bounded size as the only writable
              place, then all that `landlock` does
  landlock    no file can be written and only the interpreter can be read, no capabilities, the seccomp
              filter, then all that `process` does
  process     limits on address space, CPU time, file size, open files and timers; the seccomp filter where the
  machine has it
What is not covered: see each module; at `process` every file of the user can be read, other processes
included.
"""

from __future__ import annotations

import os
import resource
import signal
import struct
import sys
from dataclasses import dataclass

from selfplay.verifiers.sandbox.kernel import landlock, linux, seccomp
from selfplay.verifiers.sandbox.kernel.linux import Step, call

SCRATCH = "/tmp"
OTHER_SCRATCH = "/scratch"
"""Where the interpreter or a package lies in /tmp, which the scratch folder would hide."""
MOST_DESCRIPTORS = 256
"""Of the warm parent, which all are closed in an execution; some machines allow 2**30, each closed by a call."""
MAX_OPEN_FILES = 64
MAX_THREADS = 64
MAX_TIMERS = 128
"""Signals that wait and timers, which the kernel keeps outside of the address space."""
CHANNEL, AFTER_CHANNEL, GIVEN = 3, 4, 4
CAPABILITIES_OF_THIS_THREAD = struct.pack("=Ii", 0x20080522, 0)
"""struct __user_cap_header_struct: _LINUX_CAPABILITY_VERSION_3, process 0"""


@dataclass(frozen=True)
class Confinement:
    """What the warm parent prepares once for all its executions."""

    level: str
    base_bytes: int
    """Address space of the warm parent itself, which a program's own budget comes on top of."""
    landlock_abi: int = 0
    rules: int = -1
    """Landlock rules as a descriptor, where they are the same for every execution; else -1."""
    readable: tuple[str, ...] = ()
    scratch: str = SCRATCH
    filter: bytes = b""
    """The seccomp filter where the process id is known beforehand; else it is built per execution."""


def bound_descriptors() -> None:
    """This process, the warm parent, gets no descriptor beyond `MOST_DESCRIPTORS`."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if not 0 <= soft <= MOST_DESCRIPTORS:
        resource.setrlimit(resource.RLIMIT_NOFILE, (MOST_DESCRIPTORS, hard))


def reserve() -> None:
    """Fill 0, 1 and 3 of the warm parent, so that the next descriptors are 4, 5 and 6. Raises OSError."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for place in (0, 1, CHANNEL):
        os.dup2(nowhere, place)
    if nowhere != CHANNEL:
        os.close(nowhere)
    following = os.dup(0)
    os.close(following)
    if following != GIVEN:
        raise OSError("a package that was imported keeps a file open, and its descriptor is needed")


def laid_out(
    prepared: Confinement, memory_mb: int, cpu_seconds: int, scratch_mb: int, *, has_input: bool, last_words: bytes
) -> list[Step]:
    """The steps that confine a new process for good, and then say `last_words` on its channel.

    It is given its channel, its output and, with `has_input`, its input as descriptors 4, 5 and 6.
    """
    keeps = prepared.rules >= 0
    steps = [call("prctl", linux.PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)] if linux.available else []
    # opened anew: flags and locks of a file that was opened before would outlive the program that set them
    nowhere, mode = GIVEN + (3 if has_input else 2), os.O_RDWR
    opened = call("openat", linux.AT_FDCWD, os.devnull.encode(), mode, 0) if linux.available else None
    steps += [opened or (os.open, (os.devnull, mode), "open")]
    moves = [(nowhere, 2), (GIVEN + 1, 1), (GIVEN, CHANNEL), (GIVEN + 2 if has_input else nowhere, 0)]
    steps += [call("dup3", *move, 0) if linux.available else (os.dup2, move, "dup2") for move in moves]
    steps += [call("dup3", prepared.rules, AFTER_CHANNEL, 0)] if keeps else []
    steps += [(os.closerange, (AFTER_CHANNEL + keeps, MOST_DESCRIPTORS), "closerange")]
    if prepared.level == "namespaces":
        scratch, size = prepared.scratch.encode(), f"size={scratch_mb}m,nr_inodes=1000"
        steps += [
            call("unshare", linux.CLONE_NEWNS),
            call("mount", b"tmpfs", scratch, b"tmpfs", linux.MS_NOSUID | linux.MS_NODEV, size.encode()),
            call("chdir", scratch),
        ]
    steps += [
        (resource.setrlimit, (which, (bound, bound)), "setrlimit")
        for which, bound in _bounds(prepared, memory_mb, cpu_seconds, scratch_mb)
    ]
    if linux.available:
        steps += [
            call("capset", CAPABILITIES_OF_THIS_THREAD, bytes(24)),
            call("prctl", linux.PR_SET_DUMPABLE, 0, 0, 0, 0),
            call("prctl", linux.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0),
        ]
    if keeps:
        steps += landlock.restrict(AFTER_CHANNEL)
    elif prepared.landlock_abi:
        writable = [prepared.scratch, os.devnull]
        steps += landlock.steps(prepared.landlock_abi, list(prepared.readable), writable, AFTER_CHANNEL)
    if linux.available:
        steps += [seccomp.step(prepared.filter) if prepared.filter else seccomp.step_for_own_pid()]
        return [*steps, call("write", CHANNEL, last_words, len(last_words))]
    return [*steps, (os.write, (CHANNEL, last_words), "write")]


def _bounds(prepared: Confinement, memory_mb: int, cpu_seconds: int, scratch_mb: int) -> list[tuple[int, int]]:
    bounds = {
        resource.RLIMIT_CPU: cpu_seconds,
        resource.RLIMIT_FSIZE: scratch_mb << 20,
        resource.RLIMIT_CORE: 0,
    }
    if sys.platform == "linux":
        bounds[resource.RLIMIT_SIGPENDING] = MAX_TIMERS
    if prepared.level == "namespaces":
        # counts this sandbox alone only where it has user ids of its own
        bounds[resource.RLIMIT_NPROC] = MAX_THREADS
    if prepared.base_bytes:
        bounds[resource.RLIMIT_AS] = prepared.base_bytes + (memory_mb << 20)
    bounds[resource.RLIMIT_NOFILE] = MAX_OPEN_FILES
    least = {which: resource.getrlimit(which)[1] for which in bounds}
    return [
        (which, bound if least[which] == resource.RLIM_INFINITY else min(bound, least[which]))
        for which, bound in bounds.items()
    ]
