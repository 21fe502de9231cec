"""The part of the grammar for what a term is made of: numbers, symbols, commands, functions, sums."""

from __future__ import annotations

from fractions import Fraction

from verifiers.math.brackets import Brackets
from verifiers.math.numerals import decimal, endless_decimal, in_base, repeating
from verifiers.math.stream import content, times
from verifiers.math.tokens import Token, whole_number
from verifiers.math.tree import (
    ONE,
    Call,
    Div,
    Group,
    Items,
    Mul,
    Name,
    Node,
    Number,
    Pow,
    Relation,
    Series,
    Unreadable,
    negate,
    show,
)
from verifiers.math.vocabulary import FUNCTIONS, GREEK, INVERSES, OPENERS, PLAIN_NAMES, SPELLINGS


def _from_either_side(angle: Node) -> Node:
    """The angle ABC is the angle CBA."""
    match angle:
        case Name(name) if len(name) == 3 and name.isupper() and name[0] > name[2]:
            return Name(name[::-1])
        case _:
            return angle


class Primaries(Brackets):
    """Everything that is one operand."""

    def primary(self) -> Node:
        self.deeper()
        token = self.now
        if token.kind == "number":
            node: Node = self._number()
        elif token.kind == "word":
            node = self._word()
        elif token.kind == "command":
            node = self._command()
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
                return self._apart(token)
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

    def _apart(self, token: Token) -> Node:
        """Commas here separate: put the parts back as tokens of their own."""
        parts: list[Token] = []
        for number, part in enumerate(token.text.split(",")):
            if number:
                parts.append(Token("operator", ",", False))
            parts.append(Token("number", part, token.spaced and not number))
        self.at -= 1
        self.tokens[self.at : self.at + 1] = parts
        return self._number()

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
            return self._function(known)
        if text in PLAIN_NAMES:
            return self._subscripted(PLAIN_NAMES[text])
        split = self._glued_function(text)
        if split is not None:
            self.tokens[self.at : self.at] = [Token("word", split[1], False)]
            return self._function(split[0])
        if len(text) > 1 and text.isupper():
            # a segment, a word or an outcome: AB, DOG and HTH are names whose letters keep their order
            return self._subscripted(text)
        if len(text) > 3 and list(text) != sorted(set(text)):
            raise Unreadable(f"the word {text[:40]!r}")
        if len(text.rstrip("'")) > 1:
            # several letters are a product of symbols; what follows belongs to the last
            letters = [Token("word", letter, False) for letter in text.rstrip("'")]
            letters[-1] = Token("word", letters[-1].text + "'" * text.count("'"), False)
            self.tokens[self.at : self.at] = letters[1:]
            text = letters[0].text
        return self._subscripted(text)

    @staticmethod
    def _glued_function(text: str) -> tuple[str, str] | None:
        """`sinx` as sin and x; None for anything else."""
        name, symbol = text[:-1], text[-1]
        return (name, symbol) if name in FUNCTIONS and len(name) > 1 and name not in ("min", "max") else None

    def _subscripted(self, name: str) -> Node:
        if self.take("_"):
            braced = self.take("{")
            if braced:
                self.brackets += 1
                inside = self.items()
                self.brackets -= 1
                self.expect("}")
            else:
                inside = self._single()
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

    def _single(self) -> Node:
        """One argument without braces: one digit, one letter, one command."""
        token = self.now
        if token.kind == "number" and len(token.text) > 1 and token.text[0].isdigit():
            self.tokens[self.at] = Token("number", token.text[1:], False)
            return Number(Fraction(int(token.text[0])))
        if token.kind == "word" and len(token.text) > 1:
            self.tokens[self.at] = Token("word", token.text[1:], False)
            return Name(token.text[0])
        return self.primary()

    def _argument(self) -> Node:
        """A braced argument, or a single one."""
        if self.take("{"):
            bars, self.bars = self.bars, 0
            node = self.sum()
            self.bars = bars
            self.expect("}")
            return node
        return self._single()

    def _command(self) -> Node:
        text = self.advance().text
        name = text[1:]
        name = SPELLINGS.get(name, name)
        if name == "frac":
            return self._fraction()
        if name == "sqrt":
            return self._root()
        if name == "binom":
            return Call("binomial", (self._argument(), self._argument()))
        if name in FUNCTIONS:
            return self._function(name)
        if name == "pi":
            return Name("pi")
        if name in ("infty", "infinity"):
            return Name("oo")
        if name in GREEK:
            return self._subscripted(name)
        if name == "operatorname":
            return self._operator_name()
        if name in ("sum", "prod", "int"):
            return self._series(name)
        if name == "accent":
            return self._accented()
        if name == "overline":
            return Call("conjugate", (self._argument(),))
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
        return self._subscripted(f"{'bar' if accent == 'overline' else accent} {letter}")

    def _fraction(self) -> Node:
        top, bottom = self._argument(), self._argument()
        match top, bottom:
            case Name("d"), Mul((Name("d"), Name())):
                raise Unreadable("a derivative")
            case Mul((Name("d") | Pow(Name("d")), _)), Mul((Name("d"), _)):
                # a derivative is a name here: cancelling its d would make y/x of it
                return Name(f"{show(top)}/{show(bottom)}".replace("*", ""))
        return Div(top, bottom)

    def _operator_name(self) -> Node:
        self.expect("{")
        name = self.advance().text
        self.expect("}")
        name = SPELLINGS.get(name, name)
        if name not in FUNCTIONS:
            raise Unreadable(f"the function {name[:40]!r}")
        return self._function(name)

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
        radicand = self._argument()
        return Call("root", (degree, radicand))

    def _function(self, name: str) -> Node:
        base, exponent = None, None
        if name == "log" and self.take("_"):
            base = self._argument() if self.sees("{") else self.primary()
        if self.take("^"):
            exponent = self._argument() if self.sees("{") else self.exponent()
        if name == "log" and base is None and self.take("_"):
            base = self._argument() if self.sees("{") else self.primary()
        arguments = self._function_arguments()
        if name == "sqrt":
            node: Node = Call("root", (Number(Fraction(2)), *arguments))
        elif name == "lg":
            node = Call("log_base", (Number(Fraction(10)), *arguments))
        elif name == "log":
            node = Call("log_base", (base, *arguments)) if base is not None else Call("ln", arguments)
        elif name == "exp":
            node = Pow(Name("e"), arguments[0]) if len(arguments) == 1 else Call(name, arguments)
        elif exponent is not None and isinstance(exponent, Number) and exponent.value == -1 and name in INVERSES:
            return Call(INVERSES[name], arguments)
        else:
            node = Call(name, arguments)
        return node if exponent is None else Pow(node, exponent)

    def _function_arguments(self) -> tuple[Node, ...]:
        if self.sees("(", "{", "[", "\\{"):
            closer = {"(": ")", "{": "}", "[": "]", "\\{": "\\}"}[self.advance().text]
            self.brackets += 1
            bars, self.bars = self.bars, 0
            inside = self.items()
            self.bars = bars
            self.brackets -= 1
            self.expect(closer)
            return inside.items if isinstance(inside, Items) else (inside,)
        # without brackets the argument runs to the next sign or function: \sin 2x \cos y
        self.deeper()
        node = self._signed_power()
        while self.begins_factor() and not self._at_function():
            if self.now.kind == "number" or self.sees("(", "[", "\\{", "|"):
                break
            node = times(node, self.power())
        if self.sees("/") and self.tokens[self.at + 1].kind == "number" and isinstance(node, Name | Number):
            self.advance()
            node = Div(node, self.power())
        self.depth -= 1
        return (node,)

    def _signed_power(self) -> Node:
        if self.take("-"):
            return negate(self.power())
        return self.power()

    def _at_function(self) -> bool:
        name = self.now.text.lstrip("\\")
        return SPELLINGS.get(name, name) in FUNCTIONS or name in ("sum", "prod", "int", "operatorname")

    def _series(self, kind: str) -> Node:
        low: Node | None = None
        high: Node | None = None
        variable = ""
        while self.sees("_", "^"):
            mark = self.advance().text
            braced = self.take("{")
            bound = self.relation() if braced else self._single()
            if braced:
                self.expect("}")
            if mark == "^":
                high = bound
            elif isinstance(bound, Relation) and bound.operators == ("=",) and isinstance(bound.sides[0], Name):
                variable, low = bound.sides[0].name, bound.sides[1]
            else:
                low = bound
        if low is None or high is None or (kind != "int" and not variable):
            raise self.lost(f"a {kind} without bounds")
        body = self.product() if kind != "int" else self.sum()
        if kind == "int":
            factors = body.factors if isinstance(body, Mul) else (body,)
            if len(factors) < 2 or factors[-2] != Name("d") or not isinstance(factors[-1], Name):
                raise Unreadable("an integral whose variable is not found")
            variable = factors[-1].name
            rest = factors[:-2]
            body = ONE if not rest else rest[0] if len(rest) == 1 else Mul(rest)
        return Series(kind, body, variable, low, high)
