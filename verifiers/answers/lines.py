"""The lines of a worked solution, made ready for reading: spaces, signs, emphasis, and lines that belong together.

    "3 * 4\\n= 12"   "3 + 4 =\\n7"   "100 -\\n5 = 95"     one line each
    "3 + 4 = 7\\n+ 1"                                   one line with a mark between: it may be a list
    "３ ＋ ４ ＝ ７"   "8 ➗ 2"   "7\\u2003+ 1"           with the usual signs

Every text keeps its length, so that a place in it stays the same.
"""

from __future__ import annotations

import re
import unicodedata

JOINED = "\u2424"
"""Stands for a line end where the next line may go on with this one or be of a list."""
ARROW = re.compile(r"(?<![-=])[-=]++>|[→⇒⟹⟶➔➜≡]|\\(?:to|rightarrow|Rightarrow|implies|equiv)\b")
"""May mean that both sides are equal, or that one follows from the other."""
SIGN = re.compile(rf"{ARROW.pattern}|=+|≈|≃|\\approx\b")
_MARKUP = re.compile(
    r"(?<![\w)\]*])\*\*(?=[^\s*])(?P<bold>[^*\n]{1,500})(?<=[^\s*])\*\*(?![\w(\[*])|`+|\$\$|(?<!\\)\\[()\[\]]"
)
"""Emphasis, code and the marks around a formula; 2**10 is none of them."""
_BOX = re.compile(r"\\f?boxed\{([^{}\n]{1,100})\}")
_TABLE = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
_TABLE |= {ord(one): other for one, other in zip("➕➖➗✖✚∶≅≒≊\ufe0e\ufe0f", "+-÷×+:≈≈≈  ", strict=True)}
_TABLE |= dict.fromkeys(map(ord, "\r\x0b\x0c\x1c\x1d\x1e\x1f\x85\u2028\u2029"), " ")
_TABLE |= {code: " " for code in range(0x80, 0x3001) if unicodedata.category(chr(code)) == "Zs"}
_BEGINS = re.compile(r"\s*(?:(?![-=]+>|={3,}\s*$)=|≈|≃|\\approx\b|[×÷/^])")
_ENDS = re.compile(
    r"(?:(?:=|≈|≃|\\approx|\\times|\\cdot|\\div|[×÷])|[\d)\]%](?:\s{1,9}\w{1,30})?\s{0,9}[-+*/^−–])\s*\Z"
)
_MAY_GO_ON = re.compile(r"\s*(?:[-+*−–•·]|\\times|\\cdot|\\div)\s*[$€£(]?\d")
_MAY_BE_EQUAL = re.compile(rf"\s*(?:{ARROW.pattern})\s*[$€£(]?\d")
_NUMBER_AT_END = re.compile(r"[\d)\]%]\s*\Z")
_RULE = re.compile(r"\s*(?:={3,}|-{3,}|\*{3,})\s*")


def prepared(text: str) -> str:
    """The text with usual spaces and signs, without emphasis, and with lines that go on joined."""
    text = _MARKUP.sub(lambda found: f"  {found['bold']}  " if found["bold"] else " " * len(found[0]), usual(text))
    text = _BOX.sub(lambda found: f"{'':{len(found[0]) - len(found[1]) - 1}}{found[1]} ", text)
    lines = text.split("\n")
    parts, earlier = [lines[0]], lines[0]
    blanks = 0
    for line in lines[1:]:
        if not line.strip():
            blanks += 1
            parts.append("\n" + line)
            continue
        link = _between(earlier, line)
        if link != "\n":
            parts[len(parts) - blanks :] = [part.replace("\n", " ") for part in parts[len(parts) - blanks :]]
        parts.append(link + line)
        earlier, blanks = line, 0
    return "".join(parts)


def usual(text: str) -> str:
    """The text with a plain space for every space, and the usual sign for those that look like it."""
    return text.translate(_TABLE)


def _between(earlier: str, line: str) -> str:
    """What stands for the line end between two lines."""
    if _RULE.fullmatch(line) or _RULE.fullmatch(earlier) or not earlier.strip():
        return "\n"
    tail = earlier[-80:]
    if _BEGINS.match(line) or (_ENDS.search(tail) and not tail.rstrip().endswith("=>")):
        return " "
    if not _NUMBER_AT_END.search(tail):
        return "\n"
    if _MAY_BE_EQUAL.match(line) and SIGN.search(earlier) is None:
        return JOINED
    listed = earlier.lstrip()[:1] == line.lstrip()[:1]
    return JOINED if _MAY_GO_ON.match(line) and not listed else "\n"
