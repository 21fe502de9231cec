"""An audit as a table in Markdown, and as one page that opens offline, with the files beside it.

index.html    the page      table.md    the table      audit.json   the record
rows.jsonl    every row with its label and its verdict
"""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from selfplay.errors import RunError
from selfplay.hostile_text import excerpt
from selfplay.report.escaping import counted, page_environment
from selfplay.tasks.intervals import Share
from selfplay.tasks.whole_file import write_whole
from selfplay.verifiers.audit.audit import Audit, Judged
from selfplay.verifiers.audit.record import Counts, Record, write

SHOWN = 40
"""Rows shown of each kind; all are in rows.jsonl."""
CHARACTERS = 700
LABEL_WORDS = {"right": "right", "wrong": "wrong", "doubtful": "unproved"}


def write_audit(done: Audit, folder: Path) -> Path:
    """Write the files of an audit; returns the page.

    Raises:
        RunError: the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write(done.record, folder / "audit.json")
        write_whole(folder / "table.md", markdown(done.record))
        write_whole(folder / "rows.jsonl", "".join(json.dumps(_line(one)) + "\n" for one in done.rows))
        write_whole(folder / "index.html", page(done))
    except OSError as error:
        raise RunError(f"Cannot write the audit under {folder}: {error.strerror}; give another --output.") from None
    return folder / "index.html"


def markdown(record: Record) -> str:
    """The record as text with a table."""
    lines = [
        f"{record.verifier} {record.version}, settings {json.dumps(record.settings)} ({record.settings_hash})",
        "",
        "| rows | from | kind | n | accepted | rejected | undecided | accepted share, 95 % interval |",
        "| --- | --- | --- | ---: | ---: | ---: | ---: | --- |",
    ]
    for label, where, kind, counts in table(record):
        numbers = f"{counts.rows:,} | {counts.accepted:,} | {counts.rejected:,} | {counts.undecided:,}"
        cell = " ".join(kind.replace("|", "\\|").split())
        lines.append(f"| {label} | {where} | {cell} | {numbers} | {share(counts.share_accepted)} |")
    return "\n".join([*lines, "", *(f"- {sentence}" for sentence in sentences(record)), ""])


def table(record: Record) -> Iterator[tuple[str, str, str, Counts]]:
    """(label, where from, kind, counts): the totals first, then by category."""
    yield "right", "all", "all", record.total("right")
    yield "wrong", "all but attacks", "all", record.total("wrong")
    if (doubtful := record.total("doubtful")).rows:
        yield LABEL_WORDS["doubtful"], "all", "all", doubtful
    if (tried := record.total("wrong", attacks=True)).rows:
        yield "wrong", "attacks", "all", tried
    for one in record.categories:
        where = "attacks" if one.group == "attacks" else f"{one.group}, {one.origin}"
        yield LABEL_WORDS[one.label], where, one.category, one.counts


def sentences(record: Record) -> list[str]:
    """What the table does not say."""
    found = []
    doubtful = record.total("doubtful")
    if doubtful.rows:
        wrong = record.total("wrong")
        most = Share.of(wrong.accepted + doubtful.accepted, wrong.rows + doubtful.rows)
        found.append(
            f"Of {doubtful.rows:,} rows that were made wrong without proof {doubtful.accepted:,} are accepted. Some "
            f"may be right after all; if none is, {share(most)} of all wrong rows are accepted."
        )
    for kind, count in record.left_out.items():
        found.append(f"Left out, because the change left them right: {count:,} rows of kind “{kind}”.")
    again = ", ".join(f"{way}: {count:,}" for way, count in record.again.differing.items())
    found.append(f"Judged again ({record.again.rows:,} rows), rows with another verdict: {again}.")
    found += record.again.examples
    speed = record.speed
    found.append(
        f"Time of a verdict: p50 {speed.p50_ms:.2f} ms, p99 {speed.p99_ms:.2f} ms, longest {speed.longest_ms:.1f} ms "
        f"({speed.rows:,} rows, {counted(speed.workers, 'worker')}, attacks left out)."
    )
    if record.memory_mb is not None:
        found.append(f"Memory of the workers and all below them, attacks included: peak {record.memory_mb:,.0f} MiB.")
    if record.sandbox:
        found.append(f"Sandbox: {record.sandbox}.")
    if record.second:
        second = record.second
        found.append(
            f"{second.name} {second.version} ({second.settings_hash}) gives the same outcome on "
            f"{share(Share.of(second.agree, second.rows))} of {second.rows:,} rows; {second.only_first_accepts:,} are "
            f"accepted by {record.verifier} alone, {second.only_second_accepts:,} by {second.name} alone, "
            f"{second.undecided:,} differ with one undecided."
        )
    found += [f"{note[:1].upper()}{note[1:]}." for note in record.notes]
    platform = ", ".join(f"{key} {value}" for key, value in record.environment.items())
    return [*found, f"{record.when}; {platform}."]


def page(done: Audit) -> str:
    """The page as HTML."""
    record = done.record
    wrong = [one for one in done.rows if one.is_wrong]
    doubtful = "Each is a wrong completion that passed, or one that is right after all."
    groups = (
        ("Wrong, and accepted", "", [one for one in wrong if one.row.label == "wrong"]),
        ("Right, and rejected", "", [one for one in wrong if one.row.label == "right"]),
        ("Undecided", "", [one for one in done.rows if one.outcome == "undecided"]),
        (
            "Made wrong without proof, and accepted",
            doubtful,
            [one for one in done.rows if one.row.label == "doubtful" and one.outcome == "accepted"],
        ),
        ("The second verifier disagrees", "", [one for one in done.rows if one.disagrees]),
    )
    shown = [(title, why, len(rows), [_shown(one) for one in _spread(rows)]) for title, why, rows in groups if rows]
    template = page_environment().get_template("audit.html.j2")
    html: str = template.render(
        record=record,
        settings=json.dumps(record.settings),
        asked=json.dumps(record.asked, ensure_ascii=False),
        command=command(record),
        table=list(table(record)),
        totals=2 + bool(record.total("doubtful").rows) + bool(record.total("wrong", attacks=True).rows),
        share=share,
        sentences=sentences(record),
        groups=shown,
    )
    return html


def command(record: Record) -> str:
    """The command that asks for the same audit."""
    asked: Any = record.asked
    words = ["selfplay", "verifiers", "audit", record.verifier]
    for source in asked["sources"]:
        settings = "".join(f",{key}={value}" for key, value in source.items() if key != "source")
        words += ["--source", f"{source['source']}{settings}"]
    if "labelled" in asked:
        words += ["--labelled", asked["labelled"]["file"]]
    words += [f"--set={key}={json.dumps(value)}" for key, value in record.settings.items()]
    words += ["-n", str(asked["problems"]), "--seed", str(asked["seed"])]
    return shlex.join(words)


def share(value: Share) -> str:
    """Such as `12.6 % (8.3 to 18.6)`."""
    if value.value is None or value.low is None or value.high is None:
        return "–"
    return f"{100 * value.value:.1f} % ({100 * value.low:.1f} to {100 * value.high:.1f})"


def _spread(rows: Sequence[Judged]) -> list[Judged]:
    """At most `SHOWN`, each category before any comes again."""
    turns: Counter[str] = Counter()
    keyed = []
    for place, one in enumerate(rows):
        turns[one.row.category] += 1
        keyed.append((turns[one.row.category], place))
    return [rows[place] for _, place in sorted(keyed)[:SHOWN]]


def _shown(one: Judged) -> dict[str, Any]:
    row, verdict = one.row, one.judgement.verdict
    texts = {
        "prompt": row.prompt or "",
        "completion": row.completion,
        "reference": json.dumps(row.reference, ensure_ascii=False),
        "detail": json.dumps(verdict.detail, ensure_ascii=False),
    }
    return {
        "row": row,
        "verdict": verdict,
        "second": one.second.verdict if one.disagrees and one.second else None,
        "texts": [(name, excerpt(text, CHARACTERS)) for name, text in texts.items() if text],
    }


def _line(one: Judged) -> dict[str, Any]:
    keys = ("id", "label", "group", "origin", "category", "change", "reference", "completion")
    verdict = one.judgement.verdict
    line: dict[str, Any] = {key: getattr(one.row, key) for key in keys}
    line |= {
        "outcome": one.outcome,
        "reason": verdict.reason,
        "detail": verdict.detail,
        "seconds": one.judgement.seconds,
    }
    if one.second is not None:
        line["second"] = {"outcome": one.second.verdict.outcome, "reason": one.second.verdict.reason}
    return line
