"""The command line: verbs only, each calls one function. Heavy libraries are imported inside the verbs."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Train language models on their own verified output, and measure what verification buys.\n\n"
    "Start with `selfplay run experiments/quickstart/experiment.yaml`.",
)
tasks_app = typer.Typer(no_args_is_help=True, help="Task sources: what is asked.")
verifiers_app = typer.Typer(no_args_is_help=True, help="Verifiers: who judges.")
app.add_typer(tasks_app, name="tasks")
app.add_typer(verifiers_app, name="verifiers")

USER_ERROR = 2


@contextmanager
def _one_sentence() -> Iterator[None]:
    """Print an error that a person caused as one sentence, and leave with exit code 2."""
    from selfplay.errors import SelfplayError
    from selfplay.neighbours import imported_from_here

    try:
        imported_from_here()
    except SelfplayError as error:
        raise _refusal(error) from None

    from tasks.errors import SourceError
    from verifiers.errors import VerifierError

    try:
        yield
    except (SelfplayError, SourceError, VerifierError) as error:
        raise _refusal(error) from None


def _refusal(error: Exception) -> typer.Exit:
    typer.echo(f"selfplay: {_printable(str(error))}", err=True)
    return typer.Exit(USER_ERROR)


def _printable(text: str) -> str:
    """Text without control characters, which a terminal would obey."""
    return "".join(c if c.isprintable() or c == "\n" else f"\\x{ord(c):02x}" for c in text)


@app.command()
def run(
    config: Annotated[Path, typer.Argument(help="The experiment's YAML file.")],
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
) -> None:
    """Run an experiment: every arm, every generation, then the report."""
    with _one_sentence():
        from selfplay import launch

        if dry_run:
            launch.dry_run(config, set_ or ())
        else:
            launch.run(config, set_ or (), resume=resume, ray_address=ray_address)


@app.command()
def report(
    run: Annotated[Path, typer.Argument(help="A run directory, such as runs/quickstart/20260101-120000-abc123.")],
) -> None:
    """Write the report of a run again: index.html, figures and scores.csv."""
    with _one_sentence():
        from selfplay.report import write_report

        typer.echo(write_report(run))


@app.command()
def compare(
    runs: Annotated[list[Path], typer.Argument(help="Run directories; seeds of all of them go into one table.")],
) -> None:
    """Held-out accuracy after the last generation, by arm and seed, over one or more runs."""
    with _one_sentence():
        from selfplay.report.table import compare_runs

        typer.echo(compare_runs(runs))


@app.command()
def schema() -> None:
    """Print the JSON schema of an experiment's YAML, for editors."""
    import json

    from selfplay.config import Experiment

    typer.echo(json.dumps(Experiment.model_json_schema(), indent=2))


@app.command()
def verify(
    name: Annotated[str, typer.Argument(help="A verifier's name, or `path/to/file.py:name`.")],
    input_: Annotated[Path, typer.Option("--input", help="JSON lines: id, reference, completion, and maybe prompt.")],
    output: Annotated[Path, typer.Option(help="Verdicts as JSON lines, in the same order.")],
    workers: Annotated[int, typer.Option(min=1, help="Verifier processes.")] = 1,
    timeout: Annotated[float | None, typer.Option(help="A completion's own budget in seconds.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting of the verifier.")
    ] = None,
) -> None:
    """Judge completions from a file. Exit code 0 whatever the outcomes."""
    with _one_sentence():
        from selfplay import launch

        launch.verify(name, input_, output, workers=workers, timeout=timeout, overrides=set_ or ())


@tasks_app.command("list")
def tasks_list() -> None:
    """List the task sources."""
    with _one_sentence():
        from selfplay import listing

        listing.sources()


@tasks_app.command("show")
def tasks_show(
    source: Annotated[str, typer.Argument(help="A source's name, or `path/to/file.py:name`.")],
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting of the source.")
    ] = None,
    count: Annotated[int, typer.Option("-n", min=1, help="Problems to show.")] = 3,
    seed: Annotated[int, typer.Option(help="Seed of the order.")] = 0,
) -> None:
    """Show a source's settings and some of its problems."""
    with _one_sentence():
        from selfplay import listing

        listing.source(source, set_ or (), count, seed)


@verifiers_app.command("list")
def verifiers_list() -> None:
    """List the verifiers, what each judges and what it does not catch."""
    with _one_sentence():
        from selfplay import listing

        listing.verifiers()


@verifiers_app.command("show")
def verifiers_show(
    name: Annotated[str, typer.Argument(help="A verifier's name, or `path/to/file.py:name`.")],
) -> None:
    """Show a verifier: what it judges, its reference and its settings."""
    with _one_sentence():
        from selfplay import listing

        listing.verifier(name)


if __name__ == "__main__":
    sys.exit(app())
