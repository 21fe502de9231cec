"""Numbers in English words: "one hundred and twenty-three", "two thirds"."""

from __future__ import annotations

import re
from fractions import Fraction

_WORDS = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
seventeen eighteen nineteen
"""
_ONES = _WORDS.split()
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
SMALL_NUMBERS = {word: number for number, word in enumerate(_ONES)} | {w: 20 + 10 * n for n, w in enumerate(_TENS)}
_ORDINALS = ["half", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"]
PARTS = {name: size for size, name in enumerate(_ORDINALS, 2)} | {"quarter": 4, "hundredth": 100, "thousandth": 1000}
PARTS |= {"halves": 2} | {f"{name}s": size for name, size in PARTS.items()}
SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}


def number_in_words(text: str) -> int | None:
    """The whole number that the whole text spells, or None where it spells none."""
    words = re.sub(r"[-,\s]+", " ", text.strip().lower()).split()
    negative = bool(words) and words[0] in ("minus", "negative")
    words = [word for word in words[negative:] if word != "and"]
    if len(words) > 1 and words[0] in ("a", "an") and words[1] in ("hundred", *SCALES):
        words[0] = "one"
    if not words or len(words) > 40 or not words[0].isalpha():
        return None
    total, part, last = 0, 0, 10**15
    previous = ""
    for word in words:
        if word in SMALL_NUMBERS:
            small = SMALL_NUMBERS[word]
            fits = part % 100 == 0 or (part % 10 == 0 and part % 100 >= 20 and 0 < small < 10)
            if (previous in SMALL_NUMBERS and not (SMALL_NUMBERS[previous] >= 20 and 0 < small < 10)) or not fits:
                return None
            part += small
        elif word == "hundred":
            if not 0 < part < 10 and previous:
                return None
            part = (part or 1) * 100
        elif word in SCALES:
            if SCALES[word] >= last or part == 0:
                return None
            last = SCALES[word]
            total, part = total + part * last, 0
        else:
            return None
        previous = word
    return -(total + part) if negative else total + part


def fraction_in_words(text: str) -> Fraction | None:
    """`one half`, `two thirds`, `two and a half`; None where the text spells no fraction."""
    words = re.sub(r"[-,\s]+", " ", text.strip().lower()).split()
    if not 2 <= len(words) <= 6 or words[-1] not in PARTS:
        return None
    whole, separator, part = " ".join(words[:-1]).rpartition(" and ") if "and" in words else ("", "", words[0])
    if not separator and len(words) != 2:
        return None
    above = 1 if part in ("a", "an") else number_in_words(part)
    before = number_in_words(whole) if separator else 0
    if above is None or before is None or not 0 < above < PARTS[words[-1]]:
        return None
    return before + Fraction(above, PARTS[words[-1]])
