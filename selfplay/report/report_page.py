"""The report's page and the files beside it, from one reading of the run.

Jinja2 escapes all text, and hidden characters are shown as escapes (hostile_text.py). The page loads nothing: style and
figures are inside it, and a content security policy forbids scripts and requests.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import astuple, fields
from itertools import groupby, product
from pathlib import Path
from typing import Any

import yaml

from selfplay.errors import RunError
from selfplay.hostile_text import excerpt
from selfplay.models.folders import START
from selfplay.report.escaping import as_csv, page_environment
from selfplay.report.family_figure import draw_family, example_of_ancestors
from selfplay.report.figure_style import Picture
from selfplay.report.run_record import OUTCOMES, Example, RunRecord, Score, StepTime, outcome_order
from selfplay.report.score_figures import draw_all
from selfplay.report.score_summary import (
    Point,
    Summary,
    difference_sentence,
    percent,
    percent_interval,
    result_sentences,
    stopped_words,
    what_was_compared,
    whole_range,
)
from selfplay.report.score_tables import kept_notes
from selfplay.tasks.whole_file import write_whole
from selfplay.verifiers.audit.record import find
from selfplay.verifiers.errors import VerifierError

SAMPLES_EACH = 4
"""Samples shown for each task and outcome."""
CHARACTERS = {"prompt": 800, "completion": 1200, "reference": 800, "detail": 800}
"""Characters shown of each part of a sample."""


def write_report(run: Path) -> Path:
    """Write `report/index.html`, `report/figures/*` and `report/scores.csv` of a run, finished or not.

    Needs no network, model or cluster; only reads the ledger.

    Returns:
        The path of `index.html`.

    Raises:
        RunError: the folder is no run, its config cannot be read, or the report cannot be written.
    """
    with RunRecord.open(run) as record:
        summary = Summary(record)
        pictures = draw_all(summary) | draw_family(record)
        page = _render(record, summary, pictures)
        scores = scores_csv(record.scores)
    report = run / "report"
    try:
        (report / "figures").mkdir(parents=True, exist_ok=True)
        for picture in pictures.values():
            for ending, data in (("svg", picture.svg), ("png", picture.png)):
                temporary = report / "figures" / f"{picture.name}.{ending}.tmp"
                temporary.write_bytes(data)
                temporary.replace(temporary.with_suffix(""))
        write_whole(report / "scores.csv", scores)
        write_whole(report / "index.html", page)
    except OSError as error:
        raise RunError(f"Cannot write the report under {report}: {error.strerror}; make room or give access.") from None
    return report / "index.html"


def scores_csv(scores: Sequence[Score]) -> str:
    """All scores as CSV; shares are between 0 and 1, an unknown interval is empty.

    A name that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    return as_csv([field.name for field in fields(Score)], map(astuple, scores))


def _render(record: RunRecord, summary: Summary, pictures: Mapping[str, Picture]) -> str:
    environment = page_environment()
    environment.filters |= {"percent": percent, "interval": percent_interval, "duration": duration}
    experiment = record.experiment
    training_sets = record.training_sets()
    origins = sorted({origin for row in training_sets for origin in row.shares})
    html: str = environment.get_template("page.html.j2").render(
        name=experiment.name,
        run=record.path.resolve().name,
        summary=summary,
        experiment=experiment,
        stopped=stopped_words(summary),
        compared=what_was_compared(summary),
        results=result_sentences(summary),
        differences=[difference_sentence(difference) for difference in summary.differences()],
        figures={name: _data_uri(picture) for name, picture in pictures.items()},
        interval_words=_interval_words(summary),
        finals=_finals(summary),
        start=_cells(summary, START, 0),
        bounds=_bounds(summary),
        training=record.verdict_counts("train"),
        held_out=record.verdict_counts("evaluate"),
        sets=_training_sets(record),
        origins=origins,
        choices=record.choices(),
        ancestors=example_of_ancestors(record),
        kept=kept_notes(record.kept),
        alarms=record.alarms(),
        samples=_samples(record.examples(SAMPLES_EACH)),
        worked=[(example, _texts(example)) for example in record.worked_examples()],
        samples_each=SAMPLES_EACH,
        outcomes=OUTCOMES,
        times=record.times(),
        total_seconds=sum(entry.seconds for entry in record.times()),
        per_second=_per_second,
        judges=[(*judge, audited(*judge[:3])) for judge in record.judges()],
        seal_note=record.seal_note(),
        config=yaml.safe_dump(experiment.model_dump(mode="json"), sort_keys=False, allow_unicode=True),
        environment=_flat(record.environment),
    )
    return html


