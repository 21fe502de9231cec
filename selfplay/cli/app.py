"""The command line: verbs only, each calls one function. Heavy libraries are imported inside the verbs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from selfplay.cli import ledger_verbs, plugin_verbs, review_verbs, task_verbs, verifier_verbs
from selfplay.cli.user_errors import one_sentence, system_limits

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Train language models on their own verified output, and measure what verification buys.\n\n"
    "Start with `selfplay run quickstart`.",
)
app.add_typer(task_verbs.app, name="tasks")
app.add_typer(verifier_verbs.app, name="verifiers")
for noun in plugin_verbs.NOUNS:
    app.add_typer(plugin_verbs.app_of(noun), name=noun)
app.add_typer(review_verbs.app, name="review")
app.add_typer(ledger_verbs.app, name="ledger")
app.command("serve-verifiers")(verifier_verbs.serve_verifiers)


@app.command()
def run(
    config: Annotated[
        Path,
        typer.Argument(
            help="The experiment: a YAML file, or the name of one that comes with selfplay, such as `quickstart`; an "
            "unknown name lists them."
        ),
    ],
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="Override a key, such as `distill.steps=200` or `seeds=[0,1]`."
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Check the experiment, print it resolved and what it would do, and stop."),
    ] = False,
    resume: Annotated[
        Path | None, typer.Option(help="Continue the run in this directory; the config must be the same.")
    ] = None,
    ray_address: Annotated[
        str | None, typer.Option(help="Use this Ray cluster (default: RAY_ADDRESS, else a local one).")
    ] = None,
    probe: Annotated[
        bool, typer.Option("--probe/--no-probe", help="With --dry-run: measure speeds for some seconds.")
    ] = True,
) -> None:
    """Run an experiment: every arm, every generation, then the report.

    Exit code 0: done, with or without warnings. 2: an error, in one sentence. 3: a `stop_when` was met. 130, 143:
    ended by Ctrl-C or SIGTERM, and ready to resume.
    """
    with one_sentence():
        from selfplay.experiment.experiment_file import experiment_file

        config = experiment_file(config)
        if dry_run:
            from selfplay.cli.dry_run import show_plan

            show_plan(config, set_ or (), resume=resume, probe=probe)
        else:
            from selfplay.cli import run_verb
            from selfplay.cli.signals import Interrupted, leave_without_ray
            from selfplay.run.alarms import exit_code

            try:
                directory = run_verb.run(config, set_ or (), resume=resume, ray_address=ray_address)
            except Interrupted as error:
                leave_without_ray(error)
                raise

            if code := exit_code(directory):
                raise typer.Exit(code)


@app.command()
def report(
    run: Annotated[Path, typer.Argument(help="A run directory, such as runs/quickstart/20260101-120000-abc123.")],
) -> None:
    """Write the report of a run again: index.html, figures and scores.csv."""
    with one_sentence():
        from selfplay.report.report_page import write_report
        from selfplay.report.run_record import RunRecord

        typer.echo(write_report(run))
        with RunRecord.open(run) as record:
            if note := record.seal_note():
                typer.echo(note)


@app.command()
def compare(
    runs: Annotated[list[Path], typer.Argument(help="Run directories; seeds of all of them go into one table.")],
) -> None:
    """Held-out accuracy after the last generation, by arm and seed, over one or more runs."""
    with one_sentence():
        from selfplay.report.score_tables import compare_runs

        typer.echo(compare_runs(runs))


@app.command()
def doctor(
    output: Annotated[Path, typer.Option(help="The folder that runs would be written under.")] = Path("runs"),
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Say what this machine offers and what is missing; exit code 1 when the quickstart could not run."""
    with system_limits():
        from selfplay.doctor import examine, quickstart_can_run, show

        findings = examine(output)
        show(findings, as_json=as_json)
        if not quickstart_can_run(findings):
            raise typer.Exit(1)


@app.command()
def schema() -> None:
    """Print the JSON schema of an experiment's YAML, for editors."""
    with one_sentence():
        import json

        from selfplay.experiment.schema import Experiment

        typer.echo(json.dumps(Experiment.model_json_schema(), indent=2))


app.command()(verifier_verbs.verify)
app.command()(ledger_verbs.lineage)
