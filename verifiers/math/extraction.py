r"""Which part of a response is its answer. Declared here, and named in the evidence of every verdict.

1. What stands between `<think>` and `</think>` is no answer; an unclosed `<think>` leaves none.
2. The last `\boxed{...}` with balanced braces. An empty one is no answer, nor is one that something is done to
   (`-\boxed{5}`, `\boxed{5}^2`, "not \boxed{5}"). Of a box in a box the outer counts. Earlier ones do not count,
   unless only "or", "and", a comma or nothing stands between on the line: those are one answer, which hedges
   where they differ.
3. Else what follows the last `#### ` on its line; with another answer stated by words after it, both, which hedges.
4. Else (unless words such as "twice" or "not" change it) what follows the last "answer is", "answer:" or "final
   answer" on its line (or the next displayed formula), or the formula right after "answer", without markdown. Of
   a sentence that names what it gives ("the largest n is 34", without other numbers before "is") what stands
   after "is".
5. Else, only where the settings or the reference say that a completion is an answer: what follows the last
   "so", "thus", "hence" or "therefore" of the last line, or the whole text, read as in 4.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

AnswerMode = Literal["whole", "marked"]

_BOXED = re.compile(r"\\(?:fbox|f?boxed)\s*\{")
_BARE_BOX = re.compile(r"\\boxed\s+(-?[\w.]*\w)")
_GAP = r"(?:[\s$&*]|\\[,;:! ()\[\]\\]|\\q?quad(?![A-Za-z]))*"
_JOINED = re.compile(
    rf"{_GAP}(?:[,;]|,?\s*(?:and|or)\b|,?\s*\\(?:text|mbox|textrm|mathrm)\s*\{{[\s,]*(?:and|or)\s*\}}){_GAP}(?:[A-Za-z]\s*=\s*)?"
    r"|(?:[^\S\n]|\$|\\[,;:! ]|\\q?quad(?![A-Za-z]))*"
)
# a sign counts where something stands before it on its line or nothing after it: "- \boxed{5}" may be a bullet
_APPLIED_BEFORE = re.compile(
    r"(?:\d|[-+]\$?|\S[^\S\n]*[-+][^\S\n]*\$?[^\S\n]*"
    r"|(?:\\neq?|\\pm|\\mp|\\cdot|\\times|\\div|[\^_]|[\^_]\s*\{|\\(?:sqrt|frac)\s*\{|\}\s*\{|\bnot)\s*\$?\s*)\Z"
)
_APPLIED_AFTER = re.compile(
    r"\d|[^\S\n]*[-+*][^\S\n]*(?:\d|\\(?:frac|sqrt|pi)(?![A-Za-z]))"
    r"|\s*(?:\^|/|\\times|\\cdot|\\div|\$?\s*(?:is|was)\s+(?:wrong|not|incorrect|false)\b|\$?\s*isn't)"
)
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_HASHES = re.compile(r"####(?:[ \t]+([^\n]*))?$", re.MULTILINE)
_ANSWER = re.compile(
    r"\b(?:final\s+answer|answer)\b(?:\s+to\s+(?:the|this)\s+(?:problem|question))?\s*"
    r"(?:(?:is\b|are\b|should be\b|would be\b|equals\b|=|:|\*\*)"
    r"(?:\s+(?:exactly|indeed|simply|just|equal\s+to)\b)?[\s:*_]*|(?=\$|\\\[|\\\())"
    r"|^[#*_ \t]*final\s+answer[*_\s]*\n+(?=\S)",
    re.IGNORECASE | re.MULTILINE,
)
_BARE_ANSWER = re.compile(r"\bfinal\s+answer\b[\s:*_]*$", re.IGNORECASE)
_DISPLAYED = re.compile(
    r"(\$\$.+?\$\$|\\\[.+?\\\]|\\begin\{(?:equation|align)\*?\}.+?\\end\{(?:equation|align)\*?\})", re.DOTALL
)
# emphasis stands free: 2**10 is no markdown
_MARKDOWN = re.compile(
    r"(?<![\w)}\]*])\*\*([^*\n]+)\*\*(?![\w({\[\\*])|(?<![\w)}\]_])__([^_\n]+)__(?![\w({\[\\])|`([^`\n]+)`"
)
_NAMED = re.compile(
    r"(?P<subject>[^\d\n\\{}]*[A-Za-z]{2}[^\d\n\\{}]*?)\s(?:is|are|equals)\s+(?:equal to\s+)?(?=\S)", re.IGNORECASE
)
_CHANGED = (
    "no|not|wrong|incorrect|false|twice|thrice|double|triple|half|suppose|assume|doubt|whether|than|times|negative|opposite"
    "|reciprocal|inverse|squared?|cubed?|plus|minus|bound"
)
_HEDGE = re.compile(rf"\b(?:or|if|either|maybe|perhaps|unless|but|{_CHANGED})\b", re.IGNORECASE)
_TAKEN = re.compile(rf"\b(?:{_CHANGED})\b[^.,;:!?\n]*$", re.IGNORECASE)
_CONCLUSION = re.compile(r"\b(?:so|thus|hence|therefore)\b,?\s+(?=\S)", re.IGNORECASE)
_TAKEN_BACK = re.compile(
    r"(?:or|actually|no|wait|but|maybe|perhaps|alternatively|correction|sorry|hmm|not|rather|instead)\b", re.IGNORECASE
)
_REASON = re.compile(r",\s+(?:as|since|because)\s")
_BLANKS = re.compile(r"\s{4,}")
_LONGEST = 1_000_000
_LONGEST_SENTENCE = 400
_LONGEST_GAP = 100
"""Characters between two boxes that still make one answer."""


@dataclass(frozen=True)
class Extracted:
    """The answer's text (None: there is none) and by which rule it was found."""

    text: str | None
    rule: str


