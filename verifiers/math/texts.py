"""Comparing words, choice letters and times of day."""

from __future__ import annotations

import re

from selfplay.verifiers.math.reading import CHOICE_WITH_TEXT, HEDGE, Reading
from selfplay.verifiers.math.scalars import Finding


def compare_texts(reference: Reading, answer: Reading) -> Finding:
    """Two readings of which the reference is `text`, `choice` or `time`."""
    if reference.kind == "time":
        # a half of the day left out is like a unit left out
        same = answer.kind == "time" and (answer.text == reference.text or answer.text == reference.text.split()[0])
    elif reference.kind == "choice":
        same = _same_choice(reference.text, answer.text)
    else:
        same = _worded(answer.text) == _worded(reference.text)
    return Finding(same, "same_text" if same else "different_text")


def _same_choice(reference: str, answer: str) -> bool:
    """Whether the letter agrees, and the text beside it where only that is given."""
    asked, given = CHOICE_WITH_TEXT.fullmatch(reference), CHOICE_WITH_TEXT.fullmatch(answer)
    letter, text = ((asked[1] or asked[2]), asked[3]) if asked else (reference, "")
    if _plain(answer) == _plain(reference):
        return True
    if given:
        # what stands beside the letter restates the choice; a second letter there is hedging
        return (given[1] or given[2]) == letter and not HEDGE.search(given[3]) and not asked
    bracketed = re.fullmatch(r"\(([a-z])\)", answer.strip())
    chosen = bracketed[1].upper() if bracketed else _plain(answer)
    return chosen == letter or chosen == letter.casefold() or (len(text) > 1 and _plain(text) == _plain(answer))


def _worded(text: str) -> str:
    return _plain(re.sub(r"^\s*(?:an?|the)\s+(?=\w{2})", "", text, flags=re.IGNORECASE))


def _plain(text: str) -> str:
    return re.sub(r"[\s.,;!?\"()\\${}]+|\\text", "", text).casefold()
