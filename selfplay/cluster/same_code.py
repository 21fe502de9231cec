"""Does every Ray worker import the same `selfplay` as this process?

A Ray worker looks in other places than the driver (Ray adds the driver's working directory to its path), and a cluster
may hold an older checkout. Nothing here imports more of the package, so that it can be said before anything breaks.
"""

from __future__ import annotations

import hashlib
import importlib
import os
import sys
from pathlib import Path

import selfplay
from selfplay.errors import RunError


def folder() -> Path:
    """The folder that this process imports `selfplay` from."""
    return Path(selfplay.__file__).parent


def digest(folder: Path) -> str:
    """SHA-256 of a package's Python files, names and content, as 16 hex digits.

    Links to folders are followed: in a checkout `selfplay/verifiers` and `selfplay/tasks` are links.
    """
    files = sorted(
        Path(place, name)
        for place, _, names in os.walk(folder, followlinks=True)
        for name in names
        if name.endswith(".py")
    )
    total = hashlib.sha256()
    for file in files:
        total.update(f"{file.relative_to(folder).as_posix()}\0{file.stat().st_size}\0".encode())
        total.update(file.read_bytes())
    return total.hexdigest()[:16]


def workers_import_the_same() -> None:
    """Ask a worker on every node of the connected Ray cluster which files it imports.

    Raises RunError: a node imports other files than this process; one sentence that names the node and the folder.
    """
    import ray
    from ray import cloudpickle
    from ray.exceptions import RayError
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    # By value: taken by name, the function would come from the very files in question.
    here = sys.modules[__name__]
    cloudpickle.register_pickle_by_value(here)
    try:
        answers = []
        for node in ray.nodes():
            if node["Alive"]:
                there = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
                ask = ray.remote(num_cpus=0, scheduling_strategy=there)(_imported)
                answers.append((node["NodeManagerHostname"], ask.remote()))
    finally:
        cloudpickle.unregister_pickle_by_value(here)
    ours = digest(folder())
    for where, reference in answers:
        try:
            place, theirs = ray.get(reference)
        except RayError as error:
            raise RunError(
                f"A Ray worker on {where} cannot start ({' '.join(str(error).split())[:300]}); check that the node "
                "holds this environment."
            ) from None
        if theirs != ours:
            raise RunError(
                f"A Ray worker on {where} imports `selfplay` from {place}, which is not the code of this process "
                f"({folder()}); start from a folder that holds no package of that name, and install the same version "
                "on every node."
            )


def _imported() -> tuple[str, str]:
    """Folder and digest of the package as the asked process imports it."""
    try:
        file = importlib.import_module("selfplay").__file__
    except ImportError as error:
        return f"nowhere ({error})", ""
    place = Path(file or "").parent
    return str(place), digest(place)
