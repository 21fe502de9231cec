"""Where an answer stands that is a text: a name, a letter, some words.

What is covered: the whole completion, its last line, or its marked answer. Boxes and `####` are read as `math` reads
them (verifiers/math/extraction.py), without `\\text{}` around all of a box. After "the answer is", where `math` looks
for a number, the sentence is kept whole ("the capital of France is Paris" is no "Paris"), the full stop of "Dr. Who"
ends none, and what stands behind it may take it back ("Paris. Wrong!"), as "wait" or "however" do behind a box. In
front only words that are known to announce count: "so the answer is", not "a student says the answer is". What is not
covered: an answer that no mark announces ("I choose B."), and one that goes over several lines.
"""

from __future__ import annotations

import re
from collections import deque
from typing import Literal

from selfplay.verifiers.math.extraction import extract

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
_KNOWN = """so thus therefore hence then and finally clearly overall ok okay now in conclusion i we think believe
    conclude know see find say get can would this that it means follows shows here my our the a final
    correct right best is to for question problem based on above given passage text evidence facts
    context information as result consequently accordingly obviously well yes alright because since
    again checked most-likely"""
_ANNOUNCES = frozenset(_KNOWN.split())
"""Words that may stand before "the answer is" in its clause; another one may make it none ("if", "a student says")."""
_STOP = re.compile(r"(?<=[\w})\]\"'”’»>*!?])\.(?=\s|$)")
_TITLE = re.compile(r"(?:\A|[\s(])(?:Dr|Mr|Mrs|Ms|Prof|St|Mt|Jr|Sr|Gen|Col|Capt|Lt|Rev|Hon|vs|No)\Z")
TAKES_BACK = re.compile(
    r"\b(?:however|actually|wait|no|not|never|wrong|incorrect|false|untrue|mistake\w*|mistook|correct\w*|right|final\w*"
    r"|instead|rather|sorry|hmm+|oops|but|or|second\s+thoughts?|i\s+mean|maybe|perhaps|possibly|alternatively|answers?"
    r"|although|though|unless|otherwise|should|must|better|scratch|cannot|unlikely|fails?|rejected|excluded|ruled\s+out"
    r"|reconsider\w*|guess)\b"
    r"|n['’]t\b|\?|[❌✗✘]",
    re.IGNORECASE,
)
"""Words in what follows an answer that may take it back."""
_RETRACTED = re.compile(
    r"(?:[.!;,\n}]|\A)\s{0,9}(?:wait|actually|however|but|no|sorry|oops|correction|on\s+second\s+thoughts?|i\s+mean)\b",
    re.IGNORECASE,
)
"""The same behind a box or `####`, where a longer explanation may follow."""
REASON = re.compile(r"\s*,?\s*\(?(?:because|since|as(?!\s+well\b)|for)\b", re.IGNORECASE)
"""How a reason begins."""
_REASONED = re.compile(r",?\s(?:because|since)\b|,\sas\b(?!\s+well\b)", re.IGNORECASE)
"""The same within a sentence."""
_TEXT = re.compile(r"\\(?:text(?:bf|it|rm|sf|tt|normal)?|mbox|math(?:rm|bf|it|sf)|emph)\s*\{(.*)\}", re.DOTALL)


def located(completion: str, where: Where, *, choice: bool = False) -> tuple[str, ...]:
    """The answer of a completion; more than one text where it can be cut in several ways, the likeliest first. Empty:
    there is none.

    Args:
        choice: whether "the correct option is" announces an answer too, and all that follows it is wanted.
    """
    if where == "last_line":
        return tuple(line for line in reversed(completion.splitlines()) if line.strip())[:1]
    if where == "whole":
        return (completion,)
    found = extract(completion, "marked")
    stated = None
    if found.rule == "marked" or (found.rule == "answer_phrase" and found.text is not None):
        stated = _stated(completion[-_LONGEST:].rpartition("</think>")[2], _CHOICE if choice else _ANSWER, rest=choice)
    if stated is None and _RETRACTED.search(
        completion[max(completion.rfind("\\boxed"), completion.rfind("####"), 0) :]
    ):
        return ()
    if stated is None:
        return () if found.text is None else _forms(found.text)
    return tuple(dict.fromkeys(form for text in stated for form in _forms(text)))


def _stated(text: str, phrase: re.Pattern[str], *, rest: bool) -> tuple[str, ...] | None:
    """What follows the last phrase: its sentence or line; all of it where it is taken back. None: there is no phrase.

    Args:
        rest: whether all that follows is wanted.
    """
    last = next(iter(deque(phrase.finditer(text), maxlen=1)), None)
    if last is None:
        return None
    clause = re.split(r"[.,;:!?\n]", text[max(0, last.start() - 400) : last.start()])[-1].casefold()
    words = re.findall(r"[^\W\d_]+(?:['’-][^\W\d_]+)*", clause.replace("most likely", "most-likely"))
    if not _ANNOUNCES.issuperset(words):
        return ()
    following = text[last.end() :].replace("**", "").strip()
    if rest:
        return (following,) if following else ()
    line = following.partition("\n")[0][:_LONGEST_LINE].strip()
    sentence = _sentence(line)
    if TAKES_BACK.search(following, len(sentence)):
        return (following, following.removesuffix("."))
    found = [sentence, line.removesuffix("."), line.removesuffix("!"), line]
    reason = _REASONED.search(sentence)
    if reason is not None and not TAKES_BACK.search(sentence, reason.end()):
        found.append(sentence[: reason.start()])
    return tuple(one for one in found if one)


def _sentence(line: str) -> str:
    """The first sentence of a line."""
    for stop in _STOP.finditer(line):
        if not _TITLE.search(line, max(0, stop.start() - 6), stop.start()):
            return line[: stop.start()]
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
