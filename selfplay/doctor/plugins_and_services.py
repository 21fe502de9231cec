"""What a run uses beyond the machine and its libraries: plugins, the sandbox, data folders, Ray, the Hub's cache."""

from __future__ import annotations

import os
import socket
import warnings
from pathlib import Path

import psutil

from selfplay.doctor.finding import Finding

DATA_FILES = ("gsm8k_train.jsonl", "gsm8k_test.jsonl", "humaneval.jsonl", "mbpp.jsonl")
RAY_PORT = 6379
QUICKSTART_NEEDS = {"selfplay.verifiers": ("math", "code"), "selfplay.tasks": ("polynomials", "list_functions")}


def plugins() -> list[Finding]:
    """Every registered verifier and task source, and whether it loads."""
    from selfplay.tasks.registry import SOURCES
    from selfplay.verifiers.contract.registry import VERIFIERS

    found = []
    for group, needed in QUICKSTART_NEEDS.items():
        names = (VERIFIERS if group == VERIFIERS.group else SOURCES).names()
        broken = {name: why for name in names if (why := _why_broken(group, name))}
        kind = group.removeprefix("selfplay.")
        absent = [name for name in needed if name not in names]
        found.append(
            Finding(kind, ", ".join(name for name in names if name not in broken) or "none", "missing", _reinstall())
            if absent
            else Finding(kind, ", ".join(name for name in names if name not in broken))
        )
        for name, why in broken.items():
            found.append(Finding(f"{kind}: {name}", why, "missing" if name in needed else "limited", _repair(why)))
    return found


def needs() -> list[Finding]:
    """What the registered verifiers need beyond Python, and whether it is here."""
    from selfplay.doctor.machine import gpus
    from selfplay.verifiers.contract.registry import VERIFIERS
    from selfplay.verifiers.contract.verifier import NOTHING

    found = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        usable = [(each.name, each.value.needs) for each in VERIFIERS.listed() if each.value]
    for name, wanted in usable:
        if wanted == NOTHING:
            continue
        remedies = [f"Install {package}." for package in wanted.missing]
        if wanted.gpu > len(gpus()[0]):
            remedies.append("Run it on a machine or cluster with a GPU to spare beside engines and training.")
        value = wanted.in_words() + (" (whether it reaches it was not tried)" if wanted.network else "")
        found.append(
            Finding(f"verifier {name}", f"needs {value}", "limited" if remedies else "fine", " ".join(remedies))
        )
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
    here = [name for name in DATA_FILES if (Path(folder) / name).is_file()]
    if len(here) < len(DATA_FILES):
        absent = ", ".join(name for name in DATA_FILES if name not in here)
        return Finding("SELFPLAY_DATA", folder, "limited", f"It lacks {absent}; put them there or correct the path.")
    return Finding("SELFPLAY_DATA", folder)


def ray_around() -> Finding:
    """Whether a Ray cluster is here already, and what a run would do with it."""
    address = os.environ.get("RAY_ADDRESS")
    running = any(process.info["name"] in ("raylet", "gcs_server") for process in psutil.process_iter(["name"]))
    taken = _answers(RAY_PORT)
    if address:
        return Finding("Ray cluster", f"RAY_ADDRESS is {address}, which runs would use")
    if running:
        remedy = "A run starts its own beside it; to use this one give `--ray-address auto`."
        return Finding("Ray cluster", "one is running here", "limited", remedy)
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


def _why_broken(group: str, name: str) -> str | None:
    from selfplay.tasks.errors import SourceError
    from selfplay.tasks.registry import source_class
    from selfplay.verifiers.contract.registry import VERIFIERS
    from selfplay.verifiers.errors import VerifierError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            (VERIFIERS.find if group == VERIFIERS.group else source_class)(name)
    except (VerifierError, SourceError) as error:
        return str(error)
    return None


def _repair(why: str) -> str:
    return "" if "uninstall" in why else "Repair or uninstall the package that registers it."


def _reinstall() -> str:
    return "This project's own entry points are not installed; run `make install` (or `pip install -e .`)."


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1.0)
        return probe.connect_ex(("127.0.0.1", port)) == 0
