"""Arithmetic of matrices that an answer leaves undone: sums, products, factors, small powers, transposes, determinants.

What is covered: matrices of at most 400 cells, determinants up to 4 by 4. What is not: inverses.
"""

from __future__ import annotations

from fractions import Fraction
from functools import reduce

from selfplay.verifiers.math.tree import (
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
    Pow,
    Relation,
    Unreadable,
    negate,
    walk,
)

MOST_CELLS = 400
LARGEST_DETERMINANT = 4
LARGEST_POWER = 8

Rows = tuple[tuple[Node, ...], ...]


def folded(node: Node) -> Node:
    """The node with every operation on matrices carried out.

    Raises:
        Unreadable: an operation that these matrices do not have.
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
        case Relation(operators, sides):
            return Relation(operators, tuple(map(folded, sides)))
        case Items(items, separator):
            return Items(tuple(map(folded, items)), separator)
        case Group(left, items, right):
            return Group(left, tuple(map(folded, items)), right)
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
        return Matrix(
            tuple(
                tuple(Add((a, b)) for a, b in zip(ours, theirs, strict=True))
                for ours, theirs in zip(left.rows, right.rows, strict=True)
            )
        )
    if isinstance(left, Matrix) or isinstance(right, Matrix):
        raise Unreadable("a matrix added to something else")
    return Add((left, right))


def _multiplied(left: Node, right: Node) -> Node:
    if not isinstance(left, Matrix) and not isinstance(right, Matrix):
        return Mul((left, right))
    if isinstance(left, Matrix) and isinstance(right, Matrix):
        return _product(left, right)
    matrix, factor = (left, right) if isinstance(left, Matrix) else (right, left)
    assert isinstance(matrix, Matrix)
    return Matrix(tuple(tuple(Mul((factor, cell)) for cell in row) for row in matrix.rows))


def _product(left: Matrix, right: Matrix) -> Matrix:
    (rows, inner), (other, columns) = _shape(left), _shape(right)
    if inner != other:
        raise Unreadable("a product of matrices whose shapes do not fit")
    if rows * columns * inner > MOST_CELLS:
        raise Unreadable("a product of large matrices")
    return Matrix(
        tuple(
            tuple(Add(tuple(Mul((row[k], right.rows[k][column])) for k in range(inner))) for column in range(columns))
            for row in left.rows
        )
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
