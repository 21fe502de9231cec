"""Which text of a response is the program.

The rule, told in the verdict's detail under `program`:
1. Fenced blocks marked python or py, or else unmarked ones: the last that defines the entry point (or the
   function the tests name); where none does, all of them joined. A fence that is never closed reaches to the
   end.
2. No fence: the whole response.
3. With a prefix (a task that is completed, such as HumanEval): a text that defines the entry point itself
   comes after the prefix, any other text is taken for the body that continues it.
Where that leaves several readings they are tried in order, and the first that compiles is the program; it is
compiled in the sandbox, never here.
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass

FENCE = re.compile(
    r"^[ \t]*(`{3,}|~{3,})[ \t]*([\w+.-]*)[^\n]*\n(.*?)(?:^[ \t]*\1[ \t]*$|\Z)", re.MULTILINE | re.DOTALL
)
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
    marked = [(match.group(2).lower(), match.group(3)) for match in FENCE.finditer(completion)]
    blocks = [text for tag, text in marked if tag in PYTHON] or [text for tag, text in marked if not tag]
    if not blocks:
        return [] if not completion.strip() else _placed(completion, "whole response", names, prefix, trim=True)
    chosen = [place for place, text in enumerate(blocks) if _defines(text, names)]
    if chosen:
        place = chosen[-1]
        found = _placed(blocks[place], f"block {place + 1} of {len(blocks)}", names, prefix)
        if len(blocks) > 1:
            found += _placed("\n".join(blocks[: place + 1]), f"blocks 1 to {place + 1}", names, prefix)
        return found
    return _placed("\n".join(blocks), f"{len(blocks)} blocks joined", names, prefix)


def _placed(text: str, how: str, names: frozenset[str], prefix: str, trim: bool = False) -> list[Reading]:
    if not text.strip():
        return []
    if not prefix:
        plain = textwrap.dedent(text.strip("\n"))
        return [Reading(plain, how), *(_shorter(plain, how) if trim else [])]
    continued = Reading(prefix + text, f"{how}, after the prefix")
    if _defines(text, names):
        whole = textwrap.dedent(text.strip("\n"))
        return [
            Reading(f"{prefix}\n    pass\n{whole}", f"{how}, after the prefix"),
            Reading(whole, how),
            continued,
        ]
    body = textwrap.indent(textwrap.dedent(text.strip("\n")), "    ")
    # a chat model often strips the first line's indentation and no other's
    first, _, rest = text.lstrip().partition("\n")
    found = [
        continued,
        Reading(f"{prefix}\n{body}", f"{how}, indented, after the prefix"),
        Reading(f"{prefix}\n    {first}\n{rest}", f"{how}, first line indented, after the prefix"),
    ]
    return found + (_shorter(prefix + text, f"{how}, after the prefix", keep=len(prefix)) if trim else [])


def _shorter(text: str, how: str, keep: int = 0) -> list[Reading]:
    """The same without what follows the first line, at the margin, that does not look like Python."""
    prose = re.compile(
        r"^(?!def\b|class\b|import\b|from\b|@|if\b|for\b|while\b|try\b|with\b|async\b|#)\S[^=(\[]*$",
        re.MULTILINE,
    )
    match = prose.search(text, keep)
    return [Reading(text[: match.start()], f"{how}, cut before prose")] if match and match.start() > keep else []


def _defines(text: str, names: frozenset[str]) -> bool:
    either = "|".join(re.escape(name) for name in sorted(names))
    if not either:
        return bool(re.search(r"^\s*(?:async\s+def|def|class)\s+\w", text, re.MULTILINE))
    return bool(
        re.search(rf"^[ \t]*(?:(?:async\s+def|def|class)\s+(?:{either})\b|(?:{either})\s*=)", text, re.MULTILINE)
    )
