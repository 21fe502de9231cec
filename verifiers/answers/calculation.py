"""The `calculation` verifier: is every declared step of a worked solution arithmetically true?

    Natalia sold 48/2 = <<48/2=24>>24 clips in May.      an annotation, and the number that touches it
    48 + 24 = 73                                         a line that is an equation: rejected, wrong_step

What is covered: annotations `<<... = ...>>` as GSM8K has them, with the number right after one, and lines that are an
equation and nothing else; a line that begins or ends with `=` belongs to its neighbour. Values are exact. A decimal may
be rounded or cut, a whole number may not, except after `≈`. One false step rejects; one that has the form and cannot be
read leaves the solution open.
What is not covered: steps inside prose, with units, or of algebra are not read; whether the steps are the right ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from selfplay.verifiers.answers.arithmetic import Unreadable, Value, evaluate
from selfplay.verifiers.contract.verdict import Verdict
from selfplay.verifiers.contract.verifier import AnyReference, Asked, Verifier

MOST_CHARACTERS = 200_000
MOST_SIGNS = 4_000
"""Equals signs of a completion."""
_ANNOTATION = re.compile(
    r"<<([^<>\n]*=[^<>\n]*)>>(?:\*\*|(\s?=\s?))?"
    r"([-−]?[$€£]?[\d.,:/]*\d%?(?(2)(?!\s?[-−+*/×÷·xX(])))?"
)
"""An annotation, and the number right after it; also in bold, or after `=`."""
_EQUATION = re.compile(r"(?:[-−+*/×÷·()\[\]\d.,$€£%=≈ \t]|\\(?:times|cdot|div)\b)+")
_MARKER = re.compile(r"^(?:[-*•]|\d{1,3}[.)])[ \t]+")
_RULE = re.compile(r"\s*[-=*_]{3,}\s*")
_MARKUP = re.compile(r"\*\*|`|\$\$|\\[()\[\]]")
_TIMES = re.compile(r"(?<=[\d)%])[ \t]*[xX][ \t]*(?=[\d.($])")
_OPERATORS = tuple("-−+*/×÷·")
_EQUALS = re.compile(r"(=+|≈)")
_CURRENCY = re.compile(r"[$€£]")


class CalculationSettings(BaseModel):
    """How strict it is."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    rounding: bool = True
    """Whether a decimal may be the exact value rounded or cut to its digits (10/3 = 3.33); `≈` always may."""
    without_steps: Literal["undecided", "accepted", "rejected"] = "undecided"
    """The outcome of a completion in which no step is found."""
    least: int = Field(default=1, ge=1)
    """Steps that must be found; with fewer it counts as without steps."""


@dataclass(frozen=True)
class Step:
    """One or more equals signs between expressions."""

    text: str
    line: int
    equation: str
    """What is read: expressions with `=` or `≈` between them."""
    may_count_percents: bool = False
    """Whether 25 or 0.25 may be written as 25%."""


class CalculationVerifier(Verifier):
    """Judges the arithmetic of a worked solution, step by step."""

    name: ClassVar[str] = "calculation"
    version: ClassVar[str] = "3"
    judges: ClassVar[str] = "that every annotation `<<a op b = c>>`, and every line that is an equation, is true"
    does_not_catch: ClassVar[str] = "true steps that do not answer the question; steps inside prose, which are not read"
    Reference: ClassVar[type[BaseModel]] = AnyReference
    Settings: ClassVar[type[BaseModel]] = CalculationSettings

    def verify(self, asked: Asked) -> Verdict:
        """Judge all steps; the reference is not looked at."""
        completion = asked.completion
        if len(completion) > MOST_CHARACTERS:
            return Verdict.reject("too_large", characters=len(completion), allowed=MOST_CHARACTERS)
        if (signs := len(_EQUALS.findall(completion))) > MOST_SIGNS:
            return Verdict.reject("too_large", equals_signs=signs, allowed=MOST_SIGNS)
        true, unread = 0, list[str]()
        about: dict[str, Any]
        for step in steps(completion):
            try:
                wrong = _first_difference(step, rounding=self.settings.rounding)
            except (Unreadable, ZeroDivisionError):
                unread.append(step.text)
                continue
            if wrong is not None:
                left, right = (str(side.value)[:60] for side in wrong)
                about = {"step": step.text[:300], "number": true + 1, "line": step.line, "left": left, "right": right}
                return Verdict.reject("wrong_step", **about)
            true += 1
        about = {"steps": true, "unread": len(unread)}
        if unread:
            return Verdict.open("a step could not be read", **about, step=unread[0][:300])
        if true >= self.settings.least:
            return Verdict.accept("true_steps", **about)
        if self.settings.without_steps == "undecided":
            return Verdict.open("too few steps were found" if true else "no step was found", **about)
        told = Verdict.accept if self.settings.without_steps == "accepted" else Verdict.reject
        return told("no_step", **about)


