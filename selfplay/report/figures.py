"""The figures of the report, as matplotlib figures; `save` writes each as PNG and SVG.

Colours are those of Okabe and Ito (2008), told apart by colour-blind readers; arms also differ in marker and line
style, so a figure survives a black-and-white printer.
"""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from selfplay.measure.accuracy import ALL_TASKS
from selfplay.report.summary import Point, Summary
from selfplay.report.visible import visible

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
STYLES = ("-", "--", "-.", ":")
INK, FAINT = "#222222", "#d8d8d8"
OUTCOME_COLOURS = {"accepted": "#0072B2", "rejected": "#E8B98A", "undecided": "#8C8C8C"}
WIDTH = 7.4
"""Inches; the width of the page's column."""
PANELS_IN_A_ROW = 3
LONGEST_LABEL = 26


@dataclass(frozen=True)
class Picture:
    """A drawn figure: its file name without ending, and the same picture as SVG and PNG."""

    name: str
    svg: bytes
    png: bytes

    def save(self, folder: Path) -> None:
        """Write `<name>.svg` and `<name>.png`, each renamed when whole."""
        for ending, data in (("svg", self.svg), ("png", self.png)):
            target = folder / f"{self.name}.{ending}"
            temporary = target.with_name(target.name + ".tmp")
            temporary.write_bytes(data)
            temporary.replace(target)


def draw_all(summary: Summary) -> dict[str, Picture]:
    """Every figure that the scores are enough for, by name."""

    with _style():
        drawn: dict[str, Figure | None] = {
            "accuracy": _lines(summary, "accuracy", [ALL_TASKS], "Held-out accuracy", tall=True),
            "accuracy_by_task": _lines(summary, "accuracy", summary.tasks, "Held-out accuracy")
            if len(summary.tasks) > 1
            else None,
            "accepted_share": _lines(summary, "accepted_share", _with_all(summary.tasks), "Accepted share"),
            "outcomes": _outcomes(summary),
            "diversity": _diversity(summary),
        }
        return {name: _render(name, figure) for name, figure in drawn.items() if figure is not None}


def _lines(summary: Summary, measure: str, tasks: Sequence[str], label: str, *, tall: bool = False) -> Figure | None:
    lines = {task: [summary.line(measure, arm, task) for arm in summary.arms] for task in tasks}
    shown = [task for task in tasks if any(lines[task])]
    if not shown:
        return None
    figure, panels = _panels(len(shown), 4.2 if tall else 2.9)
    top = _top([line for task in shown for line in lines[task]])
    for panel, task in zip(panels, shown, strict=True):
        for index, line in enumerate(lines[task]):
            _line(panel, summary, index, line)
        _generation_axis(panel, summary.experiment.generations, first=0 if measure == "accuracy" else 1)
        _share_axis(panel, top)
        if len(shown) > 1:
            panel.set_title("all tasks" if task == ALL_TASKS else _short(task))
    _label_rows(panels, label)
    direct = tall and len(summary.arms) <= 6 and all(len(arm) <= 16 for arm in summary.arms)
    if direct:
        _direct_labels(panels[0], summary, [line for line in lines[shown[0]] if line], top)
    else:
        _legend(figure, panels)
    return figure


def _with_all(tasks: Sequence[str]) -> list[str]:
    return [ALL_TASKS, *(tasks if len(tasks) > 1 else [])]


