"""What is asked: problems, and the sources they come from."""

from __future__ import annotations

from tasks.errors import SourceError, UnreachableSource
from tasks.problem import Origin, Problem, Split, content_hash
from tasks.registry import available_sources, load_source, source_class
from tasks.row_source import RowSource
from tasks.rows import PlacedRow, read_rows
from tasks.source import ProceduralFamily, TaskSource, split_of

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
