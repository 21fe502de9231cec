"""A lineage as a tree of text. Every line is freed of control characters: a model's text must not reach a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from selfplay.hostile_text import visible
from selfplay.ledger.family_tree import Lineage, ModelLineage, ModelStep, Place, ProblemLineage, SampleLineage

SHOWN = 160
"""Characters of a prompt or completion, unless all of it is wanted."""
CHECK = "the ledger does not hold the problem; see `selfplay ledger check`"
PLACES = 4
"""Places of one model that a line lists."""


def lines(found: Lineage, *, full: bool = False) -> list[str]:
    """The tree, a line each; with `full` texts are whole, with their own line breaks."""
    if isinstance(found, SampleLineage):
        drawn = _sample(found, full)
    elif isinstance(found, ModelLineage):
        drawn = _model(found)
    else:
        drawn = _problem(found, full)
    return [visible(line) for text in drawn for line in text.split("\n")]


def _sample(found: SampleLineage, full: bool) -> Iterator[str]:
    yield f"sample {found.id}"
    if found.prompt is None:
        yield f"│  prompt      lost: {CHECK}"
    else:
        yield from _text("prompt", found.prompt, full)
    yield from _text("completion", found.completion, full)
    verdict = f"{found.outcome}, {found.reason} ({found.verifier})" if found.outcome else "none yet"
    yield f"│  verdict     {verdict}"
    task = found.task or "an unknown task"
    yield f"│  problem     {found.problem_id} of {task}, draw {found.index} ({found.purpose})"
    yield f"│  depth       {_depth(found.depth, found.depth_mean) or 'unknown'}"
    yield f"│  trained     {_places(found.trained) if found.trained else 'no model'}"
    yield from _line("written by", found.line)


def _model(found: ModelLineage) -> Iterator[str]:
    step = found.line[0]
    yield f"model {found.fingerprint}"
    yield f"│  place       {_places(step.places)}"
    if step.rows:
        depths = ", ".join(f"{rows:,} rows at {depth}" for depth, rows in found.depths.items())
        yield f"│  data        {step.rows:,} rows, by depth: {depths}"
        yield f"│  verdicts    {_counts(found.outcomes)}"
    yield f"│  wrote       {_counts(found.written) if found.written else 'no samples'}"
    yield from _line("this model", found.line)


def _problem(found: ProblemLineage, full: bool) -> Iterator[str]:
    yield f"problem {found.id} of {found.task} ({found.split})"
    yield from _text("prompt", found.prompt, full)
    if found.worked is not None:
        yield f"│  worked      {found.worked['id']} ({found.worked['origin']})"
        yield from _text("solution", found.worked["completion"], full)
    yield f"│  samples     {_counts(found.samples) if found.samples else 'none were written for it'}"
    if not found.touched:
        yield "└─ it touched no model"
        return
    direct = sum(touched.directly for touched in found.touched)
    yield f"└─ it touched {len(found.touched)} of {found.models} models, {direct} of them directly"
    for number, touched in enumerate(found.touched):
        ways = ["in its training set"] if touched.directly else []
        if touched.through:
            ways.append(f"through {', '.join(_known_as(key, touched.place.arm, found) for key in touched.through)}")
        branch = "└─" if number == len(found.touched) - 1 else "├─"
        yield f"   {branch} {_place(touched.place)}  {touched.fingerprint}  {' and '.join(ways)}"


def _known_as(fingerprint: str, arm: str, found: ProblemLineage) -> str:
    """A touched model by arm and generation: by its place in the given arm where it has one."""
    places = [touched.place for touched in found.touched if touched.fingerprint == fingerprint]
    place = next((place for place in places if place.arm == arm), places[0])
    return f"{place.arm} {place.generation}"


def _line(first: str, line: list[ModelStep]) -> Iterator[str]:
    """Each model under the one that learnt from it."""
    if not line:
        yield f"└─ {first} a model that this run does not record"
    for number, step in enumerate(line):
        indent = "   " * number
        label = first if number == 0 else "before it"
        yield f"{indent}└─ {label} {step.fingerprint}: {_places(step.places)}; {step.outcome}"
        below = f"{indent}   │  " if number < len(line) - 1 else f"{indent}      "
        depth = f", depth {_depth(step.depth, step.depth_mean)}" if step.depth is not None else ""
        if step.training_set is None:
            yield f"{below}not trained in this run{depth}"
            continue
        yield f"{below}trained from the {step.started_from} on set {step.training_set}: {step.rows:,} rows{depth}"
        for part in step.parts:
            writer = f" by {part.writer}" if part.writer else ""
            turn = f" (generation {part.written_in})" if part.written_in is not None else ""
            yield f"{below}  {part.share:6.1%}  {part.rows:>7,} {part.origin}{writer}{turn}"


def _text(label: str, text: str, full: bool) -> Iterator[str]:
    if full:
        yield f"│  {label}"
        for line in text.split("\n"):
            yield f"│     {line}"
        return
    shown = text.replace("\n", "\\n").replace("\t", "\\t")
    left_out = len(shown) - SHOWN
    yield f"│  {label:<11} {shown[:SHOWN]}" + (f"… {left_out:,} more characters: --full" if left_out > 0 else "")


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{number:,} {name}" for name, number in counts.items())


def _depth(depth: int | None, mean: float | None) -> str:
    return "" if depth is None or mean is None else f"{depth} (mean {mean:.2f})"


def _places(places: list[Place]) -> str:
    shown = ", ".join(_place(place) for place in places[:PLACES])
    return shown + (f" and {len(places) - PLACES} more" if len(places) > PLACES else "")


def _place(place: Place) -> str:
    return f"seed {place.seed} {place.arm} generation {place.generation}"
