"""A verifier with its settings, as a config names it: the one spelling of it, from the YAML to the worker process.

{verifier: math, settings: {answer: whole}}

spec = VerifierSpec(verifier="math", settings={"answer": "whole"})
spec.load().verify({"answer": "1/2"}, "0.5").outcome        "accepted", in this process and without limits
Supervisor(spec, workers=2)                                 the same in worker processes with limits
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from selfplay.tasks.plugins import absolute_in
from selfplay.verifiers.contract.loaded import LoadedVerifier
from selfplay.verifiers.contract.registry import load
from selfplay.verifiers.errors import BadSettings, first_complaint


class VerifierSpec(BaseModel):
    """One verifier and its settings. Not yet looked up: the name may be of a plugin that is not installed here."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    verifier: str = Field(min_length=1)
    """A registered name, or `path/to/file.py:name`."""
    settings: dict[str, JsonValue] = {}
    """Its settings."""

    @classmethod
    def of(cls, verifier: VerifierSpec | str, settings: Mapping[str, JsonValue] | None = None) -> VerifierSpec:
        """From a name and settings, as a person or another stack gives them; a spec stays as it is.

        Raises:
            BadSettings: settings that JSON cannot carry, or that come beside a spec.
        """
        if isinstance(verifier, VerifierSpec):
            if settings:
                raise BadSettings(
                    f"the settings of {verifier.verifier} stand in its VerifierSpec; leave out the others"
                )
            return verifier
        try:
            plain = json.loads(json.dumps(dict(settings or {}), allow_nan=False))
            return cls(verifier=verifier, settings=plain)
        except ValidationError as error:
            raise BadSettings(f"the verifier {verifier!r:.100}, {first_complaint(error)}") from error
        except (TypeError, ValueError, RecursionError) as error:
            raise BadSettings(f"the settings of {verifier} are no JSON ({error}); write texts and numbers") from error

    def load(self) -> LoadedVerifier:
        """Find and build it here, to be asked in this process without limits.

        Raises:
            UnknownVerifier, BrokenVerifier: nothing of that name, or it cannot be imported or keeps no contract.
            BadSettings: a key or value that the verifier does not take.
        """
        return load(self.verifier, self.settings)

    def absolute(self) -> Self:
        """The same with every plugin file named by its absolute path, so that it means the same in other processes."""
        return self.model_copy(update={"verifier": absolute_in(self.verifier), "settings": absolute_in(self.settings)})

    @property
    def key(self) -> str:
        """Canonical JSON of both: equal for equal specs."""
        return json.dumps([self.verifier, self.settings], sort_keys=True, ensure_ascii=True, separators=(",", ":"))
