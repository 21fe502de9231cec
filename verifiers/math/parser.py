r"""Tokens to a tree: LaTeX and plain notation, read by recursive descent. Evaluates nothing.

Not covered, and `Unreadable`: derivatives, limits, sets of whole numbers by a condition.
"""

from __future__ import annotations

from fractions import Fraction

from selfplay.verifiers.math.expression import (
    ONE,
    Add,
    Call,
    Div,
    Group,
    Items,
    Matrix,
    Mul,
    Name,
    Node,
    Number,
    PlusMinus,
    Pow,
    Relation,
    Series,
    SetOperation,
    TooLarge,
    Unreadable,
    negate,
    show,
)
from selfplay.verifiers.math.tokens import (
    CASES,
    CLOSED_BY,
    CONJUNCTIONS,
    DIVIDED,
    FUNCTIONS,
    GREEK,
    INVERSES,
    MATRICES,
    NO_FACTOR,
    OPENERS,
    PLAIN_NAMES,
    RELATIONS,
    SET_OPERATIONS,
    SPELLINGS,
    TIMES,
    Token,
    decimal,
    endless_decimal,
    in_base,
    mixed,
    repeating,
    tokenize,
    whole_number,
)

DEEPEST = 40
AFTER_INTERVAL = ("\\cup", "\\cap", "U", ",", ")")
BEFORE_A_LETTER = FUNCTIONS - {"min", "max"}
LETTERS_OF_FUNCTIONS = ("f", "g", "h", "P", "F", "G")
OPERANDS: dict[str, Node] = {
    "pi": Name("pi"),
    "infty": Name("oo"),
    "infinity": Name("oo"),
    "emptyset": Group("{", (), "}"),
    "varnothing": Group("{", (), "}"),
}
"""Commands that stand for one thing."""


def parse(text: str, *, thousands: bool = True) -> Node:
    """The tree of cleaned text.

    Args:
        thousands: whether `1,234` outside brackets is one number (inside them it is always two).

    Raises:
        Unreadable, TooLarge
    """
    return _Parser(tokenize(text), thousands).whole()


