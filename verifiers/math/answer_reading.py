r"""An answer's text to what it means: unit and percent sign taken off, then the tree, then its kind.

What an answer may leave out or add is decided in compare.py, not here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from selfplay.verifiers.math.expression import (
    Add,
    Call,
    Group,
    Items,
    Matrix,
    Mul,
    Name,
    Node,
    Number,
    Pow,
    Relation,
    SetOperation,
    TooLarge,
    Unreadable,
    is_scalar,
    negate,
    show,
)
from selfplay.verifiers.math.latex_cleanup import clean
from selfplay.verifiers.math.number_words import fraction_in_words, number_in_words
from selfplay.verifiers.math.parser import parse
from selfplay.verifiers.math.rewriting import folded, spread
from selfplay.verifiers.math.tokens import FUNCTIONS, MOST_CHARACTERS, PLAIN_NAMES, in_base
from selfplay.verifiers.math.units import ALL_TEXT, NO_UNIT, Unit, compound, is_unit_word, peel, scaled_words


@dataclass(frozen=True)
class Reading:
    """One side of a comparison."""

    kind: str
    """`number`, `expression`, `pair` (a point or an interval), `tuple`, `set`, `list`, `relation`, `region` (unions and
    the like), `matrix`, `ratio`, `choice`, `time` or `text`."""
    text: str
    """The cleaned text; for `text`, `choice` and `time` what is compared."""
    node: Node | None = None
    unit: Unit | None = None
    percent: bool = False

    def shown(self) -> str:
        """How it was understood, for the evidence."""
        body = show(self.node) if self.node is not None else self.text[:300]
        return f"{self.kind}: {body}" + (" %" if self.percent else "") + (f" {self.unit}" if self.unit else "")


CHOICE_WITH_TEXT = re.compile(r"(?:\(([A-Z])\)\s*(?=\S)|([A-Z])[.:)]\s+)(\S.*)")
"""`(B) 12`, `B. 12` and `B: 12`: a choice letter with the choice written beside it."""
HEDGE = re.compile(
    r"\b(?:or|and|not|no|nor|but|false|wrong|incorrect|actually|wait|rather|instead)\b|\([A-Z]\)", re.IGNORECASE
)
"""What, beside a choice letter, names another one or takes it back."""
_CHOICE = re.compile(r"(?:(?:option|choice|answer)\s+)?\(?([A-Z])\)?\.?", re.IGNORECASE)
_TIME = re.compile(
    r"(\d{1,2})(?::([0-5]\d)(?::([0-5]\d))?)?(?:\s*(noon|midnight)|\s*(a|p)\.?\s*m\.?)?(?:\s+sharp)?", re.IGNORECASE
)
_REPEATING_WORD = re.compile(
    r"(?<![\d.])(\d*\.\d*?)(\d)\s*(?:\\text\s*\{\s*)?\(?(?:repeating|recurring)(?:(?<=\(repeating)\)|(?<=\(recurring)\))?\s*\}?"
)
_BASE = re.compile(
    r"(?:\(\s*|\\text\s*\{\s*)?([0-9A-Z]+|[0-9a-z]+)\s*[)}]?\s*_\s*\{?\s*(?:\\text\s*\{)?\s*(\d{1,2}|[a-z]{3,7})\s*\}?\s*\}?"
)
_SPOKEN_BASE = re.compile(
    r"([0-9A-Z]+)\s*(?:\\text\s*\{\s*)?[(,]?\s*(?:in\s+)?base[\s-]*(\d{1,2})\s*\)?\s*\}?", re.IGNORECASE
)
_BASE_NAMES = ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_BASES = {name: base for base, name in enumerate(_BASE_NAMES, 2)} | {"sixteen": 16}
_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}|\d{1,2}/\d{1,2}/\d{4}")
_RATIO_WORD = re.compile(
    r"(-?[\d.,]+|\\frac\{\d+\}\{\d+\})\s+(?:\\text\s*\{\s*)?to(?:\s*\})?\s+(-?[\d.,]+|\\frac\{\d+\}\{\d+\})"
)
_PROSE_BEFORE = re.compile(r"\\text\s*\{[^{}\d]*\b(?:is|are|equals)\s*:?\s*\}\s*:?|\\text\s*\{[^{}\d]*:\s*\}")
_BOLD = r"\\(?:mathbf|vec|boldsymbol|bm|overrightarrow)\s*\{?\s*[A-Za-z]\s*\}?"
_VECTOR_PRODUCT = re.compile(rf"{_BOLD}\s*(?:\\times|\\cdot)?\s*{_BOLD}")
_STOP_IN_TEXT = re.compile(r"\\text\s*\{\s*[.,]?\s*\}$")
_WORD_NAMED = re.compile(r"([A-Z][a-z]{3,}(?:\s[a-z]{3,}){0,2})\s?=")
_ASIDE = re.compile(r"(?<=\d)\s*\(\s*(units?|[a-z]{4,})\s*\)$")
_FINAL_STOP = re.compile(r"(?<!\.)\s*(?:[.,]|\\\\)?\s*$")
_EMPTY = frozenset({"nosolution", "nosolutions", "norealsolution", "norealsolutions", "emptyset", "theemptyset"})
_ALL_REAL = frozenset({"allrealnumbers", "allreals", "therealnumbers", "allrealx", "allrealvaluesofx", "anyrealnumber"})
_ALL_REAL_EXCEPT = re.compile(r"all\s+real\s+numbers\s+except\s+(?:for\s+)?(\S.*)", re.IGNORECASE)
_SHORT_WORDS = frozenset(
    ["yes", "no", "odd", "all", "none", "both", "red", "blue", "not", "one", "two", "six", "ten", "any"]
)
EMPTY_SET = Group("{", (), "}")
REAL_LINE = Group("(", (negate(Name("oo")), Name("oo")), ")")


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
    if _VECTOR_PRODUCT.search(text):
        raise Unreadable("a product of vectors or matrices, which may not commute")
    cleaned = clean(text)
    if not cleaned:
        raise Unreadable("nothing")
    plain = ALL_TEXT.sub(lambda found: found[1], cleaned).strip(' .,$"')
    if kind == "text":
        return Reading("text", plain)
    worded = _choice(plain, must=kind == "choice") or _time(plain) or _in_words(cleaned, plain)
    return worded or _read_math(cleaned, thousands, letters_are_units)


def _choice(plain: str, *, must: bool) -> Reading | None:
    choice, with_text = _CHOICE.fullmatch(plain), CHOICE_WITH_TEXT.fullmatch(plain)
    if must:
        if choice is None and with_text is None:
            raise Unreadable("no choice letter")
        return Reading("choice", (choice[1] if choice else with_text[1] or with_text[2]).upper())  # type: ignore[index]
    if choice is not None and (choice[1].isupper() or len(plain.rstrip(".")) > 3):
        return Reading("choice", choice[1].upper(), Name(choice[1]))
    if with_text is None or HEDGE.search(with_text[3]):
        return None
    return Reading("choice", plain)


def _time(plain: str) -> Reading | None:
    """A time of day as `9:05`, `9:05:30` or `9:05 pm`, or a date; None for anything else."""
    if _DATE.fullmatch(plain):
        return Reading("text", plain)
    found = _TIME.fullmatch(plain)
    if found is None or not (found[2] or found[4] or found[5]) or int(found[1]) > 24:
        return None
    half = f"{found[5].lower()}m" if found[5] else ""
    if found[4]:
        if int(found[1]) != 12:
            return None
        half = "pm" if found[4].lower() == "noon" else "am"
    seconds = f":{found[3]}" if found[3] and found[3] != "00" else ""
    return Reading("time", f"{int(found[1])}:{found[2] or '00'}{seconds} {half}".strip())


def _in_words(cleaned: str, plain: str) -> Reading | None:
    together = re.sub(r"[\s.]", "", plain).lower()
    if together in _EMPTY:
        return Reading("set", cleaned, EMPTY_SET)
    if together in _ALL_REAL:
        return Reading("pair", cleaned, REAL_LINE)
    excepted = _ALL_REAL_EXCEPT.fullmatch(plain)
    if excepted is not None:
        points = parse(clean(excepted[1]))
        items = points.items if isinstance(points, Items) else (points,)
        return Reading("region", cleaned, SetOperation("minus", (REAL_LINE, Group("{", items, "}"))))
    if plain[:1].isalpha():
        number = number_in_words(plain)
        value = fraction_in_words(plain) if number is None else Fraction(number)
        if value is not None:
            return Reading("number", cleaned, Number(value))
    return Reading("text", plain) if _is_words(plain) else None


def _read_math(text: str, thousands: bool, letters_are_units: bool) -> Reading:
    text = _before_approximation(_FINAL_STOP.sub("", text))
    text = _REPEATING_WORD.sub(r"\1\\overline{\2}", text)
    text = _PROSE_BEFORE.sub("", text, count=1) if text.startswith("\\text") else text
    named = _WORD_NAMED.match(text)
    if named is not None and not NO_UNIT & set(named[1].lower().split()):
        text = rf"\text{{{named[1]}}} ={text[named.end() :]}"
    text = scaled_words(text).removeprefix("=").strip()
    text = _ASIDE.sub(r" \1", _STOP_IN_TEXT.sub("", text))
    whole_text = ALL_TEXT.fullmatch(text)
    if whole_text is not None:
        text = clean(whole_text[1])
    based, spoken = _BASE.fullmatch(text), _SPOKEN_BASE.fullmatch(text)
    base = _base(based) if based else None
    if base is None and spoken:
        based, base = spoken, int(spoken[2])
    if based and base is not None:
        return Reading("number", text, Number(Fraction(in_base(based[1], base)), None, base))
    together = compound(text)
    if together is not None:
        return Reading("number", text, together[0], together[1])
    ratio = _RATIO_WORD.fullmatch(text)
    if ratio is not None:
        text = f"{ratio[1]}:{ratio[2]}"
    body, unit, percent = peel(text, letters_are_units)
    node = _settled(parse(body, thousands=thousands))
    measurable = is_scalar(node) or (isinstance(node, Relation) and all(map(is_scalar, node.sides)))
    if percent and not measurable:
        raise Unreadable("a percent sign after what is no number")
    if unit is not None and not measurable:
        node, unit = _settled(parse(text, thousands=thousands)), None
    return Reading(kind_of(node), text, node, unit, percent)


def _base(based: re.Match[str]) -> int | None:
    """The base of `204_5`, `1A_{16}` or `FF_{16}`; None for a symbol with an index."""
    digits, written = based[1], based[2]
    base = int(written) if written.isdigit() else _BASES.get(written)
    if base is None or digits.isdigit():
        return base
    if base <= 10 or (digits.islower() and not digits[0].isdigit()):
        return None
    return base if any(character.isdigit() for character in digits) or len(digits) > 1 else None


def _before_approximation(text: str) -> str:
    """`exact \\approx rounded` is its exact part; `x \\approx rounded` is left to the grammar."""
    for sign in (r"\approx", r"\simeq", r"\doteq"):
        exact, found, rounded = text.partition(sign)
        whole = not re.search(r",\s|;|=|\\text|\b(?:or|and)\b", rounded)
        if found and whole and exact.strip() and not re.fullmatch(r"\s*\\?[A-Za-z]+(_\{?\w+\}?)?\s*", exact):
            return exact.strip()
    return text


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
            return "ratio" if set(operators) == {":"} else "relation"
        case SetOperation():
            return "region"
        case Matrix():
            return "matrix"
        case _:
            return "expression"


def _settled(node: Node) -> Node:
    """Plus-minus written out, operations on matrices carried out, approximations cut, points without names."""
    return spread(folded(_unnamed(_without_approximation(node))))


def _unnamed(node: Node) -> Node:
    """`A(2,3)` as the point, `(1,2,3)^T` as the vector, `\\mathbb{R} - \\{1\\}` as a difference of sets."""
    match node:
        case Mul((Name(name), Group("(", _, ")") as point)) if len(name) == 1 and name.isupper():
            return point
        case Call("P()" | "F()" | "G()", (_, _) as items):
            return Group("(", items, ")")
        case Pow(Group("(", _, ")") as row, Name("T")):
            return row
        case Add((Group() as whole, Mul((Number(sign), Group("{", _, _) as points)))) if sign == -1:
            return SetOperation("minus", (whole, points))
        case _:
            return node


def _without_approximation(node: Node) -> Node:
    if isinstance(node, Relation) and "~" in node.operators:
        at = node.operators.index("~")
        if at == 0:
            return node.sides[1] if isinstance(node.sides[0], Name) else node.sides[0]
        return Relation(node.operators[:at], node.sides[: at + 1])
    return node


def _is_words(text: str) -> bool:
    """Whether a text is words of a language and no formula."""
    if not re.fullmatch(r"[A-Za-z\s.,'\"()&!?-]+", text):
        return False
    words = re.findall(r"[A-Za-z]+", text)
    known = FUNCTIONS | PLAIN_NAMES.keys() | {"and", "or", "arcsin", "arccos", "arctan"}
    if not words or ("(" in text and len(words) > 1 and words[0].lower() in known):
        return False
    for word in words:
        if word.lower() in _SHORT_WORDS or re.fullmatch("[A-Z][a-z]+", word):
            return True
        # three letters may be symbols from one end of the alphabet (abc, xyz)
        long = len(word) >= 4 or (len(word) == 3 and set(word) & set("aeiou") and not set(word) <= set("abcdxyz"))
        if long and word not in known and not is_unit_word(word):
            return True
    return False
