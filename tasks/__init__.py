"""What is asked: problems, and the sources they come from."""

from __future__ import annotations

if __name__ != "selfplay.tasks":
    raise ImportError("this folder is the package `selfplay.tasks`; import it by that name, or leave its folder")

from selfplay.tasks.errors import SourceError, UnreachableSource
from selfplay.tasks.problem import Origin, Problem, Split, content_hash
from selfplay.tasks.registry import available_sources, load_source, source_class
from selfplay.tasks.row_source import RowSource
from selfplay.tasks.rows import PlacedRow, read_rows
from selfplay.tasks.source import ProceduralFamily, TaskSource, split_of

__all__ = [
    "Origin",
    "PlacedRow",
    "Problem",
    "ProceduralFamily",
    "RowSource",
    "SourceError",
    "Split",
    "TaskSource",
    "UnreachableSource",
    "available_sources",
    "content_hash",
    "load_source",
    "read_rows",
    "source_class",
    "split_of",
]
