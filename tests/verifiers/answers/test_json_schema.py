"""`json_schema`: which schemas are taken, what their patterns mean, and which block is the answer."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from selfplay.verifiers import BadReference, BadSettings, load

DRAFT_7 = "http://json-schema.org/draft-07/schema#"
DRAFT_2019 = "https://json-schema.org/draft/2019-09/schema"
DRAFT_2020 = "https://json-schema.org/draft/2020-12/schema"


def judged(name: str, reference: dict[str, Any], completion: str, **settings: Any) -> tuple[str, str]:
    verdict = load(name, settings).verify(reference, completion)
    return verdict.outcome, verdict.reason


def fits(schema: dict[str, Any], value: Any) -> str:
    return load("json_schema").verify({"schema": schema}, json.dumps(value)).reason


@pytest.mark.parametrize(
    ("pattern", "right", "wrong"),
    [
        (r"^\d{4}$", ["1234"], ["evil\n1234\nmore", "1234\n", "\u0661\u0662\u0663\u0664", "1234\r"]),
        (r"^[\d-]+$", ["12-3"], ["\u0661"]),
        (r"^\w+$", ["a_1"], ["\u00e9", "a\n"]),
        (r"^[^\W]$", ["a"], ["\u00e9"]),
        (r"^\s$", ["\u00a0", "\ufeff", "\u2028", "\n"], ["\x1c", "\x85"]),
        (r"^\S$", ["\x85", "\u00e9"], ["\ufeff"]),
        (r"^.$", ["a", "\x85"], ["\n"]),
        (r"^[.$]$", [".", "$"], ["a"]),
        (r"a$|^b", ["xa", "bx"], ["a\nx", "x\nb"]),
        (r"^[[a]$", ["[", "a"], ["b"]),
        (r"^\p{Lu}\u{e9}\/\cJ$", ["\u00c9\u00e9/\n"], ["\u00e9\u00e9/\n"]),
    ],
)
def test_a_pattern_means_what_it_means_in_json_schema(pattern: str, right: list[str], wrong: list[str]) -> None:
    for name, text in [(name, text) for name, some in (("fits", right), ("does not", wrong)) for text in some]:
        reason = "fits_schema" if name == "fits" else "does_not_fit"
        assert fits({"type": "string", "pattern": pattern}, text) == reason, text
        assert fits({"propertyNames": {"pattern": pattern}}, {text: 1}) == reason, text
        assert fits({"patternProperties": {pattern: {}}, "additionalProperties": False}, {text: 1}) == reason, text
        for draft in (DRAFT_2019, DRAFT_2020):
            unevaluated = {"$schema": draft, "allOf": [{"patternProperties": {pattern: {}}}]}
            assert fits({**unevaluated, "unevaluatedProperties": False}, {text: 1}) == reason, text
        if name == "fits":
            assert fits({"patternProperties": {pattern: False}}, {text: 1}) == "does_not_fit"


ENDLESS = {"pattern": r"^(a*)*\1b$"}
BY_NAME: dict[str, Any] = {"patternProperties": {ENDLESS["pattern"]: {}}}
LONG = "a" * 60 + "!"


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (ENDLESS, LONG),
        ({"not": ENDLESS}, LONG),
        ({"not": {"anyOf": [ENDLESS, {"type": "null"}]}}, LONG),
        ({"not": {"contains": ENDLESS}}, [LONG]),
        ({"oneOf": [ENDLESS, {}]}, LONG),
        ({"if": ENDLESS, "then": False}, LONG),
        ({"contains": ENDLESS, "minContains": 0, "maxContains": 0}, [LONG]),
        ({"propertyNames": {"not": ENDLESS}}, {LONG: 1}),
        ({"patternProperties": {ENDLESS["pattern"]: False}}, {LONG: 1}),
        ({**BY_NAME, "additionalProperties": False}, {LONG: 1}),
        ({"allOf": [BY_NAME], "unevaluatedProperties": False}, {LONG: 1}),
        ({"not": {"$ref": "#/$defs/n"}, "$defs": {"n": ENDLESS}}, LONG),
        ({"$schema": DRAFT_7, "not": {"items": ENDLESS}}, [LONG]),
    ],
)
def test_a_pattern_beyond_its_backtracking_is_open_wherever_it_stands(schema: dict[str, Any], value: Any) -> None:
    began = time.monotonic()
    assert fits(schema, value) == "open"
    assert time.monotonic() - began < 5


def test_a_pattern_without_backtracking_ends_on_long_text() -> None:
    assert fits({"type": "string", "pattern": "^(a|a|aa)+$"}, "a" * 3000 + "b") == "does_not_fit"
    assert fits({"not": {"pattern": "^(a+)+$"}}, "a" * 3000 + "b") == "fits_schema"


def test_a_schema_that_leads_back_to_itself_ends() -> None:
    for schema in ({"$ref": "#"}, {"allOf": [{"$ref": "#"}]}, {"$dynamicAnchor": "n", "$dynamicRef": "#n"}):
        assert fits({**schema, "type": "integer"}, 1) == "fits_schema"
        assert fits({**schema, "type": "integer"}, "x") == "does_not_fit"


UNEVALUATED: list[tuple[dict[str, Any], list[Any], list[Any]]] = [
    ({"properties": {"a": {}}, "additionalProperties": False}, [{"a": 1}, {}, 7], [{"b": 1}]),
    ({"properties": {"a": {}}, "additionalProperties": {"type": "integer"}}, [{"a": "", "b": 1}], [{"b": ""}]),
    ({"allOf": [{"properties": {"a": {}}}], "properties": {"b": {}}}, [{"a": 1, "b": 2}, {}, 7], [{"c": 1}]),
    ({"anyOf": [{"required": ["a"], "properties": {"a": {}}}, {"properties": {"b": {}}}]}, [{"a": 1}], [{"c": 1}]),
    ({"oneOf": [{"required": ["a"], "properties": {"a": {}}}, {"required": ["b"]}]}, [{"a": 1}], [{"b": 1}]),
    ({"$ref": "#/$defs/n", "$defs": {"n": {"properties": {"a": {}}}}}, [{"a": 1}], [{"b": 1}]),
    ({"if": {"required": ["a"]}, "then": {"properties": {"a": {}}}, "else": {"properties": {"b": {}}}},
     [{"a": 1}, {"b": 1}], [{"a": 1, "b": 1}]),
    ({"dependentSchemas": {"a": {"properties": {"a": {}, "b": {}}}}}, [{"a": 1, "b": 1}], [{"b": 1}]),
    ({"allOf": [{"additionalProperties": True}]}, [{"a": 1}], []),
    ({"allOf": [{"unevaluatedProperties": True}]}, [{"a": 1}], []),
    ({"not": {"properties": {"a": False}}}, [], [{"a": 1}]),
]  # fmt: skip


@pytest.mark.parametrize("draft", [DRAFT_2019, DRAFT_2020])
@pytest.mark.parametrize(("schema", "right", "wrong"), UNEVALUATED)
def test_properties_that_nothing_speaks_of(
    draft: str, schema: dict[str, Any], right: list[Any], wrong: list[Any]
) -> None:
    own = {} if "additionalProperties" in schema else {"unevaluatedProperties": False}
    for value in right:
        assert fits({"$schema": draft, **schema, **own}, value) == "fits_schema", value
    for value in wrong:
        assert fits({"$schema": draft, **schema, **own}, value) == "does_not_fit", value


def test_a_schema_within_that_names_its_draft_keeps_our_keywords() -> None:
    schema = {"$schema": DRAFT_2020, "properties": {"c": {"$ref": "#"}, "n": {"multipleOf": 0.1, "type": "integer"}}}
    assert fits(schema, {"c": {"c": {"n": 3.0}}}) == "fits_schema"
    assert fits({"$schema": DRAFT_2020, "items": {"$ref": "#"}, "multipleOf": 0.1}, [[0.3]]) == "fits_schema"
    assert fits({"$schema": DRAFT_2020, "items": {"$ref": "#"}, "pattern": "^a$"}, [["a\n"]]) == "does_not_fit"


@pytest.mark.parametrize(
    ("schema", "right", "wrong"),
    [
        ({"const": {"$ref": "#/nowhere"}}, {"$ref": "#/nowhere"}, 1),
        ({"enum": [{"pattern": "("}, {"$ref": "http://a.b/c"}]}, {"pattern": "("}, 1),
        ({"examples": [{"$ref": "#x"}], "default": {"$ref": 5, "pattern": "("}, "type": "null"}, None, 1),
        ({"properties": {"$ref": {"type": "string"}, "pattern": {"type": "integer"}}}, {"$ref": "a"}, {"$ref": 1}),
        ({"properties": {"const": {"type": "string"}}}, {"const": "a"}, {"const": 1}),
        (
            {
                "$id": "https://a.example/root",
                "properties": {"p": {"$ref": "part"}},
                "$defs": {"p": {"$id": "part", "$ref": "#/$defs/n", "$defs": {"n": {"type": "integer"}}}},
            },
            {"p": 1},
            {"p": "x"},
        ),
        (
            {"items": {"$id": "urn:part", "items": {"$ref": "#/$defs/n"}, "$defs": {"n": {"type": "integer"}}}},
            [[1]],
            [["x"]],
        ),
        (
            {"$schema": DRAFT_7, "definitions": {"n": {"$ref": "#/definitions/m", "not": {"$ref": "#/definitions/n"}},
             "m": {"type": "null"}}, "items": {"$ref": "#/definitions/n"}},
            [None],
            [1],
        ),
        ({"$ref": "#/parts/one", "parts": {"one": {"type": "integer"}}}, 1, "x"),
        ({"type": "string", "pattern": r"^\p{L}+$"}, "\u00e9", "1"),
        ({"if": {}, "not": False, "$defs": {"unused": {"not": {"type": "null"}}}}, 1, None),
    ],
)  # fmt: skip
def test_a_valid_schema_is_taken(schema: dict[str, Any], right: Any, wrong: Any) -> None:
    assert fits(schema, right) == "fits_schema"
    if wrong is not None:
        assert fits(schema, wrong) == "does_not_fit"


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"$schema": 5}, r"no JSON Schema that can be used, at \$\['\$schema'\]: 5 is not of type"),
        ({"$schema": "http://json-schema.org/draft-03/schema#"}, "Unknown meta-schema"),
        ({"properties": {"a": {"$schema": 5}}}, r"at \$\.properties\.a\['\$schema'\]: 5 is not of type"),
        ({"$ref": "http://["}, r"http://\["),
        ({"$ref": "#/allOf/x", "allOf": [{}]}, "/allOf/x"),
        ({"$ref": "#/title", "title": "a"}, "title: .* is not of type"),
        ({"$ref": "#/x", "x": {"type": "text"}}, r"at \$\.x\.type"),
        ({"items": {"pattern": "(a"}}, r"\(a.* is not a .*regex"),
        ({"$ref": "#/x", "x": {"pattern": "(a"}}, r"\(a"),
    ],
)
def test_a_schema_that_is_none_is_refused_in_a_sentence(schema: dict[str, Any], words: str) -> None:
    with pytest.raises(BadReference, match=words):
        load("json_schema").read_reference({"schema": schema})
    with pytest.raises(BadSettings, match=words):
        load("json_schema", {"schema": schema})


INTEGER = {"type": "integer"}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("```json\n1\n```\n```json\n2", "no_answer"),
        ("```json\n1\n```\n```json\n", "no_answer"),
        ("```json\n1\n```\n```", "no_answer"),
        ("```json\n1\n```\n```python\nprint(", "fits_schema"),
        ("<think>\n```json\n1\n```\n</think>\nI do not know.", "no_answer"),
        ("<think>\n```json\n{\n</think>\n```json\n1\n```", "fits_schema"),
        ("```json\n1\n```\n</think>\n```json\n2\n```", "fits_schema"),
        ("```json\n1\n```\n<think> or", "no_answer"),
        ('```json title="x"\n1\n```', "fits_schema"),
        ("```json:\n1\n```", "fits_schema"),
        ("```json {.numberLines}\n1\n```", "fits_schema"),
        ("```{.json}\n1\n```", "fits_schema"),
        ("- ```json\n  1\n  ```", "fits_schema"),
        ("2. ```json\n   1\n   ```\n", "fits_schema"),
        ('```python title="json"\n1\n```', "no_answer"),
        ("```jsonc\n1\n```", "no_answer"),
        ("```json\n1\n```\nand `` ``` `` is a fence", "fits_schema"),
        ("```json\n1\n```\n```json``` is a word", "fits_schema"),
        ("````json\n1\n```\n````", "not_json"),
    ],
)  # fmt: skip
def test_the_last_block_counts_and_has_an_end(text: str, reason: str) -> None:
    for whole in (text, text.replace("\n", "\r\n")):
        assert load("json_schema", {"where": "fenced", "schema": INTEGER}).verify({}, whole).reason == reason


@pytest.mark.parametrize(
    "line", ["- " * 500_000, "1. " * 300_000 + "```json", "> " * 10**5 + "```" * 10**5, "</think>" * 10**5]
)
def test_a_long_line_before_a_block_costs_little(line: str) -> None:
    began = time.monotonic()
    load("json_schema", {"where": "fenced", "schema": INTEGER}).verify({}, line + "```\n1\n```")
    assert time.monotonic() - began < 5


PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string", "pattern": "^[A-Z]"}, "age": {"type": "integer", "minimum": 0}},
    "required": ["name"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("completion", "reason"),
    [
        ('{"name": "Ada", "age": 36}', "fits_schema"),
        (' {"name": "Ada"}\n', "fits_schema"),
        ('{"name": "ada"}', "does_not_fit"),
        ('{"name": "Ada", "age": -1}', "does_not_fit"),
        ('{"name": "Ada", "age": true}', "does_not_fit"),
        ('{"age": 1}', "does_not_fit"),
        ("[]", "does_not_fit"),
        ('{"name": "Ada", "name": "Bob"}', "not_json"),
        ('{"name": "Ada", "age": NaN}', "not_json"),
        ('{"name": "Ada", "age": 1e999}', "fits_schema"),
        ('{"name": "Ada", "age": 36.0}', "fits_schema"),
        ('{"name": "Ada", "age": 36.5}', "does_not_fit"),
        ('{"name": "Ada", "age": 1e-1}', "does_not_fit"),
        ('{"name": "Ada", "age": ' + "9" * 3_999 + "}", "fits_schema"),
        ('{"name": "Ada", "age": ' + "9" * 5_000 + "}", "too_large"),
        ('{"name": "Ada", "age": 0.' + "9" * 5_000 + "}", "too_large"),
        ('{"name": "Ada", "age": 1e5000}', "too_large"),
        ('{"name": "Ada", "age": 1e' + "9" * 5_000 + "}", "too_large"),
        ('{"name": "Ada", "age": 1E-9999999}', "too_large"),
        ('Sure! {"name": "Ada"}', "not_json"),
        ("", "not_json"),
        ("[" * 100_000, "not_json"),
        ("[" * 150 + "]" * 150, "not_json"),
        ('{"name": "' + "A[" * 500 + '"}', "fits_schema"),
        ("9" * 10_000, "too_large"),
        (" " * (1 << 21), "too_large"),
    ],
)
def test_json_schema(completion: str, reason: str) -> None:
    outcome = "accepted" if reason == "fits_schema" else "rejected"
    assert judged("json_schema", {"schema": PERSON}, completion) == (outcome, reason)


def test_the_last_fenced_block_is_the_answer_where_the_settings_say_so() -> None:
    text = 'First\n```json\n{"name": "ada"}\n```\nthen\n```\n{"name": "Ada"}\n```\ndone'
    assert judged("json_schema", {}, text, where="fenced", schema=PERSON) == ("accepted", "fits_schema")
    assert judged("json_schema", {}, '{"name": "Ada"}', where="fenced", schema=PERSON) == ("rejected", "no_answer")


@pytest.mark.parametrize(
    "text",
    [
        '```JSON\n{"name": "Ada"}\n```',
        '```json\r\n{"name": "Ada"}\r\n```\r\nDone.',
        '1. So:\n   ```json\n   {"name": "Ada"}\n   ```',
        '``` json \n{"name": "Ada"}\n```  ',
        '````\n{"name": "Ada"}\n````',
        '```python\nprint()\n```\nand\n```json\n{"name": "Ada"}\n```',
        '```json\n{"name": "Ada"}\n```\n```python\nprint()\n```',
    ],
)
def test_a_fenced_block_is_found_however_it_is_written(text: str) -> None:
    assert judged("json_schema", {}, text, where="fenced", schema=PERSON) == ("accepted", "fits_schema")


@pytest.mark.parametrize("text", ['```json\n{"name": "Ada"}', '```python\n{"name": "Ada"}\n```', '`{"name": "Ada"}`'])
def test_a_block_of_something_else_or_without_end_is_no_answer(text: str) -> None:
    assert judged("json_schema", {}, text, where="fenced", schema=PERSON) == ("rejected", "no_answer")


@pytest.mark.parametrize(
    ("schema", "right", "wrong"),
    [
        ({"multipleOf": 0.1}, ["0.3", "0.30", "-7", "1e300", "1.1e1"], ["0.35", "1e-2", "0.30000000000000001"]),
        ({"multipleOf": 0.25}, ["0", "0.0", "1e2", "-0.75", "2500e-4"], ["0.1", "2.5e-3990", "0.125"]),
        ({"multipleOf": 1e3}, ["3e3", "2000", "2000.0", "1e3999"], ["1e2", "1500"]),
        ({"multipleOf": 0.01}, ["19.99", "4.35", "1.1"], ["4.355"]),
        ({"multipleOf": 3}, ["9", "9.0", "9" * 4_000], ["10", "9.1", "1" + "0" * 3_999]),
        ({"const": 0.1}, ["0.1", "0.10", "1e-1"], ["0.1000000000000000001"]),
        ({"maximum": 0.3}, ["0.3", "-1e999"], ["0.3000000000000000001", "1e999"]),
        ({"enum": [1, 2.5]}, ["1.0", "2.50"], ["true", "2"]),
        ({"uniqueItems": True}, ["[1, true, 1.5]", "[{}, [], null]"], ["[1, 1.0]", "[1.5, 1.50]", "[[{}], [{}]]"]),
        ({"uniqueItems": False}, ["[1, 1]"], []),
        ({"type": "string", "maxLength": 2.0}, ['"ab"'], ['"abc"']),
    ],
)
def test_numbers_are_judged_by_their_digits(schema: dict[str, Any], right: list[str], wrong: list[str]) -> None:
    for text in right:
        assert judged("json_schema", {"schema": schema}, text) == ("accepted", "fits_schema"), text
    for text in wrong:
        assert judged("json_schema", {"schema": schema}, text) == ("rejected", "does_not_fit"), text


def test_a_number_that_does_not_fit_is_shown_as_it_was_written() -> None:
    verdict = load("json_schema").verify({"schema": {"enum": [0.5]}}, "0.30")
    assert "Decimal" not in str(verdict.detail["why"])
    assert "0.30" in str(verdict.detail["why"])


def test_a_schema_that_goes_down_into_the_value_may_lead_back_to_itself() -> None:
    tree = {"$dynamicAnchor": "node", "type": "object", "properties": {"c": {"items": {"$dynamicRef": "#node"}}}}
    assert judged("json_schema", {"schema": tree}, '{"c": [{"c": []}]}')[0] == "accepted"
    assert judged("json_schema", {"schema": tree}, '{"c": [{"c": [7]}]}')[0] == "rejected"
    old = {"$schema": "https://json-schema.org/draft/2019-09/schema", "type": "array", "items": {"$recursiveRef": "#"}}
    assert judged("json_schema", {"schema": old}, "[[], [[]]]")[0] == "accepted"
    assert judged("json_schema", {"schema": old}, "[[], [7]]")[0] == "rejected"
    with pytest.raises(BadReference, match="nowhere"):
        load("json_schema").read_reference({"schema": {"items": {"$dynamicRef": "#nowhere"}}})


@pytest.mark.parametrize("where", ["whole", "fenced"])
@pytest.mark.parametrize(
    "text",
    [
        *("```json\n" * 130_000, "```\n" * 250_000, "`" * 10**6, " " * 10**6, "```json\n" + " " * 10**6, "[" * 10**6),
        *(
            '"' + '\\"' * 500_000,
            "9" * 10**6,
            "[" + ",".join(f'{{"a": {at}}}' for at in range(60_000)) + "]",
            "[" + "0.1e3,1e-3999,1e3999," * 40_000 + "1]",
            '"' * 10**6,
        ),
    ],
    ids=lambda text: text[:10],
)
def test_hostile_json_costs_little(where: str, text: str) -> None:
    began = time.monotonic()
    judged("json_schema", {"schema": {"uniqueItems": True, "items": {"multipleOf": 0.1}}}, text, where=where)
    assert time.monotonic() - began < 20


def test_a_schema_on_the_network_is_refused_and_one_within_is_followed() -> None:
    with pytest.raises(BadReference, match=r"http://127\.0\.0\.1:9/x.*Retrieval is disabled"):
        load("json_schema").read_reference({"schema": {"$ref": "http://127.0.0.1:9/x"}})
    with pytest.raises(BadReference, match="no JSON Schema"):
        load("json_schema").read_reference({"schema": {"type": "text"}})
    tree = {"$defs": {"t": {"type": "array", "items": {"$ref": "#/$defs/t"}}}, "$ref": "#/$defs/t"}
    assert judged("json_schema", {"schema": tree}, "[[], [[]]]")[0] == "accepted"
    assert judged("json_schema", {"schema": tree}, "[[], [7]]")[0] == "rejected"
    assert judged("json_schema", {"schema": tree}, "[" * 90 + "]" * 90)[0] == "accepted"


def test_a_schema_from_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "any.json").write_text("{}")
    with pytest.raises(BadReference, match="Retrieval is disabled"):
        load("json_schema").read_reference({"schema": {"$ref": (tmp_path / "any.json").as_uri()}})
