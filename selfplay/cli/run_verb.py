"""From a config file to a finished run: what `selfplay run` does."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from selfplay.cli.signals import Signals
from selfplay.cli.user_errors import relative
from selfplay.errors import RunError, SelfplayError
from selfplay.experiment.experiment_file import load_experiment
from selfplay.experiment.schema import Experiment
from selfplay.hostile_text import visible

NO_ROOM = 1 << 20
"""Bytes free below which a failure is put down to a full disk."""


def run(config: Path, overrides: Sequence[str], *, resume: Path | None, ray_address: str | None) -> Path:
    """Run an experiment to its report; returns the run directory.

    Raises:
        Interrupted: by a signal; what was made until then is kept.
        SelfplayError, SourceError, VerifierError: one sentence; what was made until then is kept.
    """
    with Signals() as signals:
        return _run(load_experiment(config, overrides), resume, ray_address, signals)


def _run(experiment: Experiment, resume: Path | None, ray_address: str | None, signals: Signals) -> Path:
    from selfplay.experiment.cost_estimate import check_room
    from selfplay.experiment.run_plan import check, models_on_disk, plan

    check(experiment, offline=False)
    size = plan(experiment)
    warning = check_room(plan(experiment, models_on_disk(resume)) if resume else size, experiment)

    from ray.exceptions import RaySystemError

    from selfplay.cluster.connection import Cluster
    from selfplay.cluster.same_code import workers_import_the_same
    from selfplay.report.report_page import write_report
    from selfplay.report.score_tables import arms_table
    from selfplay.run.directory import RunDirectory
    from selfplay.run.loop import run_experiment
    from selfplay.run.progress import RunView

    console = Console()
    directory = RunDirectory.resume(resume, experiment) if resume else RunDirectory.create(experiment)
    try:
        _say(console, f"run {relative(directory.path, Path.cwd())}")
        _say(
            console,
            f"{len(experiment.seeds)} seed(s), {len(experiment.arms)} arms, {experiment.generations} generations: "
            f"{size.models} models; engine {size.engine}",
        )
        for notice in (*directory.notices, *([warning] if warning else [])):
            _say(console, notice)
        with Cluster(ray_address) as cluster, RunView(console, size.models) as view:
            signals.heed()
            workers_import_the_same()
            run_experiment(directory, cluster, view)
        signals.heed()  # leaving Ray resets SIGTERM to its default, which ends the process silently
        page = write_report(directory.path)
        console.print(arms_table(directory.path))
        _say(console, f"report {relative(page, Path.cwd())}")
    except (KeyboardInterrupt, SystemExit, SelfplayError):
        _say_how_to_go_on(console, directory.path)
        raise
    except RaySystemError as error:
        # Ray's head died before the loop's own check noticed it.
        _say_how_to_go_on(console, directory.path)
        said = " ".join(str(error).split())[:300]
        raise RunError(f"Ray has failed ({said}); resume the run, or look at Ray's logs if it fails again.") from error
    except Exception as error:
        # With a full disk any step may fail first, so the cause is named. Anything else keeps its traceback.
        full = shutil.disk_usage(directory.path).free < NO_ROOM
        if full or signals.caused(error):
            _say_how_to_go_on(console, directory.path)
        if full and not signals.caused(error):
            raise RunError(
                f"No room is left on the disk of {directory.path} ({type(error).__name__}); free some, then resume."
            ) from error
        raise
    finally:
        directory.close()
    return directory.path


def _say(console: Console, text: str) -> None:
    """Print a line, with markup and control characters escaped."""
    console.print(escape(visible(text)), highlight=False, soft_wrap=True)


def _say_how_to_go_on(console: Console, run: Path) -> None:
    _say(console, "Stopped. What was made is kept; the same command continues with")
    _say(console, f"  --resume {relative(run, Path.cwd())}")
    if shutil.disk_usage(run).free < NO_ROOM:
        _say(console, f"No room is left on the disk of {run}; free some first.")
