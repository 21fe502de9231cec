"""What leaves a run for people: a draw of verdicts to label blind, and what they found right as worked examples.

    index.html     a page: one sample at a time, r / w / u label it, it saves a file of labels
    samples.csv    the same for a spreadsheet, with the verdict's sandbox and empty columns `label` and `note`
    samples.jsonl  the same as JSON lines

The page loads nothing, and its content security policy lets run its own script alone. Texts are put in as text, with
their hidden characters shown as escapes. The order is random.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

from markupsafe import Markup

from selfplay.errors import RunError
from selfplay.hostile_text import visible
from selfplay.ledger.ledger import Ledger
from selfplay.report.escaping import as_csv, page_environment
from selfplay.review import label_store
from selfplay.review.strata import draw, population, strata
from selfplay.tasks.problem import content_hash
from selfplay.tasks.whole_file import write_whole

MOST_CHARACTERS = 20_000
"""Of one text; longer ones are cut, and the cut is said."""


def export(run: Path, *, count: int, seed: int, output: Path | None, second: Path | None) -> str:
    """Draw and write; returns a sentence with the page's path.

    Args:
        count: verdicts to draw at most.
        seed: of the draw.
        output: the folder; None: RUN/review/export-COUNT-SEED.
        second: verdicts of another verifier on samples of this run, as `selfplay verify` writes them.

    Raises:
        RunError: no such run, no verdicts in it, a file that cannot be read or written.
    """
    ledger = Ledger.of_run(run)
    everything = population(ledger)
    if not everything:
        raise RunError(f"{run} has no verdict of a verifier: it has just begun, or all was cut at max_tokens.")
    found = strata(everything, _outcomes(second) if second else {})
    drawn = draw(found, count, seed)
    name = content_hash([[stratum.key, len(members)] for stratum, members in found.items()])
    chosen = [(one.id, stratum) for stratum, members in drawn.items() for one in members]
    Random(f"review order {seed}").shuffle(chosen)
    samples = _samples(ledger, [sample for sample, _ in chosen])
    folder = output or run / "review" / f"export-{count}-{seed}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / "samples.jsonl", "".join(json.dumps(sample) + "\n" for sample in samples))
        write_whole(folder / "samples.csv", as_csv(samples[0], (sample.values() for sample in samples)))
        write_whole(folder / "index.html", page(run.resolve().name, name, samples))
    except OSError as error:
        raise RunError(f"Cannot write under {folder}: {error.strerror}; give another --output.") from None
    rows = [
        {"draw": name, "sample_id": sample, "stratum": stratum.key, "size": len(found[stratum])}
        for sample, stratum in chosen
    ]
    known = {(row["draw"], row["sample_id"]) for row in label_store.read(run, "draws")}
    new = [row for row in rows if (row["draw"], row["sample_id"]) not in known]
    if new:
        label_store.write(run, "draws", new)
    return (
        f"{len(chosen):,} of {len(everything):,} verdicts, from {len(found)} strata. Open {folder / 'index.html'}, "
        f"label, save, then: selfplay review import {run} labels.json --who NAME"
    )


def write_training_set(run: Path, output: Path) -> str:
    """Write what people found right as worked examples of origin human; returns how many in a sentence.

    A line is `{"prompt", "reference", "solution", "answer"?, "source", "sample_id", "labelled_by", "written_by"}`. A
    person chose each, and a model wrote it: `written_by` says which. docs/review.md shows the task that reads them.

    Raises:
        RunError: no such run, none is right, or the file cannot be written.
    """
    said = defaultdict(list)
    for label in label_store.labels_of(run):
        said[label.sample_id].append(label)
    right = {sample: words for sample, words in said.items() if label_store.together(words) == "right"}
    sql = """SELECT s.id, p.prompt, p.reference, s.completion, p.source, s.model FROM samples s
             JOIN problems p ON p.id = s.problem_id WHERE s.id IN (SELECT unnest(?)) ORDER BY s.id"""
    rows = Ledger.of_run(run).rows(sql, [sorted(right)])
    if not rows:
        raise RunError(f"{run} has no sample that people found right; import labels first.")
    lines = []
    for sample, prompt, reference, completion, source, model in rows:
        known = json.loads(reference)
        line = {"prompt": prompt, "reference": known, "solution": completion, "source": source, "sample_id": sample}
        line |= {key: known[key] for key in ("answer", "entry_point", "tests", "setup", "prefix") if key in known}
        line |= {"origin": "human", "labelled_by": sorted({one.who for one in right[sample]}), "written_by": model}
        lines.append(json.dumps(line) + "\n")
    try:
        write_whole(output, "".join(lines))
    except OSError as error:
        raise RunError(f"Cannot write {output}: {error.strerror}; give another --output.") from None
    return f"{len(lines):,} examples in {output}"


def page(run: str, name: str, samples: Sequence[Mapping[str, Any]]) -> str:
    """The page as HTML."""
    folder = Path(__file__).parent
    script = (folder / "label.js").read_text(encoding="utf-8").strip()
    digest = base64.b64encode(hashlib.sha256(f"\n{script}\n".encode()).digest()).decode()
    data = {"run": visible(run), "draw": name, "samples": [_shown(sample) for sample in samples]}
    # inside <script type="application/json"> only `</` and `<!--` end or change what is read
    text = json.dumps(data).replace("<", "\\u003c")
    template = page_environment().from_string((folder / "label.html.j2").read_text(encoding="utf-8"))
    html: str = template.render(run=run, digest=digest, script=Markup(script), data=Markup(text))
    return html


def _shown(sample: Mapping[str, Any]) -> dict[str, Any]:
    shown = {"id": sample["id"]}
    for key in ("task", "prompt", "reference", "completion"):
        text = str(sample[key])
        cut = len(text) - MOST_CHARACTERS
        shown[key] = visible(text[:MOST_CHARACTERS]) + (f" … {cut:,} more characters not shown" if cut > 0 else "")
    return shown


def _samples(ledger: Ledger, ids: Sequence[str]) -> list[dict[str, Any]]:
    sql = """SELECT s.id, p.source, p.prompt, p.reference, s.completion, coalesce(v.sandbox, '') FROM samples s
             JOIN problems p ON p.id = s.problem_id JOIN verdicts v ON v.sample_id = s.id
             WHERE s.id IN (SELECT unnest(?))"""
    keys = ("id", "task", "prompt", "reference", "completion", "sandbox")
    found = {row[0]: dict(zip(keys, row, strict=True)) for row in ledger.rows(sql, [list(ids)])}
    return [found[one] | {"label": "", "note": ""} for one in ids]


def _outcomes(file: Path) -> dict[str, str]:
    """Outcome by sample id, from verdicts of another verifier."""
    try:
        lines = file.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise RunError(f"Cannot read {file} ({error}); give what `selfplay verify` wrote.") from None
    found = {}
    for number, line in enumerate(lines, start=1):
        try:
            row = json.loads(line) if line.strip() else {"id": None}
            if row["id"] is not None:
                found[str(row["id"])] = str(row["outcome"])
        except (ValueError, KeyError, TypeError, RecursionError):
            raise RunError(f"{file}, line {number} is no verdict with `id` and `outcome`; repair it.") from None
    return found
