"""What a client sends and what it gets, as pydantic models; FastAPI makes the OpenAPI page of them."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator
from pydantic_core import PydanticCustomError

from selfplay.verifiers.contract.verdict import Outcome
from selfplay.verifiers.workers.batch import no_number

MAX_ROWS = 1024
"""Rows of one request."""
MAX_CHARACTERS = 1 << 20
"""Characters of one completion or prompt."""

Text = Annotated[str, Field(max_length=MAX_CHARACTERS)]


class RequestRow(BaseModel):
    """One completion to judge, as a line of `selfplay verify`."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    id: Annotated[str, Field(max_length=1024)]
    """Comes back with the verdict. Ids may repeat."""
    reference: dict[str, JsonValue]
    """What the verifier needs, such as `{"answer": "1/2"}`."""
    completion: Text
    """The model's whole response."""
    prompt: Text | None = None
    """What the model was asked, for a verifier that reads it."""

    @field_validator("reference")
    @classmethod
    def _of_json_numbers(cls, reference: dict[str, JsonValue]) -> dict[str, JsonValue]:
        wrong = no_number(reference)
        if wrong is not None:
            raise PydanticCustomError("no_number", "{wrong}", {"wrong": wrong})
        return reference


class VerifyRequest(BaseModel):
    """A batch for one verifier."""

    model_config = ConfigDict(
        extra="forbid",
        use_attribute_docstrings=True,
        json_schema_extra={
            "example": {
                "verifier": "math",
                "rows": [{"id": "1", "reference": {"answer": "1/2"}, "completion": "The answer is 0.5"}],
            }
        },
    )

    verifier: str
    """One of the names that `GET /verifiers` lists."""
    settings: dict[str, JsonValue] | None = None
    """The settings that the client relies on. They are fixed at the start; others are refused, never applied."""
    rows: Annotated[list[RequestRow], Field(max_length=MAX_ROWS)]


class Answered(BaseModel):
    """One verdict, as a line of `selfplay verify`."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    id: str
    outcome: Outcome
    """`accepted`: proved right. `rejected`: shown wrong, or spoiled by the completion itself. `undecided`: neither."""
    reason: str
    """A word that can be counted; `fault`: the judge could not judge."""
    detail: dict[str, JsonValue]
    """Evidence, at most 4 kB."""
    score: float | None = None
    """Left out where the verifier gives none."""
    seconds: float
    verifier: str
    version: str


class Answer(BaseModel):
    """The verdicts, in the order of the rows."""

    verdicts: list[Answered]


class Served(BaseModel):
    """One verifier of this service."""

    model_config = ConfigDict(use_attribute_docstrings=True)

    name: str
    """What a request calls it."""
    verifier: str
    version: str
    settings: dict[str, JsonValue]
    settings_hash: str
    sandbox_level: str | None
    """The isolation reached, for a verifier that runs what a model wrote."""


class Health(BaseModel):
    """Whether rows can be judged, and how many wait."""

    status: str
    waiting: int
    room: int


class Refusal(BaseModel):
    """Why a request was refused: one sentence that names the key or the limit."""

    error: str