def _line(panel: Axes, summary: Summary, index: int, line: Sequence[Point]) -> None:
    """One arm: a line through its points, each with its interval, set aside a little so that intervals part."""
    if not line:
        return
    count = len(summary.arms)
    shift = 0.0 if count < 2 else (index / (count - 1) - 0.5) * min(0.16, 0.05 * (count - 1))
    colour = COLOURS[index % len(COLOURS)]
    x = [point.generation + (shift if point.generation else 0.0) for point in line]
    y = [point.value for point in line]
    low = [point.value - point.low if point.low is not None else 0.0 for point in line]
    high = [point.high - point.value if point.high is not None else 0.0 for point in line]
    panel.errorbar(x, y, yerr=[low, high], fmt="none", ecolor=colour, elinewidth=1.1, capsize=2.5, alpha=0.75)
    panel.plot(
        x,
        y,
        color=colour,
        linestyle=STYLES[index % len(STYLES)],
        marker=MARKERS[index % len(MARKERS)],
        label=_short(summary.arms[index]),
        zorder=3,
    )
    if line[0].generation == 0:
        panel.plot(x[:1], y[:1], color=INK, marker="o", markersize=6, linestyle="none", zorder=5)
        panel.errorbar(x[:1], y[:1], yerr=[low[:1], high[:1]], fmt="none", ecolor=INK, capsize=2.5, zorder=4)


def _outcomes(summary: Summary) -> Figure | None:
    """Stacked shares of the samples that each student was built from, a panel for each arm."""
    lines = {arm: summary.line("accepted_share", arm) for arm in summary.arms}
    shown = [arm for arm in summary.arms if lines[arm]]
    if not shown:
        return None
    figure, panels = _panels(len(shown), 2.7)
    for panel, arm in zip(panels, shown, strict=True):
        for accepted in lines[arm]:
            turn = accepted.generation
            undecided = summary.point("undecided_share", arm, turn)
            truncated = summary.point("truncated_share", arm, turn)
            open_share = undecided.value * len(undecided.by_seed) / len(accepted.by_seed) if undecided else 0.0
            parts = {"accepted": accepted.value, "undecided": open_share}
            parts["rejected"] = max(0.0, 1 - sum(parts.values()))
            bottom = 0.0
            for outcome, colour in OUTCOME_COLOURS.items():
                label = outcome if turn == lines[arm][0].generation else None
                panel.bar(turn, parts[outcome], 0.68, bottom, color=colour, label=label, edgecolor="white")
                bottom += parts[outcome]
            if truncated is not None:
                panel.plot(
                    [turn - 0.34, turn + 0.34],
                    [truncated.value] * 2,
                    color=INK,
                    linewidth=2,
                    solid_capstyle="butt",
                    label="truncated" if turn == lines[arm][0].generation else None,
                )
        panel.set_title(_short(arm))
        _generation_axis(panel, summary.experiment.generations, first=1)
        _share_axis(panel, 1.0)
        panel.grid(visible=False)
    _label_rows(panels, "Share of samples")
    _legend(figure, panels)
    return figure


def _diversity(summary: Summary) -> Figure | None:
    measures = {"distinct_share": "Different completions", "distinct_2": "Different character pairs"}
    lines = {measure: [summary.line(measure, arm) for arm in summary.arms] for measure in measures}
    shown = [measure for measure in measures if any(lines[measure])]
    if not shown:
        return None
    figure, panels = _panels(len(shown), 2.9)
    for panel, measure in zip(panels, shown, strict=True):
        for index, line in enumerate(lines[measure]):
            _line(panel, summary, index, line)
        panel.set_title(measures[measure])
        _generation_axis(panel, summary.experiment.generations, first=1)
        _share_axis(panel, _top(lines[measure]))
    _label_rows(panels, "Share")
    _legend(figure, panels)
    return figure


def _panels(count: int, height: float) -> tuple[Figure, list[Axes]]:
    from matplotlib.figure import Figure

    columns = min(count, PANELS_IN_A_ROW)
    rows = -(-count // columns)
    figure = Figure(figsize=(WIDTH, height * rows), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    flat: list[Axes] = list(grid.flat)
    for unused in flat[count:]:
        unused.remove()
    return figure, flat[:count]


def _label_rows(panels: Sequence[Axes], label: str) -> None:
    for index, panel in enumerate(panels):
        if index % PANELS_IN_A_ROW == 0:
            panel.set_ylabel(label)


def _generation_axis(panel: Axes, generations: int, first: int) -> None:
    from matplotlib.ticker import MaxNLocator

    panel.set_xlim(first - 0.35 - 0.15 * first, max(generations, first) + 0.35 + 0.15 * first)
    panel.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    panel.set_xlabel("Generation")


def _share_axis(panel: Axes, top: float) -> None:
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    panel.set_ylim(0, top)
    panel.yaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10]))
    panel.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=None))


