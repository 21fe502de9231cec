"""The `json_schema` verifier: is the completion JSON, and does it fit a JSON Schema?

What is covered: JSON alone, or in a fenced block where the settings look there (json_text.py); drafts 4 to 2020-12 by
the library `jsonschema-rs`, with exact numbers and the patterns of ECMA 262. A pattern that exceeds the library's limit
of backtracking leaves the completion open. A schema that refers to another address is refused: nothing is fetched.
What is not covered: whether the values are true; `format`; draft 3. In patterns `.` also matches a carriage return.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

from selfplay.verifiers.answers.json_text import MOST_DIGITS, TooLarge, decimal, last_block, read_json
from selfplay.verifiers.contract.verdict import Verdict
from selfplay.verifiers.contract.verifier import Asked, Verifier
from selfplay.verifiers.errors import BadReference, first_complaint

MOST_CHARACTERS = 1 << 20


class JsonSchemaReference(BaseModel):
    """The schema of a problem."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True, protected_namespaces=())

    json_schema: dict[str, JsonValue] | None = Field(default=None, alias="schema")
    """JSON Schema; may be left out where the settings have one."""


class JsonSchemaSettings(BaseModel):
    """The schema for all problems, and where the JSON stands."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, serialize_by_alias=True, protected_namespaces=()
    )

    json_schema: dict[str, JsonValue] | None = Field(default=None, alias="schema")
    """JSON Schema for problems whose reference has none."""
    where: Literal["whole", "fenced"] = "whole"
    """The whole completion, or its last block between lines of three backticks that is called `json` or nothing; a last
    block without an end is none. What stands between `<think>` and `</think>` is left out there."""

    @model_validator(mode="after")
    def _is_schema(self) -> Self:
        if self.json_schema is not None:
            validator_of(json.dumps(self.json_schema, sort_keys=True))
        return self


class JsonSchemaVerifier(Verifier):
    """Judges a completion that is JSON by a schema."""

    name: ClassVar[str] = "json_schema"
    version: ClassVar[str] = "4"
    judges: ClassVar[str] = "that the completion is JSON and fits a JSON Schema"
    does_not_catch: ClassVar[str] = "values that are false and have the right form"
    Reference: ClassVar[type[BaseModel]] = JsonSchemaReference
    Settings: ClassVar[type[BaseModel]] = JsonSchemaSettings

    def read_reference(self, reference: Mapping[str, JsonValue]) -> str:
        """The schema that counts, as JSON text. Raises BadReference where there is none, or it is no schema."""
        try:
            found = JsonSchemaReference.model_validate(reference).json_schema
            schema = self.settings.json_schema if found is None else found
            if schema is None:
                raise BadReference("the reference has no `schema` for the json_schema verifier, nor have its settings")
            text = json.dumps(schema, sort_keys=True)
            validator_of(text)
        except ValidationError as error:
            raise BadReference(
                f"the reference does not fit the json_schema verifier, {first_complaint(error)}"
            ) from error
        except ValueError as error:
            raise error if isinstance(error, BadReference) else BadReference(f"`schema`: {error}") from None
        return text

    def verify(self, asked: Asked) -> Verdict:
        completion = asked.completion
        if len(completion) > MOST_CHARACTERS:
            return Verdict.reject("too_large", characters=len(completion), allowed=MOST_CHARACTERS)
        text = completion
        if self.settings.where == "fenced":
            block = last_block(completion)
            if block is None:
                return Verdict.reject("no_answer", why="there is no block of JSON, or the last has no end")
            text = block
        try:
            value = read_json(text)
        except TooLarge as error:
            return Verdict.reject("too_large", why=str(error), allowed=MOST_DIGITS)
        except ValueError as error:
            return Verdict.reject("not_json", why=str(error)[:300])
        from jsonschema_rs import ValidationErrorKind as Kind

        complaints = list(validator_of(asked.reference).iter_errors(value))
        # the library says so at the place of the pattern, also within `not` and `if`
        if any(isinstance(one.kind, (Kind.BacktrackLimitExceeded, Kind.RegexEngineFailure)) for one in complaints):
            return Verdict.open("a pattern of the schema exceeded the limit of backtracking")
        if not complaints:
            return Verdict.accept("fits_schema")
        return Verdict.reject("does_not_fit", path=_path(complaints[0])[:300], why=complaints[0].message[:300])


@lru_cache(maxsize=256)
def validator_of(schema: str) -> Any:
    """The validator of a schema given as JSON text.

    Raises:
        ValueError: it is no JSON Schema, or refers to what is not in it.
    """
    import jsonschema_rs

    value = json.loads(schema, parse_float=decimal)
    try:
        # by default the library fetches what a schema refers to, from the network and from files
        return jsonschema_rs.validator_for(value, offline=True, validate_formats=False)
    except jsonschema_rs.ValidationError as error:
        raise ValueError(f"it is no JSON Schema that can be used, at {_path(error)}: {error.message[:300]}") from None


def _path(complaint: Any) -> str:
    """Where a value stands: $.items[0]."""
    steps = (f".{step}" if str(step).isidentifier() else f"[{step!r}]" for step in complaint.instance_path)
    return "$" + "".join(steps)
