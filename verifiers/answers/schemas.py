"""JSON Schemas, made ready to judge by: checked as they are loaded, with exact numbers and patterns under a clock
(schema_properties.py).

What is covered: every draft that the library `jsonschema` knows, also several in one schema. Refused is a schema that
is none, that refers to another address (nothing is fetched), or that leads back to itself without a step into the value
(`{"$ref": "#"}`). What is data, such as `const` and `examples`, is not looked at. What is not covered: `format`, which
only annotates; a schema whose alternatives multiply without end in sight.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from typing import Any

from selfplay.verifiers.answers.ecma import compiled_ecma
from selfplay.verifiers.answers.json_text import Number, decimal
from selfplay.verifiers.answers.schema_properties import (
    additional_properties,
    pattern,
    pattern_properties,
    targets,
    unevaluated_properties,
    within,
)

_SAME_VALUE = ("not", "if", "then", "else", "extends", "type", "disallow", "allOf", "anyOf", "oneOf")
_SAME_VALUE_BY_NAME = ("dependentSchemas", "dependencies")
"""Keywords whose schemas judge the same value, and no part of it."""
_PART = (
    *("items", "prefixItems", "additionalItems", "unevaluatedItems", "contains", "contentSchema"),
    *("propertyNames", "additionalProperties", "unevaluatedProperties"),
)
_PART_BY_NAME = ("properties", "patternProperties", "$defs", "definitions")
_WITHOUT_A_JUDGE = ("then", "else", "contentSchema", "$defs", "definitions")
"""Keywords that hold schemas and that the library knows only by others."""


@lru_cache(maxsize=256)
def checker(schema: str) -> Any:
    """The validator of a schema given as JSON text.

    Raises:
        ValueError: it is no JSON Schema, refers to another address, or leads back to itself.
    """
    from jsonschema import Draft202012Validator
    from referencing.jsonschema import EMPTY_REGISTRY

    value = json.loads(schema, parse_float=_simplest)
    kind = _own(_draft(value, Draft202012Validator))
    _refuse_other_than_schemas(kind, value)
    made = kind(value, registry=EMPTY_REGISTRY)
    _refuse_circles(made)
    return made


def _draft(schema: Any, default: Any) -> Any:
    """The library's validator for the draft that a schema names; `default` where it names none that is known."""
    from jsonschema.validators import validator_for

    try:
        return validator_for(schema, default=default)
    except (AttributeError, TypeError, ValueError):
        return default  # a `$schema` that is no address, which the check of the form names


@lru_cache(maxsize=16)
def _own(kind: Any) -> Any:
    """The validator of a draft with the keywords of ours, also for parts that name another draft."""
    from jsonschema.validators import extend

    points_count = kind.TYPE_CHECKER.is_type(1.0, "integer")
    types = kind.TYPE_CHECKER.redefine("integer", lambda _, one: _is_integer(one, points_count=points_count))
    own: dict[str, Any] = {
        "pattern": pattern,
        "patternProperties": pattern_properties,
        "additionalProperties": additional_properties,
        "unevaluatedProperties": unevaluated_properties,
        "uniqueItems": _unique_items,
        "multipleOf": _multiple_of,
        "divisibleBy": _multiple_of,
    }
    made = extend(kind, {name: own[name] for name in own if name in kind.VALIDATORS}, type_checker=types)

    def evolve(self: Any, **changes: Any) -> Any:
        # the library's would leave our keywords behind at a `$schema` within the schema
        schema = changes.get("schema", self.schema)
        other = _draft(schema, None)
        next_kind = type(self) if other is None else _own(other)
        return next_kind(schema, registry=self._registry, _resolver=changes.get("_resolver", self._resolver))

    made.evolve = evolve
    return made


def _refuse_other_than_schemas(kind: Any, value: Any) -> None:
    from jsonschema import SchemaError

    try:
        # patterns are those of ECMA 262, which the library's check of formats takes for Python's
        kind.check_schema(value, format_checker=None)
    except SchemaError as error:
        raise ValueError(f"it is no JSON Schema at {error.json_path}: {error.message[:200]}") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None


def _simplest(text: str) -> Number | int:
    """A number of a schema: 2.0 as 2, so that it can be a length too."""
    number = decimal(text)
    return int(number) if number == number.to_integral_value() else number


