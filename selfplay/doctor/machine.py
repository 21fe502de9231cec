"""Cores, memory, GPUs, disk and the system's limits, as far as this process may use them.

A container's limits count too: cgroups (v1 and v2) and the CPU mask. What other processes will take later does not.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from pathlib import Path

import psutil

from selfplay.doctor.finding import Finding

GIB = 1024**3
LEAST_MEMORY = 4 * GIB
"""Driver, engine, judge and trainer of the quickstart together, with vLLM."""
LEAST_DISK = GIB // 4
LEAST_SHM = GIB // 4
"""The object store that a local Ray cluster is given (see selfplay/cluster/connection.py)."""
LEAST_FILES = 1024
CGROUPS = Path("/sys/fs/cgroup")
_UNLIMITED = 1 << 60


def cores() -> Finding:
    """CPU cores that this process may use."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = _cpu_quota()
    limited = f", at most {quota:.1f} at a time (cgroup)" if quota is not None and quota < count else ""
    return Finding("CPU cores", f"{count} of {os.cpu_count()}{limited}")


def memory() -> Finding:
    """Memory that this process may use: the machine's, or its cgroup's where that is less."""
    total, free, limit = psutil.virtual_memory().total, psutil.virtual_memory().available, _memory_limit()
    limited = f", limited to {_gib(limit)} (cgroup)" if limit is not None and limit < total else ""
    value = f"{_gib(total)}, {_gib(free)} free{limited}"
    if min(total, limit or total) < LEAST_MEMORY:
        remedy = f"Give the machine or container at least {_gib(LEAST_MEMORY)}, or set `engine.kind: transformers`."
        return Finding("memory", value, "missing", remedy)
    if free < LEAST_MEMORY:
        return Finding("memory", value, "limited", "End what holds the rest, or a run may be killed for memory.")
    return Finding("memory", value)


def cgroups() -> Finding:
    """Which cgroup version limits this process."""
    if (CGROUPS / "cgroup.controllers").is_file():
        return Finding("cgroups", "version 2")
    if (CGROUPS / "memory").is_dir():
        return Finding("cgroups", "version 1")
    return Finding("cgroups", "not mounted", "limited", "Limits of a container cannot be seen; mount /sys/fs/cgroup.")


def gpus() -> tuple[list[str], Finding]:
    """Names of the NVIDIA GPUs that the driver shows, and the line about them."""
    query = ["nvidia-smi", "--query-gpu=name,memory.total,memory.free,driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=30, check=False)
    except FileNotFoundError:
        return [], Finding("GPU", "none (no nvidia-smi); everything runs on the CPU")
    except (OSError, subprocess.TimeoutExpired) as error:
        remedy = "The driver does not answer; restart it, or run on the CPU with CUDA_VISIBLE_DEVICES= set."
        return [], Finding("GPU", f"nvidia-smi failed: {error}", "limited", remedy)
    lines = [line.strip() for line in done.stdout.splitlines() if line.count(",") == 3]
    if done.returncode or not lines:
        why = (done.stdout + done.stderr).strip().splitlines()[:1]
        return [], Finding("GPU", f"none usable ({why[0] if why else 'nvidia-smi lists none'})")
    shown = []
    for line in lines:
        name, total, free, driver = (part.strip() for part in line.split(","))
        shown.append(f"{name}, {total}, {free} free, driver {driver}")
    return [line.partition(",")[0] for line in lines], Finding("GPU", "; ".join(shown))


def disk(folder: Path) -> Finding:
    """Room where runs are written: `folder`, or the nearest place above it that exists."""
    place = next(p for p in (folder.resolve(), *folder.resolve().parents) if p.exists())
    if not place.is_dir():
        return Finding("disk", f"{place} is a file", "missing", "Set `output` to a folder.")
    free = shutil.disk_usage(place).free
    value = f"{_gib(free)} free at {place}"
    if not os.access(place, os.W_OK):
        return Finding("disk", f"{place} is not writable", "missing", "Start in another folder, or set `output`.")
    if free < LEAST_DISK:
        return Finding("disk", value, "missing", "Free some room, or set `output` to a folder on another disk.")
    return Finding("disk", value)


def shared_memory() -> Finding:
    """/dev/shm, where Ray keeps its objects."""
    place = Path("/dev/shm")
    if not place.is_dir():
        return Finding("/dev/shm", "missing", "limited", "Ray keeps its objects in /tmp instead, which is slower.")
    free = shutil.disk_usage(place).free
    if free < LEAST_SHM:
        remedy = "Ray falls back to /tmp, which is slower; start the container with `--shm-size=1g`."
        return Finding("/dev/shm", f"{_gib(free)} free", "limited", remedy)
    return Finding("/dev/shm", f"{_gib(free)} free")


def open_files() -> Finding:
    """The limit on open files; Ray opens hundreds."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    value = f"{soft:,} (may be raised to {hard:,})" if soft < hard else f"{soft:,}"
    if soft < LEAST_FILES:
        return Finding("open files", value, "limited", "Raise it with `ulimit -n 65536` before a run; Ray needs many.")
    return Finding("open files", value)


def _memory_limit() -> int | None:
    """The lowest limit of this process's cgroup and those above it, in bytes."""
    texts = [*_texts("memory.max"), *_texts("memory.limit_in_bytes")]
    return min((int(text) for text in texts if text.isdigit() and int(text) < _UNLIMITED), default=None)


def _cpu_quota() -> float | None:
    """Cores' worth of time that the cgroup gives."""
    pairs = [text.split() for text in _texts("cpu.max")]
    pairs += map(list, zip(_texts("cpu.cfs_quota_us"), _texts("cpu.cfs_period_us"), strict=False))
    return min((int(quota) / int(period) for quota, period in pairs if quota not in ("max", "-1")), default=None)


def _texts(file: str) -> list[str]:
    """What a file says in each of this process's cgroup folders that has it."""
    return [(folder / file).read_text(encoding="utf-8").strip() for folder in _folders() if (folder / file).is_file()]


def _folders() -> list[Path]:
    """This process's cgroup folders, and all above them, in both versions."""
    own = Path("/proc/self/cgroup")
    folders: dict[Path, None] = {}
    for line in own.read_text(encoding="utf-8").splitlines() if own.is_file() else []:
        _, controllers, path = line.split(":", 2)
        for root in (CGROUPS, *(CGROUPS / name for name in (*controllers.split(","), "unified") if name)):
            here = root / path.lstrip("/")
            folders |= dict.fromkeys(p for p in (here, *here.parents) if p.is_relative_to(root) and p.is_dir())
    return list(folders)


def _gib(size: int) -> str:
    return f"{size / GIB:.1f} GiB"
