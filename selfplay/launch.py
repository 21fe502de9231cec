"""From a config file to a finished run: what the verbs `run` and `verify` do."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from selfplay.config_file import apply_override, load_experiment
from selfplay.errors import SelfplayError
from selfplay.plan import check, plan
from verifiers.batch import verify_file


def dry_run(config: Path, overrides: Sequence[str]) -> None:
    """Print the resolved experiment and the size of the run; start nothing."""
    console = Console(soft_wrap=True)
    experiment = load_experiment(config, overrides)
    not_checked = check(experiment, offline=True)
    resolved = yaml.safe_dump(experiment.model_dump(mode="json", exclude_defaults=True), sort_keys=False)
    console.print(escape(resolved), highlight=False)
    size = plan(experiment, not_checked)
    console.print(f"engine              {size.engine}")
    console.print(f"seeds               {len(experiment.seeds)}")
    console.print(f"arms                {escape(', '.join(arm.name for arm in experiment.arms))}")
    console.print(f"generations         {experiment.generations} after generation 0")
    console.print(f"models              {size.models:,}, {size.trainings:,} of them trained")
    console.print(f"training steps      {size.training_steps:,}")
    console.print(f"training samples    {size.training_samples:,} at most")
    console.print(f"evaluation samples  {size.evaluation_samples:,}")
    console.print(f"generated tokens    {size.generated_tokens:,} at most")
    for item in size.not_checked:
        console.print(f"not checked         {escape(item)}", highlight=False)
    console.print("This was a dry run: nothing was started or written.")


def run(config: Path, overrides: Sequence[str], *, resume: Path | None, ray_address: str | None) -> Path:
    """Run an experiment to its report; returns the run directory."""
    experiment = load_experiment(config, overrides)
    console = Console()
    check(experiment, offline=False)

    from selfplay.cluster import Cluster
    from selfplay.loop import run_experiment
    from selfplay.progress import RunView
    from selfplay.report import write_report
    from selfplay.report.table import arms_table
    from selfplay.run_directory import RunDirectory

    directory = RunDirectory.resume(resume, experiment) if resume else RunDirectory.create(experiment)
    try:
        size = plan(experiment, [])
        console.print(f"run {escape(_from_here(directory.path))}", highlight=False, soft_wrap=True)
        console.print(
            f"{len(experiment.seeds)} seed(s), {len(experiment.arms)} arms, {experiment.generations} generations: "
            f"{size.models} models; engine {size.engine}"
        )
        try:
            with Cluster(ray_address) as cluster, RunView(console, size.models) as view:
                run_experiment(directory, cluster, view)
        except (KeyboardInterrupt, SelfplayError):
            console.print("Stopped. What was made is kept; the same command continues with", highlight=False)
            console.print(f"  --resume {escape(_from_here(directory.path))}", highlight=False, soft_wrap=True)
            raise
        page = write_report(directory.path)
        console.print(arms_table(directory.path))
        console.print(f"report {escape(_from_here(page))}", highlight=False, soft_wrap=True)
    finally:
        directory.close()
    return directory.path


def verify(
    name: str, source: Path, target: Path, *, workers: int, timeout: float | None, overrides: Sequence[str]
) -> None:
    """Judge the rows of a file and print how many had each outcome."""
    settings: dict[str, Any] = {}
    for override in overrides:
        apply_override(settings, override)
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bars:
        task = bars.add_task("judging", total=None)
        summary = verify_file(
            name,
            source,
            target,
            workers=workers,
            timeout=timeout,
            settings=settings,
            progress=lambda counts: bars.update(task, completed=counts.rows),
        )
    console.print(
        f"{summary.rows:,} rows in {summary.seconds:.1f} s: {summary.accepted:,} accepted, "
        f"{summary.rejected:,} rejected, {summary.undecided:,} undecided "
        f"({summary.faults:,} faults, {summary.bad_rows:,} bad rows)",
        highlight=False,
        soft_wrap=True,
    )


def _from_here(path: Path) -> str:
    """A path as a person would type it."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)
