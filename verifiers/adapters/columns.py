"""Rows of other stacks: the reference from their columns, and the text of a chat message."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import JsonValue

from selfplay.verifiers.errors import BadReference, BadSettings

ReferenceColumns = str | Mapping[str, str]
"""The column that holds the whole reference (an object, or its JSON text), or a column for each key of it:
`{"answer": "final_answer"}`."""


def read_reference(columns: ReferenceColumns, row: Mapping[str, Any]) -> dict[str, JsonValue]:
    """The reference of one row, as plain JSON, without the keys that have no value.

    Raises:
        BadSettings: there is no such column.
        BadReference: the column holds neither an object nor the JSON text of one.
    """
    if not isinstance(columns, str):
        found = {key: _column(row, column) for key, column in columns.items()}
        return {key: _plain(value) for key, value in found.items() if value is not None}
    value = _column(row, columns)
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            raise _no_object(columns, "a text that is not JSON") from None
    plain = _plain(value)
    if not isinstance(plain, dict):
        raise _no_object(columns, f"a {type(value).__name__}")
    return plain


def message_text(content: Any) -> str:
    """The text of a completion or prompt: a string, None, a chat message, or a list of messages or of their parts."""
    if content is None:
        return ""
    if isinstance(content, str):
        return content
    if isinstance(content, Mapping):
        return message_text(content.get("content", content.get("text")))
    if isinstance(content, Iterable):
        return "\n\n".join(text for text in map(message_text, content) if text)
    raise TypeError(f"a message is text or a list of chat messages, not {type(content).__name__}")


def last_message(completion: Any) -> str:
    """The text to judge: the completion itself, or the last message that the assistant wrote."""
    if completion is None or isinstance(completion, str):
        return completion or ""
    written = [message for message in completion if message.get("role", "assistant") == "assistant"]
    return message_text(written[-1]) if written else ""


def _column(row: Mapping[str, Any], name: str) -> Any:
    if name in row:
        return row[name]
    there = ", ".join(f"`{column}`" for column in row) or "none"
    raise BadSettings(
        f"the data has no column `{name}` (it has {there}); name the column that holds the verifier's reference, as "
        '`reference="column"`, or a column for each key of it, as `reference={"answer": "column"}`'
    )


def _no_object(column: str, found: str) -> BadReference:
    return BadReference(
        f"the column `{column}` holds {found} where the verifier's reference, an object, is due; where it holds one "
        f'key of it, say which, as `reference={{"answer": "{column}"}}`'
    )


def _plain(value: Any) -> Any:
    """JSON values for what datasets hand out: numpy's arrays and numbers become lists and numbers."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return _plain(value.tolist()) if hasattr(value, "tolist") else value
