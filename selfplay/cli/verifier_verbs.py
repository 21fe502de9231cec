"""`selfplay verifiers`: list, show and new. Heavy libraries are imported inside the verbs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from selfplay.cli.refusal import one_sentence

app = typer.Typer(no_args_is_help=True, help="Verifiers: who judges.")


@app.command("list")
def list_() -> None:
    """List the verifiers, what each judges and what it does not catch, and the broken ones with the reason."""
    with one_sentence():
        from selfplay.cli import listing

        listing.verifiers()


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="A verifier's name, or `path/to/file.py:name`.")],
) -> None:
    """Show a verifier: what it judges, what it needs, its reference and its settings."""
    with one_sentence():
        from selfplay.cli import listing

        listing.verifier(name)


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="Its name: lower-case letters, digits and underscores.")],
    into: Annotated[Path, typer.Option(help="Folder in which the package's own folder is made.")] = Path(),
) -> None:
    """Write a small installable package with a verifier of your own: module, reference model, README and test."""
    with one_sentence():
        from selfplay.cli.new_package import VERIFIER, write_package

        folder = write_package(VERIFIER, name, into)
        typer.echo(f"{folder}: edit {folder.name.replace('-', '_')}.py, then\n  pip install -e {folder}")
        typer.echo(f"  pytest {folder}\n  selfplay verifiers show {name}")
