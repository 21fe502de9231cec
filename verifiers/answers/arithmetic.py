"""Arithmetic as people write it, read into exact fractions. No text is ever evaluated.

What is covered: + - * / × ÷ · x, "of" and "times", powers, brackets (also right after a number, which multiplies),
thousands separators, decimals, percent signs, currency signs before a number, one word of unit after it; all within
bounds of size. What is not covered, and left unread: letters that stand for numbers, additions of different units or
currencies, mixed numbers ("1 1/2", "1½"), TeX fractions, scales in words, decimal commas ("3,5").
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from selfplay.verifiers.answers.measures import unit_of

MOST_DIGITS = 60
"""Digits of one number; a longer one is left unread."""
MOST_TOKENS = 200
"""Tokens on one side of an equals sign."""
MOST_POWER = 64
MOST_BITS = 4096
MOST_DEPTH = 20

_TOKEN = re.compile(
    r"(?P<number>(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|\.\d+)(?P<percent>\s?\\?%|[ ]per ?cent\b)?"
    r"|(?P<currency>\\?\$|€|£|¥)|(?P<operator>\*\*|\\times|\\cdot|\\div|[-+*/×÷·∙⋅∗✕⨯∕⁄−–‐‑‒－^])"
    r"|(?P<open>[(\[])|(?P<close>[)\]])|(?P<word>[A-Za-z][A-Za-z'’]*)|(?P<space>[ \t]+)|(?P<other>.)",
    re.DOTALL,
)
_SIGNS = dict.fromkeys(["×", "·", "∙", "⋅", "∗", "✕", "⨯", "\\times", "\\cdot"], "*")
_SIGNS |= dict.fromkeys(["÷", "∕", "⁄", "\\div"], "/") | dict.fromkeys("−–‐‑‒－", "-") | {"**": "^"}
TIMES = frozenset(["x", "X", "of", "times"])
"""Words that multiply where a number follows."""
_SCALES = """dozen dozens hundred hundreds thousand thousands million millions billion billions half halves third thirds
quarter quarters pair pairs couple score percent twice double squared cubed k m bn per e and"""
SCALES = frozenset(_SCALES.split())
"""Words after a number that change it, or that are no unit; what holds one is left unread."""
VARIABLES = frozenset("xyznXYZN")
"""Letters after a number that are no unit."""


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
    """Whether it is a number with a percent sign, or a sum of such numbers."""
    hundred: bool
    """Whether 100 stands in it, so that it may count percents without a sign: `5 / 20 * 100`, `100 - 20`."""
    product: bool
    """Whether something is multiplied or divided in it."""
    places: int | None
    """Decimals of a bare number as it was written; None of anything else."""
    doubtful: bool
    """Whether people write this and mean something else: `25 / 1/3`, `1.2 x 100%`, `200 + 5%`, `-3^2`, `1/3 of 9 + 3`,
    `8/2(2 + 2)`. It shows no step to be wrong."""


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
        self._tokens, self._at, self._operators, self._depth, self._powers = tokens, 0, 0, 0, 0
        self._product_seen = self._percent = False
        self._units: set[str] = set()
        self._doubtful = any(token.kind == "percent" and token.text.startswith("100") for token in tokens)

    def side(self) -> Side:
        """Raises Unread where the tokens are no arithmetic."""
        value = self._sum()
        if self._at < len(self._tokens):
            raise Unread
        bare = [token for token in self._tokens if token.kind in ("number", "percent")]
        return Side(
            value=value,
            operators=self._operators,
            units=frozenset(self._units),
            percent=self._percent,
            hundred=any(digits_of(token) == "100" for token in bare),
            product=self._product_seen,
            places=len(digits_of(bare[0]).partition(".")[2]) if self._operators == 0 and len(bare) == 1 else None,
            doubtful=self._doubtful,
        )

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
        value, units, percent = self._term()
        percents = [percent]
        while (sign := self._operator("+-")) is not None:
            self._at += 1
            self._operators += 1
            other, others, percent = self._term()
            percents.append(percent)
            if units != others and units and others:
                raise Unread  # an hour and minutes
            units = units or others
            value = _bounded(value + other if sign == "+" else value - other)
        self._percent = all(percents)
        if len(percents) > 1:
            mixed = any(percents) and not all(percents)  # 200 + 5%
            of = not self._depth and any(token.text == "of" for token in self._tokens)  # 1/3 of 9 + 3
            self._doubtful = self._doubtful or mixed or of
        return value

    def _term(self) -> tuple[Fraction, frozenset[str], bool]:
        """A product, its units, and whether it is nothing but a number with a percent sign."""
        before, start, operators = set(self._units), self._at, self._operators
        self._units = set()
        value = self._product()
        mine = frozenset(self._units)
        self._units |= before
        kinds = [token.kind for token in self._tokens[start : self._at] if token.kind not in ("word", "operator")]
        return value, mine, kinds == ["percent"] and self._operators == operators

    def _product(self) -> Fraction:
        value = self._signed()
        divided = False
        while (sign := self._operator("*/") or self._unwritten()) is not None:
            self._at += sign != "("
            self._doubtful = self._doubtful or (divided and sign == "/")  # 25 / 1/3
            divided = sign == "/"
            self._operators += 1
            self._product_seen = True
            other = self._signed()
            if sign == "/" and other == 0:
                raise Unread
            value = _bounded(value / other if sign == "/" else value * other)
        return value

    def _unwritten(self) -> str | None:
        """A bracket right after a number, which multiplies: 2(3 + 4)."""
        token, before = self._peek(), self._tokens[self._at - 1]
        touching = token is not None and before.at + len(before.text) == token.at
        if token is None or not touching or token.text != "(" or before.kind not in ("number", "close"):
            return None
        self._doubtful = True
        return "("

    def _signed(self) -> Fraction:
        powers = self._powers
        if (sign := self._operator("+-")) is not None:
            self._at += 1
            value = self._signed()
            self._doubtful = self._doubtful or self._powers > powers  # -3^2
            return value if sign == "+" else -value
        unit = len(self._units)
        base = self._atom()
        if self._operator("^") is None:
            return base
        if len(self._units) > unit:
            raise Unread  # 4 W^2
        self._at += 1
        self._operators += 1
        powers = self._powers
        power = self._signed()
        self._doubtful = self._doubtful or self._powers > powers  # 2^3^2
        self._powers += 1
        if power.denominator != 1 or abs(power) > MOST_POWER or (base == 0 and power < 0):
            raise Unread
        if max(base.numerator.bit_length(), base.denominator.bit_length()) * abs(power) > MOST_BITS:
            raise Unread
        return _bounded(base ** int(power))

    def _atom(self) -> Fraction:
        token = self._peek()
        if token is not None and token.kind == "currency":
            self._at += 1
            self._units.add(unit_of(token.text.lstrip("\\")))
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
            digits = digits_of(token)
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
        if token.text.casefold() in SCALES or token.text in VARIABLES:
            raise Unread
        self._at += 1
        self._units.add(unit_of(token.text))


def digits_of(token: Token) -> str:
    """A number without its percent sign and its separators of thousands."""
    return token.text.rstrip("\\% percnt").replace(",", "")


def _bounded(value: Fraction) -> Fraction:
    if max(value.numerator.bit_length(), value.denominator.bit_length()) > MOST_BITS:
        raise Unread
    return value
