"""The verifiers that a run judges with: their versions, and the code of those that are not part of this project."""

from __future__ import annotations

import hashlib
import inspect
from pathlib import Path

from selfplay.cluster.carried_files import collect
from selfplay.experiment.judges import load_all
from selfplay.experiment.schema import Experiment
from selfplay.tasks.registry import load_source
from selfplay.verifiers.contract.loaded import LoadedVerifier
from selfplay.verifiers.contract.verifier import Verifier


def verifier_versions(experiment: Experiment) -> dict[str, str]:
    """The declared version of each verifier, by the name that its tasks give; of a composed one, with its parts'."""
    versions: dict[str, str] = {}
    for (name, purpose), loaded in load_all(experiment).items():
        version = _version(loaded)
        # only where training samples have a judge of their own are there two
        versions[name if versions.get(name, version) == version else f"{name} for {purpose}"] = version
    return versions


def plugin_code(experiment: Experiment) -> dict[str, str]:
    """SHA-256 of the file of each verifier and task source that comes from elsewhere, as 16 hex digits, by name."""
    kinds: dict[str, type] = {
        f"verifier {name}": type(loaded.plugin) for (name, _), loaded in load_all(experiment).items()
    }
    for task in experiment.tasks:
        kinds[f"task source {task.source}"] = type(load_source(task.source, task.settings))
    found = {}
    for name, kind in kinds.items():
        file = inspect.getsourcefile(kind) if kind.__module__.partition(".")[0] != "selfplay" else None
        if file is not None:
            found[name] = _digest(Path(file).read_bytes())
    inside = collect(experiment.verify, experiment.verify_training)
    return {**found, **{f"file {path}": _digest(text.encode()) for path, text in inside.items()}}


def _version(loaded: LoadedVerifier) -> str:
    if type(loaded.plugin).identity is not Verifier.identity:
        return f"{loaded.version} of parts {loaded.settings_hash}"
    return loaded.version


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
