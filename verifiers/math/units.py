"""Units of measurement, percent signs and money: taken off a number before it is parsed, and turned into a factor.

Also `17 apples`, where a word that is no known unit is a dimension of its own, `2 million` and `1 hour 30 minutes`.
Not covered: temperature scales, exchange rates, radians.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from selfplay.verifiers.math.expression import Number
from selfplay.verifiers.math.number_words import PARTS, SCALES, SMALL_NUMBERS
from selfplay.verifiers.math.tokens import FUNCTIONS, PLAIN_NAMES, decimal

_TABLE = """
length 1 m meter metre | 1/100 cm centimeter centimetre | 1/1000 mm millimeter millimetre | 1/10 dm decimeter
length 1000 km kilometer kilometre | 127/5000 in inch inche inches | 381/1250 ft foot feet | 1143/1250 yd yard
length 201168/125 mi mile
mass 1 g gram gramme | 1000 kg kilogram kilo | 1/1000 mg milligram | 45359237/100000 lb pound lbs
mass 45359237/1600000 oz ounce | 1000000 tonne Mg
length 1000000 Mm
time 1 s sec second | 60 min minute | 3600 h hr hour | 86400 day | 604800 week | 1/1000 ms millisecond
money 1 dollar usd buck $ | 1/100 cent penny pennies
euro 1 euro | 1/100 eurocent
sterling 1 sterling
angle 1 degree deg
kelvin 1 K kelvin
celsius 1 celsius
fahrenheit 1 fahrenheit
force 1 N newton | 1000 kN
energy 1 J joule | 1000 kJ
power 1 W watt | 1000 kW
voltage 1 V volt
current 1 A ampere amp
resistance 1 ohm
frequency 1 Hz hertz | 1000 kHz
pressure 1 Pa pascal | 1000 kPa
length 1/1000000 micrometer
volume 1/1000 l liter litre | 1/1000000 ml milliliter millilitre
"""
_COMPOUND = {"mph": "mi/h", "kph": "km/h", "kmh": "km/h", "kmph": "km/h", "fps": "ft/s", "sqft": "ft^2"}
_SQUARE = {"square": 2, "sq": 2, "cubic": 3, "cu": 3}
_NOTHING = {"unit", "of", "the", "a", "an", "about", "approximately"}


@dataclass(frozen=True)
class Unit:
    factor: Fraction
    dimensions: tuple[tuple[str, int], ...]
    known: bool
    """Whether every word is in the table; an unknown word is a dimension of its own."""

    def __str__(self) -> str:
        scale = "" if self.factor == 1 else f"{self.factor} "
        words = (name if power == 1 else f"{name}^{power}" for name, power in self.dimensions)
        return f"[{scale}{' '.join(words)}]"


def _entries() -> dict[str, tuple[Fraction, str]]:
    table: dict[str, tuple[Fraction, str]] = {}
    for line in _TABLE.strip().splitlines():
        dimension, _, rest = line.partition(" ")
        for entry in rest.split("|"):
            factor, *spellings = entry.split()
            for spelling in spellings:
                table[spelling] = (Fraction(factor), dimension)
    return table


_UNITS = _entries()
_WORD = re.compile(r"([A-Za-z$°¢]+)\.?\s*(?:\^?\s*\{?\s*(-?\d)\s*\}?)?")


def _lookup(word: str) -> tuple[Fraction, str] | None:
    for spelling in (word, word.lower(), word.lower().removesuffix("s")):
        if spelling in _UNITS and (len(spelling) > 1 or spelling == word or word == "L"):
            return _UNITS[spelling]
    return None


def is_unit_word(word: str) -> bool:
    return _lookup(word) is not None or word.lower() in {*_SQUARE, *_COMPOUND, "unit", "units"}


def read_unit(text: str) -> Unit | None:
    """The unit a text names; None where it names none that could be one (digits, other signs)."""
    text = re.sub(r"\bper\b", "/", text.replace("\\cdot", " ").replace("\\", " ")).strip(" .()")
    text = _COMPOUND.get(text.lower(), text)
    dimensions: dict[str, int] = {}
    factor, known, direction, power = Fraction(1), True, 1, 1
    at = 0
    while at < len(text):
        if text[at] in " ·*-":
            at += 1
            continue
        if text[at] == "/":
            direction, at = -1, at + 1
            continue
        found = _WORD.match(text, at)
        if found is None:
            return None
        at = found.end()
        word = found[1]
        if word.lower() in _SQUARE:
            power = _SQUARE[word.lower()]
            continue
        if word.lower().removesuffix("s") in _NOTHING:
            power = 1
            continue
        exponent = direction * power * int(found[2] or 1)
        power = 1
        entry = _lookup(word)
        scale, dimension = entry or (Fraction(1), word.lower().removesuffix("s"))
        known = known and entry is not None
        factor *= scale**exponent
        if dimension == "volume":
            dimension, exponent = "length", 3 * exponent
        dimensions[dimension] = dimensions.get(dimension, 0) + exponent
    if power != 1:
        return None  # "square" of nothing
    settled = tuple(sorted((key, value) for key, value in dimensions.items() if value))
    return Unit(factor, settled, known)


ALL_TEXT = re.compile(r"\\text\s*\{([^{}]*)\}")
LONGEST_UNIT = 120
"""Characters at the end of an answer in which a unit is looked for; keeps the patterns' cost bounded."""
_MONEY_BEFORE = re.compile(r"^(-?)\s*(?:\\(\$|euro|pounds)|(USD|EUR|GBP))\s*(?=[\d.\\(-])")
_MONEY_AFTER = re.compile(r"(?<=[\d.}])\s*\\(\$|euro|pounds)\s*$")
_CURRENCIES = {"$": "dollar", "euro": "euro", "pounds": "sterling", "USD": "dollar", "EUR": "euro", "GBP": "sterling"}
_PERCENT_WORDS = r"percent|per cent|percentage|pct\.?"
_PERCENT_AFTER = re.compile(rf"\s*(?:\\?%|\\text\s*\{{\s*(?:%|\\%|{_PERCENT_WORDS})\s*\}}|{_PERCENT_WORDS})\s*$")
_DEGREE_AFTER = re.compile(r"\s*\^\s*\{?\s*\\circ\s*\}?\s*$|\s*\\degree\s*$|\s+degrees?\s*$")
_TEXT_UNIT_AFTER = re.compile(r"((?:\\text\s*\{[^{}]*\}(?:\s|\^\{?-?\d\}?|/|\\cdot)*)+)$")
_WORDS_AFTER = re.compile(r"(?<=[\d}).\s])([A-Za-z][A-Za-z\s./]*(?:\^\s*\{?\d\}?)?)$")
_TRIGONOMETRIC = re.compile(r"sin|cos|tan|sec|csc|cot")
_HAS_VALUE = re.compile(r"\d|\\(?:frac|sqrt|pi|infty)")
_NOT_UNITS = """
not or and no nor but wrong maybe perhaps if when where for is are to by than instead either none incorrect
squared cubed factorial negative positive below above minus plus times half halves third thirds quarter quarters
fourth fourths fifth fifths tenth tenths hundredth hundredths zero dozen dozens pair pairs couple couples
hundred hundreds thousand thousands million millions billion billions trillion trillions more less fewer mod modulo
twice thrice fold multiplied approx thereabouts grand quintillion myriad myriads doz ths maximum minimum under par
before after midnight noon zeros ones nines tens score too many total
k lakh crore gross else inverse reciprocal doubled tripled halved false true sqrt root pi ish conjugate transposed
loss losses deficit debt short shy repeating recurring choose over unless except until between
"""
NO_UNIT = frozenset(_NOT_UNITS.split()) | frozenset(SMALL_NUMBERS) | frozenset(PARTS)
"""Words that change a number or take it back, and so name no unit."""
_MULTIPLES = SCALES | {"hundred": 100, "dozen": 12}
_SCALED = re.compile(
    r"(?<![\w.^_{])(\d[\d,]{0,30}(?:\.\d{1,30})?)\s*(\\text\s*\{)?\s*(hundred|thousand|million|billion|trillion|dozen)\b(\s*\})?"
)
_SUM_OF_UNITS = re.compile(r"(?:\d{1,9}(?:\.\d{1,9})?\s*[A-Za-z]{1,10}\.?,?\s*(?:and\s+)?){2,4}")
_PART_OF_SUM = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]+)")
_ADVERB = re.compile(r"(?!(?:approximately|family|assembly|reply)\Z)[a-z]{3,}ly")
"""A word that says how a number is meant ("possibly") and not of what."""
_NOT_COUNTED = (FUNCTIONS | PLAIN_NAMES.keys()) - {"min", "sec"}


