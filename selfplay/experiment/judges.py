"""Which verifier judges the completions of a task, and for what.

    verify:
      math: {answer: whole}                                   settings of the verifier that a task names
      code: {verifier: all_of, settings: {parts: [...]}}      another one in its place, for all samples
    verify_training:
      math: {verifier: noisy, settings: {...}}                the same for training samples alone

Evaluation is judged by `verify` always, so a noisy verifier of the training samples does not blur what is measured.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pydantic import ValidationError

from selfplay.errors import ConfigError
from selfplay.experiment.schema import Experiment
from selfplay.ledger.tables import Purpose
from selfplay.tasks.plugins import absolute
from selfplay.tasks.problem import Problem
from selfplay.tasks.registry import load_source
from selfplay.verifiers.contract.registry import VERIFIERS
from selfplay.verifiers.contract.spec import LoadedVerifier, VerifierSpec
from selfplay.verifiers.contract.verifier import Needs, together
from selfplay.verifiers.errors import BadReference, VerifierError, first_complaint


def judge_of(experiment: Experiment, verifier: str, purpose: Purpose) -> VerifierSpec:
    """Who judges the samples of a purpose where a problem names `verifier`; files by their absolute path.

    Raises:
        ConfigError: the entry in the config names another verifier in a way that cannot be read.
    """
    sections = [("verify", experiment.verify)]
    if purpose == "train":
        sections.insert(0, ("verify_training", experiment.verify_training))
    for section, entries in sections:
        for key, entry in entries.items():
            if absolute(key) != absolute(verifier):
                continue
            if "verifier" not in entry:
                return VerifierSpec(verifier=verifier, settings=entry).absolute()
            try:
                return VerifierSpec.model_validate(entry).absolute()
            except ValidationError as error:
                raise ConfigError(
                    f"{section}.{key}, {first_complaint(error)}; beside `verifier` there may be `settings` alone"
                ) from None
    return VerifierSpec(verifier=verifier).absolute()


def named_by_tasks(experiment: Experiment) -> list[str]:
    """The verifiers that the experiment's tasks name, each once, in the order of the tasks.

    Raises:
        SourceError: a task source cannot be loaded.
    """
    return list(dict.fromkeys(load_source(task.source, task.settings).verifier for task in experiment.tasks))


def judge_name(experiment: Experiment, verifier: str, purpose: Purpose) -> str:
    """The name of a judge for people: the verifier's, with the purpose only where training has a judge of its own."""
    one, other = (judge_of(experiment, verifier, each) for each in ("train", "evaluate"))
    return verifier if one == other else f"{verifier} for {'training' if purpose == 'train' else 'evaluation'}"


def load_all(experiment: Experiment) -> dict[tuple[str, Purpose], LoadedVerifier]:
    """Every verifier that the experiment uses, by the name that its tasks give and by purpose, and those that its
    config merely has settings for.

    Raises:
        ConfigError: one cannot be found or built, or does not take its settings; names the key.
        SourceError: a task source cannot be loaded.
    """
    named = set(named_by_tasks(experiment))
    sections: list[tuple[str, set[str], Purpose]] = [
        ("verify", named | set(experiment.verify), "evaluate"),
        ("verify_training", named | set(experiment.verify_training), "train"),
    ]
    found: dict[tuple[str, Purpose], LoadedVerifier] = {}
    for section, names, purpose in sections:
        for name in sorted(names):
            try:
                if name not in named:
                    VERIFIERS.find(name)  # an unknown name would silently have no effect
                found[absolute(name), purpose] = judge_of(experiment, name, purpose).load()
            except VerifierError as error:
                raise ConfigError(f"{section}.{name}: {error}") from None
    return found


def needs(experiment: Experiment) -> Needs:
    """What the judge of an experiment needs of the machine it runs on. Raises as `load_all`."""
    return together(loaded.plugin.needs for loaded in load_all(experiment).values())


def check_references(
    verifiers: Mapping[tuple[str, Purpose], LoadedVerifier], problems: Iterable[Problem], purpose: Purpose
) -> None:
    """Refuse a problem whose reference does not fit its verifier, before anything runs.

    Raises:
        ConfigError: names the problem, its source and the key.
    """
    for problem in problems:
        loaded = verifiers.get((absolute(problem.verifier), purpose))
        if loaded is None:
            continue
        try:
            loaded.check_reference(problem.reference)
        except BadReference as error:
            raise ConfigError(
                f"problem {problem.id} of source `{problem.source}`: {error}; repair or remove the problem"
            ) from None
