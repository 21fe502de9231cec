"""`selfplay ledger` (digest, check, query) and `selfplay lineage`. Heavy libraries are imported inside the verbs."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from selfplay.cli.user_errors import one_sentence

app = typer.Typer(no_args_is_help=True, help="The ledger of a run: its digest, its soundness, SQL over it.")

RunArgument = Annotated[Path, typer.Argument(help="A run directory.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("digest")
def digest(run: RunArgument, json_: AsJson = False) -> None:
    """Print a hash of what matters in a run: equal for equal runs, killed and resumed or not.

    Exit code 1 where the ledger holds a row twice.
    """
    with one_sentence():
        from selfplay.ledger import digest
        from selfplay.ledger.ledger import Ledger

        found = digest.digest(Ledger.of_run(run))
        if json_:
            print(json.dumps(asdict(found), indent=2))
        else:
            for table, one in found.tables.items():
                print(f"{table:<14}{one.rows:>12,} rows  {one.sha256[:32]}")
            print(f"{'total':<31}  {found.total}")
            for repeated in found.repeated:
                print(repeated.sentence)
        if found.repeated:
            raise typer.Exit(1)


@app.command("check")
def check(run: RunArgument) -> None:
    """Look for damaged and missing files, duplicate rows and rows that name something missing.

    Exit code 1 where something is wrong; `selfplay run --resume` sets damaged files aside and does their work again.
    """
    with one_sentence():
        from selfplay.ledger import digest

        found = digest.check(run)
        for sentence in found or ["The ledger is whole."]:
            print(sentence)
        if found:
            raise typer.Exit(1)


@app.command("query")
def query(
    run: RunArgument,
    sql: Annotated[str, typer.Argument(help="A DuckDB query over the tables that docs/ledger.md lists.")],
    csv: Annotated[bool, typer.Option("--csv", help="Print all rows as CSV.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="Print all rows as JSON.")] = False,
) -> None:
    """Ask the ledger of a run in SQL. The query sees the ledger alone and can write nothing."""
    with one_sentence():
        from selfplay.errors import RunError
        from selfplay.ledger import query

        if csv and json_:
            raise RunError("--csv and --json exclude each other; give one of them.")
        query.query(run, sql, "csv" if csv else "json" if json_ else "table", sys.stdout)


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
        from selfplay.ledger import family_tree, printed_tree
        from selfplay.ledger.ledger import Ledger

        found = family_tree.trace(Ledger.of_run(run), identity)
        if json_:
            kind = type(found).__name__.removesuffix("Lineage").lower()
            print(json.dumps({"kind": kind, **asdict(found)}, indent=2))
        else:
            print("\n".join(printed_tree.lines(found, full=full)))
