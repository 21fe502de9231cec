"""Units of measurement: a text to a factor and dimensions, so that 5 km equals 5000 m and 5 cm is not 5
meters.

What is covered: common metric, imperial, time and money units, powers, "square" and "cubic", quotients. A
word that is no known unit ("apples") is a dimension of its own. Not covered: temperature scales, exchange
rates, radians.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

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
        if dimension == "volume":
            dimension, exponent_of = "length", 3 * exponent
        else:
            exponent_of = exponent
        factor *= scale**exponent
        dimensions[dimension] = dimensions.get(dimension, 0) + exponent_of
    if power != 1:
        return None  # "square" of nothing
    settled = tuple(sorted((key, value) for key, value in dimensions.items() if value))
    return Unit(factor, settled, known)
