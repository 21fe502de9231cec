"""What is asked: problems, and the sources they come from."""

from __future__ import annotations

from tasks.errors import SourceError, UnreachableSource
from tasks.problem import Origin, Problem, Split, content_hash
from tasks.registry import available_sources, load_source, source_class
from tasks.source import TaskSource, split_of

__all__ = [
    "Origin",
    "Problem",
    "SourceError",
    "Split",
    "TaskSource",
    "UnreachableSource",
    "available_sources",
    "content_hash",
    "load_source",
    "source_class",
    "split_of",
]
