"""A row of an audit: what is judged, and what is known of it. Rows from a user's file.

    {"id": "7", "reference": {"answer": "1/2"}, "completion": "so 0.5", "label": "right", "category": "decimals"}

`prompt` and `category` may be missing. The label says what is true, whoever found it out: a person, or another proof.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import JsonValue

from selfplay.verifiers.errors import BadFile

Label = Literal["right", "wrong", "doubtful"]
"""`doubtful`: made to be wrong, but not proved wrong; counted by itself and as a bound."""
LABELS = ("right", "wrong", "doubtful")


@dataclass(frozen=True)
class AuditRow:
    """One completion with what is known of it."""

    id: str
    reference: Mapping[str, JsonValue]
    completion: str
    label: Label
    category: str
    """What kind of row it is, such as `worked solution` or `changed number`."""
    group: str
    """Where it comes from: a source's name, `labelled` or `attacks`."""
    origin: str
    """Who wrote it, or what it was made from: human, procedural, or as the user's file."""
    prompt: str | None = None
    change: str = ""
    """What was changed, in words; empty where nothing was."""


def labelled_rows(file: Path) -> list[AuditRow]:
    """The rows of a JSONL file.

    Raises:
        BadFile: it cannot be read or is empty, or a line is no such row; names the line and the key.
    """
    try:
        lines = file.read_text(encoding="utf-8-sig").rstrip("\n").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise BadFile(f"cannot read {file} ({error}); give a JSONL file of labelled rows") from None
    rows = [_row(line, f"{file}, line {number}") for number, line in enumerate(lines, start=1) if line.strip()]
    if not rows:
        raise BadFile(f"{file} has no row; give a JSONL file of labelled rows")
    return rows


def _row(line: str, place: str) -> AuditRow:
    try:
        row: Any = json.loads(line)
    except (ValueError, RecursionError):
        row = None
    if not isinstance(row, dict):
        raise BadFile(f"{place} is not a JSON object; repair or remove it")
    for key, kind, called in (
        ("id", str, "a text"),
        ("reference", dict, "an object"),
        ("completion", str, "a text"),
        ("label", str, "`right` or `wrong`"),
    ):
        if not isinstance(row.get(key), kind):
            raise BadFile(f"{place}: `{key}` must be {called}; repair the row")
    if row["label"] not in ("right", "wrong"):
        raise BadFile(f"{place}: `label` must be `right` or `wrong`; leave out rows of which neither is known")
    for key in ("prompt", "category"):
        if not isinstance(row.get(key, ""), str | None):
            raise BadFile(f"{place}: `{key}` must be a text; repair the row")
    return AuditRow(
        id=row["id"],
        reference=row["reference"],
        completion=row["completion"],
        label=row["label"],
        category=row.get("category") or "labelled",
        group="labelled",
        origin="as labelled",
        prompt=row.get("prompt"),
    )