def scaled_words(text: str) -> str:
    """`2.5 million` as 2500000, with what follows it left in place."""

    def written(found: re.Match[str]) -> str:
        value = decimal(found[1].replace(",", "")).value * _MULTIPLES[found[3]]
        if value.denominator != 1:
            return found[0]
        return f"{value.numerator} " + (found[2] if found[2] and not found[4] else "")

    return _SCALED.sub(written, text)


def compound(text: str) -> tuple[Number, Unit] | None:
    """`1 hour 30 minutes` as one quantity; None where the text is no sum of units of one kind."""
    plain = ALL_TEXT.sub(lambda found: found[1], text).strip(" .")
    if len(plain) > LONGEST_UNIT or not _SUM_OF_UNITS.fullmatch(plain + " "):
        return None
    total, last = Fraction(0), None
    for number, word in _PART_OF_SUM.findall(plain):
        unit = read_unit(word)
        if unit is None or not unit.known or not is_unit_word(word):
            return None
        if last and (unit.dimensions != last.dimensions or unit.factor >= last.factor):
            return None
        last = unit
        total += Fraction(number) * unit.factor
    return (Number(total), Unit(Fraction(1), last.dimensions, True)) if last else None


def peel(text: str, letters_are_units: bool) -> tuple[str, Unit | None, bool]:
    """Body, unit and whether a percent sign was there."""
    found = _PERCENT_AFTER.search(text)
    if found and found.start() and _HAS_VALUE.search(text[: found.start()]):
        return text[: found.start()], None, True
    money = _MONEY_BEFORE.match(text)
    if money:
        unit = read_unit(_CURRENCIES[money[2] or money[3]])
        rest = money[1] + text[money.end() :]
        tail = _tail(_TEXT_UNIT_AFTER, rest) or _tail(_WORDS_AFTER, rest)
        if tail is not None and "dollar" in tail[1].lower():
            rest = tail[0]
        return rest, unit, False
    paid = _MONEY_AFTER.search(text)
    if paid:
        return text[: paid.start()], read_unit(_CURRENCIES[paid[1]]), False
    found = _DEGREE_AFTER.search(text)
    if found and found.start() and not _TRIGONOMETRIC.search(text):
        return text[: found.start()], read_unit("degree"), False
    tail = _tail(_TEXT_UNIT_AFTER, text)
    words = ALL_TEXT.sub(lambda each: each[1], tail[1]) if tail else ""
    if tail is not None and _HAS_VALUE.search(tail[0]) and _can_be_unit(words):
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
    for word in words:
        symbol = len(word) == 1 and not is_unit_word(word)
        if symbol or (word.lower() in NO_UNIT and word != "K") or _ADVERB.fullmatch(word.lower()):
            return False
    return 0 < len(words) <= 6 and read_unit(text) is not None


def _plain_words_are_unit(head: str, tail: str, letters_are_units: bool) -> bool:
    words = re.findall(r"[A-Za-z]+", tail)
    if not _can_be_unit(tail) or len(words) > 4 or any(word in _NOT_COUNTED for word in words):
        return False
    if "K" in words:
        return False  # 12K is twelve thousand to most who write it so
    if all(map(is_unit_word, words)) and (letters_are_units or "/" in tail or all(len(word) > 1 for word in words)):
        return True
    # "17 apples": after a bare number any longer words can only say what is counted
    return re.fullmatch(r"\s*-?[\d.,/ ]+\s*", head) is not None and all(len(word) >= 3 for word in words)
