"""Before any work: check what can be checked, and say what a run will do."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from selfplay import models
from selfplay.config import Experiment
from selfplay.curriculum import Curriculum
from selfplay.engines.choose import resolve_kind
from selfplay.errors import ConfigError
from tasks.errors import SourceError, UnreachableSource
from tasks.registry import load_source
from verifiers import registry
from verifiers.errors import VerifierError


class Plan(NamedTuple):
    """What a run will do; counts are upper bounds, because shared samples are drawn once."""

    engine: str
    models: int
    trainings: int
    training_steps: int
    training_samples: int
    evaluation_samples: int
    generated_tokens: int
    not_checked: list[str]


def check(experiment: Experiment, *, offline: bool) -> list[str]:
    """Check that every source, verifier and model can be used; returns what was not checked.

    Args:
        experiment: the experiment.
        offline: leave out what needs the Hub and say so; otherwise what cannot be reached is an error.

    Raises:
        SelfplayError, SourceError: an unknown source or verifier, wrong settings of either, or too few problems.
    """
    not_checked: list[str] = []
    needed = set()
    for number, task in enumerate(experiment.tasks):
        try:
            needed.add(load_source(task.source, task.settings).verifier)
        except SourceError as error:
            raise ConfigError(f"tasks[{number}]: {error}") from None
    for name in sorted(needed | set(experiment.verify)):
        try:
            registry.load(name, experiment.verify.get(name, {}))
        except VerifierError as error:
            raise ConfigError(f"verify.{name}: {error}") from None
    try:
        Curriculum(experiment, experiment.seeds[0]).check()
    except UnreachableSource as error:
        if not offline:
            raise
        not_checked.append(f"task data: {error}")
    except SourceError as error:
        raise ConfigError(str(error)) from None
    section = experiment.model
    if section.path is not None and (Path(section.path).exists() or not offline):
        models.check_folder(models.resolve(section.path, section.revision, with_code=section.trust_remote_code))
    elif section.path is not None and not models.is_hub_id(section.path):
        raise ConfigError(f"model.path: {section.path} is neither a folder nor a Hub id; correct it.")
    elif section.path is not None:
        not_checked.append(f"model: {section.path} is not a folder here, and the Hub was not asked for it")
    return not_checked


def plan(experiment: Experiment, not_checked: list[str]) -> Plan:
    """The size of a run."""
    seeds, generations = len(experiment.seeds), experiment.generations
    sampling_arms = sum(arm.uses_samples for arm in experiment.arms)
    problems = sum(task.problems for task in experiment.tasks)
    trainings = seeds * (len(experiment.arms) * generations + experiment.model.trains_first)
    made = seeds * (len(experiment.arms) * generations + 1)
    rounds = seeds * (1 + sampling_arms * (generations - 1)) if generations and sampling_arms else 0
    samples = rounds * problems * experiment.sampling.n
    evaluations = made * experiment.evaluate.problems
    limit = experiment.sampling.max_tokens
    tokens = samples * limit + evaluations * (experiment.evaluate.max_tokens or limit)
    return Plan(
        engine=resolve_kind(experiment.engine),
        models=made,
        trainings=trainings,
        training_steps=trainings * experiment.distill.steps,
        training_samples=samples,
        evaluation_samples=evaluations,
        generated_tokens=tokens,
        not_checked=not_checked,
    )
