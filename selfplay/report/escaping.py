"""Text of models, data sets and plugins on its way into HTML and CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from selfplay.hostile_text import visible


def page_environment() -> Any:
    """The Jinja2 environment of every page here: all is escaped, and hidden characters are shown as escapes."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    return Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def as_csv(head: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    """A table as CSV: a text that a spreadsheet would take for a formula gets an apostrophe before it."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return text.getvalue()


def _cell(value: object) -> object:
    if not isinstance(value, str):
        return value
    text = visible(value)
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t")) else text


def _printable(value: Any) -> Any:
    """Applied to every value before it is escaped: hidden characters become visible.

    A subclass of str is markup that the template itself made, such as a macro's result, whose parts were here before.
    """
    return visible(value) if type(value) is str else value


def counted(number: int, noun: str) -> str:
    """Such as `1 seed` or `2 seeds`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
