"""JSON Schemas, made ready to judge by: checked as they are loaded, with exact numbers and patterns under a clock.

What is covered: every draft that the library `jsonschema` knows; a schema that is none, that refers to another address
(nothing is fetched), or that leads back to itself without a step into the value (`{"$ref": "#"}`) is refused. What is
not covered: `format`, which only annotates; a schema whose alternatives multiply without end in sight.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from graphlib import CycleError, TopologicalSorter
from typing import Any

from verifiers.blocks.json_text import Number, decimal
from verifiers.blocks.patterns import compiled, matches

PATTERN_SECONDS = 1.0
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_SAME_VALUE = ("not", "if", "then", "else", "extends", "allOf", "anyOf", "oneOf")
_SAME_VALUE_BY_NAME = ("dependentSchemas", "dependencies")
"""Keywords whose schemas judge the same value, and no part of it."""


@lru_cache(maxsize=256)
def checker(schema: str) -> Any:
    """The validator of a schema given as JSON text.

    Raises:
        ValueError: it is no JSON Schema, refers to another address, or leads back to itself.
    """
    import jsonschema
    from jsonschema.validators import extend, validator_for
    from referencing.jsonschema import EMPTY_REGISTRY

    value = json.loads(schema, parse_float=_simplest)
    kind = validator_for(value, default=jsonschema.Draft202012Validator)
    try:
        kind.check_schema(value)
    except jsonschema.SchemaError as error:
        raise ValueError(f"it is no JSON Schema at {error.json_path}: {error.message[:200]}") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    for pattern in _patterns(value):
        compiled(pattern, False)
    points_count = kind.TYPE_CHECKER.is_type(1.0, "integer")
    types = kind.TYPE_CHECKER.redefine("integer", lambda _, one: _is_integer(one, points_count=points_count))
    own = {"pattern": _pattern, "patternProperties": _pattern_properties}
    own["uniqueItems"] = _unique_items
    own |= {name: _multiple_of for name in ("multipleOf", "divisibleBy") if name in kind.VALIDATORS}
    made = extend(kind, own, type_checker=types)(value, registry=EMPTY_REGISTRY)
    _refuse_circles(value, made)
    return made


def _simplest(text: str) -> Number | int:
    """A number of a schema: 2.0 as 2, so that it can be a length too."""
    number = decimal(text)
    return int(number) if number == number.to_integral_value() else number


def _refuse_circles(schema: Any, made: Any) -> None:
    """Raises ValueError where a reference leads nowhere, or back to where it stands without a step into the value."""
    leads: dict[int, set[int]] = {}
    for part in _parts(schema):
        leads[id(part)] = {id(one) for one in _same_value(part, schema, made)}
    try:
        TopologicalSorter(leads).prepare()
    except CycleError:
        raise ValueError("a reference of it leads back to itself without a step into the value") from None


def _same_value(part: dict[str, Any], schema: Any, made: Any) -> Iterator[Any]:
    """The schemas that judge the same value as a part of a schema does."""
    from referencing.exceptions import Unresolvable

    for name in _SAME_VALUE:
        inner = part.get(name)
        yield from inner if isinstance(inner, list) else [inner]
    for name in _SAME_VALUE_BY_NAME:
        inner = part.get(name)
        yield from inner.values() if isinstance(inner, dict) else ()
    for name in _REFERENCES:
        target = part.get(name)
        if not isinstance(target, str):
            continue
        anchored = []
        if name != "$ref":  # it leads to wherever its anchor stands
            anchor = target.rpartition("#")[2]
            key, wanted = ("$dynamicAnchor", anchor) if name == "$dynamicRef" else ("$recursiveAnchor", True)
            anchored = [one for one in _parts(schema) if one.get(key) == wanted]
        try:
            yield made._resolver.lookup(target).contents
        except Unresolvable:
            if not anchored:
                raise ValueError(f"it refers to {target[:100]}, which is not in it; write the whole schema") from None
        yield from anchored


def _parts(schema: Any) -> Iterator[dict[str, Any]]:
    """All objects of a schema, itself first."""
    if isinstance(schema, dict):
        yield schema
        for item in schema.values():
            yield from _parts(item)
    elif isinstance(schema, list):
        for item in schema:
            yield from _parts(item)


def _patterns(schema: Any) -> Iterator[str]:
    for part in _parts(schema):
        if isinstance(part.get("pattern"), str):
            yield part["pattern"]
        if isinstance(part.get("patternProperties"), dict):
            yield from part["patternProperties"]


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
