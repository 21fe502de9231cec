"""The part of the grammar for named functions, sums, products and integrals."""

from __future__ import annotations

from fractions import Fraction

from selfplay.verifiers.math.stream import times
from selfplay.verifiers.math.symbols import Symbols
from selfplay.verifiers.math.tree import (
    ONE,
    Call,
    Div,
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
)
from selfplay.verifiers.math.vocabulary import FUNCTIONS, INVERSES, SPELLINGS


class Functions(Symbols):
    """A function's name and what it is applied to."""

    def function(self, name: str) -> Node:
        base, exponent = None, None
        if name == "log" and self.take("_"):
            base = self.argument() if self.sees("{") else self.primary()
        if self.take("^"):
            exponent = self.argument() if self.sees("{") else self.exponent()
        if name == "log" and base is None and self.take("_"):
            base = self.argument() if self.sees("{") else self.primary()
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

    def _operator_name(self) -> Node:
        self.expect("{")
        name = self.advance().text
        self.expect("}")
        name = SPELLINGS.get(name, name)
        if name not in FUNCTIONS:
            raise Unreadable(f"the function {name[:40]!r}")
        return self.function(name)

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
