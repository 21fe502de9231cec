"""The part of the grammar for what a term is made of: numbers, words, commands, brackets."""

from __future__ import annotations

from fractions import Fraction

from selfplay.verifiers.math.commands import Commands
from selfplay.verifiers.math.numerals import decimal, endless_decimal, in_base, repeating
from selfplay.verifiers.math.stream import content
from selfplay.verifiers.math.tokens import Token, whole_number
from selfplay.verifiers.math.tree import Name, Node, Number, Unreadable
from selfplay.verifiers.math.vocabulary import FUNCTIONS, OPENERS, PLAIN_NAMES, SPELLINGS


class Primaries(Commands):
    """Everything that is one operand."""

    def primary(self) -> Node:
        self.deeper()
        token = self.now
        if token.kind == "number":
            node: Node = self._number()
        elif token.kind == "word":
            node = self._word()
        elif token.kind == "command":
            node = self.command()
        elif token.kind == "environment":
            node = self.environment()
        elif token.kind == "text" and content(token).strip():
            node = Name(f"text {content(self.advance()).strip()}")
        elif (token.text in OPENERS or token.text == "]") and token.kind in ("operator", "escaped"):
            node = self.bracketed()
        else:
            raise self.lost()
        self.depth -= 1
        return node

    def _number(self) -> Node:
        token = self.advance()
        text = token.text
        if "," in text:
            whole = text.partition(".")[0].split(",")
            proper = 1 <= len(whole[0]) <= 3 and whole[0][0] != "0" and all(len(part) == 3 for part in whole[1:])
            if not (proper and self.thousands and not self.brackets):
                self.at -= 1
                self.separate()
                return self._number()
            text = text.replace(",", "")
        node = decimal(text.rstrip(".") if text.endswith(".") else text)
        if text.endswith(".") and len(text) > 1:
            # a full stop ends a sentence; it stays in the stream for whoever wants it
            self.at -= 1
            self.tokens[self.at] = Token("operator", ".", False)
        if self.sees(".") and self.tokens[self.at + 1].text == "\\overline":
            self.advance()
        if self.sees("\\overline") and "." in token.text:
            return self._repeating(token.text)
        if self.sees("...", "\\ldots", "\\dots", "\\cdots") and "." in text:
            endless = endless_decimal(text)
            if endless is not None:
                self.advance()
                return endless
        if self.sees("_") and node.places is None:
            return self._based(text)
        return node

    def _repeating(self, text: str) -> Node:
        self.advance()
        self.expect("{")
        token = self.advance()
        self.expect("}")
        if not token.text.isdigit():
            raise self.lost("expected digits under the bar")
        whole, _, fixed = text.partition(".")
        return Number(repeating(whole, fixed, token.text))

    def _based(self, text: str) -> Node:
        start = self.at
        self.advance()
        braced = self.take("{")
        token = self.advance()
        if token.kind != "number" or not token.text.isdigit() or (braced and not self.take("}")):
            self.at = start
            raise self.lost("a subscript that is no base")
        base = whole_number(token.text)
        return Number(Fraction(in_base(text, base)), None, base)

    def _word(self) -> Node:
        token = self.advance()
        text = token.text
        known = SPELLINGS.get(text, text)
        if known in FUNCTIONS:
            return self.function(known)
        if text in PLAIN_NAMES:
            return self.subscripted(PLAIN_NAMES[text])
        split = self._glued_function(text)
        if split is not None:
            self.tokens[self.at : self.at] = [Token("word", split[1], False)]
            return self.function(split[0])
        if len(text) > 1 and text.isupper():
            # a segment, a word or an outcome: AB, DOG and HTH are names whose letters keep their order
            return self.subscripted(text)
        if len(text) > 3 and list(text) != sorted(set(text)):
            raise Unreadable(f"the word {text[:40]!r}")
        if len(text.rstrip("'")) > 1:
            # several letters are a product of symbols; what follows belongs to the last
            letters = [Token("word", letter, False) for letter in text.rstrip("'")]
            letters[-1] = Token("word", letters[-1].text + "'" * text.count("'"), False)
            self.tokens[self.at : self.at] = letters[1:]
            text = letters[0].text
        return self.subscripted(text)

    @staticmethod
    def _glued_function(text: str) -> tuple[str, str] | None:
        """`sinx` as sin and x; None for anything else."""
        name, symbol = text[:-1], text[-1]
        return (name, symbol) if name in FUNCTIONS and len(name) > 1 and name not in ("min", "max") else None
