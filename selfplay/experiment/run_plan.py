"""Before any work: check what can be checked, and say what a run will do."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from selfplay.engines.registry import ENGINES, check_options, resolve_kind
from selfplay.errors import ConfigError
from selfplay.experiment.curriculum import Curriculum
from selfplay.experiment.judges import check_references, load_all
from selfplay.experiment.schema import Experiment, Filtered
from selfplay.filters.group_filter import Circumstances
from selfplay.filters.registry import LoadedFilter
from selfplay.filters.registry import load as load_filter
from selfplay.measure.measure import ALL_TASKS
from selfplay.models import folders as models
from selfplay.tasks.errors import SourceError, UnreachableSource
from selfplay.tasks.registry import load_source


@dataclass(frozen=True)
class Plan:
    """What a run will do; counts are upper bounds, because shared samples are drawn once."""

    engine: str
    models: int
    """Models evaluated, generation 0 among them."""
    trainings: int
    training_steps: int
    training_samples: int
    evaluation_samples: int
    generated_tokens: int
    """Where each sample is as long as it may be."""


@dataclass(frozen=True)
class Done:
    """What a run on disk has made so far."""

    models: int = 0
    trainings: int = 0
    training_samples: int = 0
    evaluation_samples: int = 0


def check(experiment: Experiment, *, offline: bool) -> list[str]:
    """Check that every source, verifier, filter and model can be used; returns what was not checked.

    Args:
        offline: leave out what needs the Hub and say so; otherwise what cannot be reached is an error.

    Raises:
        SelfplayError, SourceError: an unknown source, verifier or filter, wrong settings of one, or too few problems.
    """
    not_checked: list[str] = []
    for number, task in enumerate(experiment.tasks):
        try:
            load_source(task.source, task.settings)
        except SourceError as error:
            raise ConfigError(f"tasks[{number}]: {error}") from None
    _check_output(experiment.output)
    check_options(ENGINES.find(resolve_kind(experiment.engine)), experiment.engine.options)
    made = experiment.model.init
    if made is not None and experiment.sampling.max_tokens >= made.context:
        raise ConfigError(
            f"sampling.max_tokens is {experiment.sampling.max_tokens:,} and leaves no room for a prompt in a context "
            f"of {made.context:,}; lower it, or raise model.init.context"
        )
    verifiers = load_all(experiment)
    arm_filters(experiment)
    try:
        curriculum = Curriculum(experiment, experiment.seeds[0])
        check_tasks(experiment, curriculum.tasks)
        curriculum.check()
        first = curriculum.pool(1) if experiment.generations else ()
        check_references(verifiers, chain(curriculum.worked_examples(), first), "train")
        check_references(verifiers, chain(curriculum.held_out(), curriculum.validation()), "evaluate")
    except UnreachableSource as error:
        if not offline:
            raise
        not_checked.append(f"task data: {error}")
    except SourceError as error:
        raise ConfigError(str(error)) from None
    section = experiment.model
    if section.path is None:
        return not_checked
    if Path(section.path).exists() or not offline:
        models.check_folder(models.resolve(section.path, section.revision, with_code=section.trust_remote_code))
    elif models.is_hub_id(section.path):
        not_checked.append(f"model: {section.path} is not a folder here, and the Hub was not asked for it")
    else:
        raise ConfigError(f"model.path: {section.path} is neither a folder nor a Hub id; correct it.")
    return not_checked


def arm_filters(experiment: Experiment) -> dict[str, LoadedFilter]:
    """The filter of every arm that has one, by the arm's name, fit for this experiment.

    Raises:
        ConfigError: names the key and the remedy.
    """
    loaded = {}
    for number, arm in enumerate(experiment.arms):
        if not isinstance(arm.keep, Filtered):
            continue
        try:
            loaded[arm.name] = found = load_filter(arm.keep.filter, arm.keep.settings)
        except ConfigError as error:
            raise ConfigError(f"arms[{number}].keep: {error}") from None
        given = Circumstances(experiment.sampling.n, len(arm.keep.others), experiment.generations)
        why = found.plugin.refuse(given)
        if given.others and not found.plugin.others:
            why = f"filter {found.plugin.name} looks at the arm's own samples alone; remove `with`"
        if why:
            raise ConfigError(f"arms[{number}].keep: {why}")
    return loaded


def check_tasks(experiment: Experiment, tasks: Iterable[str]) -> None:
    """Refuse a condition on a task that the run does not have.

    Raises:
        ConfigError: names the condition, and the tasks there are.
    """
    known = [ALL_TASKS, *tasks]
    for key, conditions in (("warn_when", experiment.warn_when), ("stop_when", experiment.stop_when)):
        for number, condition in enumerate(conditions):
            if condition.task not in known:
                raise ConfigError(
                    f"`{key}[{number}].task`: there is no task `{condition.task}`; name one of {', '.join(known)}."
                )


def _check_output(output: Path) -> None:
    """Refuse an output folder that cannot be made."""
    place = next(folder for folder in (output.absolute(), *output.absolute().parents) if folder.exists())
    if not place.is_dir():
        raise ConfigError(f"output: {place} is a file; set `output` to a folder")
    if not os.access(place, os.W_OK):
        raise ConfigError(f"output: nothing can be written in {place}; set `output` to another folder")


def plan(experiment: Experiment, done: Done | None = None) -> Plan:
    """The size of a run, or of what is left of it where `done` is given."""
    done = done or Done()
    seeds, generations, arms = len(experiment.seeds), experiment.generations, experiment.arms
    problems = sum(task.problems for task in experiment.tasks)
    made = seeds * (len(arms) * generations + 1)
    trained = seeds * (len(arms) * generations + experiment.model.trains_first)
    sampling_arms = sum(arm.uses_samples for arm in arms)
    rounds = seeds * (1 + sampling_arms * (generations - 1)) if generations and sampling_arms else 0
    trainings = max(0, trained - done.trainings)
    samples = max(0, rounds * problems * experiment.sampling.n - done.training_samples)
    held_out = experiment.evaluate.problems + experiment.evaluate.validation
    evaluations = max(0, made * held_out - done.evaluation_samples)
    if done.models >= made:
        # equal weights share their samples, so a run that is done has fewer than the bound
        samples = evaluations = 0
    limit = experiment.sampling.max_tokens
    tokens = samples * limit + evaluations * (experiment.evaluate.max_tokens or limit)
    return Plan(
        engine=resolve_kind(experiment.engine),
        models=max(0, made - done.models),
        trainings=trainings,
        training_steps=trainings * experiment.distill.steps,
        training_samples=samples,
        evaluation_samples=evaluations,
        generated_tokens=tokens,
    )


def models_on_disk(run: Path) -> Done:
    """The models that a run's folder holds; needs no sound ledger."""
    return Done(trainings=sum(1 for _ in run.glob("models/*/*/generation-*/config.json")))


def done_in(run: Path) -> Done:
    """What a run's ledger holds already; reads only.

    Raises:
        RunError: the folder is no run, or a file of its ledger is damaged.
    """
    from selfplay.ledger.ledger import Ledger

    counts = Ledger.of_run(run).rows("""
        SELECT (SELECT count(*) FROM scores WHERE measure = 'accuracy' AND task = 'all'),
               (SELECT count(*) FROM models WHERE training_set_id IS NOT NULL),
               (SELECT count(*) FROM samples WHERE model IS NOT NULL AND purpose = 'train'),
               (SELECT count(*) FROM samples WHERE model IS NOT NULL AND purpose != 'train')
    """)
    return Done(*counts[0])
