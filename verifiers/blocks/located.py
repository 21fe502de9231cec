"""Where an answer stands that is a text: a name, a letter, some words.

What is covered: the whole completion, its last line, or its marked answer. Boxes and `####` are read as `math` reads
them (verifiers/math/extraction.py), without `\\text{}` around all of a box. After "the answer is", where `math` looks
for a number, the sentence is kept whole ("B because it is cold"), and the full stop of "Dr. Who" ends none. What is not
covered: an answer that no mark announces ("I choose B."), and one that goes over several lines.
"""

from __future__ import annotations

import re
from collections import deque
from typing import Literal

from verifiers.math.extraction import extract

Where = Literal["whole", "last_line", "marked"]

_LONGEST = 1_000_000
_LONGEST_LINE = 10_000
_MOST_LAYERS = 5
_AFTER = r"(?:\s+to\s+(?:the|this)\s+(?:problem|question))?[*_ \t]*(?:is\b|should be\b|would be\b|=|:)[\s:*_]*+"
_ANSWER = re.compile(rf"\b(?:(?:final|correct|right|best)\s+)?answer\b{_AFTER}", re.IGNORECASE)
_CHOICE = re.compile(
    rf"\b(?:(?:(?:final|correct|right|best)\s+)?answer|(?:final|correct|right|best)\s+(?:option|choice))\b{_AFTER}",
    re.IGNORECASE,
)
_TAKEN = re.compile(
    r"\b(?:no|not|never|wrong|incorrect|false|suppose|assume|doubt|whether|if|than|unlikely)\b[^.,;:!?\n]*\Z",
    re.IGNORECASE,
)
"""Words before "the answer is" that make it none."""
_STOP = re.compile(r"(?<=[\w})\]\"'”’»>*!?])\.(?=\s|$)")
_TITLE = re.compile(r"(?:\A|[\s(])(?:Dr|Mr|Mrs|Ms|Prof|St|Mt|Jr|Sr|Gen|Col|Capt|Lt|Rev|Hon|vs|No)\Z")
_TAKEN_BACK = re.compile(
    r"(?:or|actually|no|wait|but|maybe|perhaps|alternatively|correction|sorry|hmm|not|rather|instead)\b", re.IGNORECASE
)
_REASON = re.compile(
    r"\b(?:because|since|as|so|if|when|while|although|though|but|not|unless|for|that|which)\b", re.IGNORECASE
)
_TEXT = re.compile(r"\\(?:text(?:bf|it|rm|sf|tt|normal)?|mbox|math(?:rm|bf|it|sf)|emph)\s*\{(.*)\}", re.DOTALL)


def located(completion: str, where: Where, *, choice: bool = False) -> tuple[str, ...]:
    """The answer of a completion; more than one text where it can be cut in several ways, the likeliest first. Empty:
    there is none.

    Args:
        choice: whether "the correct option is" announces an answer too.
    """
    if where == "last_line":
        return tuple(line for line in reversed(completion.splitlines()) if line.strip())[:1]
    if where == "whole":
        return (completion,)
    found = extract(completion, "marked")
    stated = None
    if found.rule == "marked" or (found.rule == "answer_phrase" and found.text is not None):
        stated = _stated(completion[-_LONGEST:].rpartition("</think>")[2], _CHOICE if choice else _ANSWER, found.text)
    if stated is None:
        return () if found.text is None else _forms(found.text)
    return tuple(dict.fromkeys(form for text in stated for form in _forms(text)))


def _stated(text: str, phrase: re.Pattern[str], extracted: str | None) -> tuple[str, ...] | None:
    """What follows the last phrase: its sentence, its line, what `math` takes of it. None: there is no phrase."""
    last = next(iter(deque(phrase.finditer(text), maxlen=1)), None)
    if last is None:
        return None
    if _TAKEN.search(text, max(0, last.start() - 400), last.start()):
        return ()
    line = text[last.end() : last.end() + _LONGEST_LINE].partition("\n")[0].replace("**", "").strip()
    sentence = _sentence(line)
    found = [sentence, line.removesuffix("."), line]
    before, taken, _ = line.partition(extracted) if extracted else (line, "", "")
    named = not _REASON.search(before) and len(before) + len(taken) >= len(sentence)  # the capital of France is Paris
    if taken and (named if before else not _TITLE.search(taken)):
        found.append(taken)
    return tuple(one for one in found if one)


def _sentence(line: str) -> str:
    """The first sentence of a line; the whole line where the next one takes it back."""
    for stop in _STOP.finditer(line):
        if _TITLE.search(line, max(0, stop.start() - 6), stop.start()):
            continue
        return line if _TAKEN_BACK.match(line[stop.end() :].strip()) else line[: stop.start()]
    return line


def _forms(text: str) -> tuple[str, ...]:
    """A text as it is, and without a `\\text{}` around all of it."""
    inner = text.strip()
    if len(inner) > 2 and inner[0] == inner[-1] == "$":
        inner = inner.strip("$").strip()
    for _ in range(_MOST_LAYERS if len(inner) <= _LONGEST_LINE else 0):
        found = _TEXT.fullmatch(inner)
        if found is None or not _balanced(found[1]):
            break
        inner = found[1].strip()
    return (text,) if inner == text.strip() else (inner, text)


def _balanced(text: str) -> bool:
    """Whether every closing brace has its opening one before it."""
    depth = 0
    for brace in re.findall(r"[{}]", text):
        depth += 1 if brace == "{" else -1
        if depth < 0:
            return False
    return depth == 0
