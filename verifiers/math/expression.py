"""What an answer is once it is read: a small tree of plain data. Nothing here evaluates anything.

A scalar is a `Number`, `Name`, `Call`, `Add`, `Mul`, `Div`, `Pow`, `PlusMinus` or `Series`. The other nodes
hold scalars: `Group` (what stands in brackets), `Items` (a list without brackets), `Relation`,
`SetOperation`, `Matrix`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache


class Unreadable(Exception):
    """The text is not in the grammar; the message says where it stopped."""


class TooLarge(Exception):
    """Reading or evaluating would pass a bound; the message says which."""


@dataclass(frozen=True, slots=True)
class Number:
    value: Fraction
    places: int | None = None
    """Digits printed after the decimal point; None for an integer or a fraction."""
    base: int = 10


@dataclass(frozen=True, slots=True)
class Name:
    """A symbol (`x`, `\\alpha`, `a_{37}`), or one of the constants `pi`, `e`, `i`, `oo`."""

    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function with its arguments; `root` is (degree, radicand), `log_base` is (base, argument)."""

    name: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Add:
    terms: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Mul:
    factors: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Div:
    top: Node
    bottom: Node


@dataclass(frozen=True, slots=True)
class Pow:
    base: Node
    exponent: Node


@dataclass(frozen=True, slots=True)
class PlusMinus:
    """`±operand` (sign 1) or `∓operand` (sign -1); all in one answer take the same choice."""

    operand: Node
    sign: int


@dataclass(frozen=True, slots=True)
class Series:
    """`sum`, `prod` or `int` of a body over a variable between two bounds."""

    kind: str
    body: Node
    variable: str
    low: Node
    high: Node


@dataclass(frozen=True, slots=True)
class Group:
    """Several items in brackets, such as `(1,2)`, `[0,1)` or `{1,2,3}`; empty only as `{}`."""

    left: str
    items: tuple[Node, ...]
    right: str


@dataclass(frozen=True, slots=True)
class Items:
    """Items without brackets; `separator` is `,`, `;`, `and` or `or`."""

    items: tuple[Node, ...]
    separator: str = ","


@dataclass(frozen=True, slots=True)
class Relation:
    """A chain such as `0 < x <= 3`: one operator fewer than sides. Operators: = != < <= > >= in ~ :"""

    operators: tuple[str, ...]
    sides: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class SetOperation:
    operator: str
    """`union`, `intersection` or `minus`."""
    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    rows: tuple[tuple[Node, ...], ...]


Node = (
    Number | Name | Call | Add | Mul | Div | Pow | PlusMinus | Series | Group | Items | Relation | SetOperation | Matrix
)

CONSTANTS = frozenset({"pi", "e", "i", "oo"})
ZERO, ONE, MINUS_ONE = Number(Fraction(0)), Number(Fraction(1)), Number(Fraction(-1))


def children(node: Node) -> tuple[Node, ...]:
    match node:
        case Call(_, parts) | Add(parts) | Mul(parts) | SetOperation(_, parts) | Relation(_, parts):
            return parts
        case Items(parts, _) | Group(_, parts, _):
            return parts
        case Div(left, right) | Pow(left, right):
            return (left, right)
        case PlusMinus(operand, _):
            return (operand,)
        case Series(_, body, _, low, high):
            return (body, low, high)
        case Matrix(rows):
            return tuple(cell for row in rows for cell in row)
        case _:
            return ()


def walk(node: Node) -> Iterator[Node]:
    """The node and all below it. Depth is bounded by the grammar."""
    yield node
    for child in children(node):
        yield from walk(child)


def negate(node: Node) -> Node:
    if isinstance(node, Number):
        return Number(-node.value, node.places, node.base)
    if isinstance(node, Mul) and isinstance(node.factors[0], Number):
        return Mul((negate(node.factors[0]), *node.factors[1:]))
    return Mul((MINUS_ONE, node))


def subtract(left: Node, right: Node) -> Node:
    return Add((left, negate(right)))


@lru_cache(maxsize=4096)
def names(node: Node) -> frozenset[str]:
    """Free symbols, constants left out."""
    if isinstance(node, Name):
        return frozenset() if node.name in CONSTANTS else frozenset({node.name})
    found: frozenset[str] = frozenset().union(*(names(child) for child in children(node)))
    return found - {node.variable} if isinstance(node, Series) else found


def is_scalar(node: Node) -> bool:
    return not any(isinstance(part, Group | Items | Relation | SetOperation | Matrix) for part in walk(node))


def show(node: Node, limit: int = 300) -> str:
    """How the node was understood, for the evidence; at most `limit` characters."""
    text = _show(node)
    return text if len(text) <= limit else text[: limit - 1] + "…"


def rebuilt(node: Node, change: Callable[[Node], Node]) -> Node:
    """The node with each of its children changed."""
    match node:
        case Add(terms):
            return Add(tuple(map(change, terms)))
        case Mul(factors):
            return Mul(tuple(map(change, factors)))
        case Div(top, bottom):
            return Div(change(top), change(bottom))
        case Pow(base, exponent):
            return Pow(change(base), change(exponent))
        case Call(name, arguments):
            return Call(name, tuple(map(change, arguments)))
        case Items(items, separator):
            return Items(tuple(map(change, items)), separator)
        case Group(left, items, right):
            return Group(left, tuple(map(change, items)), right)
        case Relation(operators, sides):
            return Relation(operators, tuple(map(change, sides)))
        case _:
            return node


def _show(node: Node) -> str:
    match node:
        case Number(value, places, base):
            return _show_number(value, places) + (f" (base {base})" if base != 10 else "")
        case Name(name):
            return name
        case Call(name, arguments):
            return f"{name}({', '.join(map(_show, arguments))})"
        case Add(terms):
            return "(" + " + ".join(map(_show, terms)) + ")"
        case Mul(factors):
            return "*".join(map(_show, factors))
        case Div(top, bottom):
            return f"({_show(top)})/({_show(bottom)})"
        case Pow(base, exponent):
            return f"({_show(base)})^({_show(exponent)})"
        case PlusMinus(operand, sign):
            return ("±" if sign > 0 else "∓") + _show(operand)
        case Series(kind, body, variable, low, high):
            return f"{kind}({_show(body)}, {variable}, {_show(low)}, {_show(high)})"
        case Group(left, items, right):
            return left + ", ".join(map(_show, items)) + right
        case Items(items, separator):
            return f"{separator} ".join(map(_show, items))
        case Relation(operators, sides):
            return _show(sides[0]) + "".join(
                f" {op} {_show(side)}" for op, side in zip(operators, sides[1:], strict=True)
            )
        case SetOperation(operator, parts):
            return f" {operator} ".join(map(_show, parts))
        case Matrix(rows):
            return "[" + "; ".join(", ".join(map(_show, row)) for row in rows) + "]"


def _show_number(value: Fraction, places: int | None) -> str:
    if max(abs(value.numerator), value.denominator).bit_length() > 1000:
        return f"<number of about {digits(value)} digits>"
    if places:
        scaled = abs(value.numerator) * 10**places // value.denominator
        whole, part = divmod(scaled, 10**places)
        return f"{'-' if value < 0 else ''}{whole}.{part:0{places}d}" if places < 200 else str(float(value))
    return str(value)


def digits(value: Fraction) -> int:
    """About how many decimal digits numerator or denominator has; never prints the number."""
    return max(abs(value.numerator).bit_length(), value.denominator.bit_length()) * 30103 // 100000 + 1
