"""The parser's view of the tokens: where it is, how deep it is, and what is open around it."""

from __future__ import annotations

from abc import ABC, abstractmethod

from selfplay.verifiers.math.tokens import Token
from selfplay.verifiers.math.tree import Mul, Node, TooLarge, Unreadable

DEEPEST = 40


class Stream(ABC):
    """Tokens with a place in them; the grammar's rules are added by those who inherit."""

    def __init__(self, tokens: list[Token], thousands: bool) -> None:
        self.tokens = tokens
        self.at = 0
        self.depth = 0
        self.brackets = 0
        self.bars = 0
        self.thousands = thousands

    @property
    def now(self) -> Token:
        return self.tokens[self.at]

    def advance(self) -> Token:
        token = self.tokens[self.at]
        self.at += token.kind != "end"
        return token

    def sees(self, *texts: str) -> bool:
        return self.now.text in texts and self.now.kind not in ("end", "text")

    def take(self, *texts: str) -> bool:
        if self.sees(*texts):
            self.at += 1
            return True
        return False

    def expect(self, *texts: str) -> None:
        if not self.take(*texts):
            raise self.lost(f"expected {texts[0]}")

    def lost(self, what: str = "not understood") -> Unreadable:
        return Unreadable(f"{what} at {self.now.text[:40] or 'the end'!r}")

    def deeper(self) -> None:
        self.depth += 1
        if self.depth > DEEPEST:
            raise TooLarge(f"nested deeper than {DEEPEST}")

    def closes_open_interval(self) -> bool:
        """Whether the `[` here ends an interval written as `[1, 5[`: nothing that it could open follows."""
        after = self.tokens[self.at + 1]
        return self.brackets > 0 and (after.kind == "end" or after.text in ("\\cup", "\\cap", "U", ",", ")"))

    @abstractmethod
    def items(self) -> Node:
        """Relations separated by commas, `and`, `or`."""

    @abstractmethod
    def relation(self) -> Node:
        """One side, or several with relation signs between."""

    @abstractmethod
    def sum(self) -> Node:
        """Terms."""

    @abstractmethod
    def product(self) -> Node:
        """Factors, also without a sign between them."""

    @abstractmethod
    def power(self) -> Node:
        """A primary with what is raised, exclaimed or per cent."""

    @abstractmethod
    def primary(self) -> Node:
        """One operand."""

    @abstractmethod
    def exponent(self) -> Node:
        """What follows `^`."""

    @abstractmethod
    def begins_factor(self) -> bool:
        """Whether the token here can begin another factor of a product."""


def content(token: Token) -> str:
    r"""What a `\text{...}` token holds."""
    return token.text.partition("{")[2].rstrip("}")


def times(left: Node, right: Node) -> Node:
    """A product, flat on the left."""
    if isinstance(left, Mul) and not isinstance(right, Mul):
        return Mul((*left.factors, right))
    return Mul((left, right))