class _Parser:
    """One text being read: its tokens, the place in them, how deep it is and what is open around it."""

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

    def ahead(self, *texts: str) -> bool:
        """Whether these tokens stand here."""
        return [token.text for token in self.tokens[self.at : self.at + len(texts)]] == list(texts)

    # Lists, relations and arithmetic.

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
            times_sign_x = self.now.text == "x" and isinstance(node, Number) and self._times_power_of_ten()
            if times_sign_x or (self.now.kind != "text" and self.now.text in TIMES):
                self.advance()
                node = times(node, self._unary())
            elif self.now.kind != "text" and self.now.text in DIVIDED:
                self.advance()
                node = Div(node, self._unary())
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

    def _times_power_of_ten(self) -> bool:
        return self.ahead("x", "10", "^") or self.ahead("x", "10", "**")

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
            after = self.tokens[self.at + 1]
            if token.text == "[" and self.brackets and (after.kind == "end" or after.text in AFTER_INTERVAL):
                return False  # it ends an interval written as `[1, 5[`
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
            elif self.ahead("^", "\\circ") or self.ahead("^", "{", "\\circ", "}"):
                self.at += 2 if self.ahead("^", "\\circ") else 4
                node = Div(times(node, Name("pi")), Number(Fraction(180)))
            elif self.take("^", "**"):
                node = Pow(node, self.exponent())
            elif self.sees("\\%", "%"):
                self.advance()
                node = Div(node, Number(Fraction(100)))
            else:
                return node
        raise TooLarge(f"more than {DEEPEST} signs after one operand")

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

    # One operand: numbers and words.

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
        if text[:-1] in BEFORE_A_LETTER:  # `sinx`
            self.tokens[self.at : self.at] = [Token("word", text[-1], False)]
            return self.function(text[:-1])
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

    # LaTeX commands that stand for an operand.

    def command(self) -> Node:
        text = self.advance().text
        name = text[1:]
        name = SPELLINGS.get(name, name)
        if name == "frac":
            return self._fraction()
        if name == "sqrt":
            degree: Node = Number(Fraction(2))
            if self.take("["):
                degree = self.sum()
                self.expect("]")
            return Call("root", (degree, self.argument()))
        if name == "binom":
            return Call("binomial", (self.argument(), self.argument()))
        if name in FUNCTIONS:
            return self.function(name)
        if name in OPERANDS:
            return OPERANDS[name]
        if name in GREEK:
            return self.subscripted(name)
        if name == "operatorname":
            function = self._word_in_braces()
            function = SPELLINGS.get(function, function)
            if function not in FUNCTIONS:
                raise Unreadable(f"the function {function[:40]!r}")
            return self.function(function)
        if name in ("sum", "prod", "int"):
            return self._series(name)
        if name == "accent":
            return self._accented()
        if name == "overline":
            return Call("conjugate", (self.argument(),))
        if name == "mathbb":
            letter = self._word_in_braces()
            if letter != "R" or self.sees("^", "_"):
                return Name(f"set {letter}")
            return Group("(", (negate(Name("oo")), Name("oo")), ")")
        if name == "angle":
            angle = self.product()
            if isinstance(angle, Name) and len(angle.name) == 3 and angle.name.isupper():
                angle = Name(min(angle.name, angle.name[::-1]))  # the angle ABC is the angle CBA
            return Call("angle", (angle,))
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

    # Named functions, sums, products and integrals.

    def function(self, name: str) -> Node:
        base, exponent = self._base_of_logarithm(name), None
        if self.take("^"):
            exponent = self.argument() if self.sees("{") else self.exponent()
        if base is None:
            base = self._base_of_logarithm(name)
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

    def _base_of_logarithm(self, name: str) -> Node | None:
        if name != "log" or not self.take("_"):
            return None
        return self.argument() if self.sees("{") else self.primary()

    def _function_arguments(self) -> tuple[Node, ...]:
        if self.sees("(", "{", "[", "\\{"):
            closer = {"(": ")", "{": "}", "[": "]", "\\{": "\\}"}[self.advance().text]
            bars, self.bars = self.bars, 0
            arguments = self._in_brackets()
            self.bars = bars
            self.expect(closer)
            return arguments
        # without brackets the argument runs to the next sign or function: \sin 2x \cos y
        self.deeper()
        node = negate(self.power()) if self.take("-") else self.power()
        while self.begins_factor() and not self._at_function():
            if self.now.kind == "number" or self.sees("(", "[", "\\{", "|"):
                break
            node = times(node, self.power())
        if self.sees("/") and self.tokens[self.at + 1].kind == "number" and isinstance(node, Name | Number):
            self.advance()
            node = Div(node, self.power())
        self.depth -= 1
        return (node,)

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
            bound = self.relation() if braced else self.single()
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

    # Symbols, and the arguments of commands.

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
            items = self._in_brackets() if braced else (self.single(),)
            if braced:
                self.expect("}")
            inside = items[0]
            letters = inside.factors if isinstance(inside, Mul) and len(items) == 1 else ()
            if letters and all(isinstance(letter, Name) for letter in letters):
                name = f"{name}_{''.join(show(letter) for letter in letters)}"
            elif isinstance(inside, Number) and len(items) == 1:
                name = f"{name}_{show(inside)}"
            else:
                # an index that can vary: F_k and F_{n-k} are values of one function
                return Call(f"{name}_", items)
        if name.partition("_")[0].rstrip("'") in LETTERS_OF_FUNCTIONS:
            inverse = self.ahead("^", "{", "-", "1", "}", "(")
            if inverse or (self.sees("(") and not self.now.spaced):
                self.at += 6 if inverse else 1
                arguments = self._in_brackets()
                self.expect(")")
                return Call(f"{name}^-1()" if inverse else f"{name}()", arguments)
        return Name(name)

    def _in_brackets(self) -> tuple[Node, ...]:
        """The items before a closing bracket, which is left in place."""
        self.brackets += 1
        inside = self.items()
        self.brackets -= 1
        return inside.items if isinstance(inside, Items) else (inside,)

    def _word_in_braces(self) -> str:
        self.expect("{")
        word = self.advance().text
        self.expect("}")
        return word

    # Brackets, sets, absolute values, matrices, systems.

    def bracketed(self) -> Node:
        opener = self.advance().text
        bars, self.bars = self.bars, (1 if opener == "|" else 0)
        if opener == "{" and self.take("}"):
            node: Node = Group("{", (), "}")
        elif opener == "{":
            # plain braces group in LaTeX; with commas inside they can only be a set
            items = self._in_brackets()
            self.expect("}")
            node = Group("{", items, "}") if len(items) > 1 else items[0]
        elif opener in ("|", "\\lvert"):
            node = Call("abs", (self.sum(),))
            self.expect(*CLOSED_BY[opener])
        elif opener in ("\\lfloor", "\\lceil"):
            node = Call("floor" if opener == "\\lfloor" else "ceil", (self.sum(),))
            self.expect(*CLOSED_BY[opener])
        else:
            node = self._group(opener)
        self.bars = bars
        return node

    def _group(self, opener: str) -> Node:
        is_set = opener in ("\\{", "\\lbrace")
        if is_set and self.take("\\}", "\\rbrace"):
            return Group("{", (), "}")
        self.brackets += 1
        if is_set and self._begins_builder():
            condition = self.items()
            self.brackets -= 1
            self.expect("\\}", "\\rbrace")
            return condition
        inside = self.items()
        if self.sees(";") and not isinstance(inside, Items):
            # `[0; 1)` as it is written where a comma begins the decimals
            parts: list[Node] = [inside]
            while self.take(";"):
                parts.append(self.relation())
            inside = Items(tuple(parts))
        self.brackets -= 1
        closer = self.advance().text
        if opener == "]" or closer == "[":
            # an interval as it is written in French: the bracket turned away leaves its end out
            opener, closer = {"]": "("}.get(opener, opener), {"[": ")"}.get(closer, closer)
            if not (isinstance(inside, Items) and len(inside.items) == 2):
                raise self.lost("brackets that do not match")
        items = inside.items if isinstance(inside, Items) else (inside,)
        if is_set:
            if closer not in ("\\}", "\\rbrace"):
                raise self.lost("an unclosed set")
            return Group("{", items, "}")
        if opener == "\\langle" and closer in ("\\rangle", ">"):
            opener, closer = "(", ")"
        left = {"\\lbrack": "["}.get(opener, opener)
        right = {"\\rbrack": "]"}.get(closer, closer)
        if left not in ("(", "[") or right not in (")", "]"):
            raise self.lost("an unclosed bracket")
        if len(items) == 1 and (left, right) in (("(", ")"), ("[", "]")):
            # [x] is a bracket as good as (x), and around a matrix it is only its frame
            return items[0]
        if len(items) == 1:
            raise self.lost("brackets that do not match")
        return Group(left, items, right)

    def _cases(self) -> Node:
        """A system of equations as a list; a piecewise definition as a list of `value if condition`."""
        rows: list[Node] = []
        self.brackets += 1
        while True:
            left = self.relation()
            self.take(",")
            if self.take("&") and not (isinstance(left, Relation) and self.now.kind in ("newline", "environment")):
                word = content(self.now).strip(" ,:") if self.now.kind == "text" else self.now.text
                if word in ("if", "for", "when", "where"):
                    self.advance()
                left = Relation(("if",), (left, self.relation()))
            rows.append(left)
            self.take(",", ".", ";")
            if self.now.kind != "newline":
                break
            self.advance()
            if self.now.kind == "environment":
                break
        self.brackets -= 1
        if self.now.kind != "environment" or not self.advance().text.startswith("\\end"):
            raise self.lost("cases without their end")
        return Items(tuple(rows), "and") if len(rows) > 1 else rows[0]

    def _begins_builder(self) -> bool:
        r"""Steps over `x |`, `x \mid` or `x \in \mathbb{R} :` of a set of reals given by a condition."""
        ahead = [token.text for token in self.tokens[self.at : self.at + 7]]
        if not ahead[0].isalpha() and ahead[0].removeprefix("\\") not in GREEK:
            return False
        length = 6 if ahead[1:6] == ["\\in", "\\mathbb", "{", "R", "}"] else 1
        if length >= len(ahead) or ahead[length] not in ("|", "\\mid", ":", "\\vert", "\\colon"):
            return False
        self.at += length + 1
        return True

    def environment(self) -> Node:
        name = self.advance().text.partition("{")[2].rstrip("}*").strip()
        if name in CASES:
            return self._cases()
        if name not in MATRICES:
            raise Unreadable(f"the environment {name[:40]!r}")
        if name == "array" and self.take("{"):
            while not self.take("}"):
                if self.advance().kind == "end":
                    raise self.lost("an array without columns")
        rows: list[tuple[Node, ...]] = []
        self.brackets += 1
        bars, self.bars = self.bars, 0
        while True:
            cells = [self.sum()]
            while self.take("&"):
                cells.append(self.sum())
            rows.append(tuple(cells))
            if self.now.kind == "newline":
                self.advance()
                if self.now.kind != "environment":
                    continue
            break
        self.bars = bars
        self.brackets -= 1
        if self.now.kind != "environment" or not self.advance().text.startswith("\\end"):
            raise self.lost("a matrix without its end")
        if len({len(row) for row in rows}) != 1:
            raise Unreadable("a matrix whose rows differ in length")
        return Call("det", (Matrix(tuple(rows)),)) if name == "vmatrix" else Matrix(tuple(rows))


def content(token: Token) -> str:
    r"""What a `\text{...}` token holds."""
    return token.text.partition("{")[2].rstrip("}")


def times(left: Node, right: Node) -> Node:
    """A product, flat on the left."""
    if isinstance(left, Mul) and not isinstance(right, Mul):
        return Mul((*left.factors, right))
    return Mul((left, right))
