"""The measures that ship, each registered in pyproject.toml, as another package's would be.

Where verdicts are undecided the truth lies between `accuracy` (accepted/n) and `accuracy_upper` (with undecided).
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator

from selfplay.measure.measure import Drawn, Score, Trained, measure, share

BUDGET = 5000
"""Character 2-grams that `distinct_2` and `entropy_2` look at: both depend on the length of the text."""


@measure(name="accuracy", of="held_out")
def accuracy(drawn: Drawn) -> Iterator[Score]:
    """accepted share of the held-out test samples"""
    return (share(task.accepted, task.n, task.task) for task in drawn.tasks)


@measure(name="accuracy_upper", of="held_out")
def accuracy_upper(drawn: Drawn) -> Iterator[Score]:
    """the same with undecided verdicts counted as right; only where there are any"""
    return (share(task.accepted + task.undecided, task.n, task.task) for task in drawn.tasks if task.undecided)


@measure(name="validation_accuracy", of="validation")
def validation_accuracy(drawn: Drawn) -> Iterator[Score]:
    """accepted share of the validation samples; needs `evaluate.validation`"""
    return (share(task.accepted, task.n, task.task) for task in drawn.tasks)


@measure(name="accepted_share", of="samples")
def accepted_share(drawn: Drawn) -> Iterator[Score]:
    """accepted share of the samples drawn for training"""
    return (share(task.accepted, task.n, task.task) for task in drawn.tasks)


@measure(name="undecided_share", of="samples")
def undecided_share(drawn: Drawn) -> Iterator[Score]:
    """undecided share of the samples drawn for training; only where there are any"""
    return (share(task.undecided, task.n, task.task) for task in drawn.tasks if task.undecided)


@measure(name="fault_share", of="samples")
def fault_share(drawn: Drawn) -> Iterator[Score]:
    """share of the samples that the judge or the engine failed on; only where there are any"""
    return (share(task.faults, task.n, task.task) for task in drawn.tasks if task.faults)


@measure(name="truncated_share", of="samples")
def truncated_share(drawn: Drawn) -> Iterator[Score]:
    """share of the samples cut at `max_tokens`"""
    return (share(task.truncated, task.n, task.task) for task in drawn.tasks)


@measure(name="distinct_share", of="samples")
def distinct_share(drawn: Drawn) -> Iterator[Score]:
    """different completions among the samples, of all of them"""
    return (Score(task.distinct / task.n, task.n, task.task) for task in drawn.tasks)


@measure(name="distinct_2", of="samples", by_task=False)
def distinct_2(drawn: Drawn) -> Iterator[Score]:
    """different character 2-grams per 2-gram, over a fixed budget

    distinct-n of Li et al. 2016 (arXiv 1510.03055). It depends on the length of the text, hence the budget.
    """
    counts = two_grams(drawn)
    if total := counts.total():
        yield Score(len(counts) / total, total)


@measure(name="entropy_2", of="samples", by_task=False)
def entropy_2(drawn: Drawn) -> Iterator[Score]:
    """Shannon entropy of the character 2-grams in bits, over the same budget

    -sum p log2 p: Ent-n of Zhang et al. 2018 (arXiv 1809.05972). Unlike distinct_2 it falls too where a few 2-grams
    crowd out the others.
    """
    counts = two_grams(drawn)
    if total := counts.total():
        entropy = -sum(count / total * math.log2(count / total) for count in counts.values())
        yield Score(max(0.0, entropy), total)


@measure(name="train_loss", of="training", by_task=False)
def train_loss(trained: Trained) -> Iterator[Score]:
    """mean training loss over the last tenth of the steps, in nats a token"""
    yield Score(trained.loss, trained.rows)


def two_grams(drawn: Drawn) -> Counter[str]:
    """The first `BUDGET` character 2-grams of the completions, in the order of their ids."""
    counts: Counter[str] = Counter()
    for text in drawn.texts(1000):
        text = text[: BUDGET + 1 - counts.total()]
        counts.update(text[i : i + 2] for i in range(len(text) - 1))
    return counts
