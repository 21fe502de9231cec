"""Units of measure: their names, which are never another, and how many of one make another."""

from __future__ import annotations

from fractions import Fraction

_NAMES = """$ dollar usd buck|€ euro eur|£ gbp|¥ yen jpy|cent ¢|kg kilogram kilo|g gram|mg|km kilometer kilometre
|m meter metre|cm|mm|mile mi|foot feet ft|inch inche|yard yd|hour hr h|minute min|second sec|day|week|month|year|ton
|ounce oz|liter litre|ml"""
_MEASURES = {name: names.split()[0] for names in _NAMES.split("|") for name in names.split()}
MEASURES = frozenset(_MEASURES.values())
"""Units of which one is never another: 8 kg are not 8 g, while 8 apples are 8 pieces of fruit."""
_RATES = """$ cent 100|€ cent 100|kg g 1000|g mg 1000|km m 1000|m cm 100|cm mm 10|m mm 1000|foot inch 12|yard foot 3
|yard inch 36|mile foot 5280|hour minute 60|minute second 60|hour second 3600|day hour 24|week day 7|month day 30
|month week 4|year month 12|year week 52|year day 365|ton kg 1000|liter ml 1000"""
RATES = {(one, other): Fraction(rate) for one, other, rate in (line.split() for line in _RATES.split("|"))}
"""How many of the second make one of the first."""


def unit_of(word: str) -> str:
    """A unit in the singular; of a measure its first name, so that 5 kilograms are 5 kg."""
    singular = word.casefold().removesuffix("s")
    return _MEASURES.get(singular, singular)


def rate(one: frozenset[str], other: frozenset[str]) -> Fraction | None:
    """How many of a unit of `other` make one of `one`; less than 1 where the other is the larger. None: not known."""
    for a in one:
        for b in other:
            if (a, b) in RATES:
                return RATES[a, b]
            if (b, a) in RATES:
                return 1 / RATES[b, a]
    return None
