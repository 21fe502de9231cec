"""The rows of the ledger and their ids.

Ids are hashes of what determines a thing, so a rerun finds what it already made. A sample's id hashes the draw
(purpose, model, prompt, problem, index, sampling, seed) and not its text; a worked example's id hashes its text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa
from pydantic import JsonValue

from selfplay.models.folders import ModelState
from selfplay.tasks.problem import Problem, content_hash

Purpose = Literal["train", "validate", "evaluate"]
FAULTS = frozenset({"fault", "no_completion"})
"""Reasons of an undecided verdict that are nobody's answer: the judge, or the engine, failed."""


UNSET: dict[str, JsonValue] = {"stop": [], "prefix": ""}
"""Keys of the sampling that a draw does not have where they are unset, so that new keys leave old ids as they were."""


def prompt_row(text: str, chat: bool | None) -> dict[str, Any]:
    """A `prompts` row: `text` before any chat template, and whether it goes through one; None: where there is one.

    The template itself is part of the model's fingerprint.
    """
    return {"id": content_hash("prompt", text, chat), "text": storable(text), "chat": chat}


@dataclass(frozen=True)
class Draw:
    """What determines one sample, before it exists."""

    id: str
    purpose: Purpose
    model: str
    prompt: str
    """Key of the prompt in the table `prompts`."""
    problem_id: str
    index: int
    sampling: dict[str, JsonValue]
    seed: int

    @classmethod
    def of(
        cls,
        purpose: Purpose,
        model: str,
        prompt: str,
        problem_id: str,
        index: int,
        sampling: dict[str, JsonValue],
        seed: int,
        *,
        own_prompt: bool = False,
    ) -> Draw:
        """The draw with its id; `own_prompt`: the prompt is the problem's own, which its id hashes already."""
        settings = {key: value for key, value in sampling.items() if value != UNSET.get(key)}
        given = [] if own_prompt else [prompt]
        identity = content_hash(purpose, model, problem_id, index, settings, seed, *given)
        return cls(identity, purpose, model, prompt, problem_id, index, sampling, seed)


def sample_row(
    draw: Draw, completion: str, finish_reason: str, tokens: int, error: str | None, mean_logprob: float | None = None
) -> dict[str, Any]:
    """A `samples` row of a synthetic sample."""
    draws = {key: value for key, value in vars(draw).items() if key != "seed"}
    return {
        **draws,
        "origin": "synthetic",
        "sampling": as_json(draw.sampling),
        "draw_seed": draw.seed,
        "completion": storable(completion),
        "finish_reason": finish_reason,
        "tokens": tokens,
        "error": error,
        "mean_logprob": mean_logprob,
    }


def worked_example_row(problem: Problem) -> dict[str, Any]:
    """A `samples` row of a problem's worked solution; what only a model's sample has is null."""
    assert problem.solution is not None
    assert problem.solution_origin is not None
    return {
        **dict.fromkeys(SCHEMAS["samples"].names),
        "id": content_hash("worked", problem.source, problem.id, problem.solution),
        "purpose": "train",
        "origin": problem.solution_origin,
        "problem_id": problem.id,
        "index": 0,
        "sampling": as_json({}),
        "completion": storable(problem.solution),
        "finish_reason": "stop",
    }


def problem_row(problem: Problem) -> dict[str, Any]:
    """A `problems` row."""
    row = problem.model_dump(mode="json")
    return {**row, "reference": as_json(row["reference"]), "metadata": as_json(row["metadata"])}


def step_row(model: ModelState, step: str, seconds: float, count: int, detail: Mapping[str, Any]) -> dict[str, Any]:
    """A `steps` row: how long a step of a model's generation took."""
    row = {"seed": model.seed, "arm": model.arm, "generation": model.generation, "step": step}
    return row | {"seconds": seconds, "count": count, "detail": as_json(detail)}


def as_json(value: Any) -> str:
    """Canonical JSON text, ASCII only."""
    return json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"))


def storable(text: str) -> str:
    """Text that UTF-8 can hold: a lone surrogate becomes its escape, such as `\\ud800`."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


TYPES = {"text": pa.string(), "int": pa.int64(), "float": pa.float64(), "bool": pa.bool_()}


def _schema(columns: str) -> pa.Schema:
    """The schema of columns given as `name` (a text) or `name:type`."""
    named = [column.partition(":") for column in columns.split()]
    return pa.schema([(name, TYPES[kind or "text"]) for name, _, kind in named])


SCHEMAS: dict[str, pa.Schema] = {
    "problems": _schema(
        "id prompt reference verifier solution solution_origin source split twin_key difficulty:float metadata"
    ),
    "prompts": _schema("id text chat:bool"),
    "samples": _schema(
        "id purpose origin model prompt problem_id index:int sampling draw_seed:int completion finish_reason"
        " tokens:int error mean_logprob:float"
    ),
    "verdicts": _schema(
        "sample_id outcome reason detail score:float seconds:float verifier version settings_hash sandbox"
    ),
    "training_sets": _schema("id seed:int arm generation:int selection previous rows:int shares"),
    "choices": _schema(
        "seed:int arm generation:int sample_id filter version settings_hash kept:bool reason votes:int group_size:int"
        " detail"
    ),
    "members": _schema("training_set_id sample_id weight:float origin"),
    "models": _schema(
        "fingerprint path parent training_set_id distill seed:int arm generation:int parameters:int outcome depth:int"
        " depth_mean:float"
    ),
    "scores": _schema("model arm generation:int seed:int task measure value:float low:float high:float n:int"),
    "alarms": _schema("seed:int arm generation:int kind stops measure task value:float condition words"),
    "steps": _schema("seed:int arm generation:int step seconds:float count:int detail"),
}
"""Columns of each table. `detail`, `reference`, `sampling`, `selection`, `shares`, `distill`, `metadata` are JSON."""

KEYS: dict[str, tuple[str, ...]] = {
    "problems": ("id",),
    "prompts": ("id",),
    "samples": ("id",),
    "verdicts": ("sample_id",),
    "training_sets": ("seed", "arm", "generation"),
    "choices": ("seed", "arm", "generation", "sample_id"),
    "members": ("training_set_id", "sample_id"),
    "models": ("seed", "arm", "generation"),
    "scores": ("seed", "arm", "generation", "task", "measure"),
    "alarms": ("seed", "arm", "generation", "kind", "condition"),
    "steps": ("seed", "arm", "generation", "step"),
}
"""What identifies a row of each table: no two rows of a ledger agree in it."""

DEPTHS = """
    CREATE VIEW depths AS
    SELECT s.id AS sample_id,
           CASE WHEN s.model IS NULL THEN 0 ELSE m.depth + 1 END AS depth,
           CASE WHEN s.model IS NULL THEN 0.0 ELSE m.depth_mean + 1 END AS depth_mean
    FROM samples s LEFT JOIN (
        SELECT fingerprint, max(depth) AS depth, max(depth_mean) AS depth_mean FROM models GROUP BY 1
    ) m ON m.fingerprint = s.model
"""
"""Generational depth: how many synthetic ancestors a sample has.

A worked example has none. A sample that a model wrote has one more than the data behind that model: `depth` counts
along its longest line of ancestors, `depth_mean` is the mean over the rows of each training set, by weight. A model as
given, or trained on worked examples alone, stands at 0, so its own samples are at 1.
"""
