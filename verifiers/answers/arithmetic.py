r"""Exact arithmetic on an expression that a model wrote. The text never reaches Python's `eval`.

    evaluate("(3 + 5) * 12")          96, from the numbers 3, 5 and 12
    evaluate("-1,200 × 25% − $.50")   -601/2
    evaluate("3 + x")                 raises Unreadable

What is covered: + - * / (also × · ÷ − \times \cdot \div) and brackets; with `only_whole=False` also signs before a
number, decimals, commas between thousands, currency and percent signs. Not covered, and unreadable: powers, letters,
mixed numbers ("1 1/2"), a percentage added to another kind of number ("200 + 5%"), and what is beyond the bounds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

MOST_CHARACTERS = 2000
MOST_DEPTH = 100
MOST_DIGITS = 18
"""Digits of one number. With the bound on characters it keeps every value within some thousand digits."""
_SIGNS = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-", "[": "(", "]": ")"})
_LATEX = ((r"\times", "*"), (r"\cdot", "*"), (r"\div", "/"), (r"\left", ""), (r"\right", ""))
_WHOLE_TOKEN = re.compile(r"\s*([0-9]+|[-+*/()])")
_TOKEN = re.compile(
    r"\s*((?:[$€£]\s?)?(?:(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]+)?|\.[0-9]+)%?|[-+*/()])"
)


class Unreadable(ValueError):
    """The text is no expression of this module, or larger than its bounds."""


@dataclass(frozen=True)
class Value:
    """What an expression comes to, and what stands in it."""

    value: Fraction
    numbers: tuple[str, ...]
    """The numbers as they are written, in order."""
    operators: int
    """How many of + - * / stand between two values; 0 for a bare number."""
    percent: bool
    """Whether it is a number with a percent sign, or a sum of such numbers."""


def evaluate(text: str, *, only_whole: bool = True) -> Value:
    """The exact value of an expression.

    Args:
        only_whole: whether its numbers are whole numbers without a sign.

    Raises:
        Unreadable: see the class; says what cannot be read.
        ZeroDivisionError: a divisor is zero.
    """
    if len(text) > MOST_CHARACTERS:
        raise Unreadable(f"an expression of {len(text):,} characters")
    parser = _Parser(_tokens(text, _WHOLE_TOKEN if only_whole else _TOKEN), signed=not only_whole)
    value, percent = parser.sum(0)
    if parser.at != len(parser.tokens):
        raise Unreadable(f"`{parser.tokens[parser.at]}` stands where an operation is due")
    return Value(value, tuple(parser.numbers), parser.operators, percent)


def _tokens(text: str, pattern: re.Pattern[str]) -> list[str]:
    for command, sign in _LATEX:
        text = text.replace(command, sign)
    text = text.translate(_SIGNS).rstrip()
    tokens, place = list[str](), 0
    while place < len(text):
        found = pattern.match(text, place)
        if found is None:
            raise Unreadable(f"`{text[place : place + 20].strip()}` is no number, operation or bracket")
        if (digits := sum(one.isdigit() for one in found[1])) > MOST_DIGITS:
            raise Unreadable(f"a number of {digits} digits")
        tokens.append(found[1])
        place = found.end()
    if not tokens:
        raise Unreadable("there is nothing")
    return tokens


class _Parser:
    """Recursive descent; each method returns a value and whether it is a percentage."""

    def __init__(self, tokens: list[str], *, signed: bool) -> None:
        self.tokens, self.signed, self.at, self.operators = tokens, signed, 0, 0
        self.numbers: list[str] = []

    def sum(self, depth: int) -> tuple[Fraction, bool]:
        value, percent = self._product(depth)
        while sign := self._operator("+-"):
            other, other_percent = self._product(depth)
            if percent != other_percent:
                raise Unreadable("a percentage is added to a number that is none")
            value = value + other if sign == "+" else value - other
        return value, percent

    def _product(self, depth: int) -> tuple[Fraction, bool]:
        value, percent = self._atom(depth)
        while sign := self._operator("*/"):
            other, _ = self._atom(depth)
            value, percent = (value * other if sign == "*" else value / other), False
        return value, percent

    def _operator(self, signs: str) -> str:
        if self.at == len(self.tokens) or self.tokens[self.at] not in signs:
            return ""
        self.at += 1
        self.operators += 1
        return self.tokens[self.at - 1]

    def _atom(self, depth: int) -> tuple[Fraction, bool]:
        if self.at == len(self.tokens):
            raise Unreadable("it ends where a number is due")
        token = self.tokens[self.at]
        self.at += 1
        if token[-1].isdigit() or token[-1] == "%":
            self.numbers.append(token)
            value = Fraction(token.strip("$€£% \t").replace(",", ""))
            return (value / 100, True) if token[-1] == "%" else (value, False)
        if depth == MOST_DEPTH:
            raise Unreadable(f"brackets more than {MOST_DEPTH} deep")
        if token in "+-" and self.signed:
            value, percent = self._atom(depth + 1)
            return (-value if token == "-" else value), percent
        if token != "(":
            raise Unreadable(f"`{token}` stands where a number is due")
        value, percent = self.sum(depth + 1)
        if self.at == len(self.tokens) or self.tokens[self.at] != ")":
            raise Unreadable("a bracket is not closed")
        self.at += 1
        return value, percent
