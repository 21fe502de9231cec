"""Measures of the samples that a model wrote for training: how many were accepted, cut, and how varied they are."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

from selfplay.ledger.ledger import Ledger
from selfplay.ledger.tables import FAULTS
from selfplay.measure.accuracy import ALL_TASKS, proportion, score_row
from selfplay.models.state import ModelState

BUDGET = 5000
"""Character 2-grams that `distinct_2` and `entropy_2` look at: both depend on the length of the text."""


def sample_measures(ledger: Ledger, student: ModelState, drawn: list[str]) -> list[dict[str, Any]]:
    """`scores` rows of the samples drawn for a student's training, filed under the student.

    accepted_share   verified correct, of all samples
    undecided_share  neither, where there are any
    fault_share      undecided because the judge or the engine failed, where there are any
    truncated_share  cut at `max_tokens`
    distinct_share   different completions, of all samples
    distinct_2       different character 2-grams, per character 2-gram, over a fixed budget of 5,000
                     (distinct-n of Li et al. 2016, arXiv 1510.03055, which depends on length: hence the budget)
    entropy_2        Shannon entropy of the same 2-grams in bits, -sum p log2 p (Ent-n of Zhang et al. 2018, arXiv
                     1809.05972): unlike distinct_2 it falls too where a few 2-grams crowd out the others
    """
    sql = """
        SELECT coalesce(p.source, ?), count(*), count(*) FILTER (v.outcome = 'accepted'),
               count(*) FILTER (v.outcome = 'undecided'), count(*) FILTER (s.finish_reason = 'length'),
               count(DISTINCT s.completion), count(*) FILTER (list_contains(?, v.reason))
        FROM samples s JOIN verdicts v ON v.sample_id = s.id JOIN problems p ON p.id = s.problem_id
        WHERE s.id IN (SELECT unnest(?)) GROUP BY GROUPING SETS ((p.source), ()) ORDER BY 1
    """
    scores = []
    for task, n, accepted, undecided, truncated, distinct, faults in ledger.rows(
        sql, [ALL_TASKS, sorted(FAULTS), drawn]
    ):
        scores.append(proportion(student, task, "accepted_share", accepted, n))
        if undecided:
            scores.append(proportion(student, task, "undecided_share", undecided, n))
        if faults:
            scores.append(proportion(student, task, "fault_share", faults, n))
        scores.append(proportion(student, task, "truncated_share", truncated, n))
        scores.append(score_row(student, task, "distinct_share", distinct / n, None, None, n))
    counts = _two_grams(ledger, drawn)
    total = counts.total()
    if total:
        entropy = -sum(count / total * math.log2(count / total) for count in counts.values())
        scores.append(score_row(student, ALL_TASKS, "distinct_2", len(counts) / total, None, None, total))
        scores.append(score_row(student, ALL_TASKS, "entropy_2", max(0.0, entropy), None, None, total))
    return scores


def _two_grams(ledger: Ledger, drawn: list[str]) -> Counter[str]:
    """The first `BUDGET` character 2-grams of the completions, in the order of their ids."""
    texts = "SELECT completion FROM samples WHERE id IN (SELECT unnest(?)) ORDER BY id LIMIT 1000"
    counts: Counter[str] = Counter()
    for (text,) in ledger.rows(texts, [drawn]):
        text = text[: BUDGET + 1 - counts.total()]
        counts.update(text[i : i + 2] for i in range(len(text) - 1))
    return counts
