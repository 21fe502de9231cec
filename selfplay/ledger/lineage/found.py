"""What a lineage is made of: places, training sets by origin and writer, lines of models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, order=True)
class Place:
    """Where a model stands in the loop."""

    seed: int
    arm: str
    generation: int


@dataclass(frozen=True)
class Part:
    """Rows of a training set with one origin; written by one model where they are synthetic."""

    origin: str
    writer: str | None
    """Fingerprint."""
    written_in: int | None
    """Generation of the writer."""
    rows: int
    share: float
    """Of the set's weight."""


@dataclass(frozen=True)
class ModelStep:
    """One model of a line, with the training set that made it."""

    fingerprint: str
    places: list[Place]
    """Equal weights may stand at several places: kept for want of data, or equal in two arms."""
    outcome: str
    depth: int | None
    depth_mean: float | None
    started_from: str
    """`initial weights`, `previous model` or `as given`."""
    parent: str | None
    """The arm's model of the generation before."""
    training_set: str | None
    rows: int
    parts: list[Part]


@dataclass(frozen=True)
class SampleLineage:
    """A sample, its verdict, what trained on it, and the line of models behind it."""

    id: str
    origin: str
    purpose: str
    problem_id: str
    task: str | None
    """None, as the prompt, where the ledger does not hold the problem."""
    index: int
    finish_reason: str
    depth: int | None
    """None where the ledger does not hold the model that wrote the sample."""
    depth_mean: float | None
    prompt: str | None
    completion: str
    outcome: str | None
    reason: str | None
    verifier: str | None
    trained: list[Place]
    """Models whose training set has this sample."""
    line: list[ModelStep]
    """From the model that wrote it to generation 0."""


@dataclass(frozen=True)
class ModelLineage:
    """A model: the line behind it and what its data is made of."""

    fingerprint: str
    depths: dict[int, int]
    """Generational depth -> rows of its training set."""
    outcomes: dict[str, int]
    """Verdict -> rows; worked examples are `not judged`."""
    written: dict[str, int]
    """Purpose -> samples that this model wrote."""
    line: list[ModelStep]


@dataclass(frozen=True)
class Touched:
    """A model that a problem has reached."""

    fingerprint: str
    place: Place
    directly: bool
    """Its own training set holds the worked example or a sample of the problem."""
    through: list[str]
    """Fingerprints of touched models that wrote for its training set, or whose weights it went on from."""


@dataclass(frozen=True)
class ProblemLineage:
    """A problem, its worked example, the samples written for it, and every model that they touched."""

    id: str
    task: str
    split: str
    prompt: str
    worked: dict[str, Any] | None
    """id, origin and text of the worked example."""
    samples: dict[str, int]
    """Verdict -> synthetic samples of this problem."""
    touched: list[Touched]
    models: int
    """Places with a model in the whole run."""


Lineage = SampleLineage | ModelLineage | ProblemLineage
