"""What a run uses beyond the machine and its libraries: plugins, the sandbox, data folders, Ray, the Hub's cache."""

from __future__ import annotations

import os
import socket
import warnings
from pathlib import Path

import psutil

from selfplay.doctor.finding import Finding, State

DATA_FILES = ("gsm8k_train.jsonl", "gsm8k_test.jsonl", "humaneval.jsonl", "mbpp.jsonl")
RAY_PORT = 6379
QUICKSTART_NEEDS = {"verifiers": ("math", "code"), "tasks": ("polynomials", "list_functions")}
REINSTALL = "This project's own entry points are not installed; run `make install` (or `pip install -e .`)."


def plugins() -> list[Finding]:
    """Every registered verifier and task source, and whether it loads."""
    from selfplay.tasks.registry import SOURCES
    from selfplay.verifiers.contract.registry import VERIFIERS

    found = []
    for kind, group in (("verifiers", VERIFIERS), ("tasks", SOURCES)):
        needed = QUICKSTART_NEEDS[kind]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            listed = group.listed()
        sound = ", ".join(each.name for each in listed if each.error is None)
        if set(needed) <= {each.name for each in listed}:
            found.append(Finding(kind, sound))
        else:
            found.append(Finding(kind, sound or "none", "missing", REINSTALL))
        for each in listed:
            if each.error is not None:
                remedy = "" if "uninstall" in each.error else "Repair or uninstall the package that registers it."
                state: State = "missing" if each.name in needed else "limited"
                found.append(Finding(f"{kind}: {each.name}", each.error, state, remedy))
    return found


def needs() -> list[Finding]:
    """What the registered verifiers need beyond Python, and whether it is here."""
    from selfplay.doctor.machine import gpus
    from selfplay.verifiers.contract.registry import VERIFIERS
    from selfplay.verifiers.contract.verifier import NOTHING

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        wanting = [each for each in VERIFIERS.listed() if each.value is not None and each.value.needs != NOTHING]
    found = []
    for each in wanting:
        wanted = each.value.needs  # type: ignore[union-attr]
        remedies = [f"Install {package}." for package in wanted.missing]
        if wanted.gpu > len(gpus()[0]):
            remedies.append("Run it on a machine or cluster with a GPU to spare beside engines and training.")
        value = f"needs {wanted.in_words()}" + (" (whether it reaches it was not tried)" if wanted.network else "")
        found.append(Finding(f"verifier {each.name}", value, "limited" if remedies else "fine", " ".join(remedies)))
    return found


def sandbox() -> Finding:
    """The isolation that programs written by a model get here; starts a sandbox and ends it again."""
    from selfplay.verifiers.sandbox.local_sandbox import LocalSandbox
    from selfplay.verifiers.sandbox.protocol import LevelRefused

    try:
        with LocalSandbox(lowest="landlock") as reached:
            why = "; ".join(f"no {level}: {reason}" for level, reason in reached.refusals.items())
            level = reached.about
    except LevelRefused as error:
        remedy = "Allow user namespaces or Landlock (in a container: its seccomp profile); programs are judged in it."
        return Finding("sandbox", str(error), "missing", remedy)
    if why:
        remedy = "Programs are confined at this level; for a better one allow unprivileged user namespaces."
        return Finding("sandbox", f"{level} ({why})", "limited", remedy)
    return Finding("sandbox", level)


def data() -> Finding:
    """The folder of real datasets."""
    folder = os.environ.get("SELFPLAY_DATA")
    if not folder:
        remedy = "Tests on real data skip; set it to a folder that holds " + ", ".join(DATA_FILES) + "."
        return Finding("SELFPLAY_DATA", "not set", "limited", remedy)
    absent = ", ".join(name for name in DATA_FILES if not (Path(folder) / name).is_file())
    if absent:
        return Finding("SELFPLAY_DATA", folder, "limited", f"It lacks {absent}; put them there or correct the path.")
    return Finding("SELFPLAY_DATA", folder)


def ray_around() -> Finding:
    """Whether a Ray cluster is here already, and what a run would do with it."""
    if address := os.environ.get("RAY_ADDRESS"):
        return Finding("Ray cluster", f"RAY_ADDRESS is {address}, which runs would use")
    if any(process.info["name"] in ("raylet", "gcs_server") for process in psutil.process_iter(["name"])):
        remedy = "A run starts its own beside it; to use this one give `--ray-address auto`."
        return Finding("Ray cluster", "one is running here", "limited", remedy)
    with socket.socket() as probe:
        probe.settimeout(1.0)
        taken = probe.connect_ex(("127.0.0.1", RAY_PORT)) == 0
    if taken:
        remedy = "A local run finds another port; `ray start --head` needs `--port` with a free one."
        return Finding("Ray cluster", f"none; port {RAY_PORT} is in use by something else", "limited", remedy)
    return Finding("Ray cluster", "none is running; a run starts its own")


def hub() -> Finding:
    """The Hub's cache; the network is not used."""
    home = Path(os.environ.get("HF_HOME") or Path.home() / ".cache/huggingface")
    cache = Path(os.environ.get("HF_HUB_CACHE") or home / "hub")
    kept = len(list(cache.glob("models--*"))) if cache.is_dir() else 0
    value = f"{cache}, {kept} models kept"
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in ("1", "ON", "YES", "TRUE"):
        return Finding("Hub", f"offline (HF_HUB_OFFLINE); {value}")
    return Finding("Hub", f"{value}; whether the network reaches it was not tried")
