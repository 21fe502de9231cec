"""Arithmetic as people write it, read into exact fractions. No text is ever evaluated.

What is covered: + - * / × ÷ · x, "of" and "times", powers, brackets, thousands separators, decimals, percent signs,
currency signs, one word of unit after a number; all within bounds of size. What is not covered, and left unread:
letters that stand for numbers, additions of different units, mixed numbers ("1 1/2"), TeX fractions, scales in words.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

MOST_DIGITS = 60
"""Digits of one number; a longer one is left unread."""
MOST_TOKENS = 200
"""Tokens on one side of an equals sign."""
MOST_POWER = 64
MOST_BITS = 4096
MOST_DEPTH = 20

_TOKEN = re.compile(
    r"(?P<number>(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|\.\d+)(?P<percent>\s?%)?"
    r"|(?P<currency>\\?\$|€|£|¥)|(?P<operator>\*\*|\\times|\\cdot|\\div|[-+*/×÷·∙⋅−–^])"
    r"|(?P<open>[(\[])|(?P<close>[)\]])|(?P<word>[A-Za-z][A-Za-z'’]*)|(?P<space>[ \t]+)|(?P<other>.)",
    re.DOTALL,
)
_SIGNS = {"×": "*", "·": "*", "∙": "*", "⋅": "*", "\\times": "*", "\\cdot": "*", "÷": "/", "\\div": "/"}
_SIGNS |= {"−": "-", "–": "-", "**": "^"}
TIMES = frozenset(["x", "X", "of", "times"])
"""Words that multiply where a number follows."""
_SCALES = """dozen dozens hundred hundreds thousand thousands million millions billion billions half halves third thirds
quarter quarters pair pairs couple score percent twice double squared cubed k m bn per e and"""
SCALES = frozenset(_SCALES.split())
"""Words after a number that change it, or that are no unit; what holds one is left unread."""


class Unread(ValueError):
    """It is no arithmetic that can be read without doubt."""


@dataclass(frozen=True)
class Token:
    """A piece of one side: its kind, its text, and where it begins."""

    kind: str
    text: str
    at: int


@dataclass(frozen=True)
class Side:
    """One side of an equals sign."""

    value: Fraction
    operators: int
    """0: a bare number."""
    units: frozenset[str]
    percent: bool
    """Whether it is a bare number with a percent sign."""
    places: int | None
    """Decimals of a bare number as it was written; None of anything else."""
    doubtful: bool
    """Whether people write this and mean something else: `25 / 1/3`, `1.2 x 100%`. It shows no step to be wrong."""


def tokens_of(text: str) -> list[Token]:
    """The pieces of a text, spaces left out."""
    found = []
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup or ""
        if kind == "space":
            continue
        if match["number"]:
            kind = "percent" if match["percent"] else "number"
        found.append(Token(kind, match[0], match.start()))
    return found


def read_side(tokens: list[Token]) -> Side:
    """One side from its tokens.

    Raises:
        Unread: they are no arithmetic, or larger than the bounds.
    """
    if not tokens or len(tokens) > MOST_TOKENS:
        raise Unread
    return _Reader(tokens).side()


class _Reader:
    """Precedence climbing over the tokens of one side."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens, self._at, self._operators, self._depth = tokens, 0, 0, 0
        self.doubtful = any(token.kind == "percent" and token.text.startswith("100") for token in tokens)
        self._units: set[str] = set()

    def side(self) -> Side:
        """Raises Unread where the tokens are no arithmetic."""
        value = self._sum()
        if self._at < len(self._tokens):
            raise Unread
        bare = [token for token in self._tokens if token.kind in ("number", "percent")]
        places = None
        if self._operators == 0 and len(bare) == 1:
            places = len(bare[0].text.rstrip("% ").partition(".")[2])
        percent = self._operators == 0 and len(bare) == 1 and bare[0].kind == "percent"
        return Side(value, self._operators, frozenset(self._units), percent, places, self.doubtful)

    def _peek(self) -> Token | None:
        return self._tokens[self._at] if self._at < len(self._tokens) else None

    def _operator(self, signs: str) -> str | None:
        token = self._peek()
        if token is None:
            return None
        sign = _SIGNS.get(token.text, token.text)
        if token.kind == "word" and token.text in TIMES:
            following = self._tokens[self._at + 1] if self._at + 1 < len(self._tokens) else None
            if following is None or following.kind not in ("number", "percent", "currency", "open"):
                return None  # 2x + 3
            sign = "*"
        elif token.kind != "operator":
            return None
        return sign if sign in signs else None

    def _sum(self) -> Fraction:
        value, units = self._measured()
        while (sign := self._operator("+-")) is not None:
            self._at += 1
            self._operators += 1
            other, others = self._measured()
            if units != others and units and others:
                raise Unread  # an hour and minutes
            units = units or others
            value = _bounded(value + other if sign == "+" else value - other)
        return value

    def _measured(self) -> tuple[Fraction, frozenset[str]]:
        before = set(self._units)
        self._units = set()
        value = self._product()
        mine = frozenset(self._units)
        self._units |= before
        return value, mine

    def _product(self) -> Fraction:
        value = self._signed()
        divided = False
        while (sign := self._operator("*/")) is not None:
            self._at += 1
            self.doubtful = self.doubtful or (divided and sign == "/")  # 25 / 1/3
            divided = sign == "/"
            self._operators += 1
            other = self._signed()
            if sign == "/" and other == 0:
                raise Unread
            value = _bounded(value * other if sign == "*" else value / other)
        return value

    def _signed(self) -> Fraction:
        if (sign := self._operator("+-")) is not None:
            self._at += 1
            return self._signed() if sign == "+" else -self._signed()
        unit = len(self._units)
        base = self._atom()
        if self._operator("^") is None:
            return base
        if len(self._units) > unit:
            raise Unread  # 4 W^2
        self._at += 1
        self._operators += 1
        power = self._signed()
        if power.denominator != 1 or abs(power) > MOST_POWER or (base == 0 and power < 0):
            raise Unread
        if max(base.numerator.bit_length(), base.denominator.bit_length()) * abs(power) > MOST_BITS:
            raise Unread
        return _bounded(base ** int(power))

    def _atom(self) -> Fraction:
        token = self._peek()
        if token is not None and token.kind == "currency":
            self._at += 1
            self._units.add("$")
            token = self._peek()
        if token is None:
            raise Unread
        self._at += 1
        if token.kind == "open":
            self._depth += 1
            if self._depth > MOST_DEPTH:
                raise Unread
            value = self._sum()
            closing = self._peek()
            if closing is None or closing.kind != "close":
                raise Unread
            self._at += 1
            self._depth -= 1
        elif token.kind in ("number", "percent"):
            digits = token.text.rstrip("% ").replace(",", "")
            if len(digits) > MOST_DIGITS or (digits[0] == "0" and digits[1:2].isdigit()):
                raise Unread  # 0130 is a time
            value = Fraction(digits) / (100 if token.kind == "percent" else 1)
        else:
            raise Unread
        self._unit()
        return value

    def _unit(self) -> None:
        token = self._peek()
        if token is None or token.kind != "word" or token.text in TIMES:
            return
        if token.text.casefold() in SCALES:
            raise Unread
        self._at += 1
        self._units.add(token.text.casefold().removesuffix("s"))


def _bounded(value: Fraction) -> Fraction:
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > MOST_BITS:
        raise Unread
    return value
