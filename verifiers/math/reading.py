r"""An answer's text to what it means: unit and percent sign peeled off, then the tree, then its kind.

Kinds: `number` and `expression` (scalars), `pair` (two items in round or mixed brackets: a point or an
interval), `tuple`, `set`, `list`, `relation`, `region` (unions and the like), `matrix`, `choice`, `time`,
`text`. What an answer may leave out or add is decided in compare.py, not here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from fractions import Fraction

from verifiers.math.grammar import parse
from verifiers.math.numerals import in_base
from verifiers.math.text import clean
from verifiers.math.tokens import MOST_CHARACTERS
from verifiers.math.tree import (
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
    SetOperation,
    TooLarge,
    Unreadable,
    children,
    is_scalar,
    negate,
    show,
    walk,
)
from verifiers.math.units import Unit, is_unit_word, read_unit
from verifiers.math.vocabulary import FUNCTIONS, PLAIN_NAMES
from verifiers.math.words import number_in_words


@dataclass(frozen=True)
class Reading:
    """One side of a comparison."""

    kind: str
    text: str
    """The cleaned text; for `text`, `choice` and `time` what is compared."""
    node: Node | None = None
    unit: Unit | None = None
    percent: bool = False

    def shown(self) -> str:
        """How it was understood, for the evidence."""
        body = show(self.node) if self.node is not None else self.text[:300]
        return f"{self.kind}: {body}" + (" %" if self.percent else "") + (f" {self.unit}" if self.unit else "")


_CHOICE = re.compile(r"\(?([A-Z])\)?\.?")
_CHOICE_WITH_TEXT = re.compile(r"\(([A-Z])\)\s+(\S.*)")
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?\s*([ap]\.?m\.?)?", re.IGNORECASE)
_ALL_TEXT = re.compile(r"\\text\s*\{([^{}]*)\}")
_REPEATING_WORD = re.compile(
    r"(\d*\.\d*?)(\d)\s*(?:\\text\s*\{\s*)?\(?(?:repeating|recurring)(?:(?<=\(repeating)\)|(?<=\(recurring)\))?\s*\}?"
)
_MONEY_BEFORE = re.compile(r"^(-?)\s*\\(\$|euro|pounds)\s*(?=[\d.\\(-])")
_PERCENT_AFTER = re.compile(r"\s*(?:\\?%|\\text\s*\{\s*(?:%|\\%|percent|per cent)\s*\}|percent|per cent)\s*$")
_DEGREE_AFTER = re.compile(r"\s*\^\s*\{?\s*\\circ\s*\}?\s*$|\s*\\degree\s*$|\s+degrees?\s*$")
_TEXT_UNIT_AFTER = re.compile(r"((?:\\text\s*\{[^{}]*\}(?:\s|\^\{?-?\d\}?|/|\\cdot)*)+)$")
_WORDS_AFTER = re.compile(r"(?<=[\d}).\s])([A-Za-z][A-Za-z\s./]*(?:\^\s*\{?\d\}?)?)$")
LONGEST_UNIT = 120
"""Characters at the end of an answer in which a unit is looked for; keeps the patterns' cost bounded."""
_TRIGONOMETRIC = re.compile(r"sin|cos|tan|sec|csc|cot")
_HAS_VALUE = re.compile(r"\d|\\(?:frac|sqrt|pi|infty)")
_BASE = re.compile(r"([0-9A-Z]+)\s*_\s*\{?\s*(\d{1,2})\s*\}?")
_NOT_UNITS = """
not or and no nor but wrong maybe perhaps if when where for is are to by than instead either none incorrect
"""
_NO_UNIT = frozenset(_NOT_UNITS.split())
_FINAL_STOP = re.compile(r"(?<!\.)\s*[.,]?\s*$")
_EMPTY = frozenset({"nosolution", "nosolutions", "norealsolution", "norealsolutions", "emptyset", "theemptyset"})
_SHORT_WORDS = frozenset(
    ["yes", "no", "odd", "all", "none", "both", "red", "blue", "not", "one", "two", "six", "ten", "any"]
)
EMPTY_SET = Group("{", (), "}")


