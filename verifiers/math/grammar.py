r"""Tokens to a tree: LaTeX and plain notation, read by recursive descent. Evaluates nothing.

What is covered: numbers, fractions, mixed numbers, powers, roots, named functions, factorials, binomials,
absolute values, sums, products and integrals with bounds, brackets, sets (also by a condition), relations,
unions, matrices, systems and piecewise definitions, plus-minus, subscripts. Not covered: derivatives, limits,
sets of whole numbers by a condition. Those are `Unreadable`.
"""

from __future__ import annotations

from fractions import Fraction

from selfplay.verifiers.math.numerals import mixed
from selfplay.verifiers.math.primaries import Primaries
from selfplay.verifiers.math.stream import DEEPEST, content, times
from selfplay.verifiers.math.tokens import tokenize, whole_number
from selfplay.verifiers.math.tree import (
    Add,
    Call,
    Div,
    Items,
    Name,
    Node,
    Number,
    PlusMinus,
    Pow,
    Relation,
    SetOperation,
    TooLarge,
    negate,
)
from selfplay.verifiers.math.vocabulary import (
    CONJUNCTIONS,
    DIVIDED,
    NO_FACTOR,
    OPENERS,
    RELATIONS,
    SET_OPERATIONS,
    TIMES,
)


def parse(text: str, *, thousands: bool = True) -> Node:
    """The tree of cleaned text.

    Args:
        thousands: whether `1,234` outside brackets is one number (inside them it is always two).

    Raises:
        Unreadable, TooLarge
    """
    return _Parser(tokenize(text), thousands).whole()


