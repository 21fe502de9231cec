"""`selfplay tasks check`: can a source's problems be learned from and judged?

Each problem is asked: can its row be read, is a part of it empty, does it repeat another, does the verifier accept its
own worked solution and reject its neighbour's, and does it fit into the model's context. A finite source is checked
whole, an endless one by its first problems. A reference and solution that are wrong together are not found.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import get_args

from pydantic import JsonValue

from selfplay.tasks.drawn_problems import drawn_each
from selfplay.tasks.errors import SourceError
from selfplay.tasks.problem import Problem, Split
from selfplay.tasks.source import TaskSource
from selfplay.verifiers import Row, Supervisor, VerifierSpec

CHECKS = (
    "row unreadable",
    "part empty",
    "question repeated",
    "own solution rejected",
    "own solution undecided",
    "neighbour's solution accepted",
    "neighbour's solution undecided",
    "too long",
)
MOST_NEIGHBOURS = 100
"""Problems that are looked at for one with another reference."""
OF_AN_ENDLESS_SOURCE = 500
"""Problems of each split that are checked where a source has no end."""

Measure = Callable[[str, str], int]
"""Tokens of a prompt with its solution."""
Progress = Callable[[int, int], None]
"""Called with the solutions judged and all that are to be judged."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with one problem."""

    check: str
    split: Split
    number: int
    """Place of the row in its split, from 1."""
    problem_id: str | None
    why: str
    metadata: Mapping[str, JsonValue] = field(default_factory=dict)
    prompt: str | None = None
    solution: str | None = None
    reference: Mapping[str, JsonValue] | None = None
    detail: Mapping[str, JsonValue] = field(default_factory=dict)
    """The verdict's evidence, where a verdict is what is wrong."""


@dataclass
class Checked:
    """What was looked at, and what was found."""

    problems: dict[str, int] = field(default_factory=dict)
    """By split."""
    asked: dict[str, int] = field(default_factory=lambda: dict.fromkeys(CHECKS, 0))
    """How many problems each check could be made on."""
    findings: list[Finding] = field(default_factory=list)

    def count(self, check: str) -> int:
        return sum(finding.check == check for finding in self.findings)


@dataclass(frozen=True)
class _Placed:
    problem: Problem
    split: Split
    number: int

    def finding(self, check: str, why: str, detail: Mapping[str, JsonValue] | None = None) -> Finding:
        p = self.problem
        return Finding(
            check, self.split, self.number, p.id, why, p.metadata, p.prompt, p.solution, p.reference, detail or {}
        )


def check(
    source: TaskSource,
    *,
    settings: Mapping[str, JsonValue] | None = None,
    count: int | None = None,
    workers: int = 1,
    timeout: float | None = None,
    tokens: Measure | None = None,
    context: int | None = None,
    progress: Progress | None = None,
) -> Checked:
    """Check both splits of a source.

    Args:
        settings: of the verifier, beside those that the source's worked solutions ask for.
        count: problems of each split; unset: all of a finite source, 500 of an endless one.
        tokens, context: how long a problem is and may be; without them length is not checked.

    Raises:
        SourceError: the data cannot be read at all.
        VerifierError: the verifier cannot be found or started, or does not take the settings.
    """
    done = Checked()
    placed: list[_Placed] = []
    for split in get_args(Split):
        limit = count or (OF_AN_ENDLESS_SOURCE if source.endless else None)
        number = 0
        for number, problem in enumerate(islice(drawn_each(source, split), limit), start=1):
            if isinstance(problem, SourceError):
                done.findings.append(Finding("row unreadable", split, number, None, str(problem)))
            else:
                placed.append(_Placed(problem, split, number))
        done.problems[split] = number
    done.asked["row unreadable"] = sum(done.problems.values())
    _look_at_text(placed, done, tokens, context)
    if any(here.problem.solution is not None for here in placed):
        spec = VerifierSpec.of(source.verifier, {**source.verifier_settings, **(settings or {})})
        with Supervisor(spec, workers=workers, timeout=timeout) as supervisor:
            _judge(placed, supervisor, done, progress)
    splits = list(done.problems)
    done.findings.sort(key=lambda f: (CHECKS.index(f.check), splits.index(f.split), f.number))
    return done


def _look_at_text(placed: Sequence[_Placed], done: Checked, tokens: Measure | None, context: int | None) -> None:
    first: dict[str, _Placed] = {}
    measured = tokens is not None and context is not None
    done.asked |= {"part empty": len(placed), "question repeated": len(placed), "too long": measured * len(placed)}
    for here in placed:
        problem = here.problem
        if empty := _empty_part(problem):
            done.findings.append(here.finding("part empty", f"{empty} is empty"))
        before = first.setdefault(problem.twin_key, here)
        if before is not here:
            why = f"the same question as number {before.number} of {before.split}"
            done.findings.append(here.finding("question repeated", why))
        if tokens is not None and context is not None:
            length = tokens(problem.prompt, problem.solution or "")
            if length > context:
                done.findings.append(here.finding("too long", f"{length:,} tokens, and the context has {context:,}"))


def _empty_part(problem: Problem) -> str | None:
    if not problem.prompt.strip():
        return "the prompt"
    if problem.solution is not None and not problem.solution.strip():
        return "the solution"
    if not problem.reference:
        return "the reference"
    # an answer may be optional for a verifier, but not when it is given
    blank = [key for key in ("answer", "tests", "cases") if problem.reference.get(key) in ("", [], {})]
    return f"`{blank[0]}` of the reference" if blank else None


def _judge(placed: Sequence[_Placed], supervisor: Supervisor, done: Checked, progress: Progress | None) -> None:
    asked = list(_solutions(placed))
    rows = (Row(here.problem.id, here.problem.reference, text, here.problem.prompt) for here, _, text in asked)
    for number, ((here, whose, _), judgement) in enumerate(zip(asked, supervisor.judge(rows), strict=True), start=1):
        wrong = "rejected" if whose == "own" else "accepted"
        for outcome in (wrong, "undecided"):
            done.asked[f"{whose} solution {outcome}"] += 1
        verdict = judgement.verdict
        if verdict.outcome in (wrong, "undecided"):
            said = verdict.detail.get("what") or verdict.detail.get("why")
            why = f"{verdict.reason}: {said}" if said else verdict.reason
            done.findings.append(here.finding(f"{whose} solution {verdict.outcome}", why[:500], verdict.detail))
        if progress is not None:
            progress(number, len(asked))


def _solutions(placed: Sequence[_Placed]) -> Iterator[tuple[_Placed, str, str]]:
    """(problem, whose, solution) of all that is to be judged: each problem's own solution, and its neighbour's.

    The neighbour is the next problem with another reference: the same answer to another question is no mistake.
    """
    solved = [here for here in placed if here.problem.solution is not None]
    for place, here in enumerate(solved):
        yield here, "own", str(here.problem.solution)
        others = (solved[(place + step) % len(solved)] for step in range(1, min(len(solved), MOST_NEIGHBOURS)))
        other = next((one for one in others if one.problem.reference != here.problem.reference), None)
        if other is not None:
            yield here, "neighbour's", str(other.problem.solution)
