"""The ledger: every sample of a run with its verdict and family tree, as parquet files asked through DuckDB.

    ledger = Ledger(run / "ledger")
    ledger.append("samples", rows)
    ledger.rows("SELECT outcome, count(*) FROM verdicts GROUP BY 1")

A file is written under a temporary name, flushed to disk and renamed when whole, so a reader never sees half a
file. Rows are never changed. A file's name ends with the hash of its content.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from selfplay.records import SCHEMAS, as_json
from tasks.problem import content_hash


class Ledger:
    """The tables of one run. One process writes; any number may read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def open_for_writing(self) -> Ledger:
        """Remove the unfinished files of a writer that died. Only the run's one writer may do this."""
        for leftover in self.folder.glob("*.tmp"):
            leftover.unlink()
        return self

    def append(self, table: str, rows: Sequence[dict[str, Any]]) -> None:
        """Write rows durably; a no-op for no rows, and for rows that are there already as one file."""
        if not rows:
            return
        name = f"{table}-{content_hash(as_json(list(rows)))}.parquet"
        target = self.folder / name
        if target.exists():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        temporary = target.with_suffix(".tmp")
        pq.write_table(pa.Table.from_pylist(list(rows), schema=SCHEMAS[table]), temporary)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(target)

    def connect(self) -> duckdb.DuckDBPyConnection:
        """A DuckDB connection in memory with one view for each table, as the ledger is now."""
        connection = duckdb.connect(":memory:")
        for table, schema in SCHEMAS.items():
            files = sorted(str(path) for path in self.folder.glob(f"{table}-*.parquet"))
            if files:
                connection.from_parquet(files).create_view(table)
            else:
                connection.register(table, schema.empty_table())
        return connection

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query. For results that may be large, use `batches`."""
        with self.connect() as connection:
            return connection.execute(sql, list(parameters)).fetchall()

    def batches(self, sql: str, parameters: Sequence[Any] = (), size: int = 1024) -> Iterator[list[tuple[Any, ...]]]:
        """Rows of a query, at most `size` at a time."""
        with self.connect() as connection:
            result = connection.execute(sql, list(parameters))
            while rows := result.fetchmany(size):
                yield rows

    def write_parquet(self, sql: str, parameters: Sequence[Any], target: Path) -> int:
        """Write a query's result to one parquet file in the order of the query, streaming; returns its rows."""
        temporary = target.with_suffix(".tmp")
        with self.connect() as connection:
            reader = connection.sql(sql, params=list(parameters)).to_arrow_reader(1024)
            count = 0
            with pq.ParquetWriter(temporary, reader.schema) as writer:
                for batch in reader:
                    writer.write_batch(batch)
                    count += batch.num_rows
        temporary.replace(target)
        return count

    def which_exist(self, table: str, column: str, keys: Iterable[str]) -> set[str]:
        """Those of the keys that the table's column holds."""
        wanted = pa.table({"key": pa.array(list(keys), pa.string())})
        with self.connect() as connection:
            connection.register("wanted", wanted)
            found = connection.execute(f"SELECT DISTINCT {column} FROM {table} SEMI JOIN wanted ON {column} = key")
            return {key for (key,) in found.fetchall()}