class _Parser(Primaries):
    """Lists, relations and arithmetic; the operands are in primaries.py."""

    def whole(self) -> Node:
        groups = [self.items()]
        while self.take(";"):
            if self.now.kind == "end":
                break
            groups.append(self.items())
        self.take(".")
        if self.now.kind != "end":
            raise self.lost()
        return groups[0] if len(groups) == 1 else Items(tuple(groups), ";")

    def items(self) -> Node:
        items = [self.relation()]
        separator = ","
        while found := self._separator():
            if self.now.kind == "end":
                if found != ",":
                    raise self.lost(f"nothing after {found!r}")
                break
            separator = found if found != "," else separator
            items.append(self.relation())
        return items[0] if len(items) == 1 else Items(tuple(items), separator)

    def _separator(self) -> str:
        """`,`, `and` or `or` (also after a comma), or nothing."""
        found = "," if self.take(",") else ""
        word = content(self.now).strip(" ,") if self.now.kind == "text" else self.now.text
        if word in CONJUNCTIONS and self.now.kind in ("text", "word", "command"):
            self.advance()
            return CONJUNCTIONS[word]
        return found

    def relation(self) -> Node:
        self.deeper()
        # "x = 5 ≈ ..." and "≈ 0.577" both begin here; a leading relation has no left side
        leading = RELATIONS.get(self.now.text) == "~" and self.now.kind != "text"
        if leading:
            self.advance()
        sides, operators = [self._union()], []
        while self.now.kind in ("operator", "command") and self.now.text in RELATIONS:
            operators.append(RELATIONS[self.advance().text])
            sides.append(self._union())
        if self.take("\\pmod"):
            sides[-1] = Call("pmod", (sides[-1], self.power()))
        self.depth -= 1
        return Relation(tuple(operators), tuple(sides)) if operators else sides[0]

    def _union(self) -> Node:
        node = self.sum()
        while (self.now.kind == "command" and self.now.text in SET_OPERATIONS) or self._plain_union():
            operator = SET_OPERATIONS[self.advance().text]
            right = self.sum()
            if isinstance(node, SetOperation) and node.operator == operator and operator == "union":
                node = SetOperation(operator, (*node.parts, right))
            else:
                node = SetOperation(operator, (node, right))
        return node

    def _plain_union(self) -> bool:
        """Whether a `U` between brackets stands here."""
        before, after = self.tokens[self.at - 1], self.tokens[min(self.at + 1, len(self.tokens) - 1)]
        return self.now.text == "U" and before.text in (")", "]", "}") and after.text in ("(", "[", "{", "\\{")

    def sum(self) -> Node:
        self.deeper()
        terms = [self._signed()]
        while self.sees("+", "-", "\\pm", "\\mp"):
            terms.append(self._signed())
        self.depth -= 1
        node = terms[0] if len(terms) == 1 else Add(tuple(terms))
        # all that stands before it is divided, as in a + b mod m
        return Call("mod", (node, self.product())) if self.take("\\bmod") else node

    def _signed(self) -> Node:
        sign, plus_minus = 1, 0
        while self.sees("+", "-", "\\pm", "\\mp"):
            text = self.advance().text
            if text == "-":
                sign = -sign
            elif text != "+":
                plus_minus = 1 if text == "\\pm" else -1
        node = self.product()
        if plus_minus:
            return PlusMinus(node, plus_minus * sign)
        return negate(node) if sign < 0 else node

    def product(self) -> Node:
        node = self._unary()
        while True:
            if self.now.kind != "text" and self.now.text in TIMES:
                self.advance()
                node = times(node, self._unary())
            elif self.now.kind != "text" and self.now.text in DIVIDED:
                self.advance()
                node = Div(node, self._unary())
            elif self.now.text == "x" and isinstance(node, Number) and self._times_sign_x():
                self.advance()
                node = times(node, self._unary())
            elif self._plain_union():
                return node
            elif self.begins_factor():
                if self.now.kind == "number":
                    node = self._mixed_or_product(node)
                else:
                    mixed = self._mixed_fraction(node)
                    node = mixed if mixed is not None else times(node, self.power())
            else:
                return node

    def _times_sign_x(self) -> bool:
        following = self.tokens[self.at + 1]
        return following.kind == "number" and following.text == "10" and self.tokens[self.at + 2].text in ("^", "**")

    def _mixed_or_product(self, node: Node) -> Node:
        # two numbers side by side: "7 3/4" is a mixed number, anything else is no notation
        token = self.now
        following = self.tokens[self.at + 1 : self.at + 3]
        if not isinstance(node, Number):
            return times(node, self.power())
        written = self.tokens[self.at - 1].kind == "number"
        fraction = written and token.text.isdigit() and following[0].text == "/" and following[1].text.isdigit()
        if fraction and node.places is None and node.value.denominator == 1:
            top, bottom = whole_number(token.text), whole_number(following[1].text)
            if 0 < top < bottom:
                self.at += 3
                return mixed(node, Fraction(top, bottom))
        raise self.lost("two numbers side by side")

    def _mixed_fraction(self, node: Node) -> Node | None:
        """`3\\frac{1}{2}` after a whole number, as a mixed number; None where it is a product."""
        if not (self.sees("\\frac") and isinstance(node, Number) and node.places is None and node.base == 10):
            return None
        if node.value.denominator != 1 or self.tokens[self.at - 1].kind != "number":
            return None
        start = self.at
        part = self.power()
        match part:
            case Div(Number(top), Number(bottom)) if 0 < top < bottom and top.denominator == 1:
                return mixed(node, top / bottom)
        self.at = start
        return None

    def _unary(self) -> Node:
        if self.sees("+", "-"):
            self.deeper()
            negative = self.advance().text == "-"
            node = self._unary()
            self.depth -= 1
            return negate(node) if negative else node
        return self.power()

    def begins_factor(self) -> bool:
        token = self.now
        if token.kind == "number":
            return True
        if token.kind == "word":
            return token.text not in ("and", "or")
        if token.kind == "operator":
            if token.text == "[" and self.closes_open_interval():
                return False
            return token.text in ("(", "[", "{") or (token.text == "|" and not self.bars)
        if token.kind == "escaped":
            return token.text == "\\{"
        if token.kind == "command":
            return token.text in OPENERS or token.text not in NO_FACTOR
        return token.kind == "environment" and token.text.startswith("\\begin")

    def power(self) -> Node:
        node = self.primary()
        for _ in range(DEEPEST):
            if self.take("!"):
                node = Call("double_factorial" if self.take("!") else "factorial", (node,))
            elif self._degree_sign():
                node = Div(times(node, Name("pi")), Number(Fraction(180)))
            elif self.take("^", "**"):
                node = Pow(node, self.exponent())
            elif self.sees("\\%", "%"):
                self.advance()
                node = Div(node, Number(Fraction(100)))
            else:
                return node
        raise TooLarge(f"more than {DEEPEST} signs after one operand")

    def _degree_sign(self) -> bool:
        r"""Steps over `^\circ` or `^{\circ}`, where that stands here."""
        for sign in (("^", "\\circ"), ("^", "{", "\\circ", "}")):
            if [token.text for token in self.tokens[self.at : self.at + len(sign)]] == list(sign):
                self.at += len(sign)
                return True
        return False

    def exponent(self) -> Node:
        """What follows `^`; right associative, so that 9**9**9 is 9**(9**9)."""
        self.deeper()
        if self.sees("-", "+"):
            negative = self.advance().text == "-"
            node = self.exponent()
            node = negate(node) if negative else node
        else:
            node = self.primary()
            if self.take("^", "**"):
                node = Pow(node, self.exponent())
            elif self.take("!"):
                node = Call("factorial", (node,))
        self.depth -= 1
        return node
