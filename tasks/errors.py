"""What a user can get wrong about a task source. Each error is one sentence that names the remedy.

SourceError (ValueError)
└── UnreachableSource      the data is elsewhere (the Hub) and cannot be reached from here
"""

from __future__ import annotations


class SourceError(ValueError):
    """A source's name, settings or data cannot be used."""


class UnreachableSource(SourceError):
    """The data is not on this machine and cannot be fetched now."""
