"""What the verifiers around a single one share."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, field_validator

from verifiers.part import Choice
from verifiers.registry import load


class Of(BaseModel):
    """The settings of a verifier around one other."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    of: Choice
    """`{verifier, settings}` of the one inside."""

    @field_validator("of")
    @classmethod
    def _loads(cls, of: Choice) -> Choice:
        load(of.verifier, of.settings)
        return of
