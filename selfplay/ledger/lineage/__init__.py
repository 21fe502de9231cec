"""Lineage: where a sample comes from, what a model is made of, what a worked example has touched.

    found = trace(Ledger.of_run(run), "3f9a")     SampleLineage, ModelLineage or ProblemLineage      (found.py)
    text.lines(found)                             the same as a tree for a terminal                  (text.py)

The line of a model goes to generation 0: the set it was trained on with its shares by origin, the models that wrote the
synthetic part of it, the set which its predecessor was trained on, and so on. A model whose arm had nothing to train
on is its predecessor at another place, so it adds no step.
"""

from __future__ import annotations

from selfplay.ledger.ledger import Ledger
from selfplay.ledger.lineage.found import Lineage
from selfplay.ledger.lineage.tree import Tree


def trace(ledger: Ledger, name: str) -> Lineage:
    """The lineage of a sample, a model or a problem.

    Args:
        ledger: a run's ledger.
        name: an id, or as much of its beginning as no other id shares (at least four characters). A worked
            example is traced by its own id or by its problem's.

    Raises:
        RunError: no id begins so, or several do.
    """
    with ledger.connect() as connection:
        tree = Tree(connection)
        kind, whole = tree.find(name)
        return {"sample": tree.sample, "model": tree.model, "problem": tree.problem}[kind](whole)
