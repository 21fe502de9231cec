r"""Which part of a response is its answer, for all verifiers and group filters that look for one.

`extract` finds a formula, by the rules of "Where the answer is looked for" in docs/judge-math.md: a box, `####`, a
phrase, and with `whole` also a conclusion or the whole text. Evidence names the rule that found it.

`places` finds words: the whole completion, its last line, or the marked places from the end on, of which a verifier
takes the first that holds what it can read. Marked places are boxes as in 2, lines behind `#### `, and lines behind a
phrase as in 4 or "the correct option is". The phrase must begin its clause, or an article or one of final, correct,
right, best and most likely must stand before it, and no word such as "not" in its clause: "this answer is correct",
"the wrong answer is B" and "I doubt that the answer is B" state nothing.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, NamedTuple

AnswerMode = Literal["whole", "marked"]
Where = Literal["whole", "last_line", "marked"]

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
_SAYS = (
    r"(?:\s+to\s+(?:the|this)\s+(?:problem|question))?\s*"
    r"(?:(?:is\b|are\b|should be\b|would be\b|equals\b|=|:|\*\*)"
    r"(?:\s+(?:exactly|indeed|simply|just|equal\s+to)\b)?[\s:*_]*|(?=\$|\\\[|\\\())"
)
_HEADING = r"^[#*_ \t]*final\s+answer[*_\s]*\n+(?=\S)"
_ANSWER = re.compile(rf"\b(?:final\s+answer|answer)\b{_SAYS}|{_HEADING}", re.IGNORECASE | re.MULTILINE)
_STATED = re.compile(
    rf"\b(?:answer(?:\s+(?:choice|option))?|(?:final|correct|right|best)\s+(?:choice|option))\b{_SAYS}|{_HEADING}",
    re.IGNORECASE | re.MULTILINE,
)
_BEFORE_STATED = re.compile(
    r"(?:\A|\n|[^\w\s]|\b(?:the|my|our|final|correct|right|best|most\s+likely))\s*\Z", re.IGNORECASE
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
_DENIED = re.compile(r"n['’]t\b[^.,;:!?\n]*$", re.IGNORECASE)
_CONCLUSION = re.compile(r"\b(?:so|thus|hence|therefore)\b,?\s+(?=\S)", re.IGNORECASE)
_TAKEN_BACK = re.compile(
    r"(?:or|actually|no|wait|but|maybe|perhaps|alternatively|correction|sorry|hmm|not|rather|instead)\b", re.IGNORECASE
)
_REASON = re.compile(r",\s+(?:as|since|because)\s")
_TEXT_COMMAND = re.compile(r"\\(?:text(?:bf|it|rm|sf|tt|normal)?|mbox|math(?:rm|bf|it|sf)|emph)\s*\{([^{}]*)\}")
_TAGGED = re.compile(r"<answer>((?:(?!<answer>).)*?)</answer>", re.DOTALL)
_SENTENCE_END = re.compile(r"[.!?:](?=\s|\Z)|\n")
_BLANK_LINE = re.compile(r"\n[ \t]*\n")
_BLANKS = re.compile(r"\s{4,}")
_LONGEST = 1_000_000
_LONGEST_SENTENCE = 400
_LONGEST_GAP = 100
"""Characters between two boxes that still make one answer."""
_LONGEST_LINE = 10_000
_MOST_PLACES = 100


@dataclass(frozen=True)
class Extracted:
    """The answer's text (None: there is none) and by which rule it was found."""

    text: str | None
    rule: str


@dataclass(frozen=True)
class Place:
    """A place where an answer in words may stand."""

    text: str
    """What stands there: in the boxes, behind the mark to the end of its line, or the last line or whole text."""
    rule: str
    behind: str = ""
    """What follows in its paragraph."""
    gap: str = ""
    """From the answer at the place before this one to the mark of this one; empty where there is none before."""

    def is_beside_the_one_before(self) -> bool:
        """Whether no sentence stands between the two."""
        return not any(re.search(r"\w", part) for part in _SENTENCE_END.split(self.gap)[1:-1])


def extract(completion: str, mode: AnswerMode) -> Extracted:
    """The answer in a response; linear in its length. Only the last million characters are looked at."""
    text = _after_thinking(completion)
    if text is None:
        return Extracted(None, "unfinished_thinking")
    boxed = _last_boxed(text)
    if boxed is not None:
        return boxed
    hashes = list(_HASHES.finditer(text))
    if hashes:
        return Extracted(_after_hashes((hashes[-1][1] or "").strip(), text[hashes[-1].end() :]), "hashes")
    phrases = list(_ANSWER.finditer(text))
    if phrases:
        start, end = phrases[-1].span()
        taken = _TAKEN.search(text[max(0, start - _LONGEST_SENTENCE) : start])
        return Extracted(None if taken else _after_phrase(text[end:]), "answer_phrase")
    if _BARE_ANSWER.search(text.rstrip()[-80:]):
        return Extracted(None, "answer_phrase")
    if mode == "whole":
        conclusion = text.rstrip().rpartition("\n")[2] if "\n" in text else text
        found = list(_CONCLUSION.finditer(conclusion))
        if found:
            return Extracted(_after_phrase(conclusion[found[-1].end() :]), "conclusion")
        return Extracted(_named(_unmarked(text).strip()) or None, "whole")
    return Extracted(None, "marked")


