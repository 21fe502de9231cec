"""Which text of a response is the program.

The rule, told in the verdict's detail under `program`:
1. Fenced blocks marked python or py, or else unmarked ones: the last that defines the entry point (or the
   function the tests name); where none does, all of them joined. A fence that is never closed reaches to the
   end.
2. No fence: the whole response.
3. With a prefix (a task that is completed, such as HumanEval): a text that defines the entry point itself
   comes after the prefix, any other text is taken for the body that continues it.
4. With several fences, last of all: everything between the first and the last, for a docstring with fences in it.
Where that leaves several readings they are tried in order, and the first that compiles is the program; it is
compiled in the sandbox, never here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

FENCE = re.compile(r"[ \t]*(`{3,}|~{3,})[ \t]*([\w+.-]{0,40})")
DEFINITION = re.compile(r"[ \t]*(?:async[ \t]+def|def|class)[ \t]+(\w+)|[ \t]*(\w+)[ \t]*=[^=]")
CODE_START = re.compile(r"(?:def|class|import|from|if|for|while|try|with|async|elif|else|except|finally)\b|[@#)\]}]")
PYTHON = frozenset({"python", "py", "python3"})
MAX_READINGS = 12


@dataclass(frozen=True)
class Reading:
    """One way to read the response as a program."""

    text: str
    how: str


def readings(completion: str, names: frozenset[str], prefix: str) -> list[Reading]:
    """Ways to read the response, most likely first; empty when there is no text at all.

    Args:
        names: the functions or classes that the tests use, as far as known.
        prefix: what stood before the completion, or empty.
    """
    completion = completion.replace("\r\n", "\n")
    marked = _fenced(completion)
    blocks = [text for tag, text in marked if tag in PYTHON] or [text for tag, text in marked if not tag]
    if not blocks:
        return [] if not completion.strip() else _placed(completion, "whole response", names, prefix, trim=True)
    spanning = (
        _placed(_spanning(completion), "from the first fence to the last", names, prefix) if len(marked) > 1 else []
    )
    chosen = [place for place, text in enumerate(blocks) if _defines(text, names)]
    if chosen:
        place = chosen[-1]
        found = _placed(blocks[place], f"block {place + 1} of {len(blocks)}", names, prefix)
        if len(blocks) > 1:
            found += _placed("\n".join(blocks[: place + 1]), f"blocks 1 to {place + 1}", names, prefix)
        return found + spanning
    return _placed("\n".join(blocks), f"{len(blocks)} blocks joined", names, prefix) + spanning


def _placed(text: str, how: str, names: frozenset[str], prefix: str, trim: bool = False) -> list[Reading]:
    if not text.strip():
        return []
    if not prefix:
        plain = _dedent(text.strip("\n"))
        return [Reading(plain, how), *(_shorter(plain, how) if trim else [])]
    continued = Reading(prefix + text, f"{how}, after the prefix")
    if _defines(text, names):
        whole = _dedent(text.strip("\n"))
        return [
            Reading(f"{prefix}\n    pass\n{whole}", f"{how}, after the prefix"),
            Reading(whole, how),
            continued,
        ]
    body = _indent(_dedent(text.strip("\n")))
    # a chat model often strips the first line's indentation and no other's
    first, _, rest = text.lstrip().partition("\n")
    found = [
        continued,
        Reading(f"{prefix}\n{body}", f"{how}, indented, after the prefix"),
        Reading(f"{prefix}\n    {first}\n{rest}", f"{how}, first line indented, after the prefix"),
    ]
    return found + (_shorter(prefix + text, f"{how}, after the prefix", keep=len(prefix)) if trim else [])


def _fenced(text: str) -> list[tuple[str, str]]:
    """Tag and content of each fenced block. Reads line by line, so that no response takes more than linear time."""
    found: list[tuple[str, str]] = []
    fence, tag, held = "", "", list[str]()
    for line in text.splitlines(keepends=True):
        match = FENCE.match(line)
        if not fence:
            if match:
                fence, tag, held = match.group(1), match.group(2).lower(), []
        elif (
            match
            and match.group(1)[0] == fence[0]
            and len(match.group(1)) >= len(fence)
            and not line[match.end() :].strip()
        ):
            if match.group(2):
                held.append(line)
                continue
            found.append((tag, "".join(held)))
            fence = ""
        else:
            held.append(line)
    if fence:
        found.append((tag, "".join(held)))
    return found


def _spanning(text: str) -> str:
    """All between the first line with a fence and the last, for a docstring that has fences of its own."""
    lines = text.splitlines(keepends=True)
    fences = [place for place, line in enumerate(lines) if FENCE.match(line)]
    return "".join(lines[fences[0] + 1 : fences[-1]]) if fences else ""


def _dedent(text: str) -> str:
    """textwrap.dedent in linear time, whatever the text."""
    lines = text.split("\n")
    margins = [line[: len(line) - len(line.lstrip(" \t"))] for line in lines if line.strip()]
    low, high = min(margins, default=""), max(margins, default="")
    # what the smallest and the largest begin with, all between begin with
    width = next((place for place, (a, b) in enumerate(zip(low, high, strict=False)) if a != b), len(low))
    return "\n".join(line[width:] if line.strip() else "" for line in lines)


def _indent(text: str) -> str:
    return "\n".join("    " + line if line.strip() else line for line in text.split("\n"))


def _shorter(text: str, how: str, keep: int = 0) -> list[Reading]:
    """The same without what follows the first line, at the margin, that does not look like Python."""
    place = keep
    for line in text[keep:].splitlines(keepends=True):
        margin = line[:1]
        if margin.strip() and not CODE_START.match(line) and not any(sign in line for sign in "=(["):
            return [Reading(text[:place], f"{how}, cut before prose")] if place > keep else []
        place += len(line)
    return []


def _defines(text: str, names: frozenset[str]) -> bool:
    """Whether a line defines one of the names, or anything at all where no name is known."""
    for line in text.splitlines():
        match = DEFINITION.match(line)
        if match and (match.group(1) or match.group(2)) in names:
            return True
        if match and not names and match.group(1):
            return True
    return False