def _top(lines: Sequence[Sequence[Point]]) -> float:
    """Upper end of an axis of shares: room for the highest interval, never past 100 % by more than a margin."""
    ends = [point.high if point.high is not None else point.value for line in lines for point in line]
    return min(1.02, max(0.05, 1.08 * max(ends)))


def _direct_labels(panel: Axes, summary: Summary, lines: Sequence[Sequence[Point]], top: float) -> None:
    """Names beside the last points, pushed apart until none overlap."""
    gap = 0.055 * top
    ordered = sorted(lines, key=lambda line: line[-1].value)
    places = [line[-1].value for line in ordered]
    for index in range(1, len(places)):
        places[index] = max(places[index], places[index - 1] + gap)
    overflow = places[-1] - (top - gap / 2)
    if overflow > 0:
        places[-1] -= overflow
        for index in range(len(places) - 2, -1, -1):
            places[index] = min(places[index], places[index + 1] - gap)
    right = summary.experiment.generations + 0.14
    leader = {"arrowstyle": "-", "color": FAINT, "linewidth": 0.8}
    for line, y in zip(ordered, places, strict=True):
        index = summary.arms.index(line[-1].arm)
        point = line[-1]
        panel.annotate(
            _short(point.arm),
            xy=(point.generation + 0.1, point.value),
            xytext=(right, y),
            color=COLOURS[index % len(COLOURS)],
            va="center",
            fontweight="bold",
            arrowprops=leader if abs(y - point.value) > gap / 4 else None,
            annotation_clip=False,
        )


def _legend(figure: Figure, panels: Sequence[Axes]) -> None:
    entries: dict[str, object] = {}
    for panel in panels:
        handles, labels = panel.get_legend_handles_labels()
        for handle, label in zip(handles, labels, strict=True):
            entries.setdefault(label, handle)
    if entries:
        columns = min(len(entries), 4)
        figure.legend(list(entries.values()), list(entries), loc="outside lower center", ncols=columns, frameon=False)


def _short(name: str) -> str:
    shown = visible(name).replace("\n", " ")
    return shown if len(shown) <= LONGEST_LABEL else shown[: LONGEST_LABEL - 1] + "…"


@contextmanager
def _style() -> Iterator[None]:
    import matplotlib

    settings = {
        "font.family": "sans-serif",
        "font.size": 10,
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.edgecolor": "#999999",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "axes.grid.axis": "y",
        "axes.axisbelow": True,
        "axes.titlesize": 10.5,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "grid.color": "#e6e6e6",
        "grid.linewidth": 0.8,
        "xtick.color": "#666666",
        "ytick.color": "#666666",
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "lines.linewidth": 1.9,
        "lines.markersize": 5.5,
        "legend.handlelength": 3.0,
        "figure.facecolor": "white",
        "savefig.facecolor": "white",
        # A name in a config may hold dollar signs; they are not formulas.
        "text.parse_math": False,
        # Equal scores give equal bytes, and no font of the reader's machine is needed.
        "svg.hashsalt": "selfplay",
        "svg.fonttype": "path",
    }
    quiet = logging.getLogger("matplotlib")
    level = quiet.level
    # A task may be named in a script that the font lacks: the figure then shows boxes, which needs no warning.
    with matplotlib.rc_context(settings), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        quiet.setLevel(logging.ERROR)
        try:
            yield
        finally:
            quiet.setLevel(level)


def _render(name: str, figure: Figure) -> Picture:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(figure)
    svg, png = io.BytesIO(), io.BytesIO()
    figure.savefig(svg, format="svg", metadata={"Date": None})
    figure.savefig(png, format="png", dpi=160, metadata={"Software": None})
    return Picture(name, svg.getvalue(), png.getvalue())