def places(completion: str, where: Where) -> Iterator[Place]:
    """The places where an answer in words may stand, from the end on. Only the last hundred marks are looked at."""
    if where == "whole":
        yield Place(completion, where)
    elif where == "last_line":
        yield from [Place(line, where) for line in completion.splitlines() if line.strip()][-1:]
    else:
        text = _after_thinking(completion) or ""
        marks = _marks(text)[-_MOST_PLACES:]
        for at in range(len(marks) - 1, -1, -1):
            mark = marks[at]
            paragraph = _BLANK_LINE.search(text, mark.end, mark.end + _LONGEST_LINE)
            behind = text[mark.end : paragraph.start() if paragraph else mark.end + _LONGEST_LINE]
            yield Place(mark.text or "", mark.rule, behind, text[marks[at - 1].start : mark.begin] if at else "")


def tagged(completion: str) -> str | None:
    """What the last `<answer>...</answer>` holds; None where there is none."""
    found = _TAGGED.findall(completion)
    return found[-1].strip() if found else None


def without_text_commands(text: str) -> str:
    r"""`\text{Paris}` and its like as `Paris`, two levels deep."""
    for _ in range(2):
        text = _TEXT_COMMAND.sub(r"\1", text)
    return text


class _Mark(NamedTuple):
    """What announces an answer."""

    begin: int
    start: int
    """Where the answer starts; for a box, where the box does."""
    end: int
    rule: str
    text: str | None
    """The answer. None: something is done to the box."""


def _marks(text: str) -> list[_Mark]:
    marks = _boxes(text)
    for found in _HASHES.finditer(text):
        marks.append(_Mark(found.start(), found.start(), found.end(), "hashes", (found[1] or "").strip()))
    for found in deque(_STATED.finditer(text), maxlen=_MOST_PLACES):
        before = text[max(0, found.start() - _LONGEST_SENTENCE) : found.start()]
        if _BEFORE_STATED.search(before) and not _TAKEN.search(before) and not _DENIED.search(before):
            line = text[found.end() : found.end() + _LONGEST_LINE].partition("\n")[0]
            marks.append(_Mark(found.start(), found.end(), found.end() + len(line), "answer_phrase", line.strip()))
    marks.sort(key=lambda mark: mark.begin)
    # "the answer is \boxed{B}" is one mark, that of the box
    kept = [
        mark
        for mark, later in pairwise(marks)
        if mark.rule != "answer_phrase" or re.search(r"\w", text[mark.start : later.begin])
    ]
    return kept + marks[-1:]


def _after_thinking(completion: str) -> str | None:
    # a long run of blanks would cost the patterns its square
    text = _BLANKS.sub(lambda run: "\n\n" if "\n" in run[0] else "  ", completion[-_LONGEST:])
    closed = text.rfind("</think>")
    if closed >= 0:
        text = text[closed + len("</think>") :]
    return None if "<think>" in text else text


def _last_boxed(text: str) -> Extracted | None:
    """What the last box holds. None: there is no box."""
    boxes = _boxes(text)
    if boxes:
        answer = boxes[-1].text
        return Extracted(answer or None, "boxed_within_a_formula" if answer is None else "boxed")
    bare = None if _BOXED.search(text) else _BARE_BOX.search(text)
    return Extracted(bare[1], "boxed") if bare else None


def _boxes(text: str) -> list[_Mark]:
    """The balanced boxes that lie in no other, joined where they are one answer; one pass, whatever is left open."""
    starts = {found.end(): found.start() for found in _BOXED.finditer(text)}
    if not starts:
        return []
    open_braces: list[int] = []
    boxes: list[tuple[int, int]] = []
    for found in _BRACE.finditer(text):
        if found[0] == "{":
            open_braces.append(found.end())
        elif found[0] == "}" and open_braces:
            start = open_braces.pop()
            if start in starts:
                boxes.append((start, found.start()))
    groups: list[list[tuple[int, int]]] = []
    for start, end in sorted(boxes):
        if groups and start < groups[-1][-1][1]:
            continue
        between = text[groups[-1][-1][1] + 1 : starts[start]] if groups else ""
        if groups and len(between) <= _LONGEST_GAP and _JOINED.fullmatch(between):
            groups[-1].append((start, end))
        else:
            groups.append([(start, end)])
    return [_joined(text, group, starts) for group in groups]


def _joined(text: str, group: list[tuple[int, int]], starts: dict[int, int]) -> _Mark:
    begin, (start, end) = starts[group[0][0]], group[-1]
    if _APPLIED_BEFORE.search(text[max(0, starts[start] - 40) : starts[start]]) or _APPLIED_AFTER.match(text, end + 1):
        return _Mark(begin, begin, end + 1, "boxed", None)
    answers = [text[start:end].strip() for start, end in group]
    # the same answer boxed again is no second one
    answer = answers[0] if len(set(answers)) == 1 else ", ".join(answers)
    return _Mark(begin, begin, end + 1, "boxed", answer if answers[-1] else "")


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

    Only a subject without digits and words of doubt is taken off, so that no candidate is lost with it.
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
