"""Tables for a terminal and for a README: the arms of one run, and final accuracies over several runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from selfplay.errors import RunError
from selfplay.experiment.schema import Experiment
from selfplay.hostile_text import visible
from selfplay.models.folders import START
from selfplay.report.run_record import Chosen, Kept, RunRecord
from selfplay.report.score_summary import Summary, percent, percent_interval, stopped_words, whole_range
from selfplay.run.directory import first_difference
from selfplay.tasks.intervals import over_seeds

if TYPE_CHECKING:
    from rich.table import Table

GENERATIONS_SHOWN = 5
"""Columns between the first and the last generation, at most; older ones are left out."""
MAY_DIFFER = ("name", "output", "seeds")
"""Keys in which compared runs may differ."""
COMPARED = (("verified", "unfiltered"), ("verified", "human-only"))


def arms_table(run: Path) -> Table:
    """The arms of a run for a terminal: accuracy by generation, accepted share, rows trained on.

    Raises:
        RunError: the folder is no run.
    """
    from rich.table import Column, Table
    from rich.text import Text

    with RunRecord.open(run) as record:
        summary = Summary(record)
        last = record.experiment.generations
        shown = [0, *range(max(1, last - GENERATIONS_SHOWN), last)] if last else []
        rows_of: dict[str, list[int]] = {arm: [] for arm in summary.arms}
        for training_set in record.training_sets():
            if training_set.generation == last and training_set.arm in rows_of:
                rows_of[training_set.arm].append(training_set.rows)
        seeds = f", mean over {len(summary.seeds)} seeds" if len(summary.seeds) > 1 else ""
        heads = [*(str(generation or START) for generation in shown), f"generation {last} (95 %)"]
        table = Table(
            "arm",
            *(Column(head, justify="right") for head in (*heads, "accepted", "trained on")),
            title=Text(f"Held-out accuracy{seeds}"),
            caption_justify="left",
            title_justify="left",
        )
        for arm in summary.arms:
            cells = [summary.point("accuracy", arm, generation) for generation in shown]
            final, accepted = summary.point("accuracy", arm, last), summary.point("accepted_share", arm, last)
            texts = [percent(point.value) if point else "–" for point in cells]
            texts.append(percent_interval(final) if final else "–")
            texts.append(percent(accepted.value) if accepted else "–")
            texts.append(f"{whole_range(rows_of[arm])} rows" if rows_of[arm] else "–")
            table.add_row(Text(visible(arm)), *texts)
        notes = [*(visible(words) + "." for _, words in record.alarms()), *kept_notes(record.kept)]
        notes += filter_notes(record.choices(), last)
        if stopped := stopped_words(summary):
            notes.insert(0, f"Stopped by a `stop_when`: {visible(stopped)} was not made.")
        if not summary.finished:
            notes.insert(0, f"Not finished: {summary.models_done} of {summary.models_wanted} models are evaluated.")
        if note := record.seal_note():
            notes.append(note)
        if summary.has_bounds():
            notes.append("Some held-out verdicts are undecided: accuracies are lower bounds; the report gives both.")
        if notes:
            table.caption = Text("\n".join(notes))
        return table


def filter_notes(choices: Sequence[Chosen], generation: int) -> list[str]:
    """One sentence for each arm with a group filter: what it kept in a generation, how right that was, and the rest."""
    by_arm: dict[tuple[str, str], list[Chosen]] = {}
    for row in choices:
        if row.generation == generation:
            by_arm.setdefault((row.arm, row.filter), []).append(row)
    notes = []
    for (arm, name), rows in by_arm.items():
        kept = [row for row in rows if row.kept]
        total, count = sum(row.samples for row in rows), sum(row.samples for row in kept)
        right = f", of which {percent(sum(row.accepted for row in kept) / count)} are accepted" if count else ""
        dropped = ", ".join(f"{row.samples:,} {row.reason}" for row in rows if not row.kept)
        notes.append(
            visible(
                f"{arm} ({name}) kept {count:,} of {total:,} samples in generation {generation}{right}"
                f"{f'; dropped: {dropped}' if dropped else ''}."
            )
        )
    return notes


def kept_notes(kept: Sequence[Kept]) -> list[str]:
    """One sentence for each arm that had nothing new to train on."""
    turns: dict[tuple[str, str], list[str]] = {}
    for entry in kept:
        why = f"none of its {entry.drawn:,} samples was accepted" if entry.keeps == "verified" else "it chose no sample"
        turns.setdefault((entry.arm, why), []).append(f"generation {entry.generation} of seed {entry.seed}")
    return [f"{visible(arm)} kept its model in {', '.join(places)}: {why}." for (arm, why), places in turns.items()]


def compare_runs(runs: Sequence[Path]) -> str:
    """A GitHub-markdown table of held-out accuracy after the last generation: arms by seeds, mean with t interval.

    Below the arms stand the differences `verified - unfiltered` and `verified - human-only`, seed by seed, where
    these arms exist.

    Raises:
        RunError: a folder is no run, or the runs are not the same experiment, or share a seed.
    """
    finals: dict[str, dict[int, float]] = {}
    seen: dict[int, Path] = {}
    first: Experiment | None = None
    unfinished: list[str] = []
    stopped: list[str] = []
    for run in runs:
        with RunRecord.open(run) as record:
            first = first or record.experiment
            _refuse_other(runs[0], first, run, record.experiment)
            for seed in record.experiment.seeds:
                if seed in seen:
                    raise RunError(
                        f"Seed {seed} is in {seen[seed]} and in {run}; a seed counts once, so leave one of them out."
                    )
                seen[seed] = run
            summary = Summary(record)
            for arm in summary.arms:
                point = summary.point("accuracy", arm, record.experiment.generations)
                finals.setdefault(arm, {}).update(point.by_seed if point else {})
            if words := stopped_words(summary):
                stopped.append(f"{run.name} ({visible(words)})")
            if not summary.finished:
                unfinished.append(f"{run.name} ({summary.models_done} of {summary.models_wanted} models)")
    if first is None:
        raise RunError("Name at least one run directory to compare.")
    seeds = sorted(seen)
    rows = [_markdown_row(f"`{arm}`", values, seeds) for arm, values in finals.items()]
    for arm, other in COMPARED:
        if arm in finals and other in finals:
            both = {seed: v - finals[other][seed] for seed, v in finals[arm].items() if seed in finals[other]}
            rows.append(_markdown_row(f"{arm} − {other}", both, seeds, signed=True))
    heads = ["arm", *(f"seed {seed}" for seed in seeds), "mean", "95 % interval"]
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" + " ---: |" * (len(heads) - 1), *rows, ""]
    lines.append(
        f"Held-out accuracy in % after generation {first.generations}; differences in points; "
        "Student's t interval over seeds."
    )
    lines += [f"Not finished: {', '.join(unfinished)}."] if unfinished else []
    lines += [f"Stopped by a `stop_when`: {', '.join(stopped)}."] if stopped else []
    return "\n".join(lines)


def _markdown_row(name: str, values: dict[int, float], seeds: Sequence[int], *, signed: bool = False) -> str:
    def number(value: float) -> str:
        return f"{100 * value:+.1f}".replace("-", "−") if signed else f"{100 * value:.1f}"

    cells = [number(values[seed]) if seed in values else "–" for seed in seeds]
    mean, interval = "–", "–"
    if values:
        middle, low, high = over_seeds([values[seed] for seed in seeds if seed in values])
        mean = number(middle)
        if len(values) > 1:
            low, high = (low, high) if signed else (max(0.0, low), min(1.0, high))
            interval = f"{number(low)} to {number(high)}"
    return "| " + " | ".join([visible(name), *cells, mean, interval]) + " |"


def _refuse_other(first: Path, then: Experiment, run: Path, now: Experiment) -> None:
    recorded, here = (each.model_dump(mode="json", exclude=set(MAY_DIFFER)) for each in (then, now))
    if found := first_difference(recorded, here):
        key, was, is_ = found
        raise RunError(
            f"{run} is another experiment than {first}: `{key}` is {is_!r} and was {was!r}; "
            "compare runs that differ in their seeds alone."
        )
