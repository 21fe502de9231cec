"""The part of the grammar for brackets: groups, sets, absolute values, matrices."""

from __future__ import annotations

from selfplay.verifiers.math.stream import Stream, content
from selfplay.verifiers.math.tree import Call, Group, Items, Matrix, Node, Relation, Unreadable
from selfplay.verifiers.math.vocabulary import CASES, CLOSED_BY, GREEK, MATRICES


class Brackets(Stream):
    """Everything that opens and closes."""

    def bracketed(self) -> Node:
        opener = self.advance().text
        bars, self.bars = self.bars, (1 if opener == "|" else 0)
        if opener == "{":
            node: Node = self._braces()
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

    def _braces(self) -> Node:
        # plain braces group in LaTeX; with commas inside they can only be a set
        self.brackets += 1
        if self.take("}"):
            self.brackets -= 1
            return Group("{", (), "}")
        inside = self.items()
        self.brackets -= 1
        self.expect("}")
        return Group("{", inside.items, "}") if isinstance(inside, Items) else inside

    def _group(self, opener: str) -> Node:
        is_set = opener in ("\\{", "\\lbrace")
        self.brackets += 1
        if is_set and self.take("\\}", "\\rbrace"):
            self.brackets -= 1
            return Group("{", (), "}")
        if is_set and self._begins_builder():
            condition = self.items()
            self.brackets -= 1
            self.expect("\\}", "\\rbrace")
            return condition
        inside = self.items()
        if self.sees(";") and not isinstance(inside, Items):
            inside = self._between_semicolons(inside)
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
        if len(items) == 1 and (left, right) == ("(", ")"):
            return items[0]
        if len(items) == 1 and (left, right) == ("[", "]"):
            # [x] is a bracket as good as (x), and around a matrix it is only its frame
            return items[0]
        if len(items) == 1:
            raise self.lost("brackets that do not match")
        return Group(left, items, right)

    def _between_semicolons(self, first: Node) -> Node:
        """`[0; 1)` as it is written where a comma begins the decimals."""
        parts = [first]
        while self.take(";"):
            parts.append(self.relation())
        return Items(tuple(parts))

    def _cases(self) -> Node:
        """A system of equations as a list; a piecewise definition as a list of `value if condition`."""
        rows: list[Node] = []
        self.brackets += 1
        while True:
            left = self.relation()
            self.take(",")
            if self.take("&") and not (isinstance(left, Relation) and self.now.kind in ("newline", "environment")):
                left = Relation(("if",), (left, self._condition()))
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

    def _condition(self) -> Node:
        word = content(self.now).strip(" ,:") if self.now.kind == "text" else self.now.text
        if word in ("if", "for", "when", "where"):
            self.advance()
        return self.relation()

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
