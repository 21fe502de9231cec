"""The `calculation` verifier: is every step of a worked solution arithmetically true?

    Natalia sold 48/2 = <<48/2=24>>24 clips in May.      both the annotation and the text are steps
    Altogether 48 + 24 = 73 clips.                       rejected: wrong_step, with the step and what it comes to

What is covered: the annotations `<<a op b = c>>` of GSM8K, the number right after one, and every `a op b = c` in the
text, in exact fractions; a decimal may be rounded to its digits; a quotient may have a remainder (`17/3 = 5 R2`). A
step that may be meant otherwise than it is read leaves the solution open (steps.py). What is not covered: whether the
steps are the right ones, or lead to the answer; steps that cannot be read (algebra, TeX, units as fractions), which are
counted and passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from selfplay.verifiers.answers.annotated import result_after
from selfplay.verifiers.answers.lines import SIGN, usual
from selfplay.verifiers.answers.steps import Step, is_true, step, steps
from selfplay.verifiers.contract.verdict import Verdict
from selfplay.verifiers.contract.verifier import AnyReference, Asked, Verifier

MOST_CHARACTERS = 200_000
MOST_SIGNS = 4_000
"""Equals signs and arrows of a completion."""
_ANNOTATION = re.compile(r"<<([^<>\n]{1,500})>>")


class CalculationSettings(BaseModel):
    """How strict it is."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    rounding: bool = True
    """Whether a decimal may be the exact value rounded or cut to its digits (10/3 = 3.33); `≈` always may."""
    without_steps: Literal["undecided", "accepted", "rejected"] = "undecided"
    """The outcome of a completion in which no step is found."""
    unread: Literal["pass", "undecided"] = "pass"
    """Steps that cannot be read: passed over, or they leave an otherwise true solution undecided."""
    least: int = Field(default=1, ge=1)
    """Steps that must be found; with fewer it counts as without steps."""


class CalculationVerifier(Verifier):
    """Judges the arithmetic of a worked solution, step by step."""

    name: ClassVar[str] = "calculation"
    version: ClassVar[str] = "2"
    judges: ClassVar[str] = "that every written step `a op b = c` is arithmetically true"
    does_not_catch: ClassVar[str] = "true steps that do not answer the question, and steps it cannot read"
    Reference: ClassVar[type[BaseModel]] = AnyReference
    Settings: ClassVar[type[BaseModel]] = CalculationSettings

    def verify(self, asked: Asked) -> Verdict:
        """Judge all steps; the reference is not looked at."""
        completion = asked.completion
        if len(completion) > MOST_CHARACTERS:
            return Verdict.reject("too_large", characters=len(completion), allowed=MOST_CHARACTERS)
        if (signs := sum(1 for _ in SIGN.finditer(usual(completion)))) > MOST_SIGNS:
            return Verdict.reject("too_large", equals_signs=signs, allowed=MOST_SIGNS)
        true, unread, doubted = 0, [], []
        for found in all_steps(completion):
            if isinstance(found, str):
                unread.append(found)
            elif found.unsettled:
                doubted.append(found.text)
            elif is_true(found, rounding=self.settings.rounding):
                true += 1
            elif found.in_doubt:
                doubted.append(found.text)
            else:
                return Verdict.reject(
                    "wrong_step",
                    step=found.text[:300],
                    number=true + 1,
                    line=completion.count("\n", 0, found.at) + 1,
                    left=_shown(found.left.value),
                    right=_shown(found.right.value),
                )
        about: dict[str, Any] = {"steps": true, "unread": len(unread)}
        if unread:
            about["first_unread"] = unread[0][:200]
        if doubted:
            return Verdict.open("a step may be meant otherwise than it is read", **about, step=doubted[0][:300])
        if true < self.settings.least:
            if self.settings.without_steps == "undecided":
                return Verdict.open("no step was found" if not true else "too few steps were found", **about)
            told = Verdict.accept if self.settings.without_steps == "accepted" else Verdict.reject
            return told("no_step", **about)
        if unread and self.settings.unread == "undecided":
            return Verdict.open("a step could not be read", **about)
        return Verdict.accept("true_steps", **about)


def all_steps(text: str) -> Iterator[Step | str]:
    """Annotations and written steps of a text; the text of those that cannot be read."""
    # blanked to the same length, so that a step's place is its place in the text
    rest = usual(_ANNOTATION.sub(lambda found: " " * len(found[0]), text))
    for found in _ANNOTATION.finditer(text):
        left, equals, right = usual(found[1]).rpartition("=")
        if not equals:
            continue
        read = step(left, right, found.start(), "=", whole=True)
        if read is None:
            yield found[0]
        else:
            yield replace(read, text=found[0])
            after = result_after(read.right, rest, found.end())
            if after is not None:
                yield replace(after, text=found[0] + after.text)
    yield from steps(rest)


def _shown(value: Fraction) -> str:
    if value.denominator == 1:
        return str(value.numerator)[:60]
    return f"{value.numerator}/{value.denominator}"[:60]
