"""Rows of a data set, from a file here or through `datasets`, each with the place to name when it is wrong.

jsonl       one object a line, "FILE, line 3"
parquet     "FILE, row 3"
a folder    of data files, or a Hub id such as openai/gsm8k: through `datasets`, "PATH, train row 3"
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selfplay.tasks.errors import SourceError, UnreachableSource


@dataclass(frozen=True)
class PlacedRow:
    """One row, and where it stands: lines and rows count from 1."""

    values: dict[str, Any]
    place: str

    def text(self, column: str) -> str:
        """A column's text without surrounding white space; SourceError: no such column, or no text; names the row."""
        value = self.value(column)
        if not isinstance(value, str) or not value.strip():
            raise SourceError(f"{self.place}: `{column}` must be a text that is not empty; repair or remove the row")
        return value.strip()

    def value(self, column: str) -> Any:
        """What a column holds; SourceError: there is no such column; names the row and its columns."""
        if column not in self.values:
            known = ", ".join(f"`{key}`" for key in self.values) or "none"
            raise SourceError(f"{self.place} has no `{column}`; it has {known}; repair or remove the row")
        return self.values[column]


def read_rows(
    path: str, *, key: str, config: str | None = None, split: str = "train", revision: str | None = None
) -> Iterator[PlacedRow]:
    """The rows of a file, of a folder of data files, or of a data set on the Hub.

    Args:
        path: a .jsonl or .parquet file, a folder, or a Hub id, to which alone `config`, `split` and `revision` apply.
        key: the source's key that names the data, for the remedy.

    Raises:
        SourceError: the file cannot be read, or a line is no JSON object.
        UnreachableSource: the Hub was needed and cannot be reached.
    """
    local = Path(path).expanduser()
    if local.suffix == ".jsonl":
        return _jsonl(local, key)
    if local.suffix == ".parquet":
        return _parquet(local, key)
    return _through_datasets(path, local, key, config, split, revision)


def read_json(file: Path, key: str) -> PlacedRow:
    """A file that holds one JSON object; SourceError: it cannot be read or holds something else."""
    return _object(_text(file, key), str(file))


def _jsonl(file: Path, key: str) -> Iterator[PlacedRow]:
    text = _text(file, key).rstrip()
    if not text:
        raise SourceError(f"{file} is empty; set {key} to a file with one JSON object a line")
    # not splitlines(): U+2028 may stand within a JSON text
    for number, line in enumerate(text.split("\n"), start=1):
        yield _object(line, f"{file}, line {number}")


def _object(text: str, place: str) -> PlacedRow:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict):
        raise SourceError(f"{place} is not a JSON object; repair or remove it")
    return PlacedRow(values, place)


def _text(file: Path, key: str) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"cannot read {file} ({error}); set {key}") from None


def _parquet(file: Path, key: str) -> Iterator[PlacedRow]:
    import pyarrow
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.read_table(file)
    except (OSError, pyarrow.ArrowException) as error:
        first = str(error).partition("\n")[0]
        raise SourceError(f"cannot read {file} ({first}); set {key}") from None
    for number, values in enumerate(table.to_pylist(), start=1):
        yield PlacedRow(values, f"{file}, row {number}")


def _through_datasets(
    path: str, local: Path, key: str, config: str | None, split: str, revision: str | None
) -> Iterator[PlacedRow]:
    here = local.is_dir()
    if not here and (local.exists() or path.startswith(("/", ".", "~")) or path.count("/") > 1):
        raise SourceError(f"{path} is no .jsonl file, no .parquet file, no folder and no Hub id; set {key}")

    import datasets
    import httpx

    try:
        rows = datasets.load_dataset(str(local) if here else path, config, split=split, revision=revision)
    except (OSError, ValueError, httpx.HTTPError, datasets.exceptions.DatasetsError) as error:
        first = " ".join(str(error).split())[:200]
        if here:
            raise SourceError(f"{path}, split {split}: {first}; set {key}") from None
        raise UnreachableSource(
            f"{path} is neither in the local cache nor reachable on the Hub ({type(error).__name__}: {first}); "
            f"set {key} to a local copy"
        ) from None
    for number, values in enumerate(rows, start=1):
        yield PlacedRow(dict(values), f"{path}, {split} row {number}")
