"""`agreement`: an answer that several different models reach."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field

from selfplay.filters.group_filter import Choice, Circumstances, Compares, Group, GroupFilter
from selfplay.verifiers.math.extraction import AnswerMode


class AgreementSettings(BaseModel):
    """How many models have to agree."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    models: int = Field(default=2, ge=2)
    """Least number of different models, the arm's own among them, with an equivalent answer among their samples."""
    answer: AnswerMode | None = None
    """`whole`: a completion without a marked answer is the answer; `marked`: it has none. Unset: as `verify.math`."""


class Agreement(GroupFilter):
    """Keeps the samples whose answer models of several arms reach on the same problem.

    Models are told apart by their weights. In generation 1 all arms write with the start model, so no two models can
    agree and nothing is kept: the arm keeps its model, and is trained from generation 2 on.
    """

    name: ClassVar[str] = "agreement"
    version: ClassVar[str] = "1"
    keeps: ClassVar[str] = "that several different models have a provably equal answer among their samples"
    does_not_catch: ClassVar[str] = "an error that related models share; with many samples each, one that any two hit"
    Settings: ClassVar[type[BaseModel]] = AgreementSettings
    compares: ClassVar[Compares] = "classes"
    others: ClassVar[bool] = True

    def refuse(self, given: Circumstances) -> str | None:
        models = self.settings.models
        if models > given.others + 1:
            return (
                f"filter {self.name} wants {models} models to agree and has {given.others + 1}; name "
                f"{models - 1} or more arms in `with`, or lower `models`"
            )
        if given.generations < 2:
            return (
                f"filter {self.name} needs different models, and in generation 1 all arms have the start model; set "
                "`generations` to 2 or more"
            )
        return None

    def choose(self, group: Group) -> Sequence[Choice]:
        behind: dict[str, set[str]] = {}
        for candidate in group.samples:
            if candidate.answer is not None:
                behind.setdefault(candidate.answer, set()).add(candidate.model)
        choices = []
        for candidate in group.own:
            if candidate.answer is None:
                choices.append(Choice(candidate.id, False, candidate.without))
                continue
            models = len(behind[candidate.answer])
            kept = models >= self.settings.models
            choices.append(Choice(candidate.id, kept, "agreement" if kept else "too_few_models", {"models": models}))
        return choices
