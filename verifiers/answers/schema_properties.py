"""The keywords of JSON Schema that match patterns, as `schemas.py` puts them in the place of the library's own.

What is covered: `pattern`, `patternProperties`, and what `additionalProperties` and `unevaluatedProperties` leave to
them, all with the meaning of ECMA 262 (ecma.py) and under a clock.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from selfplay.verifiers.answers.ecma import compiled_ecma
from selfplay.verifiers.answers.patterns import matches

PATTERN_SECONDS = 1.0


def _matches(pattern: str, text: str) -> bool:
    return matches(compiled_ecma(pattern), text, "anywhere", PATTERN_SECONDS) is not None


def pattern(validator: Any, wanted: str, instance: Any, schema: Any) -> Iterator[Any]:
    from jsonschema import ValidationError as Complaint

    if isinstance(instance, str) and not _matches(wanted, instance):
        yield Complaint(f"{instance[:80]!r} does not match {wanted[:80]!r}")


def pattern_properties(validator: Any, patterns: dict[str, Any], instance: Any, schema: Any) -> Iterator[Any]:
    if not isinstance(instance, dict):
        return
    for wanted, inner in patterns.items():
        for key, value in instance.items():
            if _matches(wanted, key):
                yield from validator.descend(value, inner, path=key, schema_path=wanted)


def additional_properties(validator: Any, inner: Any, instance: Any, schema: Any) -> Iterator[Any]:
    if isinstance(instance, dict):
        named = _named(instance, schema)
        yield from _left_over(validator, inner, instance, named, "additional")


def unevaluated_properties(validator: Any, inner: Any, instance: Any, schema: Any) -> Iterator[Any]:
    if isinstance(instance, dict):
        own = {key: value for key, value in schema.items() if key != "unevaluatedProperties"}
        evaluated = _evaluated(validator, instance, own)
        yield from _left_over(validator, inner, instance, evaluated, "unevaluated")


def _left_over(validator: Any, inner: Any, instance: dict[str, Any], known: set[str], what: str) -> Iterator[Any]:
    from jsonschema import ValidationError as Complaint

    extras = [key for key in instance if key not in known]
    if inner is False and extras:
        yield Complaint(f"there are {what} properties: {', '.join(repr(key[:80]) for key in extras[:10])}")
    elif isinstance(inner, dict):
        for key in extras:
            yield from validator.descend(instance[key], inner, path=key)


def _named(instance: dict[str, Any], schema: dict[str, Any]) -> set[str]:
    """The keys that `properties` and `patternProperties` speak of."""
    properties, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    return {key for key in instance if key in properties or any(_matches(wanted, key) for wanted in patterns)}


def _evaluated(validator: Any, instance: dict[str, Any], schema: Any) -> set[str]:
    """The keys that a schema judges, and those that fit of its parts and of what it refers to."""
    if not isinstance(schema, dict):
        return set()
    if "additionalProperties" in schema or "unevaluatedProperties" in schema:
        return set(instance)
    found = _named(instance, schema)
    for target in targets(validator, schema):
        found |= _evaluated(target, instance, target.schema)
    parts = [part for name in ("allOf", "anyOf", "oneOf") for part in schema.get(name, [])]
    parts += [part for key, part in schema.get("dependentSchemas", {}).items() if key in instance]
    if "if" in schema:
        fits = within(validator, schema["if"]).is_valid(instance)
        parts += [schema["if"]] if fits else []
        parts += [schema[name] for name in ("then" if fits else "else",) if name in schema]
    for part in parts:
        inner = within(validator, part)
        if inner.is_valid(instance):
            found |= _evaluated(inner, instance, part)
    return found


def within(validator: Any, schema: Any) -> Any:
    """The validator of a part of a schema, with the part's own `$id` where it has one."""
    from referencing.jsonschema import specification_with

    if not isinstance(schema, dict):
        return validator.evolve(schema=schema)
    specification = specification_with(validator.ID_OF(validator.META_SCHEMA))
    resolver = validator._resolver.in_subresource(specification.create_resource(schema))
    return validator.evolve(schema=schema, _resolver=resolver)


def targets(validator: Any, schema: dict[str, Any]) -> Iterator[Any]:
    """The validators of what a part of a schema refers to. Raises Unresolvable or ValueError where that is nowhere."""
    from referencing.jsonschema import lookup_recursive_ref

    for name in ("$ref", "$dynamicRef", "$recursiveRef"):
        if name in schema and name in validator.VALIDATORS:
            recursive = name == "$recursiveRef"
            found = lookup_recursive_ref(validator._resolver) if recursive else validator._resolver.lookup(schema[name])
            yield validator.evolve(schema=found.contents, _resolver=found.resolver)
