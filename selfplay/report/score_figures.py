"""What the figures show; figure_style.py says how they look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from selfplay.measure.measure import ALL_TASKS
from selfplay.report.figure_style import (
    COLOURS,
    FAINT,
    INK,
    MARKERS,
    STYLES,
    Picture,
    generation_axis,
    label_rows,
    legend,
    panel_grid,
    render,
    share_axis,
    short,
    style,
)
from selfplay.report.score_summary import Point, Summary

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

OUTCOME_COLOURS = {"accepted": "#0072B2", "rejected": "#E8B98A", "undecided": "#8C8C8C"}


def draw_all(summary: Summary) -> dict[str, Picture]:
    """Every figure that the scores are enough for, by name."""
    tasks = summary.tasks if len(summary.tasks) > 1 else []
    accuracy = [(ALL_TASKS, "accuracy", ALL_TASKS)]
    by_task = [(task, "accuracy", task) for task in tasks]
    accepted = [(task, "accepted_share", task) for task in summary.shown_tasks]
    diversity = [
        ("Different completions", "distinct_share", ALL_TASKS),
        ("Different character pairs", "distinct_2", ALL_TASKS),
    ]
    with style():
        drawn: dict[str, Figure | None] = {
            "accuracy": _lines(summary, accuracy, "Held-out accuracy", tall=True),
            "accuracy_by_task": _lines(summary, by_task, "Held-out accuracy"),
            "accepted_share": _lines(summary, accepted, "Accepted share"),
            "outcomes": _outcomes(summary),
            "diversity": _lines(summary, diversity, "Share"),
        }
        return {name: render(name, figure) for name, figure in drawn.items() if figure is not None}


def _lines(summary: Summary, asked: Sequence[tuple[str, str, str]], label: str, *, tall: bool = False) -> Figure | None:
    """A panel with a line for each arm for each (title, measure, task) that was measured."""
    panels_lines = [
        (title, measure, [summary.line(measure, arm, task) for arm in summary.arms]) for title, measure, task in asked
    ]
    shown = [panel for panel in panels_lines if any(panel[2])]
    if not shown:
        return None
    figure, panels = panel_grid(len(shown), 4.2 if tall else 2.9)
    tops = {name: _top([line for _, m, lines in shown if m == name for line in lines]) for _, name, _ in shown}
    for panel, (title, measure, lines) in zip(panels, shown, strict=True):
        for index, line in enumerate(lines):
            _line(panel, summary, index, line)
        generation_axis(panel, summary.experiment.generations, first=0 if measure == "accuracy" else 1)
        share_axis(panel, tops[measure])
        if len(shown) > 1 or title != ALL_TASKS:
            panel.set_title("all tasks" if title == ALL_TASKS else short(title))
    label_rows(panels, label)
    if tall and len(summary.arms) <= 6 and all(len(arm) <= 16 for arm in summary.arms):
        _direct_labels(panels[0], summary, [line for line in shown[0][2] if line], tops[shown[0][1]])
    else:
        legend(figure, panels)
    return figure


def _line(panel: Axes, summary: Summary, index: int, line: Sequence[Point]) -> None:
    """One arm: a line through its points, each with its interval, set aside a little so that intervals part."""
    if not line:
        return
    count = len(summary.arms)
    shift = 0.0 if count < 2 else (index / (count - 1) - 0.5) * min(0.16, 0.05 * (count - 1))
    colour = COLOURS[index % len(COLOURS)]
    x = [point.generation + (shift if point.generation else 0.0) for point in line]
    shared = 1 if line[0].generation == 0 else 0
    if shared:
        _errorbar(panel, x[:1], line[:1], INK)
        panel.plot(x[:1], [line[0].value], color=INK, marker="o", linestyle="none", zorder=5)
    _errorbar(panel, x[shared:], line[shared:], colour)
    look: dict[str, Any] = {"linestyle": STYLES[index % len(STYLES)], "marker": MARKERS[index % len(MARKERS)]}
    look |= {"markevery": slice(shared, None), "label": short(summary.arms[index]), "zorder": 3}
    panel.plot(x, [point.value for point in line], color=colour, **look)


def _errorbar(panel: Axes, x: Sequence[float], line: Sequence[Point], colour: str) -> None:
    y = [point.value for point in line]
    low = [point.value - point.low if point.low is not None else 0.0 for point in line]
    high = [point.high - point.value if point.high is not None else 0.0 for point in line]
    panel.errorbar(x, y, yerr=[low, high], fmt="none", ecolor=colour, elinewidth=1.1, capsize=2.5, alpha=0.8)


def _outcomes(summary: Summary) -> Figure | None:
    """Stacked shares of the samples that each student was built from, a panel for each arm."""
    lines = {arm: line for arm in summary.arms if (line := summary.line("accepted_share", arm))}
    if not lines:
        return None
    figure, panels = panel_grid(len(lines), 2.7)
    for panel, (arm, line) in zip(panels, lines.items(), strict=True):
        for accepted in line:
            turn = accepted.generation
            undecided = summary.point("undecided_share", arm, turn)
            truncated = summary.point("truncated_share", arm, turn)
            open_share = undecided.value * len(undecided.by_seed) / len(accepted.by_seed) if undecided else 0.0
            parts = {"accepted": accepted.value, "undecided": open_share}
            parts["rejected"] = max(0.0, 1 - sum(parts.values()))
            bottom = 0.0
            for outcome, colour in OUTCOME_COLOURS.items():
                panel.bar(turn, parts[outcome], 0.68, bottom, color=colour, label=outcome, edgecolor="white")
                bottom += parts[outcome]
            if truncated is not None:
                ends = [turn - 0.34, turn + 0.34]
                bar: dict[str, Any] = {"color": INK, "linewidth": 2, "solid_capstyle": "butt", "label": "truncated"}
                panel.plot(ends, [truncated.value] * 2, **bar)
        panel.set_title(short(arm))
        generation_axis(panel, summary.experiment.generations, first=1)
        share_axis(panel, 1.0)
        panel.grid(visible=False)
    label_rows(panels, "Share of samples")
    legend(figure, panels, last="truncated")
    return figure


def _top(lines: Sequence[Sequence[Point]]) -> float:
    """Upper end of an axis of shares: room for the highest interval, never past 100 % by more than a margin."""
    ends = [point.high if point.high is not None else point.value for line in lines for point in line]
    return min(1.02, max(0.05, 1.08 * max(ends)))


def _direct_labels(panel: Axes, summary: Summary, lines: Sequence[Sequence[Point]], top: float) -> None:
    """Names beside the last points, pushed apart until none overlap."""
    gap = 0.055 * top
    points = sorted((line[-1] for line in lines), key=lambda point: point.value)
    places = [point.value for point in points]
    for index in range(1, len(places)):
        places[index] = max(places[index], places[index - 1] + gap)
    places[-1] = min(places[-1], top - gap / 2)
    for index in reversed(range(len(places) - 1)):
        places[index] = min(places[index], places[index + 1] - gap)
    leader = {"arrowstyle": "-", "color": FAINT, "linewidth": 0.8}
    for point, y in zip(points, places, strict=True):
        far = abs(y - point.value) > 2 * gap or point.generation < summary.experiment.generations
        panel.annotate(
            short(point.arm),
            xy=(point.generation + 0.1, point.value),
            xytext=(1.0, y),
            textcoords=panel.get_yaxis_transform(),
            color=COLOURS[summary.arms.index(point.arm) % len(COLOURS)],
            va="center",
            fontweight="bold",
            arrowprops=leader if far else None,
            annotation_clip=False,
        )
