"""Held-out accuracy, given as bounds where verdicts are undecided.

`accuracy` is accepted/n. Where some verdicts are undecided, `accuracy_upper` is (accepted + undecided)/n and the
truth lies between the two.
"""

from __future__ import annotations

from typing import Any

from selfplay.ledger.ledger import Ledger
from selfplay.models.state import ModelState
from selfplay.verifiers.audit.statistics import wilson

ALL_TASKS = "all"


def accuracy(ledger: Ledger, model: ModelState, drawn: list[str], measure: str = "accuracy") -> list[dict[str, Any]]:
    """`scores` rows of a model's evaluation: for each task and for all of them.

    Args:
        ledger: where the evaluation samples and their verdicts are.
        model: the evaluated model.
        drawn: ids of the evaluation's samples.
        measure: `accuracy` for the test problems, `validation_accuracy` for those that choices are made on.
    """
    sql = """
        SELECT coalesce(p.source, ?), count(*), count(*) FILTER (outcome = 'accepted'),
               count(*) FILTER (outcome = 'undecided')
        FROM samples s JOIN verdicts v ON v.sample_id = s.id JOIN problems p ON p.id = s.problem_id
        WHERE s.id IN (SELECT unnest(?)) GROUP BY GROUPING SETS ((p.source), ()) ORDER BY 1
    """
    scores = []
    for task, n, accepted, undecided in ledger.rows(sql, [ALL_TASKS, drawn]):
        scores.append(proportion(model, task, measure, accepted, n))
        if undecided and measure == "accuracy":
            scores.append(proportion(model, task, "accuracy_upper", accepted + undecided, n))
    return scores


def proportion(model: ModelState, task: str, measure: str, count: int, n: int) -> dict[str, Any]:
    """A `scores` row for a share with Wilson's 95 % interval."""
    low, high = wilson(count, n)
    return score_row(model, task, measure, count / n, low, high, n)


def score_row(
    model: ModelState, task: str, measure: str, value: float, low: float | None, high: float | None, n: int
) -> dict[str, Any]:
    """A `scores` row; `low` and `high` are null where no interval is known."""
    return {
        "model": model.fingerprint,
        "arm": model.arm,
        "generation": model.generation,
        "seed": model.seed,
        "task": task,
        "measure": measure,
        "value": value,
        "low": low,
        "high": high,
        "n": n,
    }
