"""The measures that a score can carry, and that `warn_when` and `stop_when` can name."""

from __future__ import annotations

MEASURES = {
    "accuracy": "accepted share of the held-out test samples",
    "accuracy_upper": "the same with undecided verdicts counted as right; only where there are any",
    "validation_accuracy": "accepted share of the validation samples; needs `evaluate.validation`",
    "accepted_share": "accepted share of the samples drawn for training",
    "undecided_share": "undecided share of them; only where there are any",
    "fault_share": "share of them that the judge or the engine failed on; only where there are any",
    "truncated_share": "share of them cut at `max_tokens`",
    "distinct_share": "different completions among them",
    "distinct_2": "different character 2-grams per 2-gram, over a fixed budget",
    "entropy_2": "Shannon entropy of the character 2-grams in bits, over the same budget",
    "train_loss": "mean training loss over the last tenth of the steps, in nats a token",
}
"""Name and meaning. Measures of the samples are filed under the model that was trained on them."""

FOR_ALL_TASKS = frozenset({"distinct_2", "entropy_2", "train_loss"})
"""Measures that there are for all tasks together alone."""
OF_SAMPLES = frozenset(
    {
        "accepted_share",
        "undecided_share",
        "fault_share",
        "truncated_share",
        "distinct_share",
        "distinct_2",
        "entropy_2",
    }
)
"""Measures of the samples drawn for training, which an arm on human data alone does not draw."""
