"""Selection: which samples an arm trains on.

A training set is a list of (sample, weight) whose id hashes its members. Worked examples and synthetic samples are
both samples of the ledger; `shares` says how much of the set each origin makes up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from selfplay.experiment.curriculum import Curriculum
from selfplay.experiment.schema import Arm, Filtered, RandomSubset
from selfplay.ledger.ledger import Ledger
from selfplay.ledger.tables import as_json, problem_row, worked_example_row
from selfplay.run.choosing import Chooser
from selfplay.seeds import generator
from selfplay.tasks.problem import Problem, content_hash


@dataclass(frozen=True)
class TrainingSet:
    """What a training learns from: sample ids in order, with the origin of each."""

    id: str
    members: Sequence[tuple[str, str]]
    """(sample id, origin), sorted by id."""
    shares: dict[str, float]
    """Share of the rows by origin: human, procedural, synthetic."""


class Selector:
    """Builds the training sets of one seed and records them in the ledger."""

    def __init__(self, ledger: Ledger, curriculum: Curriculum, seed: int, chooser: Chooser) -> None:
        self._ledger, self._curriculum, self._seed, self._chooser = ledger, curriculum, seed, chooser
        self._worked = curriculum.worked_examples()
        self._new: dict[tuple[str, int], list[tuple[str, str]]] = {}
        """(arm, generation) -> (sample id, task source) of the synthetic samples first kept in that generation."""
        self._drawn: dict[tuple[str, int], Sequence[str]] = {}
        """(arm, generation) -> ids of the samples that the arm's model wrote in that generation."""

    def worked_examples(self) -> TrainingSet:
        """The set that generation 0 and a human-only arm train on."""
        return _training_set(self._record_worked(self._worked))

    def select(self, arm: Arm, generation: int, drawn: Sequence[str]) -> TrainingSet:
        """The training set of an arm in a generation; empty where the arm keeps none of its new samples.

        Args:
            drawn: ids of the samples that the arm's model wrote in this generation; empty without synthetic data.
        """
        kept: list[tuple[str, str]] = []
        if arm.uses_samples:
            self._drawn[arm.name, generation] = drawn
            self._new[arm.name, generation] = self._filter(arm, generation, drawn)
            if not self._new[arm.name, generation]:
                return _training_set([])
            first = 1 if arm.pool == "accumulate" else generation
            kept = [sample for turn in range(first, generation + 1) for sample in self._new.get((arm.name, turn), [])]
        members = [(sample_id, "synthetic") for sample_id, _ in kept]
        if arm.data != "synthetic":
            members += self._record_worked(self._worked_for(arm, generation, kept))
        return _training_set(members)

    def has_chosen(self, arm: str, generation: int) -> bool:
        """Whether an arm has come to choose its samples of a generation."""
        return (arm, generation) in self._new

    def record(
        self, training_set: TrainingSet, arm: str, generation: int, selection: Any, previous: str | None
    ) -> None:
        """Write the set and its members to the ledger, once."""
        members = [
            {"training_set_id": training_set.id, "sample_id": sample_id, "weight": 1.0, "origin": origin}
            for sample_id, origin in training_set.members
        ]
        self._ledger.record("members", members)
        row = {"id": training_set.id, "seed": self._seed, "arm": arm, "generation": generation, "previous": previous}
        row |= {"rows": len(training_set.members), "shares": as_json(training_set.shares)}
        self._ledger.record("training_sets", [row | {"selection": as_json(selection)}])

    def _filter(self, arm: Arm, generation: int, drawn: Sequence[str]) -> list[tuple[str, str]]:
        sql = """
            SELECT s.id, p.source, v.outcome FROM samples s
            JOIN verdicts v ON v.sample_id = s.id JOIN problems p ON p.id = s.problem_id
            WHERE s.id IN (SELECT unnest(?)) AND s.finish_reason NOT IN ('refused', 'error') ORDER BY s.id
        """
        rows = self._ledger.rows(sql, [list(drawn)])
        candidates = [(sample_id, source) for sample_id, source, _ in rows]
        if isinstance(arm.keep, RandomSubset):
            # as many of each task as the other arm kept in this generation
            counts = Counter(source for _, source in self._new[arm.keep.random_as_many_as, generation])
            chosen: list[tuple[str, str]] = []
            for source, count in sorted(counts.items()):
                of_task = [candidate for candidate in candidates if candidate[1] == source]
                draw = generator(self._seed, "random subset", arm.name, generation, source)
                chosen += draw.sample(of_task, min(count, len(of_task)))
            return chosen
        if arm.keep == "all":
            return candidates
        if isinstance(arm.keep, Filtered):
            others = [sample_id for other in arm.keep.others for sample_id in self._drawn[other, generation]]
            kept = self._chooser.choose(arm, generation, drawn, others)
        else:
            kept = {sample_id for sample_id, _, outcome in rows if outcome == "accepted"}
        return [candidate for candidate in candidates if candidate[0] in kept]

    def _worked_for(self, arm: Arm, generation: int, kept: list[tuple[str, str]]) -> list[Problem]:
        if arm.human is None:
            return self._worked
        sources = Counter(problem.source for problem in self._worked)
        total = round(len(kept) * arm.human.share / (1 - arm.human.share))
        counts = {source: round(total * count / len(self._worked)) for source, count in sources.items()}
        if arm.human.draw == "fresh":
            return self._curriculum.fresh_examples(generation, counts)
        chosen: list[Problem] = []
        for source, count in sorted(counts.items()):
            chosen += [problem for problem in self._worked if problem.source == source][:count]
        return chosen

    def _record_worked(self, problems: Sequence[Problem]) -> list[tuple[str, str]]:
        """Put worked examples and their problems into the ledger; returns (sample id, origin)."""
        record_problems(self._ledger, problems)
        samples = {row["id"]: row for row in map(worked_example_row, problems)}
        self._ledger.record("samples", samples.values())
        return [(key, row["origin"]) for key, row in samples.items()]


def record_problems(ledger: Ledger, problems: Sequence[Problem]) -> None:
    """Put problems into the ledger, once each."""
    ledger.record("problems", map(problem_row, problems))


def _training_set(members: Sequence[tuple[str, str]]) -> TrainingSet:
    ordered = sorted(members)
    counts = Counter(origin for _, origin in ordered)
    shares = {origin: count / len(ordered) for origin, count in sorted(counts.items())}
    return TrainingSet(content_hash([list(member) for member in ordered]), ordered, shares)
