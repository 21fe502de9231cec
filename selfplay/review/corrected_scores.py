"""What people's labels say of a run: the verifiers' error rates, accuracies and error shares corrected by them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from selfplay.errors import RunError
from selfplay.hostile_text import visible
from selfplay.ledger.ledger import Ledger
from selfplay.review import label_store
from selfplay.review.error_rates import DRAWS, Estimate, Labelled, Rates, corrected, interval, rates, wrong_shares
from selfplay.review.label_store import Label, together
from selfplay.review.strata import Stratum

Judge = tuple[str, str, str]
"""Verifier, version, settings hash."""


@dataclass(frozen=True)
class Review:
    """The labels of one draw, by stratum."""

    strata: dict[Stratum, Labelled]
    people: list[str]
    labelled: int
    """Samples with a verdict of the people."""
    unsure: int
    """Samples on which they are unsure or of two minds; left out."""
    agreement: tuple[int, int]
    """(samples on which all agree, samples that several people labelled)."""
    other_draws: int
    """Labels that belong to other draws, and are not counted."""

    @property
    def judges(self) -> dict[Judge, dict[Stratum, Labelled]]:
        """The strata of each judge."""
        found: dict[Judge, dict[Stratum, Labelled]] = {}
        for stratum, one in sorted(self.strata.items(), key=lambda entry: entry[0].judge):
            found.setdefault(stratum.judge, {})[stratum] = one
        return found


@dataclass(frozen=True)
class Correction:
    """One measure of an arm: as the verifiers gave it, and corrected."""

    arm: str
    generation: int
    measure: str
    count: int
    n: int
    corrected: Estimate | None
    why_not: str = ""


def show(run: Path) -> str:
    """The review of a run as text.

    Raises:
        RunError: no such run, a damaged file, or no labels.
    """
    ledger = Ledger.of_run(run)
    found = review(run)
    people = ", ".join(found.people)
    lines = [f"{found.labelled:,} samples labelled by {people}; left out as unsure: {found.unsure:,}."]
    if found.agreement[1]:
        lines.append(f"People agree on {found.agreement[0]:,} of {found.agreement[1]:,} samples that several labelled.")
    if found.other_draws:
        lines.append(f"{found.other_draws:,} labels of other draws are not counted.")
    known: dict[Judge, Rates | str] = {}
    for judge, own in found.judges.items():
        lines += ["", "{} {} ({})".format(*judge)]
        lines.append(f"  {'outcome':<24}{'verdicts':>9}{'labelled':>10}{'right':>7}")
        for stratum, one in own.items():
            name = stratum.outcome + (", second disagrees" if stratum.disagrees else "")
            lines.append(f"  {name:<24}{one.size:>9,}{one.labelled:>10,}{one.right:>7,}")
        try:
            known[judge] = measured = rates(own.values())
            lines.append(f"  accepted of right   {_with_error(measured.true_positive)}")
            lines.append(f"  accepted of wrong   {_with_error(measured.false_positive)}")
        except RunError as error:
            known[judge] = str(error)
            lines.append(f"  no rates: {error}")
    lines += ["", f"{'arm':<20}{'generation':>10}  {'measure':<34}{'as verified':>18}  corrected"]
    for line in corrections(ledger, known):
        said = f"{line.count:,} of {line.n:,}"
        fixed = _percent(line.corrected) if line.corrected else f"not corrected: {line.why_not}"
        lines.append(f"{line.arm:<20}{line.generation:>10}  {line.measure:<34}{said:>18}  {fixed}")
    lines += [
        "",
        "Intervals are 95 % and respect the strata. A corrected share takes a verifier to be wrong as often in each",
        "arm as over the run; samples that no verifier saw (cut at max_tokens, or not written) count as wrong.",
    ]
    return visible("\n".join(lines))


def review(run: Path) -> Review:
    """The labels of the draw that has most of them. Raises as `show`."""
    labels = label_store.labels_of(run)
    draws: dict[str, dict[str, tuple[str, int]]] = defaultdict(dict)
    for row in label_store.read(run, "draws"):
        draws[row["draw"]][row["sample_id"]] = (row["stratum"], row["size"])
    if not labels:
        raise RunError(
            f"{run} has no labels yet; `selfplay review export {run}`, label, then `selfplay review import`."
        )
    counted = {name: sum(one.sample_id in drawn for one in labels) for name, drawn in draws.items()}
    name = max(counted, key=lambda key: (counted[key], key))
    drawn = draws[name]
    said: dict[str, list[Label]] = defaultdict(list)
    for one in labels:
        if one.sample_id in drawn:
            said[one.sample_id].append(one)
    verdicts = {sample: together(words) for sample, words in said.items()}
    sizes = dict(drawn.values())
    strata = {}
    for key in sorted(sizes):
        of_stratum = [verdict for sample, verdict in verdicts.items() if drawn[sample][0] == key and verdict]
        stratum = Stratum.of_key(key)
        right = of_stratum.count("right")
        strata[stratum] = Labelled(stratum.outcome == "accepted", sizes[key], len(of_stratum), right)
    several = [words for words in said.values() if len(words) > 1]
    return Review(
        strata=strata,
        people=sorted({one.who for words in said.values() for one in words}),
        labelled=sum(verdict is not None for verdict in verdicts.values()),
        unsure=sum(verdict is None for verdict in verdicts.values()),
        agreement=(sum(len({one.label for one in words}) == 1 for words in several), len(several)),
        other_draws=len(labels) - sum(len(words) for words in said.values()),
    )


def corrections(ledger: Ledger, known: dict[Judge, Rates | str]) -> Iterator[Correction]:
    """Held-out accuracy of every model, and the wrong share of the samples that each was trained on."""
    sql = """
        SELECT m.arm, m.generation, v.verifier, v.version, v.settings_hash, count(*),
               count(*) FILTER (v.outcome = 'accepted')
        FROM (SELECT DISTINCT arm, generation, fingerprint FROM models) m JOIN samples s ON s.model = m.fingerprint
        JOIN verdicts v ON v.sample_id = s.id WHERE s.purpose = 'evaluate' GROUP BY ALL ORDER BY ALL
    """
    yield from _accuracies(ledger.rows(sql), known)
    sql = """
        WITH teachers AS (
            SELECT DISTINCT t.arm, t.generation, s.model FROM training_sets t JOIN members x ON x.training_set_id = t.id
            JOIN samples s ON s.id = x.sample_id WHERE s.model IS NOT NULL
        ), drawn AS (
            SELECT t.arm, t.generation, v.verifier, v.version, v.settings_hash, count(*) AS n,
                   count(*) FILTER (v.outcome = 'accepted') AS accepted
            FROM teachers t JOIN samples s ON s.model = t.model AND s.purpose = 'train'
            JOIN verdicts v ON v.sample_id = s.id GROUP BY ALL
        ), kept AS (
            SELECT t.arm, t.generation, v.verifier, v.version, v.settings_hash, count(*) AS n,
                   count(*) FILTER (v.outcome = 'accepted') AS accepted
            FROM training_sets t JOIN members x ON x.training_set_id = t.id JOIN samples s ON s.id = x.sample_id
            JOIN verdicts v ON v.sample_id = s.id WHERE s.model IS NOT NULL GROUP BY ALL
        )
        SELECT arm, generation, verifier, version, settings_hash, k.n, k.accepted, d.n, d.accepted
        FROM kept k JOIN drawn d USING (arm, generation, verifier, version, settings_hash) ORDER BY ALL
    """
    yield from _error_shares(ledger.rows(sql), known)


def _accuracies(rows: Sequence[tuple[Any, ...]], known: dict[Judge, Rates | str]) -> Iterator[Correction]:
    for (arm, generation), parts in _by_place(rows).items():
        n, accepted = sum(part[1] for part in parts), sum(part[2] for part in parts)
        draws, value, why = np.zeros(DRAWS), 0.0, _unseen(parts)
        try:
            for judge, part_n, part_accepted in parts:
                if judge[1]:  # what no verifier saw stays wrong
                    estimate, of_part = corrected(_rates_of(judge, known), part_accepted, part_n)
                    value += part_n / n * estimate.value
                    draws = draws + part_n / n * of_part
        except RunError as error:
            why = str(error)
        fixed = None if why else interval(value, draws)
        yield Correction(arm, generation, "held-out accuracy", accepted, n, fixed, why)


def _error_shares(rows: Sequence[tuple[Any, ...]], known: dict[Judge, Rates | str]) -> Iterator[Correction]:
    for (arm, generation), parts in _by_place(rows).items():
        total, rejected = sum(part[1] for part in parts), sum(part[1] - part[2] for part in parts)
        value = low = high = 0.0
        why = _unseen(parts)
        try:
            for judge, n, accepted, drawn, drawn_accepted in parts:
                if judge[1] == "":
                    value, low, high = value + n / total, low + n / total, high + n / total
                    continue
                measured = _rates_of(judge, known)
                right, draws = corrected(measured, drawn_accepted, drawn)
                of_accepted, of_others = wrong_shares(measured, right, draws, drawn_accepted / drawn)
                for weight, part in ((accepted / total, of_accepted), ((n - accepted) / total, of_others)):
                    value, low, high = value + weight * part.value, low + weight * part.low, high + weight * part.high
        except RunError as error:
            why = str(error)
        estimate = None if why else Estimate(value, low, high)
        yield Correction(arm, generation, "wrong, of synthetic training rows", rejected, total, estimate, why)


def _unseen(parts: Sequence[tuple[Any, ...]]) -> str:
    return "" if any(judge[1] for judge, *_ in parts) else "no verifier saw these samples"


def _rates_of(judge: Judge, known: dict[Judge, Rates | str]) -> Rates:
    found = known.get(judge, f"no labels for {judge[0]}")
    if isinstance(found, str):
        raise RunError(found)
    return found


def _by_place(rows: Sequence[tuple[Any, ...]]) -> dict[tuple[str, int], list[tuple[Any, ...]]]:
    """(judge, counts) of each row, by arm and generation."""
    parts: dict[tuple[str, int], list[tuple[Any, ...]]] = defaultdict(list)
    for arm, generation, verifier, version, settings_hash, *counts in rows:
        parts[arm, generation].append(((verifier, version, settings_hash), *counts))
    return parts


def _percent(one: Estimate) -> str:
    return f"{100 * one.value:.1f} % ({100 * one.low:.1f} to {100 * one.high:.1f})"


def _with_error(one: Estimate) -> str:
    return f"{_percent(one)}, standard error {100 * (one.error or 0):.1f}"
