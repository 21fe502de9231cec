"""People label a sample of a run's verdicts; the run's accuracies are corrected by what they find.

strata.py             the verdicts of a run in strata, and a draw from each
label_export.py       the draw as a page and files to label blind; what people found right, as worked examples
label_store.py        labels brought back, kept in RUN/review
error_rates.py        a verifier's error rates from the labels, with intervals
corrected_scores.py   what the labels say of the run
"""
