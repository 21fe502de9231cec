"""A verifier named in a config, with its settings: alone, or as a part of a composed one.

{verifier: math, settings: {answer: whole}}
{verifier: length, settings: {most: 400}, weight: 0.2}
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, JsonValue


class Choice(BaseModel):
    """One verifier."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    verifier: str = Field(min_length=1)
    """A registered name, or `path/to/file.py:name`."""
    settings: dict[str, JsonValue] = {}
    """Its settings."""


class Part(Choice):
    """One of several verifiers."""

    weight: float | None = Field(default=None, gt=0, le=1e6)
    """Its share in the score, beside the outcome; unset: none."""
    reference: str | None = Field(default=None, min_length=1)
    """Key of the reference that holds this part's own reference; unset: the whole reference."""
