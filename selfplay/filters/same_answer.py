"""Final answers of samples, and which of them are one answer: asked of supervised verifiers, never worked out here.

`final_answer` reads a completion's answer out and `math` compares two, both in the judge's workers under their limits.
Texts are one class only where each is proved equal to every other, in both directions: acceptance by the math verifier
is no equivalence (`18` answers both `18 cm` and `18 m`, which differ). An undecided pair is not merged. Of one problem
at most the `MOST_COMPARED` texts with the most votes are compared; the rest are classes of their own. For problems
that another verifier judges, the answer is the whole completion.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

from selfplay.filters.group_filter import Candidate
from selfplay.ledger.tables import FAULTS
from selfplay.verifiers.contract.spec import VerifierSpec
from selfplay.verifiers.contract.verdict import Row
from selfplay.verifiers.math.extraction import AnswerMode

MOST_COMPARED = 16
"""Different texts of one problem that are compared with each other: at most 120 pairs, each in two directions."""

Consult = Callable[[VerifierSpec, Sequence[Row]], list[dict[str, Any]]]
"""Verdict rows of completions, in order: `JudgePool.consult`."""


@dataclass(frozen=True)
class Unread:
    """The samples of one problem before their answers are known."""

    problem_id: str
    prompt: str
    is_math: bool
    """Whether the math verifier judges the problem."""
    candidates: Sequence[Candidate]


@dataclass(frozen=True)
class _Writing:
    """One normalised text of answers to a problem, and the first answer that has it."""

    text: str
    raw: str
    completion: str
    comparable: bool


class Reader:
    """Reads answers and compares them, and counts what could not be judged."""

    def __init__(self, consult: Consult, mode: AnswerMode) -> None:
        """`mode`: how the math verifier reads an answer out of a completion."""
        self._consult, self._mode = consult, mode
        self.asked = 0
        self.faults: Counter[str] = Counter()
        """Questions that ended in a fault, by what went wrong."""
        self.undecided: Counter[str] = Counter()
        """Undecided comparisons by problem."""

    def read(self, groups: Sequence[Unread], *, classes: bool) -> dict[str, Candidate]:
        """Every sample by its id, with its vote; with `classes` texts that are proved equal become one vote."""
        found: dict[str, Candidate] = {}
        asked: list[tuple[Unread, Candidate]] = []
        for group in groups:
            for candidate in group.candidates:
                if candidate.truncated:
                    found[candidate.id] = replace(candidate, without="truncated")
                elif group.is_math:
                    asked.append((group, candidate))
                else:
                    text = candidate.completion.strip()
                    found[candidate.id] = replace(candidate, answer=text or None, without="" if text else "no_answer")
        rows = [Row(candidate.id, {}, candidate.completion) for _, candidate in asked]
        writings: dict[str, dict[str, _Writing]] = {}
        for (group, candidate), verdict in zip(asked, self._ask("final_answer", rows), strict=True):
            if verdict["outcome"] != "accepted":
                without = "fault" if verdict["outcome"] == "undecided" else verdict["reason"]
                found[candidate.id] = replace(candidate, without=without)
                continue
            read = json.loads(verdict["detail"])
            found[candidate.id] = replace(candidate, answer=read["text"])
            writing = _Writing(read["text"], read["answer"], candidate.completion, read["comparable"])
            writings.setdefault(group.problem_id, {}).setdefault(writing.text, writing)
        if classes:
            self._merge(groups, writings, found)
        return found

    def _merge(
        self,
        groups: Sequence[Unread],
        writings: Mapping[str, Mapping[str, _Writing]],
        found: dict[str, Candidate],
    ) -> None:
        """Give the samples of one class the same vote: the text of its first member."""
        ranked: dict[str, list[_Writing]] = {}
        for group in groups:
            votes = Counter(found[candidate.id].answer for candidate in group.candidates)
            comparable = [each for each in writings.get(group.problem_id, {}).values() if each.comparable]
            comparable.sort(key=lambda each: (-votes[each.text], each.text))
            ranked[group.problem_id] = comparable[:MOST_COMPARED]
        equal = self._equal_pairs(ranked)
        for group in groups:
            classes: list[list[str]] = []
            for writing in ranked[group.problem_id]:
                joined = next(
                    (c for c in classes if all((group.problem_id, m, writing.text) in equal for m in c)), None
                )
                if joined is None:
                    classes.append([writing.text])
                else:
                    joined.append(writing.text)
            names = {text: members[0] for members in classes for text in members}
            for candidate in group.candidates:
                answer = found[candidate.id].answer
                if answer is not None:
                    found[candidate.id] = replace(found[candidate.id], answer=names.get(answer, answer))

    def _equal_pairs(self, ranked: Mapping[str, Sequence[_Writing]]) -> set[tuple[str, str, str]]:
        """(problem, text, text) of the pairs, in the order of `ranked`, that are proved equal in both directions."""
        pairs = [(key, one, two) for key, texts in ranked.items() for one, two in combinations(texts, 2)]
        for backwards in (False, True):
            rows = [_comparison(key, *((two, one) if backwards else (one, two))) for key, one, two in pairs]
            verdicts = self._ask("math", rows)
            for row, verdict in zip(rows, verdicts, strict=True):
                self.undecided[row.id] += verdict["outcome"] == "undecided"
            pairs = [pair for pair, verdict in zip(pairs, verdicts, strict=True) if verdict["outcome"] == "accepted"]
        return {(key, one.text, two.text) for key, one, two in pairs}

    def _ask(self, verifier: str, rows: Sequence[Row]) -> list[dict[str, Any]]:
        verdicts = self._consult(VerifierSpec(verifier=verifier, settings={"answer": self._mode}), rows) if rows else []
        self.asked += len(verdicts)
        for verdict in verdicts:
            if verdict["reason"] in FAULTS:
                self.faults[f"{verifier}: {json.loads(verdict['detail']).get('what', '')}"] += 1
        return verdicts


def _comparison(problem_id: str, reference: _Writing, answer: _Writing) -> Row:
    # The other answer goes in as its completion, so that both are read out by the same rule. What merely rounds to
    # the reference is not the same answer.
    return Row(problem_id, {"answer": reference.raw, "policy": {"rounding": False}}, answer.completion)
