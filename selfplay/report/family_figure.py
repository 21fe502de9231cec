"""The family tree of a run's first seed: which model wrote the data of which, and one sample with all its ancestors.

A line runs from the model that wrote samples to the model that trained on them, as wide as their share of its training
set; the bar under a model is that set by origin.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from selfplay.ledger import printed_tree
from selfplay.ledger.family_tree import Part, Place, Tree
from selfplay.models.folders import START
from selfplay.report.figure_style import COLOURS, FAINT, INK, WIDTH, Picture, generation_axis, render, short, style
from selfplay.report.run_record import RunRecord

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ORIGIN_COLOURS = {"human": "#009E73", "procedural": "#9a9a9a", "synthetic": "#E69F00"}
ROW_HEIGHT = 0.95
"""Inches of one arm."""
MOST_LABELS = 30
"""Models up to which each line says its share and each model its depth."""
BAR_WIDTH, BAR_HEIGHT, BAR_BELOW = 0.34, 0.09, 0.3


@dataclass(frozen=True)
class Member:
    """A model at its place in the picture."""

    place: Place
    fingerprint: str
    depth: int | None
    parts: Sequence[Part]
    kept: bool
    """It is its predecessor again, for want of data."""


@dataclass(frozen=True)
class Family:
    """The models of one seed."""

    seed: int
    members: dict[tuple[str, int], Member]
    """(arm, generation) -> model; generation 0 under `start`."""

    @classmethod
    def of(cls, record: RunRecord) -> Family | None:
        """The family of the first seed that has models; none where no model is recorded yet."""
        tree = Tree(record.connection)
        seed = min((place.seed for places in tree.places.values() for place in places), default=None)
        if seed is None:
            return None
        members = {}
        for key, places in sorted(tree.places.items()):
            row, first = tree.rows[key], places[0]
            for place in places:
                if place.seed == seed:
                    kept = place.arm == first.arm and place.generation != first.generation
                    kept = kept or (first.arm == START and place.arm != START)
                    parts = tree.parts.get(row["training_set_id"], [])
                    members[place.arm, place.generation] = Member(place, key, row["depth"], parts, kept)
        return cls(seed, members)

    def writer(self, fingerprint: str | None, arm: str) -> Member | None:
        """Where to draw the model that wrote a part: in the same arm where it stands there, else wherever it is."""
        found = [member for member in self.members.values() if member.fingerprint == fingerprint]
        own = [member for member in found if member.place.arm == arm]
        return min(own or found, key=lambda member: member.place.generation, default=None)


def draw_family(record: RunRecord) -> dict[str, Picture]:
    """The figure `family`, where there are models."""
    family = Family.of(record)
    if family is None:
        return {}
    with style():
        return {"family": render("family", _figure(family, record))}


def example_of_ancestors(record: RunRecord) -> tuple[str, str] | None:
    """(id, tree as text) of one training sample of the first seed: accepted where one is, with the most ancestors."""
    sql = """
        SELECT s.id FROM samples s JOIN depths d ON d.sample_id = s.id LEFT JOIN verdicts v ON v.sample_id = s.id
        WHERE s.purpose = 'train'
        AND s.model IN (SELECT fingerprint FROM models WHERE seed = (SELECT min(seed) FROM models))
        ORDER BY coalesce(v.outcome = 'accepted', false) DESC, d.depth DESC NULLS LAST, s.id LIMIT 1
    """
    found = record.connection.execute(sql).fetchone()
    if found is None:
        return None
    return found[0], "\n".join(printed_tree.lines(Tree(record.connection).sample(found[0])))


def _figure(family: Family, record: RunRecord) -> Figure:
    from matplotlib.figure import Figure

    arms = [arm.name for arm in record.experiment.arms]
    rows = {arm: float(-number) for number, arm in enumerate(arms)}
    rows[START] = -(len(arms) - 1) / 2
    colours = {arm: COLOURS[number % len(COLOURS)] for number, arm in enumerate(arms)} | {START: INK}
    figure = Figure(figsize=(WIDTH, 0.9 + ROW_HEIGHT * max(2, len(arms))), layout="constrained")
    panel = figure.subplots()
    labelled = len(family.members) <= MOST_LABELS
    drawn = {place: member for place, member in family.members.items() if place[0] in rows}
    for (arm, _), member in drawn.items():
        for part in member.parts if not member.kept else ():
            writer = family.writer(part.writer, arm)
            if writer is not None and writer.place.arm in rows:
                _edge(panel, writer, member, part.share, rows, colours[arm], labelled)
    for (arm, turn), member in drawn.items():
        _node(panel, turn, rows[arm], member, colours[arm], labelled)
    generation_axis(panel, record.experiment.generations, first=0)
    panel.set_ylim(-max(1, len(arms) - 1) - 0.75, 0.65)
    panel.set_yticks([rows[arm] for arm in arms], [short(arm) for arm in arms])
    panel.tick_params(axis="y", length=0)
    panel.spines["left"].set_visible(False)
    panel.grid(visible=False)
    _origin_legend(figure, family)
    return figure


def _edge(
    panel: Axes, writer: Member, reader: Member, share: float, rows: dict[str, float], colour: str, labelled: bool
) -> None:
    """From writer to reader; lines that jump over generations bow upwards past the models between."""
    y0, y1 = rows[writer.place.arm], rows[reader.place.arm]
    x0, jump = writer.place.generation, reader.place.generation - writer.place.generation
    from_start = writer.place.arm == START
    bow = 0.0 if jump <= 1 else 0.16 + 0.08 * jump if from_start else 0.22 + 0.06 * jump
    steps = [step / 24 for step in range(25)]
    # lines from the start reach their row within one generation, so that neighbours part early
    ease = [min(1.0, s * jump) if from_start else s for s in steps]
    x = [x0 + jump * s for s in steps]
    y = [y0 + (y1 - y0) * t * t * (3 - 2 * t) + bow * 4 * s * (1 - s) for t, s in zip(ease, steps, strict=True)]
    panel.plot(x, y, color=colour, linewidth=0.6 + 5.0 * share, alpha=0.55, solid_capstyle="butt", zorder=1)
    if labelled:
        at = 18 if jump == 1 else 12
        words, box = f"{100 * share:.0f} %", {"facecolor": "white", "edgecolor": "none", "pad": 0.8, "alpha": 0.85}
        centred: dict[str, Any] = {"ha": "center", "va": "center", "fontsize": 7.5, "zorder": 3}
        panel.annotate(words, (x[at], y[at]), color=colour, bbox=box, **centred)


def _node(panel: Axes, x: float, y: float, member: Member, colour: str, labelled: bool) -> None:
    face = "white" if member.kept else colour
    panel.plot([x], [y], marker="o", markersize=9, color=colour, markerfacecolor=face, linestyle="none", zorder=4)
    left = x - BAR_WIDTH / 2
    for origin, origin_colour in ORIGIN_COLOURS.items() if not member.kept else ():
        width = BAR_WIDTH * sum(part.share for part in member.parts if part.origin == origin)
        panel.barh(y - BAR_BELOW, width, BAR_HEIGHT, left, color=origin_colour, zorder=4)
        left += width
    centred: dict[str, Any] = {"ha": "center", "va": "center", "color": INK, "zorder": 5}
    if member.place.arm == START:
        panel.annotate(START, (x, y + 0.22), **centred)
    if labelled:
        words = "kept" if member.kept else "" if member.depth is None else f"depth {member.depth}"
        panel.annotate(words, (x, y - BAR_BELOW - 0.17), fontsize=7.5, **centred)


def _origin_legend(figure: Figure, family: Family) -> None:
    from matplotlib.patches import Patch

    present = {part.origin for member in family.members.values() for part in member.parts}
    handles = [Patch(color=colour, label=origin) for origin, colour in ORIGIN_COLOURS.items() if origin in present]
    if handles:
        handles.append(Patch(facecolor=FAINT, label="line: share of the training set that the model wrote"))
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), frameon=False)
