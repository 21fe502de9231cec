"""Generational depth of a model: how many synthetic ancestors the data behind its weights has.

The depth of a sample follows from its model's (the view `depths` of the ledger); the depth of a model is reckoned
once, when the model is recorded, and stands in the columns `depth` and `depth_mean` of `models`.
"""

from __future__ import annotations

from selfplay.ledger.ledger import Ledger


def depth_of_model(ledger: Ledger, training_set_id: str | None, inherits: str | None) -> tuple[int, float]:
    """(depth, mean depth) of a model.

    Args:
        ledger: where the training set's members, their samples and the models that wrote them are.
        training_set_id: the set that the model was trained on; none for a model as given or kept.
        inherits: fingerprint of the model whose weights this one went on from or kept; none where it was trained
            from the initial weights. Its ancestors count towards `depth`, and towards `depth_mean` only where nothing
            was trained, because nothing says how much of earlier data is left in weights.
    """
    depth, mean = 0, 0.0
    if inherits is not None:
        sql = "SELECT max(depth), max(depth_mean) FROM models WHERE fingerprint = ?"
        depth, mean = ledger.rows(sql, [inherits])[0]
    if training_set_id is not None:
        sql = """SELECT max(d.depth), sum(m.weight * d.depth_mean) / sum(m.weight)
                 FROM members m JOIN depths d ON d.sample_id = m.sample_id WHERE m.training_set_id = ?"""
        of_data, mean = ledger.rows(sql, [training_set_id])[0]
        depth = max(depth, of_data)
    return depth, mean