def audited(verifier: str, version: str, settings_hash: str) -> str:
    """What an audit on this machine measured of a verifier with its settings, in a sentence."""
    try:
        record = find(verifier, version, settings_hash)
    except VerifierError as error:
        return str(error)
    return record.sentence if record else "not audited with these settings on this machine"


def duration(seconds: float) -> str:
    """Such as `4.2 s`, `3 min 12 s` or `2 h 5 min`."""
    if seconds < 100:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _finals(summary: Summary) -> list[tuple[str, list[Point | None], list[list[Point | None]]]]:
    """(arm, cells over the common seeds, cells of each seed) after the last common generation."""
    last, common = summary.last, summary.common_seeds
    if last == 0:
        return []
    seeds = common if len(common) > 1 else []
    return [
        (arm, _cells(summary, arm, last, common), [_cells(summary, arm, last, [seed]) for seed in seeds])
        for arm in summary.arms
    ]


def _cells(summary: Summary, arm: str, generation: int, seeds: Sequence[int] | None = None) -> list[Point | None]:
    """Accuracy over all tasks, then on each task where there are several."""
    return [summary.point("accuracy", arm, generation, task, seeds) for task in summary.shown_tasks]


def _bounds(summary: Summary) -> list[tuple[str, int, str, float, float]]:
    """(arm, generation, task, lower bound, upper bound) wherever accuracy is known as bounds only."""
    found = []
    places = [(START, 0)] + [(a, g) for a in summary.arms for g in range(1, summary.experiment.generations + 1)]
    for (arm, generation), task in product(places, summary.shown_tasks):
        lower, upper = summary.point("accuracy", arm, generation, task), summary.upper(arm, generation, task)
        if lower is not None and upper is not None:
            found.append((arm, generation, task, lower.value, upper))
    return found


def _training_sets(record: RunRecord) -> list[tuple[str, int, str, dict[str, str]]]:
    """(arm, generation, rows, share of each origin as text), ranges where seeds differ."""
    found = []
    for (arm, generation), group in groupby(record.training_sets(), key=lambda row: (row.arm, row.generation)):
        rows, shares = list(group), {}
        for origin in {origin for row in rows for origin in row.shares}:
            values = [100 * row.shares.get(origin, 0.0) for row in rows]
            low, high = f"{min(values):.0f}", f"{max(values):.0f}"
            shares[origin] = f"{low} %" if low == high else f"{low} to {high} %"
        found.append((arm, generation, whole_range([row.rows for row in rows]), shares))
    return found


def _samples(examples: Sequence[Example]) -> list[tuple[str, str, list[tuple[Example, dict[str, Any]]]]]:
    """(task, outcome, samples with their shown texts)."""
    ordered = sorted(examples, key=lambda e: (e.task, outcome_order(e.outcome)))
    groups = groupby(ordered, key=lambda e: (e.task, e.outcome))
    return [(task, outcome, [(one, _texts(one)) for one in group]) for (task, outcome), group in groups]


def _texts(example: Example) -> dict[str, Any]:
    cut = {
        part: excerpt(getattr(example, part), CHARACTERS[part], getattr(example, f"{part}_length"))
        for part in ("prompt", "completion", "reference")
    }
    return cut | {"detail": excerpt(example.detail, CHARACTERS["detail"])}


def _interval_words(summary: Summary) -> str:
    if len(summary.seeds) < 2:
        return "One seed; bars are Wilson 95 % intervals over the problems, and do not cover how much seeds differ."
    open_ = " A point that only one seed has reached so far has its Wilson interval over problems."
    return (
        f"Points are means over {len(summary.seeds)} seeds; bars are Student's t 95 % intervals over seeds, "
        f"cut at 0 and 100 %.{'' if summary.finished else open_}"
    )


def _per_second(entry: StepTime) -> str:
    return f"{entry.items / entry.seconds:,.0f}" if entry.seconds > 0 else "–"


def _data_uri(picture: Picture) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(picture.svg).decode("ascii")


def _flat(environment: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The environment as (name, value) rows; packages that are not installed are left out."""
    rows: list[tuple[str, str]] = []
    for name, value in environment.items():
        if isinstance(value, dict):
            rows += [(str(key), str(item)) for key, item in value.items() if item is not None]
        else:
            text = (", ".join(map(str, value)) or "none") if isinstance(value, list) else str(value)
            rows.append((name.replace("_", " "), "unknown" if value is None else text))
    return rows