def _refuse_circles(made: Any) -> None:
    """Go through a schema as it judges, into what it refers to and never into data such as `const`.

    Raises:
        ValueError: a pattern is none, or a reference leads nowhere, to something else than a schema, or back to where
            it stands without a step into the value.
    """
    leads: dict[int, set[int]] = {}
    anchored: dict[str, set[int]] = {}
    dynamic: list[tuple[int, str]] = []
    left, targeted = [made], list[Any]()
    while left or targeted:
        is_target = not left
        here = (left or targeted).pop()
        schema = here.schema
        if id(schema) in leads:
            continue
        if is_target:  # it stands where no keyword has schemas, so that nothing has looked at its form yet
            _refuse_other_than_schemas(type(here), schema)
        if not isinstance(schema, dict):
            continue
        referred, same, parts = list(_referred(here)), *_schemas_in(here)
        leads[id(schema)] = {id(one.schema) for one in [*referred, *same]}
        left += [*parts, *same]
        targeted += referred
        for key in {"$dynamicAnchor", "$recursiveAnchor"} & schema.keys():
            anchored.setdefault(_anchor(schema[key]), set()).add(id(schema))
        for key in {"$dynamicRef", "$recursiveRef"} & schema.keys() & here.VALIDATORS.keys():
            dynamic.append((id(schema), _anchor(key == "$recursiveRef" or schema[key].rpartition("#")[2])))
    for place, anchor in dynamic:  # it leads to wherever its anchor stands
        leads[place] |= anchored.get(anchor, set())
    try:
        TopologicalSorter(leads).prepare()
    except CycleError:
        raise ValueError("a reference of it leads back to itself without a step into the value") from None


def _anchor(value: Any) -> str:
    return json.dumps(value)


def _referred(here: Any) -> Iterator[Any]:
    from referencing.exceptions import Unresolvable

    try:
        yield from targets(here, here.schema)
    except (Unresolvable, ValueError, TypeError, AttributeError):
        target = next(here.schema[name] for name in ("$ref", "$dynamicRef", "$recursiveRef") if name in here.schema)
        raise ValueError(f"it refers to {str(target)[:100]}, which is not in it; write the whole schema") from None


def _schemas_in(here: Any) -> tuple[list[Any], list[Any]]:
    """The validators of what judges the same value within a schema, and of what judges parts of it."""
    schema: dict[str, Any] = here.schema
    if "$ref" in schema and "$dynamicRef" not in here.VALIDATORS and "$recursiveRef" not in here.VALIDATORS:
        return [], []  # up to draft 7 nothing counts beside a reference
    if isinstance(schema.get("pattern"), str):
        compiled_ecma(schema["pattern"])
    for one in schema.get("patternProperties", {}):
        compiled_ecma(one)
    found: tuple[list[Any], list[Any]] = ([], [])
    for place, names, by_name in zip(found, (_SAME_VALUE, _PART), (_SAME_VALUE_BY_NAME, _PART_BY_NAME), strict=True):
        for name in (*names, *by_name):
            inner = schema.get(name) if name in here.VALIDATORS or name in _WITHOUT_A_JUDGE else None
            if name in by_name:
                inner = list(inner.values()) if isinstance(inner, dict) else None
            several = inner if isinstance(inner, list) else [inner]
            place += [within(here, one) for one in several if isinstance(one, dict)]
    return found


def _is_integer(value: Any, *, points_count: bool) -> bool:
    """Whether a value is an integer; `points_count` says whether 1.0 is one, as in the drafts from 4 or 6 on."""
    if isinstance(value, int):
        return not isinstance(value, bool)
    return points_count and isinstance(value, Number) and value == value.to_integral_value()


def _multiple_of(validator: Any, divisor: Any, instance: Any, schema: Any) -> Iterator[Any]:
    from jsonschema import ValidationError as Complaint

    if validator.is_type(instance, "number") and not _divides(divisor, instance):
        yield Complaint(f"{str(instance)[:80]} is not a multiple of {divisor}")


def _unique_items(validator: Any, wanted: bool, instance: Any, schema: Any) -> Iterator[Any]:
    from jsonschema import ValidationError as Complaint

    if wanted and isinstance(instance, list) and len(set(map(_key, instance))) < len(instance):
        yield Complaint("an item stands twice in the array")


def _key(value: Any) -> Any:
    """Equal for equal JSON values and for no others: 1 and 1.0 are one number, and true is none."""
    if isinstance(value, dict):
        return frozenset((name, _key(item)) for name, item in value.items())
    if isinstance(value, list):
        return tuple(map(_key, value))
    return isinstance(value, bool), isinstance(value, str), value


def _divides(divisor: Number | int, value: Number | int) -> bool:
    """Whether a value is a whole multiple; no number of thousands of digits is written out for its exponent."""
    (whole, power), (by, of) = _parts_of(value), _parts_of(divisor)
    if power >= of:
        return whole * pow(10, power - of, by) % by == 0
    # ten to the power of what is missing can divide no smaller number
    return whole == 0 or (of - power <= len(str(whole)) and whole % (by * 10 ** (of - power)) == 0)


def _parts_of(value: Number | int) -> tuple[int, int]:
    """The size of a number as digits and a power of ten: 0.25 is 25 and -2."""
    if isinstance(value, int):
        return abs(value), 0
    _, digits, power = value.as_tuple()
    return int("".join(map(str, digits))), int(power)
