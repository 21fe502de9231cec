"""Measures of the samples that a model wrote for training: how many were accepted, cut, and how varied they are."""

from __future__ import annotations

from typing import Any

from selfplay.ledger import Ledger
from selfplay.measure.accuracy import ALL_TASKS, proportion, score_row
from selfplay.model_state import ModelState


def sample_measures(ledger: Ledger, student: ModelState, drawn: list[str]) -> list[dict[str, Any]]:
    """`scores` rows of the samples drawn for a student's training, filed under the student.

    accepted_share   verified correct, of all samples
    undecided_share  neither, where there are any
    truncated_share  cut at `max_tokens`
    distinct_share   different completions, of all samples
    distinct_2       different character 2-grams, per character 2-gram, over a fixed budget of 5,000
                     (distinct-n of Li et al. 2016, arXiv 1510.03055, which depends on length: hence the budget)
    """
    sql = """
        SELECT coalesce(p.source, ?), count(*), count(*) FILTER (v.outcome = 'accepted'),
               count(*) FILTER (v.outcome = 'undecided'), count(*) FILTER (s.finish_reason = 'length'),
               count(DISTINCT s.completion)
        FROM samples s JOIN verdicts v ON v.sample_id = s.id JOIN problems p ON p.id = s.problem_id
        WHERE s.id IN (SELECT unnest(?)) GROUP BY GROUPING SETS ((p.source), ()) ORDER BY 1
    """
    scores = []
    for task, n, accepted, undecided, truncated, distinct in ledger.rows(sql, [ALL_TASKS, drawn]):
        scores.append(proportion(student, task, "accepted_share", accepted, n))
        if undecided:
            scores.append(proportion(student, task, "undecided_share", undecided, n))
        scores.append(proportion(student, task, "truncated_share", truncated, n))
        scores.append(score_row(student, task, "distinct_share", distinct / n, None, None, n))
    texts = "SELECT completion FROM samples WHERE id IN (SELECT unnest(?)) ORDER BY id LIMIT 1000"
    grams, total = set(), 0
    for (text,) in ledger.rows(texts, [drawn]):
        text = text[: 5001 - total]
        pairs = [text[i : i + 2] for i in range(len(text) - 1)]
        grams.update(pairs)
        total += len(pairs)
    if total:
        scores.append(score_row(student, ALL_TASKS, "distinct_2", len(grams) / total, None, None, total))
    return scores
