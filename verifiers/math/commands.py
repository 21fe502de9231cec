"""The part of the grammar for LaTeX commands that stand for an operand."""

from __future__ import annotations

from fractions import Fraction

from selfplay.verifiers.math.functions import Functions
from selfplay.verifiers.math.tree import Call, Div, Group, Mul, Name, Node, Number, Pow, Unreadable, negate, show
from selfplay.verifiers.math.vocabulary import FUNCTIONS, GREEK, OPENERS, SPELLINGS


def _from_either_side(angle: Node) -> Node:
    """The angle ABC is the angle CBA."""
    match angle:
        case Name(name) if len(name) == 3 and name.isupper() and name[0] > name[2]:
            return Name(name[::-1])
        case _:
            return angle


class Commands(Functions):
    """Commands, by what they stand for."""

    def command(self) -> Node:
        text = self.advance().text
        name = text[1:]
        name = SPELLINGS.get(name, name)
        if name == "frac":
            return self._fraction()
        if name == "sqrt":
            return self._root()
        if name == "binom":
            return Call("binomial", (self.argument(), self.argument()))
        if name in FUNCTIONS:
            return self.function(name)
        if name == "pi":
            return Name("pi")
        if name in ("infty", "infinity"):
            return Name("oo")
        if name in GREEK:
            return self.subscripted(name)
        if name == "operatorname":
            return self._operator_name()
        if name in ("sum", "prod", "int"):
            return self._series(name)
        if name == "accent":
            return self._accented()
        if name == "overline":
            return Call("conjugate", (self.argument(),))
        if name in ("emptyset", "varnothing"):
            return Group("{", (), "}")
        if name == "mathbb":
            return self._named_set()
        if name == "angle":
            return Call("angle", (_from_either_side(self.product()),))
        if text in OPENERS:
            self.at -= 1
            return self.bracketed()
        raise Unreadable(f"the command {text[:40]}")

    def _accented(self) -> Node:
        self.expect("{")
        accent, letter = self.advance().text, self.advance().text
        self.expect("}")
        # a bar over z is its conjugate; over any other letter it makes another symbol
        if accent in ("bar", "overline") and letter in ("z", "w"):
            return Call("conjugate", (Name(letter),))
        return self.subscripted(f"{'bar' if accent == 'overline' else accent} {letter}")

    def _fraction(self) -> Node:
        top, bottom = self.argument(), self.argument()
        match top, bottom:
            case Name("d"), Mul((Name("d"), Name())):
                raise Unreadable("a derivative")
            case Mul((Name("d") | Pow(Name("d")), _)), Mul((Name("d"), _)):
                # a derivative is a name here: cancelling its d would make y/x of it
                return Name(f"{show(top)}/{show(bottom)}".replace("*", ""))
        return Div(top, bottom)

    def _named_set(self) -> Node:
        self.expect("{")
        letter = self.advance().text
        self.expect("}")
        if letter != "R" or self.sees("^", "_"):
            return Name(f"set {letter}")
        return Group("(", (negate(Name("oo")), Name("oo")), ")")

    def _root(self) -> Node:
        degree: Node = Number(Fraction(2))
        if self.take("["):
            degree = self.sum()
            self.expect("]")
        radicand = self.argument()
        return Call("root", (degree, radicand))
