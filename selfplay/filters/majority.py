"""Votes over the samples of one problem: `majority` by text, `self_consistency` by proved equality."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from selfplay.filters.group_filter import Choice, Circumstances, Compares, Group, GroupFilter
from selfplay.verifiers.math.extraction import AnswerMode


class VoteSettings(BaseModel):
    """Settings of both."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    threshold: float = Field(default=0.5, ge=0, le=1)
    """Least share of the votes for the winning answer, among all samples of the problem: those without an answer
    count too."""
    answer: AnswerMode | None = None
    """`whole`: a completion without a marked answer is the answer; `marked`: it has none. Unset: as `verify.math`."""


class Majority(GroupFilter):
    """Keeps the samples whose final answer, as normalised text, is the most common one of their problem.

    A tie for the first place keeps none. Samples without an answer count in the share's denominator.
    """

    name: ClassVar[str] = "majority"
    version: ClassVar[str] = "1"
    keeps: ClassVar[str] = "that most samples of the problem, or the largest group, end in the same text"
    does_not_catch: ClassVar[str] = "an error that the model makes more often than not; two writings split the vote"
    Settings: ClassVar[type[BaseModel]] = VoteSettings
    compares: ClassVar[Compares] = "texts"

    def refuse(self, given: Circumstances) -> str | None:
        if given.samples < 2:
            return f"filter {self.name} counts votes of several samples of a problem; set `sampling.n` to 2 or more"
        return None

    def choose(self, group: Group) -> Sequence[Choice]:
        votes = Counter(candidate.answer for candidate in group.own if candidate.answer is not None)
        most = max(votes.values(), default=0)
        tied = sum(count == most for count in votes.values()) > 1
        enough = most / len(group.own) >= self.settings.threshold
        choices = []
        for candidate in group.own:
            if candidate.answer is None:
                reason = candidate.without
            elif votes[candidate.answer] < most:
                reason = "minority"
            elif tied:
                reason = "tie"
            else:
                reason = "majority" if enough else "below_threshold"
            choices.append(Choice(candidate.id, reason == "majority", reason))
        return choices


class SelfConsistency(Majority):
    """The same vote over classes of answers that the math verifier proves equal: two writings of one answer are one
    vote (self-consistency: Wang et al. 2022, arXiv:2203.11171)."""

    name: ClassVar[str] = "self_consistency"
    version: ClassVar[str] = "1"
    keeps: ClassVar[str] = "that most samples of the problem, or the largest group, end in provably equal answers"
    does_not_catch: ClassVar[str] = "an error that the model makes more often than not"
    compares: ClassVar[Compares] = "classes"
