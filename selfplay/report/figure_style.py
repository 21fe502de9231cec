"""How figures look here: panels, axes of shares and generations, legend, fonts (figures.mplstyle).

Colours are those of Okabe and Ito (2008), told apart by colour-blind readers; arms also differ in marker and line
style, for a black-and-white printer.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from selfplay.hostile_text import visible

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
STYLES = ("-", "--", "-.", ":")
INK, FAINT = "#222222", "#d8d8d8"
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


def panel_grid(count: int, height: float) -> tuple[Figure, list[Axes]]:
    """A figure of `count` panels in rows of three, each row `height` inches."""
    from matplotlib.figure import Figure

    columns = min(count, PANELS_IN_A_ROW)
    rows = -(-count // columns)
    figure = Figure(figsize=(WIDTH, height * rows), layout="constrained")
    flat: list[Axes] = list(figure.subplots(rows, columns, squeeze=False).flat)
    for unused in flat[count:]:
        unused.remove()
    return figure, flat[:count]


def label_rows(panels: Sequence[Axes], label: str) -> None:
    """The y label, once in each row."""
    for index, panel in enumerate(panels):
        if index % PANELS_IN_A_ROW == 0:
            panel.set_ylabel(label)


def generation_axis(panel: Axes, generations: int, first: int) -> None:
    """Whole generations from `first` on, with room beside the ends."""
    last = max(generations, first)
    panel.set_xlim(first - 0.35 - 0.15 * first, last + 0.35 + 0.15 * first)
    panel.set_xticks(range(first, last + 1, 1 + (last - first) // 8))
    panel.set_xlabel("Generation")


def share_axis(panel: Axes, top: float) -> None:
    """A share from 0 to `top`, labelled in per cent."""
    from matplotlib.ticker import MaxNLocator, PercentFormatter

    panel.set_ylim(0, top)
    panel.yaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10]))
    panel.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=None))


def legend(figure: Figure, panels: Sequence[Axes], last: str = "") -> None:
    """One legend for all panels, below them; the entry called `last` stands at its end."""
    entries: dict[str, Artist] = {}
    for panel in panels:
        for handle, label in zip(*panel.get_legend_handles_labels(), strict=True):
            entries.setdefault(label, handle)
    labels = sorted(entries, key=lambda label: label == last)
    if labels:
        columns = min(len(labels), 5 if max(map(len, labels)) <= 14 else 3)
        handles = [entries[label] for label in labels]
        figure.legend(handles, labels, loc="outside lower center", ncols=columns, frameon=False)


def short(name: str) -> str:
    """A name that fits a figure."""
    shown = visible(name).replace("\n", " ")
    return shown if len(shown) <= LONGEST_LABEL else shown[: LONGEST_LABEL - 1] + "…"


@contextmanager
def style() -> Iterator[None]:
    """The settings of figures.mplstyle, whatever the reader's matplotlibrc says."""
    import matplotlib
    import matplotlib.style

    with matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcdefaults()
        matplotlib.style.use(Path(__file__).with_name("figures.mplstyle"))
        # A task may be named in a script that the font lacks: the figure then shows boxes, which needs no warning.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def render(name: str, figure: Figure) -> Picture:
    """The figure as SVG and PNG; equal figures give equal bytes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    FigureCanvasAgg(figure)
    svg, png = io.BytesIO(), io.BytesIO()
    figure.savefig(svg, format="svg", metadata={"Date": None})
    # The layout holds for both files, and finding it takes as long as drawing.
    figure.set_layout_engine("none")
    figure.savefig(png, format="png", dpi=160, metadata={"Software": None})
    return Picture(name, svg.getvalue(), png.getvalue())
