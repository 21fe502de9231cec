"""The warm parent: a Python process with the common modules imported, which forks once per execution.

It is started by local_sandbox.py as a fresh interpreter, so it holds nothing of the process that judges, confines
itself to its level, and then answers the requests of parent_link.py. It never reads what an execution writes.
"""

from __future__ import annotations

import fcntl
import gc
import json
import os
import resource
import signal
import socket
import struct
import sys
import time
from typing import Any, NoReturn

from selfplay.verifiers.sandbox import packages, parent_link
from selfplay.verifiers.sandbox.channel import Channel, pack
from selfplay.verifiers.sandbox.inside import program_process, tests_process
from selfplay.verifiers.sandbox.kernel import confine, landlock, linux, root, seccomp
from selfplay.verifiers.sandbox.kernel.linux import Step, call, walk

_RUN = {"candidate": program_process.run, "tester": tests_process.run}
RUNS = [_RUN[role] for role in parent_link.ROLES]
CHANNEL = Channel(confine.CHANNEL)
READY = pack({"ready": True})
MOST_PASSED = socket.CMSG_SPACE(3 * 4)
MOST_LAID_OUT = 64
"""Different limits whose steps are kept."""
LOWEST_OWN = 100
"""Descriptors of the warm parent itself are this or higher."""


def main() -> None:
    level, control_end, worker = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    link = socket.socket(fileno=_out_of_the_way(control_end))
    confine.bound_descriptors()
    if linux.available:
        linux.die_with_parent()
    if os.getppid() != worker:
        raise SystemExit("the process that started the sandbox is gone")
    link.recv(16)  # until the outside has put this process into its control group
    packages.preimport_common()
    granted = json.loads(sys.argv[5])
    try:
        packages.preimport(granted["names"], granted["entries"])
        prepared, own_pids = _prepare(level, link, granted["entries"])
        confine.reserve()
    except OSError as error:
        _say(link, {"refused": str(error)})
        raise SystemExit(1) from error
    program_process.prepare()
    os.environ.clear()
    sys.argv[:] = ["program"]
    for name in [name for name in sys.modules if name.partition(".")[0] == "selfplay"]:
        del sys.modules[name]
    gc.collect()
    gc.freeze()
    if linux.available:
        linux.trim_heap()
    _say(link, {"ready": level})
    _serve(link, prepared, own_pids)


def _serve(link: socket.socket, prepared: confine.Confinement, own_pids: int) -> None:
    laid_out: dict[tuple[int, ...], list[Step]] = {}
    new_pids = [call("unshare", linux.CLONE_NEWPID)] if own_pids >= 0 else []
    back = [call("setns", own_pids, linux.CLONE_NEWPID)] if own_pids >= 0 else []
    while True:
        data, passed, _, _ = link.recvmsg(parent_link.REQUEST.size, MOST_PASSED)
        if not data:
            return
        kind, role, pid, *limits = parent_link.REQUEST.unpack(data)
        answer = b""
        if kind & parent_link.END:
            os.kill(pid, signal.SIGKILL)
        if kind & parent_link.SPAWN:
            given = [place for _, _, places in passed for place in struct.unpack(f"{len(places) // 4}i", places)]
            key = (len(given), *limits)
            if key not in laid_out:
                if len(laid_out) >= MOST_LAID_OUT:
                    laid_out.clear()
                laid_out[key] = confine.laid_out(prepared, *limits, has_input=len(given) > 2, last_words=READY)
            answer = _spawn(role, laid_out[key], given, new_pids, back)
        if kind & parent_link.END:
            answer += _buried(pid)
        if kind & parent_link.CPU:
            answer = parent_link.ANSWER.pack(0, _cpu_seconds(pid), 0)
        link.sendall(answer)


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
    return confine.Confinement(level, base, abi, rules=_out_of_the_way(rules)), -1


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
        os.closerange(0, confine.MOST_DESCRIPTORS)
        os.waitpid(number_one, 0)
        os._exit(0)
    linux.die_with_parent()
    own_pids = _out_of_the_way(os.open("/proc/self/ns/pid", os.O_RDONLY))
    # still the user that owns the files seen from outside: only it may pass the folders above the interpreter
    root.build("/tmp", granted)
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)
    linux.die_with_parent()
    linux.prctl(linux.PR_SET_DUMPABLE, 0)
    return own_pids


def _spawn(role: int, steps: list[Step], descriptors: list[int], new_pids: list[Step], back: list[Step]) -> bytes:
    """Fork one execution: descriptors are its channel, its output and, where there is one, its input, and the lowest
    that are not reserved."""
    try:
        walk(new_pids)
        # without Python's own hooks after a fork, which a process with one thread and no locks held can do without
        pid = linux.fork() if linux.available else os.fork()
        if pid == 0:
            _become(role, steps)
        walk(back)
    except OSError as error:
        return parent_link.ANSWER.pack(-(error.errno or 1), 0.0, 0)
    finally:
        for descriptor in descriptors:
            os.close(descriptor)
    return parent_link.ANSWER.pack(pid, 0.0, 0)


def _become(role: int, steps: list[Step]) -> NoReturn:
    """The new process, which never returns into the parent's loop."""
    try:
        try:
            walk(steps)
        except OSError as error:
            CHANNEL.send({"fault": str(error)})
            os._exit(1)
        RUNS[role](CHANNEL)
        os._exit(0)
    except BaseException:
        os._exit(1)


def _cpu_seconds(pid: int) -> float:
    """CPU time of a child so far, by the clock that clock_getcpuclockid(3) names; 0 where there is none."""
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return 0.0


def _buried(pid: int) -> bytes:
    """Wait for an execution that was killed, with all it made, and tell how it ended."""
    _, status, usage = os.wait4(pid, 0)
    return parent_link.ANSWER.pack(os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime, usage.ru_maxrss)


def _out_of_the_way(descriptor: int) -> int:
    """The same under a number that no execution gives to a descriptor of its own."""
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, LOWEST_OWN)
    os.close(descriptor)
    return moved


if __name__ == "__main__":
    main()
