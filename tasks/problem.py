"""A problem: what a model is asked, and what a verifier needs to judge the answer."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, JsonValue, model_validator

Split = Literal["train", "evaluate"]
Origin = Literal["human", "procedural"]


def content_hash(*parts: JsonValue) -> str:
    """SHA-256 of the canonical JSON of the parts, as 16 hex digits (64 bits)."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("ascii")).hexdigest()[:16]


class Problem(BaseModel):
    """One problem, frozen. Its id is the hash of source, prompt and reference, so equal problems share it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str = ""
    """Filled in from the content when left empty."""
    prompt: str
    """What the model reads, before any chat template."""
    reference: dict[str, JsonValue]
    """What the verifier needs; the verifier validates it with its own model."""
    verifier: str
    """Name of the verifier that judges a completion, such as `math` or `code`."""
    solution: str | None = None
    """A worked solution, written the way a completion is written."""
    solution_origin: Origin | None = None
    """Who wrote the solution: a person, or a program that stands in for one."""
    source: str
    split: Split
    twin_key: str
    """Equal for problems that are the same question in another writing (operands swapped, spacing).
    Splits are made by it, so twins are never on both sides."""
    difficulty: float | None = None
    metadata: dict[str, JsonValue] = {}

    @model_validator(mode="before")
    @classmethod
    def _fill_id(cls, values: Any) -> Any:
        if isinstance(values, dict) and not values.get("id"):
            identity = (values.get("source"), values.get("prompt"), values.get("reference"))
            values = {**values, "id": content_hash(*identity)}
        return values
