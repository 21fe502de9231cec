"""The `json_schema` verifier: is the completion JSON, and does it fit a JSON Schema?

What is covered: JSON as RFC 8259 has it (no NaN, no key twice, no text beside it, unless the settings look into a
fenced block), every draft that the library `jsonschema` knows, patterns under a clock, nesting up to `MOST_DEPTH`.
What is not covered: whether the values are true; `format`, which only annotates. A schema that refers to another
address is refused: nothing is fetched.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError, model_validator

from verifiers.blocks.patterns import TookTooLong, compiled, matches
from verifiers.errors import BadReference, first_complaint
from verifiers.verdict import Verdict
from verifiers.verifier import Verifier

MOST_CHARACTERS = 1 << 20
MOST_DEPTH = 100
PATTERN_SECONDS = 1.0
_FENCED = re.compile(r"^```(?:json)?[ \t]*\n(.*?)^```[ \t]*$", re.DOTALL | re.MULTILINE)


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
    """The whole completion, or its last block between lines of three backticks."""

    @model_validator(mode="after")
    def _is_schema(self) -> Self:
        if self.json_schema is not None:
            checker(json.dumps(self.json_schema, sort_keys=True))
        return self


class JsonSchemaVerifier(Verifier):
    """Judges a completion that is JSON by a schema."""

    name: ClassVar[str] = "json_schema"
    version: ClassVar[str] = "1"
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

    def verify(self, reference: str, completion: str) -> Verdict:
        if len(completion) > MOST_CHARACTERS:
            return Verdict.reject("too_large", characters=len(completion), allowed=MOST_CHARACTERS)
        text = completion
        if self.settings.where == "fenced":
            blocks = _FENCED.findall(completion)
            if not blocks:
                return Verdict.reject("no_answer", why="there is no block between lines of three backticks")
            text = blocks[-1]
        try:
            value = read_json(text)
        except ValueError as error:
            return Verdict.reject("not_json", why=str(error)[:300])
        try:
            complaint = next(checker(reference).iter_errors(value), None)
        except TookTooLong as error:
            return Verdict.open(str(error))
        if complaint is None:
            return Verdict.accept("fits_schema")
        return Verdict.reject("does_not_fit", path=complaint.json_path[:300], why=complaint.message[:300])


def read_json(text: str) -> Any:
    """A JSON value, read strictly. Raises ValueError with the reason."""
    if _depth(text) > MOST_DEPTH:
        raise ValueError(f"it is nested deeper than {MOST_DEPTH}")
    try:
        return json.loads(text, parse_constant=_no_constant, parse_float=_finite, object_pairs_hook=_distinct)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _depth(text: str) -> int:
    """How deep brackets go that stand in no string."""
    depth = deepest = 0
    for character in re.sub(r'"(?:[^"\\]|\\.)*+"', "", text, flags=re.DOTALL):
        if character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _finite(text: str) -> float:
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"{text[:40]} is too large a number")
    return value


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice in one object")
    return found


@lru_cache(maxsize=256)
def checker(schema: str) -> Any:
    """The validator of a schema given as JSON text, with patterns under a clock and no way to the network.

    Raises:
        ValueError: it is no JSON Schema, or refers to another address.
    """
    import jsonschema
    from jsonschema.validators import extend, validator_for
    from referencing.exceptions import Unresolvable
    from referencing.jsonschema import EMPTY_REGISTRY

    value = json.loads(schema)
    kind = validator_for(value, default=jsonschema.Draft202012Validator)
    try:
        kind.check_schema(value)
    except jsonschema.SchemaError as error:
        raise ValueError(f"it is no JSON Schema at {error.json_path}: {error.message[:200]}") from None
    for pattern in _patterns(value):
        compiled(pattern, False)
    own = extend(kind, {"pattern": _pattern, "patternProperties": _pattern_properties})
    made = own(value, registry=EMPTY_REGISTRY)
    for target in _references(value):
        try:
            made._resolver.lookup(target)
        except Unresolvable:
            raise ValueError(f"it refers to {target[:100]}, which is not in it; write the whole schema") from None
    return made


def _walk(schema: Any, key: str) -> Iterator[Any]:
    if isinstance(schema, dict):
        if key in schema:
            yield schema[key]
        for item in schema.values():
            yield from _walk(item, key)
    elif isinstance(schema, list):
        for item in schema:
            yield from _walk(item, key)


def _patterns(schema: Any) -> Iterator[str]:
    yield from (item for item in _walk(schema, "pattern") if isinstance(item, str))
    for item in _walk(schema, "patternProperties"):
        yield from item if isinstance(item, dict) else ()


def _references(schema: Any) -> Iterator[str]:
    yield from (item for item in _walk(schema, "$ref") if isinstance(item, str))


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[Any]:
    from jsonschema import ValidationError as Complaint

    if isinstance(instance, str) and matches(compiled(pattern, False), instance, "anywhere", PATTERN_SECONDS) is None:
        yield Complaint(f"{instance[:80]!r} does not match {pattern[:80]!r}")


def _pattern_properties(validator: Any, patterns: dict[str, Any], instance: Any, schema: Any) -> Iterator[Any]:
    if not isinstance(instance, dict):
        return
    for pattern, inner in patterns.items():
        for key, value in instance.items():
            if matches(compiled(pattern, False), key, "anywhere", PATTERN_SECONDS) is not None:
                yield from validator.descend(value, inner, path=key, schema_path=pattern)
