"""SQL over a run's ledger: `selfplay ledger query RUN "SELECT ..."`.

The SQL sees the tables of the ledger, the view `depths` and nothing else: DuckDB is shut off from files, network,
extensions and its settings before it runs, and pyarrow reads the tables. Text of models is shown with its control
characters as escapes, except in CSV that goes to a file or a pipe. Memory and time are not limited.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import IO, Any, Literal

import duckdb

from selfplay.errors import RunError
from selfplay.hostile_text import visible
from selfplay.ledger.ledger import Ledger

Form = Literal["table", "csv", "json"]
ROWS_SHOWN = 100
"""Rows of a table on a terminal; CSV and JSON give all."""
CELL = 60
"""Characters of one cell of that table."""
BATCH = 1024


@dataclass(frozen=True)
class Answer:
    """A query's columns, and its rows as they come."""

    columns: list[str]
    rows: Iterator[tuple[Any, ...]]


def query(run: Path, sql: str, form: Form, out: IO[str]) -> None:
    """Run SQL over a run's ledger and write what it gives.

    Raises RunError: the folder is no run, a file of its ledger is damaged, or the SQL is refused.
    """
    try:
        sql.encode("utf-8")
    except UnicodeEncodeError as error:
        raise RunError(f"The query is not UTF-8 at character {error.start + 1}; write it as UTF-8.") from None
    with Ledger.of_run(run).connect(sealed=True) as connection:
        with _refusals():
            result = connection.execute(sql)
        if result is None:
            raise RunError("The query is empty; write some SQL, such as SELECT * FROM models.")
        answer = Answer([column[0] for column in result.description or []], _rows(result))
        {"table": write_table, "csv": write_csv, "json": write_json}[form](answer, out)


@contextmanager
def _refusals() -> Iterator[None]:
    """An error of DuckDB as one sentence: its own first line, and where to look."""
    try:
        yield
    except duckdb.Error as error:
        first, _, rest = str(error).partition("\n")
        hint = next((line for line in rest.splitlines() if line.startswith("Candidate")), "")
        said = " ".join(f"{first} {hint}".split())
        raise RunError(f"The query was refused: {said}; docs/ledger.md lists the tables.") from None


def _rows(result: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    with _refusals():
        while rows := result.fetchmany(BATCH):
            yield from rows


def write_table(answer: Answer, out: IO[str]) -> None:
    """Aligned columns; numbers to the right, long texts cut, and a line that says what was left out."""
    shown = list(islice(answer.rows, ROWS_SHOWN))
    left_out = sum(1 for _ in answer.rows)
    cells = [[_cell(name) for name in answer.columns], *([_cell(value) for value in row] for row in shown)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    right = [
        all(isinstance(value, int | float | Decimal) or value is None for value in column)
        for column in zip(*shown, strict=True)
    ] or [False] * len(widths)
    for number, texts in enumerate(cells):
        padded = [c.rjust(w) if r else c.ljust(w) for c, w, r in zip(texts, widths, right, strict=True)]
        print("  ".join(padded).rstrip(), file=out)
        if number == 0:
            print("  ".join("-" * width for width in widths), file=out)
    if left_out:
        print(f"{left_out:,} more rows; --csv and --json give all.", file=out)


def write_csv(answer: Answer, out: IO[str]) -> None:
    """RFC 4180 with LF line ends; null is empty."""
    plain = out.isatty()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([visible(name) if plain else name for name in answer.columns])
    for row in answer.rows:
        writer.writerow([visible(v) if plain and isinstance(v, str) else v for v in row])


def write_json(answer: Answer, out: IO[str]) -> None:
    """One array of objects, a row a line; ASCII alone, and a number that is not finite is null.

    Raises RunError: two columns have one name, of which an object would keep the last.
    """
    twice = next((name for name in answer.columns if answer.columns.count(name) > 1), None)
    if twice is not None:
        raise RunError(f"Two columns are called `{twice}`; name them apart with AS, or use --csv.")
    between = "["
    for row in answer.rows:
        record = dict(zip(answer.columns, map(_jsonable, row), strict=True))
        out.write(f"{between}\n  {json.dumps(record, ensure_ascii=True)}")
        between = ","
    out.write("[]\n" if between == "[" else "\n]\n")


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    text = format(value, ".6g") if isinstance(value, float) else str(value)
    text = visible(text).replace("\n", "\\n").replace("\t", "\\t")
    return text if len(text) <= CELL else text[: CELL - 1] + "…"


def _jsonable(value: Any) -> Any:
    if isinstance(value, float | Decimal):
        return float(value) if math.isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, list | tuple):
        return [_jsonable(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _jsonable(item) for key, item in value.items()}
    return str(value)
