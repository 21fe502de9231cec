"""The `json_schema` verifier: is the completion JSON, and does it fit a JSON Schema?

What is covered: JSON alone, or in a fenced block where the settings look there (json_text.py), and every draft that the
library `jsonschema` knows, with exact numbers and patterns under a clock (schemas.py). What is not covered: whether the
values are true; `format`. A schema that refers to another address is refused: nothing is fetched.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

from selfplay.verifiers.answers.json_text import MOST_DIGITS, TooLarge, last_block, read_json
from selfplay.verifiers.answers.patterns import TookTooLong
from selfplay.verifiers.answers.schemas import checker
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
            checker(json.dumps(self.json_schema, sort_keys=True))
        return self


class JsonSchemaVerifier(Verifier):
    """Judges a completion that is JSON by a schema."""

    name: ClassVar[str] = "json_schema"
    version: ClassVar[str] = "3"
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
            checker(text)
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
        try:
            complaint = next(checker(asked.reference).iter_errors(value), None)
        except TookTooLong as error:
            return Verdict.open(str(error))
        if complaint is None:
            return Verdict.accept("fits_schema")
        return Verdict.reject("does_not_fit", path=complaint.json_path[:300], why=complaint.message[:300])
