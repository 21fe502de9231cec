"""People label a sample of a run's verdicts; the run's accuracies are corrected by what they find."""
