"""The verifiers that a run judges with: their versions, and the code of those that are not part of this project."""

from __future__ import annotations

import hashlib
import inspect
from pathlib import Path

from selfplay.config import Experiment
from selfplay.neighbours import PACKAGES
from tasks.registry import load_source
from verifiers import registry


def needed_verifiers(experiment: Experiment) -> list[str]:
    """Names of the verifiers that the task sources ask for, or that `verify` sets."""
    sources = (load_source(task.source, task.settings) for task in experiment.tasks)
    return sorted({source.verifier for source in sources} | set(experiment.verify))


def verifier_versions(experiment: Experiment) -> dict[str, str]:
    """The declared version of each verifier, by name."""
    return {name: str(registry.find(name).version) for name in needed_verifiers(experiment)}


def plugin_code(experiment: Experiment) -> dict[str, str]:
    """SHA-256 of the file of each verifier and task source that comes from elsewhere, as 16 hex digits, by name."""
    declared = {f"verifier {name}": registry.find(name) for name in needed_verifiers(experiment)}
    sources = {f"task source {task.source}": type(load_source(task.source, task.settings)) for task in experiment.tasks}
    found = {}
    for name, kind in {**declared, **sources}.items():
        file = inspect.getsourcefile(kind) if kind.__module__.partition(".")[0] not in PACKAGES else None
        if file is not None:
            found[name] = hashlib.sha256(Path(file).read_bytes()).hexdigest()[:16]
    return found
