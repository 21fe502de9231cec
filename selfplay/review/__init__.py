"""People label a sample of a run's verdicts; the run's accuracies are corrected by what they find.

population.py   the verdicts of a run, in strata     export.py    a draw of them for people to label, blind
store.py        labels brought back, kept in RUN/review     rates.py     the estimators
show.py         what the labels say of the run      training.py  what people found right, as worked examples
"""
