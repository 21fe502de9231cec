r"""Wrong rows from a worked solution that ends in an answer.

The final answer is the text in the last `\boxed{}`, after the last `####`, after the last "answer is", or the whole
of a solution of one line. Only that text is changed, so the working before it still looks right.

A change can leave the answer right (a flipped sign of 0). Such rows are left out where exact_value.py shows them equal,
and are `doubtful` where it cannot read both sides: only proved differences are called wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from selfplay.verifiers.audit.exact_value import certainly_differ
from selfplay.verifiers.audit.labelled_rows import Label

_MARK = re.compile(r"####[ \t]*|(?:answer is|answer:)[ \t]*", re.IGNORECASE)
_NUMBER = re.compile(r"\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+")
_OPERATOR = re.compile(r"(?<=[\w)} ])[-+*/](?=[\w(\\ ])")
OTHER_OPERATOR = {"+": "-", "-": "+", "*": "+", "/": "*"}
PROSE = (
    "I am not sure how to solve this problem, because I do not understand what it asks.",
    "Let us think about it step by step. First one reads the problem, and then one looks at what is given.",
    "This is a hard problem, and the solution is left to the reader.",
)


@dataclass(frozen=True)
class Wrong:
    """A completion made from a right one."""

    category: str
    completion: str
    label: Label
    change: str


def final_answer(solution: str) -> tuple[int, int] | None:
    """The place of the final answer in a solution, as (start, end); None where it is not marked."""
    boxed = solution.rfind("\\boxed{")
    if boxed >= 0:
        start = boxed + len("\\boxed{")
        depth = 1
        for place in range(start, len(solution)):
            depth += {"{": 1, "}": -1}.get(solution[place], 0)
            if depth == 0:
                return start, place
        return None
    marks = list(_MARK.finditer(solution))
    if marks:
        start = marks[-1].end()
    elif "\n" in solution.strip():
        return None
    else:
        start = 0
    line = solution[start:].partition("\n")[0].rstrip().rstrip(".")
    return (start, start + len(line)) if line.strip() else None


def wrong_answers(solution: str, other: str | None, random: Random) -> Iterator[Wrong]:
    """Wrong completions made from a right solution, and from that of another problem with another reference; those
    that turn out right have the label `right`. `random` chooses what is changed."""
    if other is not None:
        yield Wrong("another problem's answer", other, _label_of_other(solution, other), "")
    place = final_answer(solution)
    if place is not None:
        start, end = place
        answer = solution[start:end]
        for category, changed in _changed(answer, random):
            text = solution[:start] + changed + solution[end:]
            yield Wrong(category, text, _label(answer, changed), f"{answer} -> {changed}")
        numbers = [changed for category, changed in _changed(answer, random) if category == "changed number"]
        if numbers and certainly_differ(answer, numbers[0]):
            hedge = f"{solution}\n\nOr, if that is not right, the answer is {numbers[0]}."
            yield Wrong("hedging: afterwards", hedge, "wrong", f"or {numbers[0]}")
            both = f"{solution[:start]}{answer} or {numbers[0]}{solution[end:]}"
            yield Wrong("hedging: in one place", both, "wrong", f"{answer} or {numbers[0]}")
    yield from cut(solution, solution[slice(*place)] if place else None)
    yield from empty(random)


def cut(solution: str, answer: str | None) -> Iterator[Wrong]:
    """The first half of a solution; doubtful where it contains the answer's text, or where the answer is not known."""
    half = solution[: len(solution) // 2].rstrip()
    if half.strip():
        sure = answer is not None and answer.strip() not in half
        yield Wrong("truncation", half, "wrong" if sure else "doubtful", f"cut after {len(half)} characters")


def empty(random: Random) -> Iterator[Wrong]:
    """Completions without any answer."""
    yield Wrong("empty", random.choice(("", " ", "\n\n")), "wrong", "")
    yield Wrong("prose", random.choice(PROSE), "wrong", "")


def _changed(answer: str, random: Random) -> Iterator[tuple[str, str]]:
    numbers = list(_NUMBER.finditer(answer))
    if numbers:
        found = numbers[-1]
        yield "changed number", answer[: found.start()] + _other_number(found[0], random) + answer[found.end() :]
    body = answer.strip()
    if body:
        yield "flipped sign", body[1:].lstrip() if body.startswith("-") else f"-{_bracketed(body)}"
    operators = list(_OPERATOR.finditer(answer))
    if operators:
        found = random.choice(operators)
        yield "changed operator", answer[: found.start()] + OTHER_OPERATOR[found[0]] + answer[found.end() :]


def _bracketed(body: str) -> str:
    return f"({body})" if re.search(r"[-+ ]", body) else body


def _other_number(text: str, random: Random) -> str:
    """One more, one less, or ten times as much, written like the original."""
    if "." in text:
        last = int(text[-1])
        return f"{text[:-1]}{(last + random.choice((1, 9))) % 10}"
    plain = int(text.replace(",", ""))
    value = random.choice((plain + 1, max(0, plain - 1) if plain else 2, plain * 10 or 3))
    return f"{value:,}" if "," in text else str(value)


def _label(answer: str, changed: str) -> Label:
    differ = certainly_differ(answer, changed)
    return "doubtful" if differ is None else "wrong" if differ else "right"


def _label_of_other(solution: str, other: str) -> Label:
    ours, theirs = final_answer(solution), final_answer(other)
    if ours is None or theirs is None:
        return "doubtful"
    return _label(solution[slice(*ours)], other[slice(*theirs)])
