"""The numbers of the report: accuracies with intervals, differences between arms, and the sentences that say them.

Nothing here knows what the result ought to be: every sentence is computed.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from selfplay.experiment.schema import Arm, Filtered, RandomSubset
from selfplay.measure.measure import ALL_TASKS
from selfplay.models.folders import START
from selfplay.report.escaping import counted
from selfplay.report.run_record import RunRecord, Score
from selfplay.tasks.intervals import over_seeds

STOPS_NAMED = 6
"""Stopped arms that are named; the rest are counted."""


@dataclass(frozen=True)
class Point:
    """A measure of one arm after one generation, over its seeds."""

    arm: str
    generation: int
    value: float
    low: float | None
    high: float | None
    by_seed: dict[int, float]
    n: int
    """Samples or problems behind it, over all seeds."""


@dataclass(frozen=True)
class Difference:
    """Accuracy of `arm` less that of `other` after the same generation, both as shares."""

    arm: str
    other: str
    value: float
    low: float
    high: float
    seeds: int

    @property
    def is_clear(self) -> bool:
        """Whether the 95 % interval leaves out zero."""
        return self.low > 0 or self.high < 0


class Summary:
    """What a run measured, ready to be shown."""

    def __init__(self, record: RunRecord) -> None:

        self.experiment = record.experiment
        self.arms = [arm.name for arm in self.experiment.arms]
        self.seeds = sorted({score.seed for score in record.scores})
        self.tasks = sorted({score.task for score in record.scores} - {ALL_TASKS})
        self.shown_tasks = [ALL_TASKS, *(self.tasks if len(self.tasks) > 1 else [])]
        """All tasks together, then each where there are several."""
        self._by_place: dict[tuple[str, str, int], list[Score]] = {}
        for score in record.scores:
            self._by_place.setdefault((score.measure, score.task, score.generation), []).append(score)
        self.models = 1 + len(self.arms) * self.experiment.generations
        self.left_out = record.models_left_out()
        self.models_wanted = self.models * len(self.experiment.seeds) - len(self.left_out)
        self.models_done = sum(s.measure == "accuracy" and s.task == ALL_TASKS for s in record.scores)
        self.finished = self.models_done >= self.models_wanted
        self.last, self.common_seeds = self._last_common()

    def point(
        self, measure: str, arm: str, generation: int, task: str = ALL_TASKS, seeds: Iterable[int] | None = None
    ) -> Point | None:
        """A measure over the seeds that have it, or over some of them; none where no seed has it.

        One seed: the interval of the score itself (Wilson 95 % for shares). Several: mean and Student's t 95 %
        over seeds, cut at 0 and 1 because all measures are shares.
        """
        allowed = None if seeds is None else set(seeds)
        found = [
            score
            for score in self._by_place.get((measure, task, generation), [])
            if score.arm == (START if generation == 0 else arm) and (allowed is None or score.seed in allowed)
        ]
        if not found:
            return None
        by_seed = {score.seed: score.value for score in found}
        n = sum(score.n for score in found)
        if len(found) == 1:
            return Point(arm, generation, found[0].value, found[0].low, found[0].high, by_seed, n)
        mean, low, high = over_seeds(list(by_seed.values()))
        return Point(arm, generation, mean, max(0.0, low), min(1.0, high), by_seed, n)

    def line(self, measure: str, arm: str, task: str = ALL_TASKS) -> list[Point]:
        """The measure over generations; for accuracy it begins at generation 0, which all arms share."""
        turns = range(self.experiment.generations + 1)
        return [point for turn in turns if (point := self.point(measure, arm, turn, task)) is not None]

    def final(self, arm: str) -> Point | None:
        """Accuracy after the last generation that every arm has reached, over the seeds in which all did."""
        return self.point("accuracy", arm, self.last, seeds=self.common_seeds)

    def upper(
        self, arm: str, generation: int, task: str = ALL_TASKS, seeds: Iterable[int] | None = None
    ) -> float | None:
        """Mean accuracy if all undecided verdicts were right; none where no verdict is undecided."""
        lower = self.point("accuracy", arm, generation, task, seeds)
        bound = self.point("accuracy_upper", arm, generation, task, seeds)
        if lower is None or bound is None:
            return None
        return fmean((lower.by_seed | bound.by_seed).values())

    def differences(self) -> list[Difference]:
        """The arm of interest (`verified`, else the first that keeps verified samples) less each other arm."""
        verified = [arm.name for arm in self.experiment.arms if "verified" in (arm.name, arm.keep)]
        if not verified or self.last == 0:
            return []
        subject = "verified" if "verified" in verified else verified[0]
        found = [self._difference(subject, other) for other in self.arms if other != subject]
        return [difference for difference in found if difference is not None]

    def has_bounds(self) -> bool:
        """Whether some held-out verdicts are undecided, so that accuracy is known as bounds only."""
        return any(measure == "accuracy_upper" for measure, _, _ in self._by_place)

    def _difference(self, arm: str, other: str) -> Difference | None:
        ours, theirs = self.final(arm), self.final(other)
        if ours is None or theirs is None:
            return None
        shared = sorted(set(ours.by_seed) & set(theirs.by_seed))
        if len(shared) > 1:
            value, low, high = over_seeds([ours.by_seed[seed] - theirs.by_seed[seed] for seed in shared])
            return Difference(arm, other, value, low, high, len(shared))
        low, high = newcombe(ours, theirs)
        return Difference(arm, other, ours.value - theirs.value, low, high, 1)

    def _last_common(self) -> tuple[int, list[int]]:
        for generation in range(self.experiment.generations, 0, -1):
            points = [self.point("accuracy", arm, generation) for arm in self.arms]
            seeds = set.intersection(*(set(point.by_seed if point else ()) for point in points))
            if seeds:
                return generation, sorted(seeds)
        return 0, self.seeds


def newcombe(ours: Point, theirs: Point) -> tuple[float, float]:
    """95 % interval of a difference of two shares from their Wilson intervals (Newcombe 1998, Statistics in
    Medicine 17:873, method 10). It takes the two as independent; arms share their problems, which as a rule makes
    the true interval narrower."""
    p, q = ours.value, theirs.value
    l1, u1, l2, u2 = (end if end is not None else p for end in (ours.low, ours.high, theirs.low, theirs.high))
    difference = p - q
    return difference - math.hypot(p - l1, u2 - q), difference + math.hypot(u1 - p, q - l2)


def what_was_compared(summary: Summary) -> str:
    """One sentence: arms, generations, problems, seeds."""
    experiment = summary.experiment
    arms = ", ".join(f"{arm.name} ({arm_in_words(arm)})" for arm in experiment.arms)
    seeds = len(experiment.seeds)
    return (
        f"{counted(len(experiment.arms), 'way')} to build training data, each for "
        f"{counted(experiment.generations, 'generation')} on {counted(seeds, 'seed')}: {arms}."
    )


def stopped_words(summary: Summary) -> str:
    """What a `stop_when` kept from being made, such as `unfiltered of seed 0 from generation 2 on`; or nothing."""
    first: dict[tuple[int, str], int] = {}
    for seed, arm, generation in summary.left_out:
        first.setdefault((seed, arm), generation)
    named = [f"{arm} of seed {seed} from generation {generation} on" for (seed, arm), generation in first.items()]
    more = [counted(len(named) - STOPS_NAMED, "more arm")] if len(named) > STOPS_NAMED else []
    return ", ".join([*named[:STOPS_NAMED], *more])


def result_sentences(summary: Summary) -> list[str]:
    """The accuracies in plain sentences; `difference_sentence` says how far the arms are apart."""
    if not summary.models_done:
        return ["Nothing has been evaluated yet."]
    start = summary.point("accuracy", START, 0)
    sentences = []
    if start is not None:
        sentences.append(f"The starting model solves {percent_interval(start)} of the held-out problems.")
    if summary.last == 0:
        return [*sentences, "No generation has been evaluated for every arm yet, so there is nothing to compare."]
    finals = [point for arm in summary.arms if (point := summary.final(arm)) is not None]
    ranked = sorted(finals, key=lambda point: -point.value)
    listed = ", ".join(f"{point.arm} {percent_interval(point)}" for point in ranked)
    mean = f", as a mean over {len(summary.common_seeds)} seeds" if len(summary.common_seeds) > 1 else ""
    sentences.append(f"After generation {summary.last} held-out accuracy is{mean}: {listed}.")
    if summary.has_bounds():
        sentences.append(
            "Some held-out verdicts are undecided and count here as not solved, so accuracies are lower bounds."
        )
    return sentences


def difference_sentence(difference: Difference) -> str:
    """Such as `verified is 21.3 points above unfiltered (15.1 to 27.2).`"""
    interval = f"{points(difference.low)} to {points(difference.high)}"
    if not difference.is_clear:
        return (
            f"{difference.arm} and {difference.other} are not told apart: the difference is "
            f"{points(difference.value)} points, and its interval holds zero ({interval})."
        )
    way, sign = ("above", 1) if difference.value > 0 else ("below", -1)
    ends = sorted((sign * difference.low, sign * difference.high))
    return (
        f"{difference.arm} is {points(sign * difference.value)} points {way} {difference.other} "
        f"({points(ends[0])} to {points(ends[1])})."
    )


def arm_in_words(arm: Arm) -> str:
    """What an arm trains on."""
    if arm.data == "human":
        return "worked examples alone"
    if isinstance(arm.keep, RandomSubset):
        kept = f"a random subset of its samples, as large as what {arm.keep.random_as_many_as} keeps"
    elif isinstance(arm.keep, Filtered):
        kept = f"what the filter {_filter_in_words(arm.keep)} keeps of its samples"
    else:
        kept = "all of its samples" if arm.keep == "all" else "its verified samples"
    if arm.human is not None:
        fresh = "drawn fresh" if arm.human.draw == "fresh" else "always the same"
        kept += f" with {arm.human.share:.0%} worked examples, {fresh}"
    elif arm.data == "human+synthetic":
        kept = f"worked examples and {kept}"
    if arm.pool == "accumulate":
        kept += ", of all generations so far"
    return kept + (", trained on from its last model" if arm.start == "previous" else "")


def _filter_in_words(keep: Filtered) -> str:
    """Such as `majority (threshold 0.5)`."""
    said = [f"{key} {value}" for key, value in keep.settings.items()]
    said += [f"with {' and '.join(keep.others)}"] if keep.others else []
    return f"{keep.filter} ({', '.join(said)})" if said else keep.filter


def percent(value: float) -> str:
    """A share as `12.3 %`."""
    return f"{100 * value:.1f} %"


def percent_interval(point: Point) -> str:
    """Such as `81.5 % (77.4 to 85.0)`."""
    if point.low is None or point.high is None:
        return percent(point.value)
    return f"{percent(point.value)} ({100 * point.low:.1f} to {100 * point.high:.1f})"


def points(value: float) -> str:
    """A difference of shares in percentage points, with a true minus sign."""
    return f"{100 * value:.1f}".replace("-", "−")


def whole_range(values: Sequence[int]) -> str:
    """`1,200`, or `1,100 to 1,300` where seeds differ."""
    low, high = min(values), max(values)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"
