"""The part of the grammar for symbols, with their subscripts and values, and for the arguments of commands."""

from __future__ import annotations

from fractions import Fraction

from selfplay.verifiers.math.brackets import Brackets
from selfplay.verifiers.math.tokens import Token
from selfplay.verifiers.math.tree import Call, Items, Mul, Name, Node, Number, show


class Symbols(Brackets):
    """Symbols, and what a command takes."""

    def single(self) -> Node:
        """One argument without braces: one digit, one letter, one command."""
        token = self.now
        if token.kind == "number" and "," in token.text:
            self.separate()  # \\sqrt5,1 is a root and a number
            token = self.now
        if token.kind == "number" and len(token.text) > 1 and token.text[0].isdigit():
            self.tokens[self.at] = Token("number", token.text[1:], False)
            return Number(Fraction(int(token.text[0])))
        if token.kind == "word" and len(token.text) > 1:
            self.tokens[self.at] = Token("word", token.text[1:], False)
            return Name(token.text[0])
        return self.primary()

    def separate(self) -> None:
        """Commas in the number here separate: puts its parts into the stream as tokens of their own."""
        token = self.now
        parts: list[Token] = []
        for number, part in enumerate(token.text.split(",")):
            if number:
                parts.append(Token("operator", ",", False))
            parts.append(Token("number", part, token.spaced and not number))
        self.tokens[self.at : self.at + 1] = parts

    def argument(self) -> Node:
        """A braced argument, or a single one."""
        if self.take("{"):
            bars, self.bars = self.bars, 0
            node = self.sum()
            self.bars = bars
            self.expect("}")
            return node
        return self.single()

    def subscripted(self, name: str) -> Node:
        if self.take("_"):
            braced = self.take("{")
            if braced:
                self.brackets += 1
                inside = self.items()
                self.brackets -= 1
                self.expect("}")
            else:
                inside = self.single()
            letters = inside.factors if isinstance(inside, Mul) else ()
            if letters and all(isinstance(letter, Name) for letter in letters):
                name = f"{name}_{''.join(show(letter) for letter in letters)}"
            elif isinstance(inside, Number):
                name = f"{name}_{show(inside)}"
            else:
                # an index that can vary: F_k and F_{n-k} are values of one function
                return Call(f"{name}_", inside.items if isinstance(inside, Items) else (inside,))
        if name.partition("_")[0].rstrip("'") in ("f", "g", "h", "P", "F", "G"):
            inverse = [token.text for token in self.tokens[self.at : self.at + 6]]
            if inverse == ["^", "{", "-", "1", "}", "("]:
                self.at += 5
                return self._applied(f"{name}^-1")
            if self.sees("(") and not self.now.spaced:
                return self._applied(name)
        return Name(name)

    def _applied(self, name: str) -> Node:
        self.expect("(")
        self.brackets += 1
        inside = self.items()
        self.brackets -= 1
        self.expect(")")
        return Call(f"{name}()", inside.items if isinstance(inside, Items) else (inside,))