def extract(completion: str, mode: AnswerMode) -> Extracted:
    """The answer in a response; linear in its length. Only the last million characters are looked at."""
    # a long run of blanks would cost the patterns its square
    text = _after_thinking(_BLANKS.sub(lambda run: "\n\n" if "\n" in run[0] else "  ", completion[-_LONGEST:]))
    if text is None:
        return Extracted(None, "unfinished_thinking")
    boxed = _last_boxed(text)
    if boxed is not None:
        return boxed
    hashes = list(_HASHES.finditer(text))
    if hashes:
        return Extracted(_after_hashes((hashes[-1][1] or "").strip(), text[hashes[-1].end() :]), "hashes")
    phrases = list(_ANSWER.finditer(text))
    if phrases and _TAKEN.search(text[max(0, phrases[-1].start() - _LONGEST_SENTENCE) : phrases[-1].start()]):
        return Extracted(None, "answer_phrase")
    if phrases:
        return Extracted(_after_phrase(text[phrases[-1].end() :]), "answer_phrase")
    if _BARE_ANSWER.search(text.rstrip()[-80:]):
        return Extracted(None, "answer_phrase")
    if mode == "whole":
        conclusion = text.rstrip().rpartition("\n")[2] if "\n" in text else text
        found = list(_CONCLUSION.finditer(conclusion))
        if found:
            return Extracted(_after_phrase(conclusion[found[-1].end() :]), "conclusion")
        return Extracted(_named(_unmarked(text).strip()) or None, "whole")
    return Extracted(None, "marked")


def _after_thinking(text: str) -> str | None:
    closed = text.rfind("</think>")
    if closed >= 0:
        text = text[closed + len("</think>") :]
    return None if "<think>" in text else text


def _last_boxed(text: str) -> Extracted | None:
    """What the last-beginning balanced box holds; one pass, however many are left open. None: there is no box."""
    starts = {found.end(): found.start() for found in _BOXED.finditer(text)}
    if not starts:
        bare = _BARE_BOX.search(text)
        return Extracted(bare[1], "boxed") if bare else None
    open_braces: list[int] = []
    boxes: list[tuple[int, int]] = []
    for found in _BRACE.finditer(text):
        if found[0] == "{":
            open_braces.append(found.end())
        elif found[0] == "}" and open_braces:
            start = open_braces.pop()
            if start in starts:
                boxes.append((start, found.start()))
    if not boxes:
        return None
    boxes = _outermost(boxes)
    start, end = boxes[-1]
    if _APPLIED_BEFORE.search(text[max(0, starts[start] - 40) : starts[start]]) or _APPLIED_AFTER.match(text, end + 1):
        return Extracted(None, "boxed_within_a_formula")
    answers = [text[start:end].strip()]
    if not answers[0]:
        return Extracted(None, "boxed")
    for before, after in zip(reversed(boxes[:-1]), reversed(boxes[1:]), strict=True):
        between = text[before[1] + 1 : starts[after[0]]]
        if len(between) > _LONGEST_GAP or not _JOINED.fullmatch(between):
            break
        answers.insert(0, text[before[0] : before[1]].strip())
    # the same answer boxed again is no second one
    answer = answers[0] if len(set(answers)) == 1 else ", ".join(answers)
    return Extracted(answer or None, "boxed")


def _outermost(boxes: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """The boxes that lie in no other, in their order."""
    outer: list[tuple[int, int]] = []
    for start, end in sorted(boxes):
        if not outer or start > outer[-1][1]:
            outer.append((start, end))
    return outer


def _after_hashes(answer: str, rest: str) -> str | None:
    """The answer, and beside it, which hedges, another that is stated after it."""
    phrases = list(_ANSWER.finditer(rest)) if answer else []
    other = _after_phrase(rest[phrases[-1].end() :]) if phrases else None
    if other is not None and other.rstrip(".") != answer.rstrip("."):
        return f"{answer} or {other}"
    return answer or None


def _after_phrase(rest: str) -> str | None:
    line = rest.lstrip("\n").partition("\n")[0] if rest.strip() else ""
    displayed = _DISPLAYED.match(rest.lstrip())
    if displayed:
        line = displayed[1]
    line = _unmarked(line).strip().removeprefix("=").removeprefix("}").strip()
    # a sentence may go on after the answer; a decimal point is no end of a sentence
    sentence, *more = re.split(r"(?<=[\w})$\])])\.(?=\s|$)", line, maxsplit=1)
    # unless it takes the answer back
    line = line if more and _TAKEN_BACK.match(more[0].strip()) else sentence
    answer, *why = _REASON.split(line, maxsplit=1)
    line = answer if why and not _HEDGE.search(why[0]) else line
    return _named(line.strip()) or None


def _named(text: str) -> str:
    """The answer of a sentence that says what it is of; any other text as it is.

    Only a subject without digits and without words of doubt is taken off, so that no candidate is lost with it.
    """
    if len(text) > _LONGEST_SENTENCE or "\n" in text.strip():
        return text
    found = _NAMED.match(text)
    if found is None or _HEDGE.search(found["subject"]):
        return text
    return text[found.end() :].strip()


def _unmarked(text: str) -> str:
    plain = _MARKDOWN.sub(lambda found: found[1] or found[2] or found[3], text)
    return re.sub(r"\*\*(?=[.,;]?$)", "", plain.strip().removeprefix("**"))
