"""A row of an audit: a completion with its label. Rows from a user's file.

    {"id": "7", "reference": {"answer": "1/2"}, "completion": "so 0.5", "label": "right", "category": "decimals"}

`prompt` and `category` may be missing. The label is the truth, found by a person or by another proof.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from selfplay.verifiers.contract.verdict import Row
from selfplay.verifiers.errors import BadFile
from selfplay.verifiers.workers.batch import parsed_object, row_of

Label = Literal["right", "wrong", "doubtful"]
"""`doubtful`: made to be wrong, but not proved wrong; counted by itself and as a bound."""
LABELS = get_args(Label)


@dataclass(frozen=True, kw_only=True)
class AuditRow(Row):
    """One completion with its label and origin."""

    label: Label
    category: str
    """What kind of row it is, such as `worked solution` or `changed number`."""
    group: str
    """Where it comes from: a source's name, `labelled` or `attacks`."""
    origin: str
    """Who wrote it, or what it was made from: human, procedural, `as labelled` or `our own`."""
    change: str = ""
    """What was changed, in words; empty where nothing was."""


def labelled_rows(file: Path) -> list[AuditRow]:
    """The rows of a JSONL file.

    Raises:
        BadFile: it cannot be read or is empty, or a line is not such a row; names the line and the key.
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
        value = parsed_object(line)
        row = row_of(value)
        label, category = value.get("label"), value.get("category") or "labelled"
        if label not in ("right", "wrong"):
            raise ValueError("`label` must be `right` or `wrong`; leave out rows of which neither is known")
        if not isinstance(category, str):
            raise ValueError("`category` must be a string")
    except ValueError as error:
        raise BadFile(f"{place}: {error}; repair or remove the row") from None
    return AuditRow(**vars(row), label=label, category=category, group="labelled", origin="as labelled")