def steps(text: str) -> Iterator[Step]:
    """The annotations of a text, then its lines that are equations."""
    for found in _ANNOTATION.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        yield Step(found[0], line, found[1])
        if found[3]:
            yield Step(found[0], line, f"{found[1]}={found[3]}", may_count_percents=True)
    for line, equation in _equations(_ANNOTATION.sub(lambda found: (found[2] or "") + (found[3] or ""), text)):
        yield Step(equation, line, equation)


def _equations(text: str) -> Iterator[tuple[int, str]]:
    """Lines that are an equation and nothing else, with their numbers; lines that go on are joined."""
    joined: list[tuple[int, list[str]]] = []
    before = ""
    for number, raw in enumerate(text.split("\n"), 1):
        line = _MARKUP.sub(" ", raw).replace("\\$", "$").strip()
        if _RULE.fullmatch(line):
            before = ""
            continue
        if before and (line.startswith(("=", "≈")) or before.endswith(("=", "≈", *_OPERATORS))):
            joined[-1][1].append(line)
        elif line:
            joined.append((number, [_MARKER.sub("", line, count=1)]))
        before = line or before
    for number, parts in joined:
        line = _TIMES.sub("*", " ".join(parts)).strip("=≈ \t").removesuffix(".")
        if line.startswith("$") and line.endswith("$"):
            line = line[1:-1]
        if _EQUALS.search(line) and any(sign in line for sign in (*_OPERATORS, "\\")) and _EQUATION.fullmatch(line):
            yield number, line


def _first_difference(step: Step, *, rounding: bool) -> tuple[Value, Value] | None:
    """The first two neighbours of an equation that differ. Raises Unreadable, ZeroDivisionError."""
    if len(set(_CURRENCY.findall(step.equation))) > 1:
        raise Unreadable("two currencies")
    first, *rest = _EQUALS.split(step.equation)
    left = evaluate(_TIMES.sub("*", first), only_whole=False)
    for sign, text in zip(rest[::2], rest[1::2], strict=True):
        right = evaluate(_TIMES.sub("*", text), only_whole=False)
        if not _equal(left, right, about=sign == "≈", rounding=rounding):
            # 25% as 25
            counted = (
                replace(one, value=one.value * 100, percent=False) if one.percent else one for one in (left, right)
            )
            if left.percent == right.percent or not _equal(*counted, about=False, rounding=rounding):
                return left, right
            if not step.may_count_percents:
                raise Unreadable("a percentage beside its number of percents")
        left = right
    return None


def _equal(left: Value, right: Value, *, about: bool, rounding: bool) -> bool:
    """Whether two sides are equal, or one is a decimal that is the other rounded or cut to its digits."""
    if left.value == right.value:
        return True
    for written, exact in ((left, right.value), (right, left.value)):
        places = len(written.numbers[0].rstrip("%").partition(".")[2]) if written.operators == 0 else 0
        if written.operators or not (about or (rounding and places)):
            continue
        unit = Fraction(1, 10**places) / (100 if written.percent else 1)
        is_cut = exact * written.value >= 0 and abs(written.value) <= abs(exact) < abs(written.value) + unit
        if is_cut or abs(exact - written.value) <= unit / 2:
            return True
    return False
