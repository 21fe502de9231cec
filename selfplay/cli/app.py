"""The command line: verbs only, each calls one function. Heavy libraries are imported inside the verbs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from selfplay.cli import audit_verbs, plugin_verbs, review_verbs, task_verbs, verifier_verbs
from selfplay.cli.refusal import one_sentence, system_limits
from selfplay.cli.serve_verb import serve_verifiers

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
verifier_verbs.app.command("audit")(audit_verbs.audit)
for noun in plugin_verbs.NOUNS:
    app.add_typer(plugin_verbs.app_of(noun), name=noun)
app.add_typer(review_verbs.app, name="review")
ledger_app = typer.Typer(no_args_is_help=True, help="The ledger of a run: its digest, its soundness, SQL over it.")
app.add_typer(ledger_app, name="ledger")
app.command("serve-verifiers")(serve_verifiers)


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
        from selfplay.experiment.file import experiment_file

        config = experiment_file(config)
        if dry_run:
            from selfplay.cli.dry_run import show_plan

            show_plan(config, set_ or (), resume=resume, probe=probe)
        else:
            from selfplay.cli import launch
            from selfplay.cli.signals import Interrupted, leave_without_ray
            from selfplay.run.alarms import exit_code

            try:
                directory = launch.run(config, set_ or (), resume=resume, ray_address=ray_address)
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
        from selfplay.report import write_report

        typer.echo(write_report(run))


@app.command()
def compare(
    runs: Annotated[list[Path], typer.Argument(help="Run directories; seeds of all of them go into one table.")],
) -> None:
    """Held-out accuracy after the last generation, by arm and seed, over one or more runs."""
    with one_sentence():
        from selfplay.report.table import compare_runs

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


@app.command()
def verify(
    name: Annotated[str, typer.Argument(help="A verifier's name, or `path/to/file.py:name`.")],
    input_: Annotated[Path, typer.Option("--input", help="JSON lines: id, reference, completion, and maybe prompt.")],
    output: Annotated[Path, typer.Option(help="Verdicts as JSON lines, in the same order.")],
    workers: Annotated[int, typer.Option(min=1, help="Verifier processes.")] = 1,
    timeout: Annotated[
        float | None, typer.Option(min=0.001, max=86_400, help="A completion's own budget in seconds.")
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting of the verifier.")
    ] = None,
) -> None:
    """Judge completions from a file. Exit code 0 whatever the outcomes."""
    with one_sentence():
        from selfplay.cli import launch

        launch.verify(name, input_, output, workers=workers, timeout=timeout, overrides=set_ or ())


RunArgument = Annotated[Path, typer.Argument(help="A run directory.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@ledger_app.command("digest")
def ledger_digest(run: RunArgument, json_: AsJson = False) -> None:
    """Print a hash of what matters in a run: equal for equal runs, killed and resumed or not.

    Exit code 1 where a row stands in the ledger twice.
    """
    with one_sentence():
        from selfplay.cli import ledger_verbs

        if not ledger_verbs.print_digest(run, as_json=json_):
            raise typer.Exit(1)


@ledger_app.command("check")
def ledger_check(run: RunArgument) -> None:
    """Look for damaged and missing files, rows that stand twice and rows that name what is not there.

    Exit code 1 where something is wrong; `selfplay run --resume` sets damaged files aside and does their work again.
    """
    with one_sentence():
        from selfplay.cli import ledger_verbs

        if not ledger_verbs.print_check(run):
            raise typer.Exit(1)


@ledger_app.command("query")
def ledger_query(
    run: RunArgument,
    sql: Annotated[str, typer.Argument(help="A DuckDB query over the tables that docs/ledger.md lists.")],
    csv: Annotated[bool, typer.Option("--csv", help="Print all rows as CSV.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print all rows as JSON.")] = False,
) -> None:
    """Ask the ledger of a run in SQL. The query sees the ledger alone and can write nothing."""
    with one_sentence():
        from selfplay.cli import ledger_verbs

        ledger_verbs.print_query(run, sql, as_csv=csv, as_json=json_)


@app.command()
def lineage(
    run: RunArgument,
    identity: Annotated[
        str, typer.Argument(metavar="ID", help="A sample's, model's or problem's id, or its beginning.")
    ],
    json_: AsJson = False,
    full: Annotated[bool, typer.Option("--full", help="Print prompts and completions whole.")] = False,
) -> None:
    """Print where a sample comes from, what a model is made of, or what a worked example has touched."""
    with one_sentence():
        from selfplay.cli import ledger_verbs

        ledger_verbs.print_lineage(run, identity, as_json=json_, full=full)
