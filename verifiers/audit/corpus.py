"""Rows of an audit from task sources, and the attacks that fit a verifier.

Right rows are the worked solutions as they are. Wrong rows are made from them (wrong_answers.py, wrong_programs.py);
what turns out equal is left out and counted.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from random import Random
from typing import Any

from selfplay.tasks.drawn_problems import drawn
from selfplay.tasks.errors import BrokenSource, SourceError
from selfplay.tasks.problem import Problem, Split
from selfplay.tasks.registry import load_source
from selfplay.tasks.source import TaskSource
from selfplay.verifiers.audit.attack_files import Attack, HostileText, attacks, hostile_texts
from selfplay.verifiers.audit.labelled_rows import AuditRow
from selfplay.verifiers.audit.wrong_answers import Wrong, wrong_answers
from selfplay.verifiers.audit.wrong_programs import is_program, wrong_programs
from selfplay.verifiers.contract.spec import LoadedVerifier
from selfplay.verifiers.errors import BadAudit, BadReference

REFERENCES_FOR_TEXTS = 3
"""References that each hostile text is tried against."""


@dataclass(frozen=True)
class NamedSource:
    """A task source with its settings."""

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Corpus:
    """Rows to judge, and what was left out."""

    rows: list[AuditRow] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    """Made rows that turned out right, by category."""
    notes: list[str] = field(default_factory=list)

    def add(self, other: Corpus) -> None:
        self.rows += other.rows
        self.left_out += other.left_out
        self.notes += other.notes


def source_rows(source: NamedSource, count: int, seed: int) -> Corpus:
    """Right and wrong rows from the first `count` problems of a source that have a worked solution, of the training
    split, or of the held-out one where there are none.

    Raises:
        SourceError: the source cannot be loaded or read.
        BadAudit: it has no worked solutions.
    """
    loaded = load_source(source.name, source.settings)
    problems = _worked(loaded, "train", count, seed) or _worked(loaded, "evaluate", count, seed)
    if not problems:
        raise BadAudit(f"source `{source.name}` has no problem with a worked solution; name another")
    found = Corpus()
    asks = dict(loaded.verifier_settings)
    if asks:
        found.notes.append(f"the worked solutions of {source.name} ask for the settings {json.dumps(asks)}")
    for place, problem in enumerate(problems):
        found.add(_rows_of(problem, _another(problems, place), Random(f"audit {seed} {problem.id}")))
    return found


def text_attacks(references: Sequence[AuditRow]) -> list[AuditRow]:
    """Every hostile text against some references of right rows."""
    step = max(1, len(references) // REFERENCES_FOR_TEXTS)
    chosen = references[::step][:REFERENCES_FOR_TEXTS]
    return [
        _attack(f"{text.group} {text.name} {number}", text, row.reference, text.text, row.prompt)
        for text in hostile_texts()
        for number, row in enumerate(chosen)
    ]


def program_attacks(loaded: LoadedVerifier, accepts: Callable[[Mapping[str, Any], str], bool]) -> list[AuditRow]:
    """The hostile programs, where the verifier takes their tests and accepts the honest programs; else none.

    `accepts` says whether the verifier accepts (reference, completion), asked under supervision.
    """
    found = attacks()
    honest = {attack.form: (attack.reference, attack.honest) for attack in found}
    try:
        for reference, _ in honest.values():
            loaded.check_reference(reference)
    except BadReference:
        return []
    # a verifier that takes any reference, or checks only the form, does not judge programs
    if not all(accepts(*pair) and not accepts(pair[0], "") for pair in honest.values()):
        return []
    return [_attack(str(attack), attack, attack.reference, attack.program) for attack in found]


def _attack(
    id: str, about: Attack | HostileText, reference: Mapping[str, Any], completion: str, prompt: str | None = None
) -> AuditRow:
    return AuditRow(
        f"attack {id}",
        reference,
        completion,
        prompt,
        label="wrong",
        category=f"{about.group}: {about.name}",
        group="attacks",
        origin="our own",
    )


def check_references(loaded: LoadedVerifier, rows: Iterable[AuditRow]) -> None:
    """Raises BadAudit, which names the row and the key, where a reference does not fit the verifier."""
    for row in rows:
        try:
            loaded.check_reference(row.reference)
        except BadReference as error:
            raise BadAudit(f"row `{row.id}` of {row.group}: {error}; name a source that it judges") from None


def _rows_of(problem: Problem, other: Problem | None, random: Random) -> Corpus:
    assert problem.solution is not None
    found = Corpus()
    if is_program(problem.reference):
        pair = (other.reference, str(other.solution)) if other else None
        made = wrong_programs(problem.reference, problem.solution, pair, random)
    else:
        made = wrong_answers(problem.solution, other.solution if other else None, random)
    for number, each in enumerate([Wrong("worked solution", problem.solution, "right", ""), *made]):
        if number and each.label == "right":
            found.left_out[each.category] += 1
            continue
        row = AuditRow(
            id=f"{problem.id} {number}",
            reference=problem.reference,
            prompt=problem.prompt,
            group=problem.source,
            origin=str(problem.solution_origin),
            **vars(each),
        )
        found.rows.append(row)
    return found


def _another(problems: Sequence[Problem], place: int) -> Problem | None:
    """The next problem with another reference."""
    here = problems[place]
    following = [*problems[place + 1 :], *problems[:place]]
    return next((one for one in following if one.reference != here.reference), None)


def _worked(source: TaskSource, split: Split, count: int, seed: int) -> list[Problem]:
    """The first problems that have a worked solution; fewer where a small procedural family has no more."""
    found: list[Problem] = []
    try:
        worked = (problem for problem in drawn(source, split, seed) if problem.solution is not None)
        found.extend(islice(worked, count))  # keeps what came before an error
    except BrokenSource:
        raise
    except SourceError:
        if not found:
            raise
    return found
