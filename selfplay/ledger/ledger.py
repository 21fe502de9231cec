"""The ledger: every sample of a run with its verdict and family tree, as parquet files asked through DuckDB.

    ledger = Ledger(run / "ledger")
    ledger.record("samples", rows)                  # those whose key is not there yet
    ledger.rows("SELECT outcome, count(*) FROM verdicts GROUP BY 1")

Rows are never changed. tables.py has the tables and the view `depths`, files.py how files are written and checked.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from selfplay.errors import RunError
from selfplay.ledger.files import Damage, LedgerFiles
from selfplay.ledger.tables import DEPTHS, KEYS, SCHEMAS

SEALED = ("enable_external_access = false", "python_enable_replacements = false", "lock_configuration = true")


def check_is_run(run: Path, remedy: str = "give a run's own folder") -> None:
    """Raises RunError where a folder is no run."""
    if not (run / "experiment.yaml").is_file():
        raise RunError(f"{run} is not a run directory: it has no experiment.yaml; {remedy}.")


class Ledger:
    """The tables of one run. One process writes; any number may read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files = LedgerFiles(folder)
        self._checked: set[Path] = set()
        self._older: set[Path] = set()
        """Files that have all columns of today, and files that lack some."""
        self._lock = threading.Lock()
        self._database: duckdb.DuckDBPyConnection | None = None
        self._seen: dict[str, list[Path]] = {}
        """The files that the database's view of each table reads."""
        self._has_depths = False

    @classmethod
    def of_run(cls, run: Path) -> Ledger:
        """The ledger of a run, to read, with every checksum verified; RunError: no run, a lost ledger or damage."""
        ledger = cls.unchecked(run)
        damage = ledger.files.damage()
        if damage:
            more = f" (and {len(damage) - 1} more: `selfplay ledger check {run}`)" if len(damage) > 1 else ""
            raise RunError(
                f"{run}/ledger/{damage[0].file} {damage[0].what}{more}; continue the run with `selfplay run CONFIG "
                f"--resume {run}`, which sets it aside and does its work again."
            )
        return ledger

    @classmethod
    def unchecked(cls, run: Path) -> Ledger:
        """The same with no look at checksums; RunError: the folder is no run, or has trained models and no ledger."""
        check_is_run(run)
        ledger = cls(run / "ledger")
        # a training's set and examples are in the ledger before its weights are in the folder
        if ledger.files.are_none() and any(run.glob("models/*/*/generation-*")):
            raise RunError(
                f"{run}/ledger is lost, though {run}/models holds trained models; put it back, or let `selfplay run "
                f"CONFIG --resume {run}` do the work again."
            )
        return ledger

    def open_for_writing(self) -> list[str]:
        """Set aside what is damaged and remove what a dead writer left unfinished. Only the run's one writer may.

        Returns a sentence for each file that was set aside; the loop makes again what it held.
        """
        damage = self.files.damage()
        damage += self._judging_lost_samples({one.file for one in damage})
        if self.folder.is_dir():
            self.files.set_aside(damage)
        return [
            f"{one.sentence[:-1]}: set aside, {'its work is done again' if one.table else 'and made anew'}."
            for one in damage
        ]

    def record(self, table: str, rows: Iterable[dict[str, Any]]) -> int:
        """Write the rows whose key the table does not hold yet, durably and as one file; returns how many.

        Of several rows with one key (tables.py) the first is taken.

        Raises:
            RunError: there is no room or no right to write.
        """
        key = KEYS[table]
        by_key: dict[tuple[Any, ...], dict[str, Any]] = {}
        for row in rows:
            by_key.setdefault(tuple(row[column] for column in key), row)
        if not by_key:
            return 0
        new = list(by_key.values())
        if self.files.of_table(table):
            schema = pa.schema([SCHEMAS[table].field(column) for column in key])
            wanted = pa.Table.from_pylist([{column: row[column] for column in key} for row in new], schema=schema)
            wanted = wanted.append_column("place", pa.array(range(len(new))))
            columns = ", ".join(f'"{column}"' for column in key)
            with self._asked() as connection:
                connection.register("wanted", wanted)
                found = connection.execute(f"SELECT place FROM wanted ANTI JOIN {table} USING ({columns}) ORDER BY 1")
                new = [new[place] for (place,) in found.fetchall()]
        if new:
            self.files.write(table, pa.Table.from_pylist(new, schema=SCHEMAS[table]))
        return len(new)

    def row(self, table: str, **key: Any) -> dict[str, Any] | None:
        """The row of a table with this key, a value for each of its columns (tables.py); None where there is none."""
        if tuple(sorted(key)) != tuple(sorted(KEYS[table])):
            raise ValueError(f"the key of {table} is {', '.join(KEYS[table])}, not {', '.join(key)}")
        which = " AND ".join(f'"{column}" = ?' for column in key)
        with self._asked() as connection:
            result = connection.execute(f"SELECT * FROM {table} WHERE {which}", list(key.values()))
            names = [column[0] for column in result.description or []]
            found = result.fetchone()
        return None if found is None else dict(zip(names, found, strict=True))

    def connect(self, *, sealed: bool = False) -> duckdb.DuckDBPyConnection:
        """A DuckDB connection in memory with one view for each table, as the ledger is now.

        `sealed` is for SQL of a stranger: it reads these tables and no file, and writes none.
        """
        connection = duckdb.connect(":memory:")
        for table, schema in SCHEMAS.items():
            files = self.files.of_table(table)
            if sealed and files:
                # imported here because it brings pandas along, which takes a second
                from pyarrow.dataset import dataset

                connection.register(table, dataset([str(path) for path in files], schema=schema))
            else:
                self._view(connection, table, files)
        connection.execute(DEPTHS)
        for setting in SEALED if sealed else ():
            connection.execute(f"SET {setting}")
        return connection

    @contextmanager
    def _asked(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor on a database that this ledger keeps: to open one for each question takes longer than to answer."""
        with self._lock:
            if self._database is None:
                self._database = duckdb.connect(":memory:")
            for table in SCHEMAS:
                files = self.files.of_table(table)
                if self._seen.get(table) != files:
                    self._view(self._database, table, files)
                    self._seen[table] = files
            if not self._has_depths:
                self._database.execute(DEPTHS)
                self._has_depths = True
            cursor = self._database.cursor()
        with cursor:
            yield cursor

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of a query. For results that may be large, use `batches`."""
        with self._asked() as connection:
            return connection.execute(sql, list(parameters)).fetchall()

    def batches(self, sql: str, parameters: Sequence[Any] = (), size: int = 1024) -> Iterator[list[tuple[Any, ...]]]:
        """Rows of a query, at most `size` at a time."""
        with self._asked() as connection:
            result = connection.execute(sql, list(parameters))
            while rows := result.fetchmany(size):
                yield rows

    def write_parquet(self, sql: str, parameters: Sequence[Any], target: Path) -> int:
        """Write a query's result to one parquet file in the order of the query, streaming; returns its rows."""
        temporary = target.with_suffix(".tmp")
        quoted = str(temporary).replace("'", "''")
        with self._asked() as connection:
            copied = connection.execute(f"COPY ({sql}) TO '{quoted}' (FORMAT parquet)", list(parameters)).fetchall()
        temporary.replace(target)
        return int(copied[0][0])

    def which_exist(self, table: str, column: str, keys: Iterable[str]) -> set[str]:
        """Those of the keys that the table's column holds."""
        wanted = pa.table({"key": pa.array(list(keys), pa.string())})
        with self._asked() as connection:
            connection.register("wanted", wanted)
            found = connection.execute(f"SELECT DISTINCT {column} FROM {table} SEMI JOIN wanted ON {column} = key")
            return {key for (key,) in found.fetchall()}

    def _view(self, connection: duckdb.DuckDBPyConnection, table: str, files: list[Path]) -> None:
        """A view of a table's files, or of none. A column that files of an older version lack is null in them."""
        columns = set(SCHEMAS[table].names)
        for file in set(files) - self._checked - self._older:
            (self._older if columns - set(pq.read_schema(file).names) else self._checked).add(file)
        older = [str(file) for file in files if file in self._older]
        whole = [str(file) for file in files if file not in self._older]
        if whole and not older:
            connection.from_parquet(whole).create_view(table)
            return
        connection.register("nothing", SCHEMAS[table].empty_table())
        connection.execute(f"CREATE OR REPLACE TABLE no_{table} AS SELECT * FROM nothing")
        connection.unregister("nothing")
        parts = [f"SELECT * FROM no_{table}"]
        for which, some in (("older", older), ("whole", whole)):
            if some:
                connection.from_parquet(some, union_by_name=True).create_view(f"{which}_{table}")
                parts.append(f"SELECT * FROM {which}_{table}")
        connection.execute(f"CREATE OR REPLACE VIEW {table} AS {' UNION ALL BY NAME '.join(parts)}")

    def _judging_lost_samples(self, damaged: set[str]) -> list[Damage]:
        """Files with verdicts on samples that are lost: a sample written again has to be judged again."""

        def keys(table: str, column: str) -> dict[str, list[str]]:
            whole = [path for path in self.files.of_table(table) if path.name not in damaged]
            return {path.name: pq.read_table(path, columns=[column])[column].to_pylist() for path in whole}

        kept = set(chain.from_iterable(keys("samples", "id").values()))
        judged = keys("verdicts", "sample_id").items()
        return [Damage(name, "verdicts", "judges samples that are lost") for name, ids in judged if set(ids) - kept]
