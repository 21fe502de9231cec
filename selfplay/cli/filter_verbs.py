"""`selfplay filters`: list and show. Heavy libraries are imported inside the verbs."""

from __future__ import annotations

from typing import Annotated

import typer

from selfplay.cli.refusal import one_sentence

app = typer.Typer(no_args_is_help=True, help="Group filters: which samples of a problem are kept without a reference.")


@app.command("list")
def list_() -> None:
    """List the group filters, what each keeps and what it does not catch, and the broken ones with the reason."""
    with one_sentence():
        from selfplay.cli import listing

        listing.filters()


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="A filter's name, or `path/to/file.py:name`.")],
) -> None:
    """Show a group filter: what it keeps, what it looks at, and its settings."""
    with one_sentence():
        from selfplay.cli import listing

        listing.filter_(name)
