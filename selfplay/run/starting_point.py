"""What a run began with and must find again when it is resumed: problems, verifiers and starting weights.

The config names them and does not hold them: a file, a folder or a branch on the Hub may have other content by now.
They are noted in RUN/starting-point.json when first seen; a run whose note was removed notes a new one. Later models
and the ledger are checked by their own fingerprints and checksums.
"""

from __future__ import annotations

import hashlib
import inspect
import json
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from selfplay.cluster.carried_files import collect
from selfplay.distill.registry import METHODS
from selfplay.engines.registry import ENGINES, resolve_kind
from selfplay.errors import RunError
from selfplay.experiment.judges import load_all
from selfplay.experiment.run_plan import arm_filters
from selfplay.experiment.schema import Experiment
from selfplay.tasks.registry import load_source
from selfplay.tasks.whole_file import write_whole
from selfplay.verifiers.contract.spec import LoadedVerifier
from selfplay.verifiers.contract.verifier import Verifier

_NOTES = TypeAdapter(dict[str, dict[str, str]])


class StartingPoint:
    """The record of a run's problems and starting weights; noted when first seen, compared ever after."""

    def __init__(self, run: Path) -> None:
        self._file = run / "starting-point.json"

    def same_problems(self, now: dict[str, str]) -> None:
        """Refuse to go on with other problems; `now` is their digest by task source.

        Raises RunError: names the source, with both digests.
        """
        sentence = (
            "The task source `{}` gave other problems when this run began (digest {}, now {}): its data or its code "
            "has changed. Restore it, or start a new run; scores on different problems cannot be compared."
        )
        self._same("problems", now, sentence)

    def same_verifiers(self, now: dict[str, str]) -> None:
        """Refuse to judge on with another version of a verifier; `now` is the declared version by verifier.

        Raises RunError: names the verifier, with both versions.
        """
        sentence = (
            "The verifier `{}` was version {} when this run began and is {} now; install the version it began with, "
            "or start a new run: verdicts of two judges cannot be compared."
        )
        self._same("verifiers", now, sentence)

    def same_weights(self, where: str, fingerprint: str) -> None:
        """Refuse to go on from other starting weights than those of a folder or Hub id when the run began.

        Raises RunError: names the place, with both fingerprints.
        """
        sentence = (
            "The starting model {} held the weights {} when this run began and holds {} now; restore them (for a Hub "
            "id, set `model.revision`), or start a new run."
        )
        self._same("weights", {where: fingerprint}, sentence)

    def changed_code(self, now: dict[str, str]) -> list[str]:
        """A sentence for each plugin whose code (`now`: digest by plugin) changed since last time; notes the change."""
        said = []
        for name, digest in now.items():
            then = self._noted("code", name, digest)
            if then != digest:
                said.append(
                    f"The code of {name} was {then} and is {digest}. What follows may differ from what an undisturbed "
                    f"run would have made; recorded in {self._file.name}."
                )
                self._note("code", name, digest)
                self._note("earlier code", f"{name}, before {digest}", then)
        return said

    def _same(self, kind: str, now: dict[str, str], sentence: str) -> None:
        for name, value in now.items():
            then = self._noted(kind, name, value)
            if then != value:
                raise RunError(sentence.format(name, then, value))

    def _noted(self, kind: str, name: str, now: str) -> str:
        """What was noted under a name; `now` where nothing was."""
        then = self._read().get(kind, {}).get(name)
        if then is None:
            self._note(kind, name, now)
        return then or now

    def _note(self, kind: str, name: str, value: str) -> None:
        noted = self._read()
        noted.setdefault(kind, {})[name] = value
        write_whole(self._file, json.dumps(noted, indent=2) + "\n")

    def _read(self) -> dict[str, dict[str, str]]:
        if not self._file.exists():
            return {}
        try:
            return _NOTES.validate_json(self._file.read_bytes())
        except (OSError, ValidationError) as error:
            raise RunError(f"Cannot read {self._file} ({' '.join(str(error).split())[:300]}); restore it.") from None


def verifier_versions(experiment: Experiment) -> dict[str, str]:
    """The declared version of each verifier, by the name that its tasks give; of a composed one, with its parts'."""
    versions: dict[str, str] = {}
    for (name, purpose), loaded in load_all(experiment).items():
        version = _version(loaded)
        # only where training samples have a judge of their own are there two
        versions[name if versions.get(name, version) == version else f"{name} for {purpose}"] = version
    return versions


def plugin_code(experiment: Experiment) -> dict[str, str]:
    """SHA-256 of the file of each plugin that comes from elsewhere, as 16 hex digits, by its kind and name."""
    kinds: dict[str, type] = {
        f"verifier {name}": type(loaded.plugin) for (name, _), loaded in load_all(experiment).items()
    }
    kinds[f"engine {experiment.engine.kind}"] = ENGINES.find(resolve_kind(experiment.engine))
    kinds[f"distillation method {experiment.distill.method}"] = METHODS.find(experiment.distill.method)
    for arm, loaded in arm_filters(experiment).items():
        kinds[f"filter of {arm}"] = type(loaded.plugin)
    for task in experiment.tasks:
        kinds[f"task source {task.source}"] = type(load_source(task.source, task.settings))
    found = {}
    for name, kind in kinds.items():
        file = inspect.getsourcefile(kind) if kind.__module__.partition(".")[0] != "selfplay" else None
        if file is not None:
            found[name] = _digest(Path(file).read_bytes())
    inside = collect(experiment.verify, experiment.verify_training, experiment.measures)
    return {**found, **{f"file {path}": _digest(text.encode()) for path, text in inside.items()}}


def _version(loaded: LoadedVerifier) -> str:
    if type(loaded.plugin).identity is not Verifier.identity:
        return f"{loaded.version} of parts {loaded.settings_hash}"
    return loaded.version


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]
