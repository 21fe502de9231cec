"""The contract of a group filter: from the samples of one problem to which are kept, each with a reason.

    class Shortest(GroupFilter):
        name = "shortest"
        version = "1"
        keeps = "that no sample of the problem is shorter"

        def choose(self, group):
            least = min(len(candidate.completion) for candidate in group.own)
            return [Choice(c.id, len(c.completion) == least, "length") for c in group.own]

A filter says what it looks at (`compares`, `others`, `logprobs`) and is given it: no reference and no verdict.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, JsonValue

from selfplay.verifiers.contract.verifier import NoSettings

Compares = Literal["nothing", "texts", "classes"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One sample of the problem."""

    id: str
    completion: str
    model: str
    """Fingerprint of the weights that wrote it."""
    own: bool = True
    """Whether the arm's own model wrote it; only such samples can be kept."""
    answer: str | None = None
    """Its vote: equal where two samples gave the same answer, as far as the filter's `compares` looks. None: it has
    none, and `without` says why."""
    without: str = ""
    """`no_answer`, `truncated` (cut off at `max_tokens`), `too_large`, or `fault` (it could not be read out)."""
    truncated: bool = False
    mean_logprob: float | None = None
    """Mean natural log-probability of its tokens, the end token among them, under the model that wrote it, at
    temperature 1. None: the engine did not tell it."""


@dataclass(frozen=True)
class Group:
    """All samples of one problem in one generation. What an engine failed to write is not among them."""

    problem_id: str
    prompt: str
    samples: Sequence[Candidate]
    """In the order of their ids."""

    @cached_property
    def own(self) -> list[Candidate]:
        """The samples that the arm's own model wrote."""
        return [candidate for candidate in self.samples if candidate.own]


@dataclass(frozen=True, slots=True)
class Choice:
    """What becomes of one sample."""

    id: str
    kept: bool
    reason: str
    """A short snake_case word that can be counted, such as `majority` or `tie`."""
    detail: Mapping[str, JsonValue] = field(default_factory=dict)
    """Evidence for the ledger."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What an experiment gives a filter to look at."""

    samples: int
    """Samples for each problem."""
    others: int
    """Arms in `with`."""
    generations: int


class GroupFilter(ABC):
    """One way to choose among the samples of a problem, a pure function of the group and its settings."""

    name: ClassVar[str]
    version: ClassVar[str]
    """Change it whenever a choice can change."""
    keeps: ClassVar[str] = ""
    """What a kept sample has shown, in one line."""
    does_not_catch: ClassVar[str] = ""
    """What is kept although it should not be, in one line."""
    Settings: ClassVar[type[BaseModel]] = NoSettings
    """A field `answer` (`whole` or `marked`) says how answers are read out; without it, or unset, as `verify.math`."""
    compares: ClassVar[Compares] = "nothing"
    """`texts`: answers by their normalised text. `classes`: also by the math verifier, which costs comparisons."""
    others: ClassVar[bool] = False
    """Whether it looks at samples of the arms in `with`."""
    logprobs: ClassVar[bool] = False
    """Whether it needs `mean_logprob`."""

    def __init__(self, settings: Any) -> None:
        self.settings = settings

    def refuse(self, given: Circumstances) -> str | None:
        """Why it can do nothing of use in such an experiment, with the remedy; None where it can."""
        return None

    @abstractmethod
    def choose(self, group: Group) -> Sequence[Choice]:
        """One choice for each sample of `group.own`, in any order. An exception stops the run with its words."""
