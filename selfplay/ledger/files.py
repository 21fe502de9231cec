"""The files of a ledger: written whole, found damaged or missing, set aside.

    samples-<32 hex digits>.parquet   the digits are the start of the SHA-256 of the file's bytes
    manifest.jsonl                    one line a file: its name, bytes and rows
    damaged/                          files that were set aside, and why.jsonl

A file is flushed under a temporary name, renamed to its checksum, and then listed. A crash between the last two leaves
a file that its own name proves, so it counts; a listed file that is not there was lost. Not seen: a file and its line
removed together, and a forger who computes the checksum.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, count
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from selfplay.errors import RunError
from selfplay.ledger.tables import as_json

DIGITS = 32
_NAME = re.compile(rf"([a-z_]+)-([0-9a-f]{{{DIGITS}}})\.parquet")


@dataclass(frozen=True)
class Damage:
    """One file that is not what was written."""

    file: str
    """Its name in the ledger's folder."""
    table: str
    """The table it belongs to; empty where the name does not say."""
    what: str
    """What is wrong, such as `has 200 of its 4,096 bytes`."""

    @property
    def sentence(self) -> str:
        return f"ledger/{self.file} {self.what}."


class LedgerFiles:
    """The folder of a ledger. One process writes; any number may read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def of_table(self, table: str) -> list[Path]:
        """The files of one table, in the order of their names."""
        return sorted(self.folder.glob(f"{table}-*.parquet"))

    def are_none(self) -> bool:
        """Whether there is no file of any table, and none is listed."""
        listed, unreadable = self._listed()
        return not (listed or unreadable or any(self.folder.glob("*.parquet")))

    def write(self, table: str, rows: pa.Table) -> None:
        """Write rows as one file, durably, unless the same file is there; RunError: no room or no right to write."""
        temporary = self.folder / f"{table}.tmp"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            pq.write_table(rows, temporary)
            _flush(temporary)
            target = self.folder / f"{table}-{_checksum(temporary)}.parquet"
            if target.exists():
                temporary.unlink()
                return
            size = temporary.stat().st_size
            temporary.replace(target)
            _flush(self.folder)
            self._list(target.name, size, rows.num_rows)
        except OSError as error:
            with suppress(OSError):
                temporary.unlink()
            reason = error.strerror or " ".join(str(error).split())
            raise RunError(f"Cannot write in {self.folder}: {reason}; make room or give access, then resume.") from None

    def damage(self) -> list[Damage]:
        """Every file that is missing, or whose bytes are not those of its name."""
        listed, unreadable = self._listed()
        found = [Damage("manifest.jsonl", "", f"has {unreadable} unreadable lines")] if unreadable else []
        if (self.folder / "manifest.jsonl").is_dir():
            found.append(Damage("manifest.jsonl", "", "is a folder"))
        for name in sorted(listed.keys() | {path.name for path in self.folder.glob("*.parquet")}):
            shape = _NAME.fullmatch(name)
            what = _fault(self.folder / name, shape[2] if shape else None, listed.get(name, {}))
            if what:
                found.append(Damage(name, name.partition("-")[0], what))
        return found

    def set_aside(self, damage: Iterable[Damage]) -> None:
        """Move damaged files to `damaged/`, list the rest, and remove what a dying writer left unfinished.

        The list is renewed last: a crash before that leaves files that are listed and missing, which is found again.
        RunError: something is in the way, or the folder is not writable.
        """
        try:
            for leftover in self.folder.glob("*.tmp"):
                leftover.unlink()
            for one in damage:
                self._move(one)
            self._renew_list()
        except OSError as error:
            place = error.filename2 or error.filename
            raise RunError(
                f"Cannot set damaged files aside ({place}: {error.strerror}); move that out of the way, then resume."
            ) from None

    def _move(self, one: Damage) -> None:
        aside = self.folder / "damaged"
        aside.mkdir(exist_ok=True)
        with (aside / "why.jsonl").open("a", encoding="utf-8") as file:
            file.write(as_json({"file": one.file, "what": one.what}) + "\n")
        if os.path.lexists(self.folder / one.file):
            names = chain([one.file], (f"{one.file}.{number}" for number in count(2)))
            (self.folder / one.file).replace(next(aside / name for name in names if not os.path.lexists(aside / name)))

    def _listed(self) -> tuple[dict[str, dict[str, Any]], int]:
        """Lines of the manifest by file name, and how many lines could not be read.

        A last line without its end belongs to a writer that died, or writes right now; its file speaks for itself.
        """
        path = self.folder / "manifest.jsonl"
        lines = path.read_bytes().split(b"\n")[:-1] if path.is_file() else []
        listed: dict[str, dict[str, Any]] = {}
        unreadable = 0
        for line in lines:
            try:
                entry = json.loads(line)
                name = entry["file"]
                if not _NAME.fullmatch(name):
                    raise ValueError(name)  # a path, perhaps: what the list names is moved when it is damaged
                listed[name] = {"bytes": int(entry["bytes"]), "rows": int(entry["rows"])}
            except (ValueError, KeyError, TypeError, RecursionError):
                unreadable += 1
        return listed, unreadable

    def _list(self, name: str, size: int, rows: int) -> None:
        with (self.folder / "manifest.jsonl").open("a", encoding="utf-8") as file:
            file.write(as_json({"file": name, "bytes": size, "rows": rows}) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def _renew_list(self) -> None:
        """List exactly the files that are there."""
        manifest, lines = self.folder / "manifest.jsonl", []
        listed, _ = self._listed()
        for path in sorted(self.folder.glob("*.parquet")):
            entry = listed.get(path.name)
            if entry is None:
                entry = {"bytes": path.stat().st_size, "rows": pq.read_metadata(path).num_rows}
            lines.append(as_json({"file": path.name, **entry}) + "\n")
        text = "".join(lines).encode()
        if text == (manifest.read_bytes() if manifest.is_file() else b""):
            return
        temporary = self.folder / "manifest.tmp"
        temporary.write_bytes(text)
        _flush(temporary)
        temporary.replace(manifest)
        _flush(self.folder)


def _fault(path: Path, checksum: str | None, listed: dict[str, Any]) -> str | None:
    """What is wrong with a file, if anything is."""
    if not path.exists() and listed:
        return f"is missing, with its {listed['rows']:,} rows"
    if not path.is_file():
        return "is no file"
    if checksum is None:
        return "is no file of the ledger: its name has no checksum"
    size = path.stat().st_size
    if size == 0:
        return "is empty"
    if listed and size != listed["bytes"]:
        return f"has {size:,} of its {listed['bytes']:,} bytes" if size < listed["bytes"] else "has bytes added to it"
    return None if _checksum(path) == checksum else "does not match its checksum: its bytes have changed"


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:DIGITS]


def _flush(path: Path) -> None:
    """Have the operating system write a file, or a folder's entries, to disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
