"""The warm parent: a Python process with the common modules imported, which forks once per execution.

It is started by outside.py as a fresh interpreter, so it holds nothing of the process that judges, confines
itself to its level, and then answers requests over its control socket: `spawn` (with the descriptors of
the new process), `cpu` (time used so far) and `reap` (kill, wait, report). It never reads what an execution writes.
"""

from __future__ import annotations

import contextlib
import fcntl
import gc
import importlib
import json
import os
import resource
import signal
import socket
import sys
import time
from typing import Any, NoReturn

from verifiers.sandbox import candidate, confine, landlock, linux, packages, root, seccomp, tester
from verifiers.sandbox.channel import Channel

# imported once here, so that programs need not; all from the standard library
PREIMPORTED = (
    "abc ast bisect cmath collections collections.abc contextlib copy dataclasses datetime enum functools "
    "heapq io itertools json math numbers operator random re string sys threading time traceback types typing "
    "warnings weakref"
)
ROLES = {"candidate": candidate.run, "tester": tester.run}


def main() -> None:
    level, control, worker = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    link = socket.socket(fileno=control)
    if linux.available:
        linux.die_with_parent()
    if os.getppid() != worker:
        raise SystemExit("the process that started the sandbox is gone")
    link.recv(16)  # until the outside has put this process into its control group
    for name in PREIMPORTED.split():
        with contextlib.suppress(ImportError):  # an interpreter built without one of them
            importlib.import_module(name)
    granted = json.loads(sys.argv[5])
    try:
        packages.preimport(granted["names"], granted["entries"])
        prepared, own_pids = _prepare(level, link, granted["entries"])
    except OSError as error:
        _say(link, {"refused": str(error)})
        raise SystemExit(1) from error
    os.environ.clear()
    sys.argv[:] = ["program"]
    for name in [name for name in sys.modules if name.partition(".")[0] == "verifiers"]:
        del sys.modules[name]
    gc.collect()
    gc.freeze()
    _say(link, {"ready": level})
    while True:
        data, descriptors, _, _ = socket.recv_fds(link, 1 << 16, 3)
        if not data:
            return
        request = json.loads(data)
        if "reap" in request:
            _say(link, _reap(request["reap"]))
        elif "cpu" in request:
            _say(link, {"seconds": _cpu_seconds(request["cpu"])})
        else:
            _say(link, _spawn(request["spawn"], descriptors, prepared, own_pids))


def _say(link: socket.socket, message: dict[str, Any]) -> None:
    link.sendall(json.dumps(message).encode())


def _prepare(level: str, link: socket.socket, granted: list[str]) -> tuple[confine.Confinement, int]:
    """Confine the parent itself. Returns what executions need, and a descriptor of its own pid namespace or
    -1."""
    if level != "process" and not linux.available:
        raise OSError("this level needs Linux on x86_64 or aarch64")
    abi = landlock.version() if linux.available else 0
    base = _address_space()
    if level == "namespaces":
        own_pids = _enter_namespaces(link, granted)
        inside = any(path.startswith(confine.SCRATCH + os.sep) for path in (root.library_folder(), *granted))
        scratch = confine.OTHER_SCRATCH if inside else confine.SCRATCH
        filter = seccomp.build(1, own_files=True)
        return confine.Confinement(level, base, abi, readable=("/",), scratch=scratch, filter=filter), own_pids
    os.chdir("/")
    if level == "process":
        return confine.Confinement(level, base), -1
    if not abi:
        raise OSError("this kernel has no Landlock (Linux 5.13 and later, where it is switched on)")
    rules = landlock.ruleset(abi, root.interpreter_files(granted), [os.devnull])
    # out of the way of the low numbers that an execution gives to its own descriptors
    return confine.Confinement(level, base, abi, rules=fcntl.fcntl(rules, fcntl.F_DUPFD_CLOEXEC, 100)), -1


def _address_space() -> int:
    """Bytes of address space in use, 0 where the system does not tell (then it is not limited either)."""
    if sys.platform != "linux":
        return 0
    with open("/proc/self/statm") as pages:
        return int(pages.read().split()[0]) * resource.getpagesize()


def _enter_namespaces(link: socket.socket, granted: list[str]) -> int:
    """New user, mount, network, ipc, uts and pid namespaces with an empty root; this process becomes number
    1."""
    linux.unshare(linux.CLONE_NEWUSER)
    _say(link, {"map": os.getpid()})  # which ids it may have is decided, and written, outside
    link.recv(64)
    linux.unshare(linux.CLONE_NEWNS | linux.CLONE_NEWNET | linux.CLONE_NEWIPC | linux.CLONE_NEWUTS | linux.CLONE_NEWPID)
    socket.sethostname("sandbox")
    number_one = os.fork()
    if number_one:
        # only waits: the namespace dies with its number 1, and number 1 with this process
        os.closerange(0, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
        os.waitpid(number_one, 0)
        os._exit(0)
    linux.die_with_parent()
    own_pids = os.open("/proc/self/ns/pid", os.O_RDONLY)
    # still the user that owns the files seen from outside: only it may pass the folders above the interpreter
    root.build("/tmp", granted)
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    linux.die_with_parent()
    linux.prctl(linux.PR_SET_DUMPABLE, 0)
    return own_pids


def _spawn(
    limits: dict[str, Any], descriptors: list[int], prepared: confine.Confinement, own_pids: int
) -> dict[str, Any]:
    """Fork one execution: descriptors are its channel, its output and, where there is one, its input."""
    try:
        if own_pids >= 0:
            linux.unshare(linux.CLONE_NEWPID)
        # without Python's own hooks after a fork, which a process with one thread and no locks held can do without
        pid = linux.fork() if linux.available else os.fork()
        if pid == 0:
            _become(limits, descriptors, prepared)
        if own_pids >= 0:
            linux.setns(own_pids, linux.CLONE_NEWPID)
    except OSError as error:
        return {"failed": str(error)}
    finally:
        for descriptor in descriptors:
            os.close(descriptor)
    return {"pid": pid}


def _become(limits: dict[str, Any], descriptors: list[int], prepared: confine.Confinement) -> NoReturn:
    """The new process, which never returns into the parent's loop."""
    try:
        if linux.available:
            linux.die_with_parent()
        channel, output = descriptors[:2]
        confine.take_descriptors(channel, descriptors[2] if len(descriptors) > 2 else None, output)
        link = Channel(socket.socket(fileno=confine.CHANNEL))
        try:
            confine.enter(prepared, limits["memory_mb"], limits["cpu_seconds"], limits["scratch_mb"])
        except OSError as error:
            link.send({"fault": str(error)})
            os._exit(1)
        link.send({"ready": True})
        ROLES[limits["role"]](link)
        os._exit(0)
    except BaseException:
        os._exit(1)


def _cpu_seconds(pid: int) -> float:
    """CPU time of a child so far, by the clock that clock_getcpuclockid(3) names; 0 where there is none."""
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return 0.0


def _reap(pid: int) -> dict[str, Any]:
    """Kill an execution, where it still lives, and all it made; wait for it; tell how it ended."""
    os.kill(pid, signal.SIGKILL)
    _, status, usage = os.wait4(pid, 0)
    return {
        "code": os.waitstatus_to_exitcode(status),
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_kb": usage.ru_maxrss,
    }


if __name__ == "__main__":
    main()
