"""Numbers in English words: "one hundred and twenty-three" is 123."""

from __future__ import annotations

import re

_WORDS = """
zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen
seventeen eighteen nineteen
"""
_ONES = _WORDS.split()
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_SMALL = {word: number for number, word in enumerate(_ONES)} | {w: 20 + 10 * n for n, w in enumerate(_TENS)}
_SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}


def number_in_words(text: str) -> int | None:
    """The whole number that the whole text spells, or None where it spells none."""
    words = re.sub(r"[-,\s]+", " ", text.strip().lower()).split()
    negative = bool(words) and words[0] in ("minus", "negative")
    words = [word for word in words[negative:] if word != "and"]
    if not words or len(words) > 40 or not words[0].isalpha():
        return None
    total, part, last = 0, 0, 10**15
    previous = ""
    for word in words:
        if word in _SMALL:
            small = _SMALL[word]
            fits = part % 100 == 0 or (part % 10 == 0 and part % 100 >= 20 and 0 < small < 10)
            if (previous in _SMALL and not (_SMALL[previous] >= 20 and 0 < small < 10)) or not fits:
                return None
            part += small
        elif word == "hundred":
            if not 0 < part < 10 and previous:
                return None
            part = (part or 1) * 100
        elif word in _SCALES:
            if _SCALES[word] >= last or part == 0:
                return None
            last = _SCALES[word]
            total, part = total + part * last, 0
        else:
            return None
        previous = word
    value = total + part
    return -value if negative else value
