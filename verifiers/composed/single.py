"""What the verifiers around a single one share."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from selfplay.verifiers.contract.spec import VerifierSpec


class Of(BaseModel):
    """The settings of a verifier around one other."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    of: VerifierSpec
    """`{verifier, settings}` of the one inside."""
