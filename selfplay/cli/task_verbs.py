"""`selfplay tasks`: list, show, check and new. Heavy libraries are imported inside the verbs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from selfplay.cli.user_errors import one_sentence

app = typer.Typer(no_args_is_help=True, help="Task sources: what is asked.")

Source = Annotated[str, typer.Argument(help="A source's name, or `path/to/file.py:name`.")]
Settings = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting of the source.")]


@app.command("list")
def list_() -> None:
    """List the task sources, what judges each, who wrote its solutions, and the broken ones with the reason."""
    with one_sentence():
        from selfplay.cli import plugin_tables

        plugin_tables.sources()


@app.command()
def show(
    source: Source,
    set_: Settings = None,
    count: Annotated[int, typer.Option("-n", min=1, help="Problems to show.")] = 2,
    seed: Annotated[int, typer.Option(help="Seed of the order.")] = 0,
) -> None:
    """Show a source's settings and some of its problems."""
    with one_sentence():
        from selfplay.cli import plugin_tables

        plugin_tables.source(source, set_ or (), count, seed)


@app.command()
def check(
    source: Source,
    set_: Settings = None,
    verify: Annotated[
        list[str] | None, typer.Option("--verify", metavar="KEY=VALUE", help="A setting of the verifier.")
    ] = None,
    count: Annotated[
        int | None, typer.Option("-n", min=1, help="Problems of each split; unset: all, or 500 of an endless source.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Verifier processes.")] = 1,
    timeout: Annotated[
        float | None, typer.Option(min=0.001, max=86_400, help="A solution's own budget in seconds.")
    ] = None,
    tokenizer: Annotated[
        str | None, typer.Option(help="Count tokens with this model folder or Hub id, or `characters`.")
    ] = None,
    context: Annotated[int | None, typer.Option(min=1, help="The model's context in tokens.")] = None,
    output: Annotated[Path | None, typer.Option(help="Write every finding to this file, as JSON lines.")] = None,
    shown: Annotated[int, typer.Option(min=0, help="Findings to print.")] = 20,
) -> None:
    """Check a source: own solutions are accepted and neighbours' are not, nothing is empty, repeated or too long.

    Exit code 1 when something is found.
    """
    with one_sentence():
        from selfplay.cli import task_findings
        from selfplay.errors import ConfigError
        from selfplay.experiment.experiment_file import settings_of
        from selfplay.tasks.registry import load_source

        if (tokenizer is None) != (context is None):
            raise ConfigError("`--tokenizer` and `--context` belong together; give both or neither.")
        if output is not None and not (folder := output.absolute().parent).is_dir():
            raise ConfigError(f"there is no folder {folder}; set `--output` to a file in one that is there.")
        asked = load_source(source, settings_of(set_))
        done = task_findings.judged_with_bar(
            asked,
            settings=settings_of(verify),
            count=count,
            workers=workers,
            timeout=timeout,
            tokens=None if tokenizer is None else task_findings.measure(tokenizer),
            context=context,
        )
        task_findings.print_findings(asked.name, done, shown)
        if output is not None:
            task_findings.write_findings(output, done.findings)
        if done.findings:
            raise typer.Exit(1)


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Its name: lower-case letters, digits and underscores.")],
    into: Annotated[Path, typer.Option(help="Folder in which the package's own folder is made.")] = Path(),
) -> None:
    """Write a small installable package with a task source of your own: module, README and test."""
    with one_sentence():
        from selfplay.cli.new_package import TASK_SOURCE, write_package

        write_package(TASK_SOURCE, name, into)
