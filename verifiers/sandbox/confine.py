"""What a forked process gives up before it reads a program. Runs inside the new process, in this order.

What is covered, by level:
  namespaces  own pid, mount and ipc namespace, an empty scratch folder of bounded size as the only writable
              place, then all that `landlock` does
  landlock    no file can be written and only the interpreter can be read, no capabilities, the seccomp
              filter, then all that `process` does
  process     limits on address space, CPU time, file size, open files and timers; the seccomp filter where the
  machine has it
What is not covered: see each module; at `process` every file of the user can be read, other processes
included.
"""

from __future__ import annotations

import fcntl
import os
import resource
import sys
from dataclasses import dataclass

from verifiers.sandbox import landlock, linux, seccomp

SCRATCH = "/tmp"
OTHER_SCRATCH = "/scratch"
"""Where the interpreter or a package lies in /tmp, which the scratch folder would hide."""
MAX_OPEN_FILES = 64
MAX_THREADS = 64
MAX_TIMERS = 128
"""Signals that wait and timers, which the kernel keeps outside of the address space."""
CHANNEL, AFTER_CHANNEL = 3, 4


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


def take_descriptors(channel: int, standard_input: int | None, output: int) -> None:
    """0 becomes the input or /dev/null, 1 the output, 2 /dev/null, 3 the channel. `enter` closes the
    others."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    wanted = (nowhere if standard_input is None else standard_input, output, nowhere, channel)
    # first out of the way of the targets, which they may occupy
    spare = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, AFTER_CHANNEL) for descriptor in wanted]
    for target, descriptor in enumerate(spare):
        os.dup2(descriptor, target)


def enter(prepared: Confinement, memory_mb: int, cpu_seconds: int, scratch_mb: int) -> None:
    """Confine this process for good. Raises OSError when any part is refused."""
    keep = prepared.rules
    if keep >= 0:
        os.dup2(keep, AFTER_CHANNEL)
    os.closerange(AFTER_CHANNEL + (keep >= 0), resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    if prepared.level == "namespaces":
        linux.unshare(linux.CLONE_NEWNS | linux.CLONE_NEWIPC)
        size = f"size={scratch_mb}m,nr_inodes=1000"
        linux.mount("tmpfs", prepared.scratch, "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, size)
        os.chdir(prepared.scratch)
    _limit(prepared, memory_mb, cpu_seconds, scratch_mb)
    if linux.available:
        linux.drop_capabilities()
        linux.prctl(linux.PR_SET_DUMPABLE, 0)
        linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
    if prepared.level != "process" and prepared.landlock_abi:
        rules = AFTER_CHANNEL
        if keep < 0:
            rules = landlock.ruleset(prepared.landlock_abi, list(prepared.readable), [prepared.scratch, os.devnull])
        landlock.restrict(rules)
        os.close(rules)
    if linux.available:
        seccomp.install(prepared.filter or seccomp.build(os.getpid()))


def _limit(prepared: Confinement, memory_mb: int, cpu_seconds: int, scratch_mb: int) -> None:
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
    for which, bound in bounds.items():
        hard = resource.getrlimit(which)[1]
        bound = bound if hard == resource.RLIM_INFINITY else min(bound, hard)
        resource.setrlimit(which, (bound, bound))