def read(text: str, *, kind: str | None = None, thousands: bool = True, letters_are_units: bool = False) -> Reading:
    """What an answer says.

    Args:
        kind: `text` or `choice` to read it as that and nothing else.
        thousands: whether `1,234` outside brackets is one number.
        letters_are_units: whether a letter after a number (`5 m`) is a unit and no symbol.

    Raises:
        Unreadable, TooLarge
    """
    if len(text) > MOST_CHARACTERS:
        raise TooLarge(f"{len(text)} characters")
    cleaned = clean(text)
    if not cleaned:
        raise Unreadable("nothing")
    plain = _ALL_TEXT.sub(lambda found: found[1], cleaned).strip(" .,$\"'")
    if kind == "text":
        return Reading("text", plain)
    choice = _CHOICE.fullmatch(plain)
    if kind == "choice":
        with_text = _CHOICE_WITH_TEXT.fullmatch(plain)
        if choice is None and with_text is None:
            raise Unreadable("no choice letter")
        return Reading("choice", (choice or with_text)[1])  # type: ignore[index]
    if choice is not None:
        return Reading("choice", choice[1], Name(choice[1]))
    if _CHOICE_WITH_TEXT.fullmatch(plain):
        return Reading("choice", plain)
    time = _TIME.fullmatch(plain)
    if time is not None:
        return Reading("time", re.sub(r"[\s.]", "", plain).lower())
    if re.sub(r"[\s.]", "", plain).lower() in _EMPTY:
        return Reading("set", cleaned, EMPTY_SET)
    number = number_in_words(plain) if plain[:1].isalpha() else None
    if number is not None:
        return Reading("number", cleaned, Number(Fraction(number)))
    if is_words(plain):
        return Reading("text", plain)
    return _read_math(cleaned, thousands, letters_are_units)


def is_words(text: str) -> bool:
    """Whether a text is words of a language and no formula."""
    if not re.fullmatch(r"[A-Za-z\s.,'\"()&!?-]+", text):
        return False
    words = re.findall(r"[A-Za-z]+", text)
    known = FUNCTIONS | PLAIN_NAMES.keys() | {"and", "or", "arcsin", "arccos", "arctan"}
    if not words or ("(" in text and len(words) > 1 and words[0].lower() in known):
        return False
    return any(
        (len(word) >= 4 and word not in known and not is_unit_word(word))
        or word.lower() in _SHORT_WORDS
        or re.fullmatch("[A-Z][a-z]+", word) is not None
        or (len(word) == 3 and word not in known and not is_unit_word(word) and _could_be_a_word(word))
        for word in words
    )


def _could_be_a_word(letters: str) -> bool:
    """Whether three letters are a word (cat) rather than symbols from one end of the alphabet (abc, xyz)."""
    return bool(set(letters) & set("aeiou")) and not set(letters) <= set("abcdxyz")


def _read_math(text: str, thousands: bool, letters_are_units: bool) -> Reading:
    text = _before_approximation(_FINAL_STOP.sub("", text))
    text = _REPEATING_WORD.sub(r"\1\\overline{\2}", text)
    whole_text = _ALL_TEXT.fullmatch(text)
    if whole_text is not None:
        text = clean(whole_text[1])
    based = _BASE.fullmatch(text)
    if based is not None and not based[1].isdigit() and _letters_are_digits(based):
        base = int(based[2])
        return Reading("number", text, Number(Fraction(in_base(based[1], base)), None, base))
    body, unit, percent = peel(text, letters_are_units)
    node = _settled(parse(body, thousands=thousands))
    if unit is not None and not (is_scalar(node) or _assignment_of_scalar(node)):
        node, unit = _settled(parse(text, thousands=thousands)), None
    return Reading(kind_of(node), text, node, unit, percent)


def _letters_are_digits(based: re.Match[str]) -> bool:
    """Whether `1A_{16}` or `FF_{16}` is a number in a base and no symbol with an index."""
    return any(character.isdigit() for character in based[1]) or (int(based[2]) > 10 and len(based[1]) > 1)


def _assignment_of_scalar(node: Node) -> bool:
    return isinstance(node, Relation) and all(is_scalar(side) for side in node.sides)


def _before_approximation(text: str) -> str:
    """`exact \\approx rounded` is its exact part; `x \\approx rounded` is left to the grammar."""
    for sign in (r"\approx", r"\simeq", r"\doteq"):
        exact, found, _ = text.partition(sign)
        if found and exact.strip() and not re.fullmatch(r"\s*\\?[A-Za-z]+(_\{?\w+\}?)?\s*", exact):
            return exact.strip()
    return text


def peel(text: str, letters_are_units: bool) -> tuple[str, Unit | None, bool]:
    """Body, unit and whether a percent sign was there."""
    found = _PERCENT_AFTER.search(text)
    if found and found.start() and _HAS_VALUE.search(text[: found.start()]):
        return text[: found.start()], None, True
    money = _MONEY_BEFORE.match(text)
    if money:
        unit = read_unit({"$": "dollar", "euro": "euro", "pounds": "sterling"}[money[2]])
        rest = money[1] + text[money.end() :]
        tail = _tail(_TEXT_UNIT_AFTER, rest) or _tail(_WORDS_AFTER, rest)
        if tail is not None and "dollar" in tail[1].lower():
            rest = tail[0]
        return rest, unit, False
    found = _DEGREE_AFTER.search(text)
    if found and found.start() and not _TRIGONOMETRIC.search(text):
        return text[: found.start()], read_unit("degree"), False
    tail = _tail(_TEXT_UNIT_AFTER, text)
    if tail is not None and _HAS_VALUE.search(tail[0]):
        words = _ALL_TEXT.sub(lambda each: each[1], tail[1])
        if _can_be_unit(words):
            return tail[0], read_unit(words), False
    tail = _tail(_WORDS_AFTER, text)
    if tail is not None and _HAS_VALUE.search(tail[0]) and _plain_words_are_unit(*tail, letters_are_units):
        return tail[0], read_unit(tail[1]), False
    return text, None, False


