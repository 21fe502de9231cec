"""A control group for one sandbox: bounds on what a process cannot be bounded in by itself.

What is covered: memory with everything that the kernel holds for the processes (files in scratch, pipes, page
tables), the number of processes and threads, and a share of the CPUs, for the warm parent and all executions of
one sandbox together. The bounds follow the executions that are alive. The group goes with the sandbox, also when
the process that made it is killed: a shell outside the group waits for that and removes it.
What is not covered: one execution against another of the same sandbox (rlimits bound each), and machines where no
group can be written: then there is none, and `Absent` says why. It is never required. No controller is switched
on for other groups: the group is made where the system, or its administrator, has already delegated one.

One group per sandbox, not one per execution: a process that moves between groups takes a lock of the whole
machine, and the two or three processes of a sandbox that live at one time belong to one program under judgement.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
from pathlib import Path

CONTROLLERS = ("memory", "pids", "cpu")
CPUS = 2
"""The program and its tests; a program's threads do not get more."""
BASE_MB, BASE_PIDS = 256, 16
"""The warm parent, and its root that lives in memory."""
EXECUTION_MB, EXECUTION_PIDS = 48, 64
"""What an execution takes besides its own budget; its threads."""
PERIOD = 100_000
REMOVER = 'read -r _; n=0; while [ $n -lt 200 ]; do rmdir "$@" 2>/dev/null; l=0; for f; do [ -d "$f" ] && l=1; done; \
[ $l = 0 ] && exit 0; n=$((n+1)); sleep 0.02; done; exit 1'


class Absent(Exception):
    """No control group can be had; says why."""


class ControlGroup:
    """Made empty; `hold` puts a process in, which all its children follow. Raises Absent."""

    def __init__(self) -> None:
        self._name = f"selfplay-{os.getpid()}-{os.urandom(4).hex()}"
        self._folders: dict[str, Path] = {}
        self._executions = self._memory_mb = 0
        self._versions: set[int] = set()
        refused: list[str] = []
        for controller in CONTROLLERS:
            try:
                self._folders[controller] = self._make(controller)
            except OSError as error:
                refused.append(f"{controller}: {error.strerror or error}")
        if not self._folders:
            raise Absent("; ".join(refused))
        folders = [str(folder) for folder in dict.fromkeys(self._folders.values())]
        try:
            self._remover = subprocess.Popen(
                ["/bin/sh", "-c", REMOVER, "sh", *folders],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                start_new_session=True,
            )
        except OSError as error:
            for folder in folders:
                os.rmdir(folder)
            raise Absent(f"no shell to remove it with ({error})") from error
        try:
            self._limit(0, 0)
        except OSError as error:
            self.remove()
            raise Absent(f"{error.filename}: {error.strerror}") from error
        versions = " and ".join(f"v{version}" for version in sorted(self._versions, reverse=True))
        self.about = f"cgroup {versions}: {', '.join(self._folders)}"
        """Which controllers bound it, for a person."""

    @property
    def folders(self) -> tuple[Path, ...]:
        return tuple(dict.fromkeys(self._folders.values()))

    def hold(self, pid: int) -> None:
        """Put a process in. Raises OSError."""
        for folder in self.folders:
            (folder / "cgroup.procs").write_text(str(pid))

    def allow(self, executions: int, memory_mb: int) -> None:
        """Make room for so many executions with so much memory (and scratch) together. Raises OSError.

        The bounds only grow: executions of one sandbox are alike, and a smaller bound would make the kernel look
        for memory to take back before every program.
        """
        if executions > self._executions or memory_mb > self._memory_mb:
            self._limit(max(executions, self._executions), max(memory_mb, self._memory_mb))

    def remove(self) -> None:
        """Wait until the processes in it, which must have been killed, are gone, and remove it."""
        assert self._remover.stdin is not None
        self._remover.stdin.close()
        self._remover.wait()

    def _limit(self, executions: int, memory_mb: int) -> None:
        self._executions, self._memory_mb = executions, memory_mb
        size = str((BASE_MB + executions * EXECUTION_MB + memory_mb) << 20)
        count = str(BASE_PIDS + executions * EXECUTION_PIDS)
        for controller, folder in self._folders.items():
            if controller == "pids":
                (folder / "pids.max").write_text(count)
            elif controller == "memory":
                swap = {"memory.swap.max": "0", "memory.memsw.limit_in_bytes": size}
                # version 1 wants memory never above memory with swap: that one last at first, and first to grow
                _try_first(folder, swap)
                _write_first(folder, {"memory.max": size, "memory.limit_in_bytes": size})
                _try_first(folder, swap)
            else:
                share = str(CPUS * PERIOD)
                _write_first(folder, {"cpu.max": f"{share} {PERIOD}", "cpu.cfs_quota_us": share})

    def _make(self, controller: str) -> Path:
        """A new group with this controller, below or beside this process's own. Raises OSError."""
        reason = OSError("no such controller here")
        for version, parent in _parents(controller):
            folder = parent / self._name
            try:
                folder.mkdir(exist_ok=folder in self._folders.values())
            except OSError as error:
                reason = error
                continue
            self._versions.add(version)
            return folder
        raise reason


def _write_first(folder: Path, values: dict[str, str]) -> None:
    """Write to the first of the files that exists; the last must."""
    for place, (name, value) in enumerate(values.items()):
        if (folder / name).exists() or place == len(values) - 1:
            (folder / name).write_text(value)
            return


def _try_first(folder: Path, values: dict[str, str]) -> None:
    with contextlib.suppress(OSError):  # no swap here, or the kernel does not count it
        _write_first(folder, values)


def _parents(controller: str) -> list[tuple[int, Path]]:
    """(version, folder) of groups in which one with this controller can be made, version 2 first."""
    found: list[tuple[int, Path]] = []
    for line in _lines("/proc/self/cgroup"):
        _, names, path = line.split(":", 2)
        version = 1 if names else 2
        if version == 1 and controller not in names.split(","):
            continue
        own = _visible(path, "" if version == 2 else controller)
        if own is None:
            continue
        mounted, folder = own
        if version == 1:
            found.append((1, folder))
            continue
        # a group of version 2 that holds processes cannot have bounded groups below it, but may have them beside it
        for place in (folder, folder.parent):
            if place.is_relative_to(mounted) and controller in _words(place / "cgroup.subtree_control"):
                found.append((2, place))
    return sorted(found, key=lambda entry: -entry[0])


def _visible(path: str, controller: str) -> tuple[Path, Path] | None:
    """(mount point, folder of the group) where the hierarchy of the controller ("" for version 2) is mounted."""
    for line in _lines("/proc/self/mountinfo"):
        before, _, after = line.partition(" - ")
        root, place = before.split()[3:5]
        kind, _, options = after.split(" ", 2)
        fits = kind == "cgroup2" if not controller else kind == "cgroup" and controller in options.split(",")
        if fits and Path(path).is_relative_to(root):
            return Path(place), Path(place) / Path(path).relative_to(root)
    return None


def _lines(path: str) -> list[str]:
    with contextlib.suppress(FileNotFoundError):
        return Path(path).read_text().splitlines()
    return []


def _words(path: Path) -> list[str]:
    with contextlib.suppress(FileNotFoundError):
        return path.read_text().split()
    return []
