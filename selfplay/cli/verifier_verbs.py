"""`selfplay verifiers` (list, show, new, audit), `selfplay verify` and `selfplay serve-verifiers`.

Heavy libraries are imported inside the verbs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from selfplay.cli.user_errors import one_sentence

app = typer.Typer(no_args_is_help=True, help="Verifiers: who judges.")

Name = Annotated[str, typer.Argument(help="A verifier's name, or `path/to/file.py:name`.")]
Settings = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting of the verifier.")]
Workers = Annotated[int, typer.Option(min=1, help="Verifier processes.")]


@app.command("list")
def list_() -> None:
    """List the verifiers, what each judges and what it does not catch, and the broken ones with the reason."""
    with one_sentence():
        from selfplay.cli import plugin_tables

        plugin_tables.verifiers()


@app.command()
def show(name: Name) -> None:
    """Show a verifier: what it judges, what it needs, its reference and its settings."""
    with one_sentence():
        from selfplay.cli import plugin_tables

        plugin_tables.verifier(name)


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Its name: lower-case letters, digits and underscores.")],
    into: Annotated[Path, typer.Option(help="Folder in which the package's own folder is made.")] = Path(),
) -> None:
    """Write a small installable package with a verifier of your own: module, reference model, README and test."""
    with one_sentence():
        from selfplay.cli.new_package import VERIFIER, write_package

        write_package(VERIFIER, name, into)


@app.command()
def audit(
    name: Name,
    source: Annotated[
        list[str] | None,
        typer.Option(
            metavar="SOURCE[,KEY=VALUE...]",
            help="A task source to take worked solutions from, such as `gsm8k,folder=data`; may stand several times. "
            "Without it and without --labelled: the procedural sources that the verifier judges.",
        ),
    ] = None,
    labelled: Annotated[
        Path | None, typer.Option(help="JSON lines: id, reference, completion, label (right or wrong), category.")
    ] = None,
    set_: Settings = None,
    second: Annotated[str | None, typer.Option(help="Another verifier to compare with on the same rows.")] = None,
    second_set: Annotated[
        list[str] | None, typer.Option("--second-set", metavar="KEY=VALUE", help="A setting of the second verifier.")
    ] = None,
    problems: Annotated[int, typer.Option("-n", "--problems", min=1, help="Problems of each source.")] = 100,
    seed: Annotated[int, typer.Option(help="Seed of the problems and of what is changed.")] = 0,
    workers: Workers = 1,
    timeout: Annotated[float | None, typer.Option(min=0.001, help="A completion's own budget in seconds.")] = None,
    max_false_accept: Annotated[
        float | None, typer.Option(min=0, max=1, help="Largest accepted share of wrong rows; above it: exit code 1.")
    ] = None,
    max_false_reject: Annotated[
        float | None, typer.Option(min=0, max=1, help="Largest rejected share of right rows.")
    ] = None,
    max_undecided: Annotated[
        float | None, typer.Option(min=0, max=1, help="Largest undecided share of right and wrong rows.")
    ] = None,
    max_attacks: Annotated[int | None, typer.Option(min=0, help="Most attacks that may be accepted.")] = None,
    max_differing: Annotated[
        int | None, typer.Option(min=0, help="Most rows that may get another verdict when judged again.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option(help="Folder for the page, the table as Markdown, the record and all rows.")
    ] = None,
) -> None:
    """Measure how often a verifier is wrong, on rows whose truth is known; the record is kept and shown with its runs.

    Exit code 1: a threshold is missed. 2: bad input.
    """
    with one_sentence():
        from selfplay.cli.audit_thresholds import Thresholds, named_source, print_audit
        from selfplay.errors import ConfigError
        from selfplay.experiment.experiment_file import settings_of
        from selfplay.verifiers.audit.audit import Plan
        from selfplay.verifiers.contract.spec import VerifierSpec

        plan = Plan(
            VerifierSpec.of(name, settings_of(set_)),
            sources=[named_source(text) for text in source or ()],
            labelled=labelled,
            problems=problems,
            seed=seed,
            workers=workers,
            timeout=timeout,
            second=VerifierSpec.of(second, settings_of(second_set)) if second else None,
        )
        if second_set and second is None:
            raise ConfigError("--second-set sets a key of the second verifier; name it with --second.")
        thresholds = Thresholds(max_false_accept, max_false_reject, max_undecided, max_attacks, max_differing)
        if print_audit(plan, thresholds, output):
            raise typer.Exit(1)


def verify(
    name: Name,
    input_: Annotated[Path, typer.Option("--input", help="JSON lines: id, reference, completion, and maybe prompt.")],
    output: Annotated[Path, typer.Option(help="Verdicts as JSON lines, in the same order.")],
    workers: Workers = 1,
    timeout: Annotated[
        float | None, typer.Option(min=0.001, max=86_400, help="A completion's own budget in seconds.")
    ] = None,
    set_: Settings = None,
) -> None:
    """Judge completions from a file. Exit code 0 whatever the outcomes."""
    with one_sentence():
        from rich.console import Console
        from rich.progress import Progress

        from selfplay.experiment.experiment_file import settings_of
        from selfplay.verifiers.contract.spec import VerifierSpec
        from selfplay.verifiers.workers.batch import verify_file

        spec = VerifierSpec.of(name, settings_of(set_))
        console = Console(stderr=True)
        with Progress(console=console, transient=True, disable=not console.is_terminal) as bars:
            task = bars.add_task("judging", total=None)
            summary = verify_file(
                spec,
                input_,
                output,
                workers=workers,
                timeout=timeout,
                progress=lambda counts: bars.update(task, completed=counts.rows),
            )
        console.print(
            f"{summary.rows:,} rows in {summary.seconds:.1f} s: {summary.accepted:,} accepted, "
            f"{summary.rejected:,} rejected, {summary.undecided:,} undecided "
            f"({summary.faults:,} faults, {summary.bad_rows:,} bad rows)",
            highlight=False,
            soft_wrap=True,
        )


def serve_verifiers(
    verifier: Annotated[
        list[str] | None,
        typer.Option(
            metavar="[AS=]NAME",
            help="A verifier to serve, once for each: a name, or `path/to/file.py:name`. Default: math.",
        ),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME.KEY=VALUE", help="A setting, such as `math.answer=whole`."),
    ] = None,
    host: Annotated[str, typer.Option(help="Others than this machine need a token; see below.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0: any that is free.")] = 8010,
    workers: Annotated[int, typer.Option(min=1, help="Processes for each verifier.")] = 1,
    timeout: Annotated[float | None, typer.Option(min=0.001, help="A completion's own budget in seconds.")] = None,
    queue: Annotated[int, typer.Option(min=1, help="Rows that may wait; more are answered 429.")] = 8192,
    certificate: Annotated[Path | None, typer.Option(help="PEM file, for TLS.")] = None,
    key: Annotated[Path | None, typer.Option(help="PEM file of the certificate's key.")] = None,
) -> None:
    """Serve verifiers over HTTP, until Ctrl-C: POST /verify, with the API's page at /docs.

    Which verifiers, and with which settings, is fixed here; a request can change neither. Where SELFPLAY_SERVE_TOKEN
    is set, requests must carry it; outside this machine it must be set.
    """
    with one_sentence():
        from selfplay.errors import ConfigError
        from selfplay.experiment.experiment_file import settings_of
        from selfplay.verifiers.serve.service import offers, serve

        settings = settings_of(set_)
        for name, given in settings.items():
            if not isinstance(given, dict):
                raise ConfigError(f"`--set {name}=...` names no setting; write `--set {name}.KEY=VALUE`")
        serve(
            offers(verifier or ["math"], settings),
            host=host,
            port=port,
            workers=workers,
            timeout=timeout,
            queue=queue,
            certificate=certificate,
            key=key,
        )
