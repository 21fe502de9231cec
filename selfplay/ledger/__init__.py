"""The record of all samples, verdicts, training sets, models and scores of a run."""
