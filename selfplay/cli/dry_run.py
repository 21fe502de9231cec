"""`selfplay run --dry-run`: the experiment as it would run, how much work that is, and what was not checked."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import yaml
from rich.console import Console
from rich.markup import escape

from selfplay.experiment.cost_estimate import (
    Speeds,
    check_room,
    measure,
    needed_bytes,
    shown_bytes,
    shown_seconds,
    times,
    why_not_measured,
)
from selfplay.experiment.experiment_file import load_experiment
from selfplay.experiment.run_plan import Plan, check, done_in, plan
from selfplay.experiment.schema import Experiment
from selfplay.hostile_text import visible


def show_plan(config: Path, overrides: Sequence[str], *, resume: Path | None, probe: bool) -> None:
    """Print the resolved experiment and the size of the run, or of what is left of it; write nothing.

    Args:
        resume: a run directory to continue.
        probe: measure speeds, in a process of its own that works in a temporary folder.

    Raises:
        SelfplayError: what would stop the run before its first sample.
    """
    experiment = load_experiment(config, overrides)
    not_checked = check(experiment, offline=True)
    done = None
    if resume is not None:
        from selfplay.run.directory import check_same

        check_same(resume, experiment)
        done = done_in(resume)
    size = plan(experiment, done)
    resolved = yaml.safe_dump(experiment.model_dump(mode="json", exclude_none=True), sort_keys=False)
    console = Console(soft_wrap=True)
    console.print(escape(visible(resolved)), highlight=False)
    left = " left" if done else ""
    of_models, of_ledger = needed_bytes(size, experiment)
    rows = [
        ("engine", size.engine),
        ("seeds", f"{len(experiment.seeds)}"),
        ("arms", ", ".join(arm.name for arm in experiment.arms)),
        ("generations", f"{experiment.generations} after generation 0"),
        (f"models{left}", f"{size.models:,}, {size.trainings:,} of them trained"),
        (f"training steps{left}", f"{size.training_steps:,}"),
        (f"training samples{left}", f"{size.training_samples:,} at most"),
        (f"held-out samples{left}", f"{size.evaluation_samples:,}"),
        (f"generated tokens{left}", f"{size.generated_tokens:,} at most"),
        ("disk", f"{shown_bytes(of_models)} of models, and up to {shown_bytes(of_ledger)} of ledger"),
    ]
    if warning := check_room(size, experiment):
        rows.append(("", warning))
    _print(console, rows)
    if not of_models and size.trainings:
        not_checked.append("disk: how large the models are")
    if not probe:
        not_checked.append("speed: --no-probe")
    elif why := why_not_measured(experiment):
        not_checked.append(why)
    else:
        speeds = measure(experiment)
        if isinstance(speeds, Speeds):
            _print(console, _times(size, experiment, speeds))
        else:
            not_checked.append(speeds)
    not_checked.append("Ray on other nodes of a cluster, and the proof of the weights on them")
    _print(console, [("not checked", item) for item in not_checked])
    console.print("This was a dry run: no run was started or written.")


def _print(console: Console, rows: list[tuple[str, str]]) -> None:
    for name, value in rows:
        console.print(f"{name:<23} {escape(visible(value))}", highlight=False)


def _times(size: Plan, experiment: Experiment, speeds: Speeds) -> list[tuple[str, str]]:
    parts = times(size, experiment, speeds)
    judged = ", ".join(f"{rate:,.0f} {name}" for name, rate in sorted(speeds.verdicts.items()))
    step = f"{1 / max(speeds.step, 1e-9):,.1f} training steps/s"
    shown = ", ".join(f"{name} {shown_seconds(seconds)}" for name, seconds in parts.items())
    rows = [
        ("measured here", f"{speeds.tokens:,.0f} tokens/s, {step}, verdicts/s: {judged}"),
        ("time", f"about {shown_seconds(sum(parts.values()))} ({shown})"),
        (
            "",
            "An estimate, from a probe of some seconds on this machine as busy as it was, every sample at its longest.",
        ),
    ]
    if speeds.prompts_too_long:
        too_long = (
            f"{speeds.prompts_too_long:,} of {speeds.prompts:,} leave no room in the context and get no completion; "
            "raise `engine.max_model_len` or take a model with a longer context."
        )
        rows.append(("prompts", too_long))
    return rows
