"""Rewriting trees without evaluating them: one order for sums and products, ± written out, matrices computed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from functools import reduce

from selfplay.verifiers.math.expression import (
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
    Unreadable,
    negate,
    rebuilt,
    show,
    walk,
)


def canonical(node: Node) -> Node:
    """The scalar tree in one order, without printed forms of numbers and names of bound variables. Other nodes stay.

    Trees with the same canonical form are equal; different forms prove nothing.
    """
    return _ordered(node, {})


def _ordered(node: Node, bound: Mapping[str, str]) -> Node:
    match node:
        case Number(value):
            return Number(value)
        case Name(name):
            return Name(bound.get(name, name))
        case Call(name, arguments):
            given = [_ordered(argument, bound) for argument in arguments]
            return Call(name, _sorted(given) if name in ("gcd", "lcm", "min", "max") else tuple(given))
        case Add(terms):
            parts = [_ordered(term, bound) for term in terms]
            flat = [inner for part in parts for inner in (part.terms if isinstance(part, Add) else (part,))]
            return Add(_sorted(flat))
        case Mul(factors):
            return _product([_ordered(factor, bound) for factor in factors])
        case Div() | Pow():
            return rebuilt(node, lambda part: _ordered(part, bound))
        case Series(kind, body, variable, low, high):
            inner = {**bound, variable: f"#{len(bound)}"}
            return Series(kind, _ordered(body, inner), f"#{len(bound)}", _ordered(low, bound), _ordered(high, bound))
        case _:
            return node


def _product(parts: list[Node]) -> Node:
    factors = [inner for part in parts for inner in (part.factors if isinstance(part, Mul) else (part,))]
    sign = Fraction(1)
    rest: list[Node] = []
    for factor in factors:
        if isinstance(factor, Number) and abs(factor.value) == 1:
            sign *= factor.value
        else:
            rest.append(factor)
    if sign < 0 or not rest:
        rest.append(Number(sign))
    return Mul(_sorted(rest)) if len(rest) > 1 else rest[0]


def _sorted(nodes: list[Node]) -> tuple[Node, ...]:
    # the text is only an order: what it leaves equal is still compared as trees
    return tuple(sorted(nodes, key=lambda node: show(node, 2000)))


def spread(node: Node) -> Node:
    """An answer with ± as the list of both answers, with one choice for all its signs; in a set or list, as more items.

    Raises:
        Unreadable: ± in a form that is not spread, such as on both sides of an equation.
    """
    if not any(isinstance(part, PlusMinus) for part in walk(node)):
        return node
    if isinstance(node, Relation):
        *before, last = node.sides
        both = spread(last)
        if isinstance(both, Items) and not any(isinstance(p, PlusMinus) for side in before for p in walk(side)):
            return Relation(node.operators, (*before, both))
        raise Unreadable("plus-minus on both sides")
    if isinstance(node, Items) or (isinstance(node, Group) and node.left == "{"):
        items: list[Node] = []
        for item in node.items:
            both = spread(item)
            items += both.items if isinstance(both, Items) else (both,)
        return replace(node, items=tuple(items))
    return Items((_chosen(node, 1), _chosen(node, -1)))


def _chosen(node: Node, choice: int) -> Node:
    """The tree with every ± decided the same way."""
    match node:
        case PlusMinus(operand, sign):
            inner = _chosen(operand, choice)
            return inner if sign * choice > 0 else negate(inner)
        case Series() | Items() | Relation() | SetOperation() | Matrix():
            raise Unreadable("plus-minus inside such a form")
        case _:
            return rebuilt(node, lambda part: _chosen(part, choice))


MOST_CELLS = 400
LARGEST_DETERMINANT = 4
LARGEST_POWER = 8

Rows = tuple[tuple[Node, ...], ...]


def folded(node: Node) -> Node:
    """The node with sums, products, small powers, transposes and determinants of matrices carried out; no inverses.

    Raises:
        Unreadable: an operation that these matrices do not have, or one beyond the bounds above.
    """
    if not any(isinstance(part, Matrix) for part in walk(node)):
        return node
    match node:
        case Add(terms):
            return reduce(_added, map(folded, terms))
        case Mul(factors):
            return reduce(_multiplied, map(folded, factors))
        case Div(top, bottom):
            above = folded(top)
            if isinstance(above, Matrix):
                return Matrix(tuple(tuple(Div(cell, bottom) for cell in row) for row in above.rows))
        case Pow(Matrix(rows), Number(power)) if power.denominator == 1 and 1 <= power <= LARGEST_POWER:
            same: list[Node] = [Matrix(rows)] * power.numerator
            return reduce(_multiplied, same)
        case Pow(Matrix(rows), Name("T")):
            return Matrix(tuple(zip(*rows, strict=True)))
        case Call("det", (Matrix(rows),)):
            return _determinant(rows)
        case Relation() | Items() | Group():
            return rebuilt(node, folded)
    return node


def nested(node: Node) -> Node:
    """`[[1, 2], [3, 4]]` as a matrix; any other node as it is."""
    match node:
        case Group("[", rows, "]") if all(isinstance(row, Group) and row.left == "[" for row in rows):
            cells = [row.items for row in rows if isinstance(row, Group)]
            if len({len(row) for row in cells}) == 1:
                return Matrix(tuple(cells))
    return node


def _added(left: Node, right: Node) -> Node:
    if isinstance(left, Matrix) and isinstance(right, Matrix):
        if _shape(left) != _shape(right):
            raise Unreadable("a sum of matrices of different shapes")
        rows = zip(left.rows, right.rows, strict=True)
        return Matrix(tuple(tuple(map(Add, zip(ours, theirs, strict=True))) for ours, theirs in rows))
    if isinstance(left, Matrix) or isinstance(right, Matrix):
        raise Unreadable("a matrix added to something else")
    return Add((left, right))


def _multiplied(left: Node, right: Node) -> Node:
    if not isinstance(left, Matrix) and not isinstance(right, Matrix):
        return Mul((left, right))
    if not isinstance(left, Matrix) or not isinstance(right, Matrix):
        matrix, factor = (left, right) if isinstance(left, Matrix) else (right, left)
        assert isinstance(matrix, Matrix)
        return Matrix(tuple(tuple(Mul((factor, cell)) for cell in row) for row in matrix.rows))
    (rows, inner), (other, columns) = _shape(left), _shape(right)
    if inner != other:
        raise Unreadable("a product of matrices whose shapes do not fit")
    if rows * columns * inner > MOST_CELLS:
        raise Unreadable("a product of large matrices")
    turned = list(zip(*right.rows, strict=True))
    return Matrix(
        tuple(tuple(Add(tuple(map(Mul, zip(row, column, strict=True)))) for column in turned) for row in left.rows)
    )


def _shape(matrix: Matrix) -> tuple[int, int]:
    return len(matrix.rows), len(matrix.rows[0])


def _determinant(rows: Rows) -> Node:
    if len(rows) != len(rows[0]):
        raise Unreadable("the determinant of a matrix that is not square")
    if len(rows) > LARGEST_DETERMINANT:
        raise Unreadable("the determinant of a large matrix")
    if len(rows) == 1:
        return rows[0][0]
    terms: list[Node] = []
    for column, cell in enumerate(rows[0]):
        minor = tuple(row[:column] + row[column + 1 :] for row in rows[1:])
        term: Node = Mul((cell, _determinant(minor)))
        terms.append(negate(term) if column % 2 else term)
    return Add((*terms, Number(Fraction(0))))
