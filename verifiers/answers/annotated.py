"""The number after a calculator annotation of GSM8K, which must be its result.

"<<2+2=4>>4 apples"                          the result
"<<2+2=4>>5"                                 another number: false
"<<2+2=4>>**5**", "<<2+2=4>> (5)"            another number, if it belongs there at all: in doubt
"<<2+2=4>>4,5", "<<2+2=4>>4 million"         what stands behind it changes it: in doubt
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace

from selfplay.verifiers.answers.arithmetic import Side, Unread, read_side, tokens_of
from selfplay.verifiers.answers.beside import harmless_behind
from selfplay.verifiers.answers.steps import Step, is_true

_RESULT = re.compile(
    r"(?P<gap>\s?(?:[ \t*_`(\[=≈+]|\\[(\[]|(?:USD|EUR|GBP)(?![A-Za-z]))*+)"
    r"(?P<written>(?P<number>[-−]?(?:(?:\\?\$|€|£|¥)[ \t]*+)?(?:\d{1,3}(?:,\d{3})++|\d{1,60}+)?(?:\.\d{1,60}+|(?<=\d))"
    r"(?:/\d{1,60}+)?)(?!\d)%?)"
)
"""A number, perhaps of money, a fraction or percents, and what may stand between."""
_MARKS = re.compile(r"[*_`)\]]|\\[)\]]")
_LINE = re.compile(r"[^\n;]{0,300}")
_OPERATOR = re.compile(r"\s*(?:[-+*×÷/x]|of\b|times\b)\s*[$(\d.]")


def result_after(annotation: Side, text: str, at: int) -> Step | None:
    """A number right after an annotation that is not its result, as a step; None where it is, or none stands there.

    Args:
        annotation: what the annotation comes to.
        text: the whole text, its annotations blanked.
        at: where the annotation ends.
    """
    found = _RESULT.match(text, at)
    if found is None:
        return None
    said = []
    for written in (found["written"], found["number"]):
        with suppress(Unread):
            said.append(Step("", at, annotation, read_side(tokens_of(written)), about=False))
    quotient = annotation.value // 1 if annotation.operators else annotation.value  # 17/3=5 R2
    if not said:
        return None
    if any(is_true(one, rounding=True) or one.right.value == quotient for one in said):
        return None if _stands_alone(text, found.end()) else replace(said[0], text=found[0], unsettled=True)
    # a sign that is left out, a whole number of something: -4 and 4, 3.33 and 3
    apart = abs(abs(annotation.value) - abs(said[-1].right.value))
    about = apart < 1 if said[-1].right.value.denominator == 1 else apart == 0
    return replace(said[0], text=found[0], in_doubt=about or bool(found["gap"]))


def _stands_alone(text: str, at: int) -> bool:
    """Whether what stands behind a result leaves it alone; arithmetic behind it is read as a step of its own."""
    line = _LINE.match(text, at)
    behind = line[0] if line else ""
    if _OPERATOR.match(behind):
        return True
    before, equals, _ = behind.partition("=")
    return harmless_behind(_MARKS.sub(" ", before), more=bool(equals))
