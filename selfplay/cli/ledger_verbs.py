"""What the verbs `ledger digest`, `ledger check`, `ledger query` and `lineage` print."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path

from selfplay.errors import RunError
from selfplay.ledger import digest, printed_tree
from selfplay.ledger import query as ledger_query
from selfplay.ledger.family_tree import trace
from selfplay.ledger.ledger import Ledger


def print_digest(run: Path, *, as_json: bool) -> bool:
    """Print a run's digest; returns whether no row stands twice."""
    found = digest.digest(Ledger.of_run(run))
    if as_json:
        print(json.dumps(asdict(found), indent=2))
    else:
        for table, one in found.tables.items():
            print(f"{table:<14}{one.rows:>12,} rows  {one.sha256[:32]}")
        print(f"{'total':<31}  {found.total}")
        for repeated in found.repeated:
            print(repeated.sentence)
    return not found.repeated


def print_check(run: Path) -> bool:
    """Print what is wrong with a run's ledger; returns whether nothing is."""
    found = digest.check(run)
    for sentence in found or ["The ledger is whole."]:
        print(sentence)
    return not found


def print_query(run: Path, sql: str, *, as_csv: bool, as_json: bool) -> None:
    """Print what a query gives."""
    if as_csv and as_json:
        raise RunError("--csv and --json exclude each other; give one of them.")
    ledger_query.query(run, sql, "csv" if as_csv else "json" if as_json else "table", sys.stdout)


def print_lineage(run: Path, identity: str, *, as_json: bool, full: bool) -> None:
    """Print the lineage of a sample, a model or a problem."""
    found = trace(Ledger.of_run(run), identity)
    if as_json:
        print(json.dumps({"kind": type(found).__name__.removesuffix("Lineage").lower(), **asdict(found)}, indent=2))
    else:
        print("\n".join(printed_tree.lines(found, full=full)))
