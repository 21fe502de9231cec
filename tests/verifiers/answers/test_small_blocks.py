"""`regex`, `json_schema` and `length`: what each accepts, rejects and leaves open; hostile text."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from selfplay.verifiers import BadReference, BadSettings, load


def judged(name: str, reference: dict[str, Any], completion: str, **settings: Any) -> tuple[str, str]:
    verdict = load(name, settings).verify(reference, completion)
    return verdict.outcome, verdict.reason


@pytest.mark.parametrize(
    ("pattern", "completion", "settings", "outcome"),
    [
        (r"\d{4}-\d\d", "on 2026-11 or so", {}, "accepted"),
        (r"\d{4}-\d\d", "on 2026-11 or so", {"where": "whole"}, "rejected"),
        (r"\d+", "a\n42\nb", {"where": "line"}, "accepted"),
        (r"\d+", "a42\nb", {"where": "line"}, "rejected"),
        ("YES", "yes", {"ignore_case": True}, "accepted"),
        ("^b$", "a\nb", {}, "accepted"),
        (r"(?<w>\w+) \g<w>", "a\x00 b", {}, "rejected"),
    ],
)
def test_regex(pattern: str, completion: str, settings: dict[str, Any], outcome: str) -> None:
    assert judged("regex", {"pattern": pattern}, completion, **settings)[0] == outcome
    assert judged("regex", {}, completion, pattern=pattern, **settings)[0] == outcome


def test_a_pattern_that_backtracks_without_end_leaves_the_completion_open() -> None:
    began = time.monotonic()
    assert judged("regex", {"pattern": r"(a|a|aa)+$"}, "a" * 3000 + "b", timeout=0.2) == ("undecided", "open")
    assert time.monotonic() - began < 30


def test_a_wrong_pattern_is_refused_before_anything_runs() -> None:
    with pytest.raises(BadReference, match=r"`pattern`.*no regular expression"):
        load("regex").read_reference({"pattern": "(a"})
    with pytest.raises(BadReference, match="no `pattern`"):
        load("regex").read_reference({})
    with pytest.raises(BadSettings, match="no regular expression"):
        load("regex", {"pattern": "[z-a]"})


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
        ({"$schema": "http://json-schema.org/draft-03/schema#", "divisibleBy": 0.1}, ["0.3"], ["0.35"]),
        ({"$schema": "http://json-schema.org/draft-03/schema#", "type": "integer"}, ["1"], ["1.0"]),
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


@pytest.mark.parametrize(
    "schema",
    [
        {"$ref": "#"},
        {"allOf": [{"$ref": "#"}]},
        {
            "properties": {"a": {"$ref": "#/$defs/one"}},
            "$defs": {"one": {"not": {"$ref": "#/$defs/two"}}, "two": {"$ref": "#/$defs/one"}},
        },
        {"$dynamicAnchor": "node", "$dynamicRef": "#node"},
        {"$dynamicAnchor": "node", "if": {"type": "array"}, "then": {"$dynamicRef": "#node"}},
        {"$schema": "https://json-schema.org/draft/2019-09/schema", "$recursiveRef": "#"},
        {"$schema": "http://json-schema.org/draft-07/schema#", "dependencies": {"a": {"$ref": "#"}}},
    ],
)
def test_a_schema_that_leads_back_to_itself_is_refused(schema: dict[str, Any]) -> None:
    with pytest.raises(BadReference, match="leads back to itself"):
        load("json_schema").read_reference({"schema": schema})
    with pytest.raises(BadSettings, match="leads back to itself"):
        load("json_schema", {"schema": schema})


def test_a_schema_that_goes_down_into_the_value_may_lead_back_to_itself() -> None:
    tree = {"$dynamicAnchor": "node", "type": "object", "properties": {"c": {"items": {"$dynamicRef": "#node"}}}}
    assert judged("json_schema", {"schema": tree}, '{"c": [{"c": []}]}')[0] == "accepted"
    assert judged("json_schema", {"schema": tree}, '{"c": [{"c": [7]}]}')[0] == "rejected"
    old = {"$schema": "https://json-schema.org/draft/2019-09/schema", "type": "array", "items": {"$recursiveRef": "#"}}
    assert judged("json_schema", {"schema": old}, "[[], [[]]]")[0] == "accepted"
    assert judged("json_schema", {"schema": old}, "[[], [7]]")[0] == "rejected"
    with pytest.raises(BadReference, match="refers to #nowhere, which is not in it"):
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
    with pytest.raises(BadReference, match=r"refers to http://127\.0\.0\.1:9/x.*write the whole schema"):
        load("json_schema").read_reference({"schema": {"$ref": "http://127.0.0.1:9/x"}})
    with pytest.raises(BadReference, match="no JSON Schema"):
        load("json_schema").read_reference({"schema": {"type": "text"}})
    tree = {"$defs": {"t": {"type": "array", "items": {"$ref": "#/$defs/t"}}}, "$ref": "#/$defs/t"}
    assert judged("json_schema", {"schema": tree}, "[[], [[]]]")[0] == "accepted"
    assert judged("json_schema", {"schema": tree}, "[[], [7]]")[0] == "rejected"
    assert judged("json_schema", {"schema": tree}, "[" * 90 + "]" * 90)[0] == "accepted"


def test_a_pattern_of_a_schema_is_matched_under_a_clock() -> None:
    schema = {"patternProperties": {"^n": {"type": "integer"}}, "additionalProperties": False}
    assert judged("json_schema", {"schema": schema}, '{"n1": 1}')[0] == "accepted"
    assert judged("json_schema", {"schema": schema}, '{"n1": "x"}')[0] == "rejected"
    assert judged("json_schema", {"schema": schema}, '{"m": 1}')[0] == "rejected"
    endless = {"type": "string", "pattern": "^(a|a|aa)+$"}
    assert judged("json_schema", {"schema": endless}, json.dumps("a" * 3000 + "b")) == ("undecided", "open")


@pytest.mark.parametrize(
    ("settings", "reference", "completion", "reason"),
    [
        ({"least": 2, "most": 4}, {}, "abc", "within_limits"),
        ({"least": 2, "most": 4}, {}, "a", "too_short"),
        ({"least": 2, "most": 4}, {}, "abcde", "too_long"),
        ({"most": 4}, {"most": 5}, "abcde", "within_limits"),
        ({"unit": "words", "most": 2}, {"answer": "x"}, " a\t b\n", "within_limits"),
        ({"unit": "lines", "least": 2}, {}, "a\n\n\n", "too_short"),
        ({"most": 1}, {}, "\U0001f600", "within_limits"),
        ({"unit": "words", "least": 2}, {}, "\u200b \u200b \x00 a", "too_short"),
        ({"unit": "lines", "least": 1}, {}, "\u200b\n\u2060", "too_short"),
        ({"least": 1}, {}, "\ufeff\u202e", "too_short"),
    ],
)
def test_length(settings: dict[str, Any], reference: dict[str, Any], completion: str, reason: str) -> None:
    assert judged("length", reference, completion, **settings)[1] == reason


def test_a_length_without_limits_is_nobodys_fault_but_the_configs() -> None:
    assert judged("length", {}, "a") == ("undecided", "fault")
    with pytest.raises(BadSettings, match="must not exceed"):
        load("length", {"least": 3, "most": 2})
