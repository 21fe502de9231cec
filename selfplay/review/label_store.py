"""Draws and labels of a run, in RUN/review: parquet files named by their checksum, like the ledger's (ledger/files.py).

draws    which verdicts were drawn, from which stratum of how many
labels   what a person said of a sample, who and when; the last word of a person counts
"""

from __future__ import annotations

import csv
import fcntl
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from selfplay.errors import RunError
from selfplay.ledger.files import LedgerFiles
from selfplay.ledger.ledger import check_is_run

LABELS = ("right", "wrong", "unsure")
SCHEMAS = {
    "draws": pa.schema(
        [("draw", pa.string()), ("sample_id", pa.string()), ("stratum", pa.string()), ("size", pa.int64())]
    ),
    "labels": pa.schema([(name, pa.string()) for name in ("sample_id", "label", "who", "when", "note")]),
}
"""`size` is the number of verdicts in the stratum; `when` is UTC, ISO 8601."""


@dataclass(frozen=True)
class Label:
    """One person's word on one sample."""

    sample_id: str
    label: str
    who: str
    when: str
    note: str


def read(run: Path, table: str) -> list[dict[str, Any]]:
    """All rows of a table, every file's checksum verified.

    Raises:
        RunError: a file is damaged; names it.
    """
    files = LedgerFiles(run / "review")
    damage = files.damage()
    if damage:
        raise RunError(
            f"{run}/review/{damage[0].file} {damage[0].what}; remove it and its line in manifest.jsonl, then import "
            "the labels again."
        )
    return [row for path in files.of_table(table) for row in pq.read_table(path).to_pylist()]


def write(run: Path, table: str, rows: Sequence[dict[str, Any]]) -> None:
    """Add rows durably. Raises RunError where there is no room or no right to write."""
    folder = run / "review"
    try:
        folder.mkdir(exist_ok=True)
        file = (folder / ".lock").open("a", encoding="utf-8")
    except OSError as error:
        raise RunError(f"Cannot write in {folder}: {error.strerror}; make the folder writable.") from None
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        LedgerFiles(folder).write(table, pa.Table.from_pylist(list(rows), schema=SCHEMAS[table]))


def labels_of(run: Path) -> list[Label]:
    """The last label of each person on each sample, in the order in which they came."""
    ordered = sorted(read(run, "labels"), key=lambda row: row["when"])
    return list({(row["sample_id"], row["who"]): Label(**row) for row in ordered}.values())


def together(words: Sequence[Label]) -> str | None:
    """The majority label, `unsure` not counted; None where there is none or a tie."""
    sure = Counter(one.label for one in words if one.label != "unsure")
    if not sure or sure["right"] == sure["wrong"]:
        return None
    return "right" if sure["right"] > sure["wrong"] else "wrong"


def import_labels(run: Path, file: Path, who: str) -> str:
    """Add the labels of a file; returns how many in a sentence. Labels that are there already are not added again.

    Raises:
        RunError: no such run or file, a label that is none, or a sample that was not drawn; names the row.
    """
    check_is_run(run)
    if not who.strip():
        raise RunError("--who is empty; say who labelled.")
    drawn = {row["sample_id"] for row in read(run, "draws")}
    known = {(one.sample_id, one.who): one.label for one in labels_of(run)}
    now = datetime.now(UTC).isoformat(timespec="microseconds")
    found: dict[str, Label] = {}
    for place, row in _rows(file):
        sample, label = str(row.get("id")), row.get("label") or ""
        if sample not in drawn:
            raise RunError(f"{place}: {sample!r} was not drawn from this run; import the file that its export wrote.")
        if label not in ("", *LABELS):
            raise RunError(f"{place}: the label is {label!r}; it must be right, wrong, unsure or empty.")
        if label and sample in found:
            raise RunError(f"{place}: {sample} has two labels here; remove one of them.")
        if label:
            found[sample] = Label(sample, label, who, now, str(row.get("note") or ""))
    new = [asdict(one) for sample, one in found.items() if known.get((sample, who)) != one.label]
    if new:
        write(run, "labels", new)
    return f"{len(new):,} new labels of {who}, {len(found) - len(new):,} known already."


def _rows(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """(place, row) of a page's JSON, of JSON lines or of a CSV."""
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise RunError(f"Cannot read {file} ({error}); give the file with the labels.") from None
    if file.suffix == ".csv":
        reader = csv.DictReader(text.splitlines(keepends=True))
        if not {"id", "label"} <= set(reader.fieldnames or ()):
            raise RunError(f"{file} has no columns `id` and `label`; keep the header that the export wrote.")
        for row in reader:
            stripped = {key: (row[key] or "").strip() for key in ("id", "label")}
            yield f"{file}, line {reader.line_num}", stripped | {"note": row.get("note")}
        return
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        whole = None
    if isinstance(whole, dict) and isinstance(whole.get("labels"), list):
        placed = [(f"{file}, label {number}", row) for number, row in enumerate(whole["labels"], start=1)]
    else:
        lines = enumerate(text.rstrip("\n").split("\n"), start=1)
        placed = [(place, _json(line, place)) for number, line in lines for place in [f"{file}, line {number}"]]
    for place, row in placed:
        if not isinstance(row, dict):
            raise RunError(f"{place} is not an object with `id` and `label`; repair it.")
        yield place, row


def _json(line: str, place: str) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        raise RunError(f"{place} is not JSON; give the page's file, a CSV or JSON lines.") from None
