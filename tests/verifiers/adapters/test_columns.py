"""Rows of other stacks: where the reference is, and what the text of a message is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from selfplay.verifiers.adapters.columns import last_message, message_text, read_reference
from selfplay.verifiers.errors import BadReference, BadSettings

TO_M = {"upto": "M"}


@pytest.mark.parametrize(
    ("columns", "row", "reference"),
    [
        ("reference", {"reference": TO_M}, TO_M),
        ("reference", {"reference": '{"upto": "M"}'}, TO_M),
        ("reference", {"reference": {"upto": "M", "tests": None}}, TO_M),
        ({"answer": "gold"}, {"gold": np.int64(7)}, {"answer": 7}),
        ({"tests": "tests", "setup": "setup"}, {"tests": np.array(["a", "b"]), "setup": None}, {"tests": ["a", "b"]}),
    ],
)
def test_references_are_plain_json(columns: Any, row: dict[str, Any], reference: dict[str, Any]) -> None:
    assert read_reference(columns, row) == reference


def test_a_reference_that_is_not_there_is_one_sentence() -> None:
    with pytest.raises(BadSettings, match="no column `reference` \\(it has `prompt`, `gold`\\); name the column"):
        read_reference("reference", {"prompt": "", "gold": "1"})
    with pytest.raises(BadReference, match="the column `gold` holds a text that is not JSON"):
        read_reference("gold", {"gold": "one half"})
    with pytest.raises(BadReference, match="`gold` holds a int where"):
        read_reference("gold", {"gold": 7})


def test_chat_messages_have_a_text() -> None:
    asked = {"role": "user", "content": [{"type": "text", "text": "one"}, {"type": "image"}]}
    tool = {"role": "tool", "content": "three"}
    said = [{"role": "assistant", "content": "two"}, tool, {"role": "assistant", "content": "four"}, tool]
    assert message_text([asked, *said]) == "one\n\ntwo\n\nthree\n\nfour\n\nthree"
    assert last_message(said) == "four"
    assert last_message([{"role": "assistant", "content": None, "tool_calls": []}]) == ""
    assert last_message("plain") == "plain"