def _tail(pattern: re.Pattern[str], text: str) -> tuple[str, str] | None:
    """What stands before, and what the pattern finds at the end; None where it finds nothing or only that."""
    skipped = max(0, len(text) - LONGEST_UNIT)
    found = pattern.search(text[skipped:])
    before = text[: skipped + found.start()].rstrip() if found else ""
    return (before, found[1]) if found and before else None


def _can_be_unit(text: str) -> bool:
    words = re.findall(r"[A-Za-z]+", text)
    return 0 < len(words) <= 6 and not any(word.lower() in _NO_UNIT for word in words) and read_unit(text) is not None


def _plain_words_are_unit(head: str, tail: str, letters_are_units: bool) -> bool:
    words = re.findall(r"[A-Za-z]+", tail)
    if not _can_be_unit(tail) or len(words) > 4 or any(word in FUNCTIONS or word in PLAIN_NAMES for word in words):
        return False
    if all(is_unit_word(word) and (len(word) > 1 or letters_are_units) for word in words):
        return True
    # "17 apples": after a bare number any longer words can only say what is counted
    return re.fullmatch(r"\s*-?[\d.,/ ]+\s*", head) is not None and all(len(word) >= 3 for word in words)


def kind_of(node: Node) -> str:
    match node:
        case Number():
            return "number"
        case Group("{", _, _):
            return "set"
        case Group(_, items, _):
            return "pair" if len(items) == 2 else "tuple"
        case Items():
            return "list"
        case Relation(operators, _):
            return "time" if ":" in operators else "relation"
        case SetOperation():
            return "region"
        case Matrix():
            return "matrix"
        case _:
            return "expression"


def _settled(node: Node) -> Node:
    """Plus-minus written out, matrices multiplied by their factors, approximations cut."""
    node = _fold_matrix(_without_approximation(node))
    return expand_plus_minus(node)


def _without_approximation(node: Node) -> Node:
    if isinstance(node, Relation) and "~" in node.operators:
        at = node.operators.index("~")
        if at == 0:
            return node.sides[1] if isinstance(node.sides[0], Name) else node.sides[0]
        return Relation(node.operators[:at], node.sides[: at + 1])
    return node


def _fold_matrix(node: Node) -> Node:
    if isinstance(node, Mul):
        matrices = [factor for factor in node.factors if isinstance(factor, Matrix)]
        if len(matrices) == 1:
            others = tuple(factor for factor in node.factors if not isinstance(factor, Matrix))
            return Matrix(tuple(tuple(Mul((*others, cell)) for cell in row) for row in matrices[0].rows))
    if isinstance(node, Div) and isinstance(node.top, Matrix):
        return Matrix(tuple(tuple(Div(cell, node.bottom) for cell in row) for row in node.top.rows))
    if isinstance(node, Relation):
        return Relation(node.operators, tuple(_fold_matrix(side) for side in node.sides))
    return node


def expand_plus_minus(node: Node) -> Node:
    """An answer with ± as the list of both answers; inside a set or list, as more items."""
    if not any(isinstance(part, PlusMinus) for part in walk(node)):
        return node
    if isinstance(node, Relation):
        *before, last = node.sides
        spread = expand_plus_minus(last)
        if isinstance(spread, Items) and not any(isinstance(p, PlusMinus) for side in before for p in walk(side)):
            return Relation(node.operators, (*before, spread))
        raise Unreadable("plus-minus on both sides")
    if isinstance(node, Items) or (isinstance(node, Group) and node.left == "{"):
        items: list[Node] = []
        for item in node.items:
            spread = expand_plus_minus(item)
            items += spread.items if isinstance(spread, Items) else (spread,)
        return replace(node, items=tuple(items))
    return Items((_chosen(node, 1), _chosen(node, -1)))


def _chosen(node: Node, choice: int) -> Node:
    """The tree with every ± decided the same way."""
    match node:
        case PlusMinus(operand, sign):
            inner = _chosen(operand, choice)
            return inner if sign * choice > 0 else negate(inner)
        case Add(terms):
            return Add(tuple(_chosen(term, choice) for term in terms))
        case Mul(factors):
            return Mul(tuple(_chosen(factor, choice) for factor in factors))
        case Div(top, bottom):
            return Div(_chosen(top, choice), _chosen(bottom, choice))
        case Pow(base, exponent):
            return Pow(_chosen(base, choice), _chosen(exponent, choice))
        case Call(name, arguments):
            return Call(name, tuple(_chosen(argument, choice) for argument in arguments))
        case Group(left, items, right):
            return Group(left, tuple(_chosen(item, choice) for item in items), right)
        case _ if not children(node):
            return node
        case _:
            raise Unreadable("plus-minus inside such a form")
