"""The packages beside this one: are `verifiers` and `tasks` ours, here and in every Ray worker?

A well-known library is called `verifiers` too, and where it is installed Python may find it first. A Ray worker looks
in other places than the driver (Ray adds the driver's working directory to its path), and a cluster may hold an older
checkout. Nothing here imports the two packages, so that it can be said before anything breaks.
"""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from pathlib import Path
from typing import Any

from selfplay.errors import ConfigError, RunError

PACKAGES = ("selfplay", "verifiers", "tasks")


def found_at(name: str) -> Path | None:
    """The folder that Python would import a package from; None where it finds none."""
    spec = importlib.util.find_spec(name)
    if spec is None:
        return None
    places = [spec.origin] if spec.origin else [f"{place}/" for place in spec.submodule_search_locations or ()]
    return Path(places[0]).resolve().parent if spec.origin else Path(places[0]).resolve()


def stranger(name: str) -> str | None:
    """One sentence where Python finds another package of that name than the one beside this; else None."""
    ours = Path(__file__).resolve().parent.parent
    found = found_at(name)
    if found == ours / name:
        return None
    return (
        f"The package `{name}` that Python finds is {found or 'missing'}, not the one beside selfplay in {ours}; "
        f"uninstall the other one (`pip uninstall {name}`), leave its folder, or use a fresh environment."
    )


def imported_from_here() -> None:
    """Refuse to go on when `verifiers` or `tasks` is another package of that name.

    Raises:
        ConfigError: one sentence that names the folder found and the remedy.
    """
    for name in ("verifiers", "tasks"):
        if complaint := stranger(name):
            raise ConfigError(complaint)


def digest(folder: Path) -> str:
    """SHA-256 of a package's Python files, names and content, as 16 hex digits."""
    total = hashlib.sha256()
    for file in sorted(folder.rglob("*.py")):
        total.update(f"{file.relative_to(folder).as_posix()}\0{file.stat().st_size}\0".encode())
        total.update(file.read_bytes())
    return total.hexdigest()[:16]


def code_digests() -> dict[str, str]:
    """The digest of each of our packages as they lie on disk now."""
    ours = Path(__file__).resolve().parent.parent
    return {name: digest(ours / name) for name in PACKAGES}


def workers_import_the_same() -> None:
    """Ask a worker on every node of the connected Ray cluster which files it imports.

    Raises:
        RunError: a node imports other files than this process; one sentence that names the node and the folder.
    """
    import ray
    from ray import cloudpickle
    from ray.exceptions import RayError
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    # By value: taken by name, the function would come from the very files in question.
    here = sys.modules[__name__]
    cloudpickle.register_pickle_by_value(here)
    try:
        answers = _on_every_node(ray.remote(num_cpus=0)(_imported), NodeAffinitySchedulingStrategy)
    finally:
        cloudpickle.unregister_pickle_by_value(here)
    ours = code_digests()
    for where, reference in answers:
        try:
            answer = ray.get(reference)
        except RayError as error:
            raise RunError(
                f"A Ray worker on {where} cannot start ({' '.join(str(error).split())[:300]}); check that the node "
                "holds this environment."
            ) from None
        for name, (folder, theirs) in answer.items():
            if theirs != ours[name]:
                raise RunError(
                    f"A Ray worker on {where} imports `{name}` from {folder}, which is not the code of this process "
                    f"({Path(__file__).resolve().parent.parent / name}); start from a folder that holds no package "
                    "of that name, and install the same version on every node."
                )


def _on_every_node(ask: Any, strategy: Any) -> list[tuple[str, Any]]:
    """The name of each live node, and the reference of its answer."""
    import ray

    nodes = [node for node in ray.nodes() if node["Alive"]]
    return [
        (
            str(node["NodeManagerHostname"]),
            ask.options(scheduling_strategy=strategy(node["NodeID"], soft=False)).remote(PACKAGES),
        )
        for node in nodes
    ]


def _imported(names: tuple[str, ...]) -> dict[str, tuple[str, str]]:
    """Folder and digest of each package as this process imports it."""
    answer = {}
    for name in names:
        try:
            file = importlib.import_module(name).__file__
        except ImportError as error:
            answer[name] = (f"nowhere ({error})", "")
            continue
        folder = Path(file or "").resolve().parent
        answer[name] = (str(folder), digest(folder))
    return answer
