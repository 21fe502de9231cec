"""A model that writes hostile text, through every real path to a person: ledger, report, tables, progress, listings."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from selfplay.cli.app import app
from selfplay.ledger.ledger import Ledger
from selfplay.ledger.tables import Draw, as_json, problem_row, sample_row, storable
from selfplay.report.report_page import scores_csv, write_report
from selfplay.report.run_record import Score
from selfplay.report.score_tables import arms_table, compare_runs
from selfplay.run.progress import RunView
from selfplay.tasks.problem import Problem

TEXTS = {
    "html": "</pre><script>alert(1)</script><img src=x onerror=alert(2)>&lt;",
    "markup": "[bold red]x[/] [/] [link=https://evil.example]y[/link] \\[",
    "escapes": "\x1b[2J\x1b]0;title\x07\x1b[31mred \x9b2J \r\b\x08",
    "nul": "a\x00b\x00",
    "surrogate": "a\ud800b\udfff",
    "megabyte": "x" * 1_000_000,
    "overrides": "\u202etxet\u202c \u2066a\u2069 \u200b\ufeff\u2028",
    "formula": '=cmd|\' /C calc\'!A0",=HYPERLINK("https://evil.example")',
}
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
Build = Callable[..., Path]


@pytest.fixture(scope="module")
def run(build_run: Build) -> Path:
    """A run whose first arm's model wrote all of the texts."""
    path = build_run([0], name="hostile")
    ledger = Ledger(path / "ledger")
    model = ledger.rows("SELECT fingerprint FROM models WHERE generation = 1 ORDER BY arm LIMIT 1")[0][0]
    samples, verdicts, problems = [], [], []
    for name, text in TEXTS.items():
        problem = Problem(
            prompt=f"{name} {storable(text)}",
            reference={"answer": storable(text)[:200]},
            verifier="math",
            solution=storable(text),
            solution_origin="procedural",
            source="fractions",
            split="train",
            twin_key=name,
        )
        problems.append(problem_row(problem))
        draw = Draw.of("train", model, "prompt", problem.id, 0, {"temperature": 1.0}, 1)
        samples.append(sample_row(draw, text, "stop", len(text), None))
        verdicts.append(
            {
                "sample_id": draw.id,
                "outcome": "rejected",
                "reason": f"zz_{name}",
                "detail": as_json({"read": text[:3000]}),
                "score": None,
                "seconds": 0.1,
                "verifier": "math",
                "version": "1",
                "settings_hash": "h",
                "sandbox": None,
            }
        )
    for table, rows in (("problems", problems), ("samples", samples), ("verdicts", verdicts)):
        ledger.record(table, rows)
    return path


def sample_ids(run: Path) -> dict[str, str]:
    sql = "SELECT substr(reason, 4), id FROM samples JOIN verdicts ON sample_id = id WHERE reason LIKE 'zz_%'"
    return dict(Ledger(run / "ledger").rows(sql))


@pytest.mark.parametrize("name", TEXTS)
def test_the_ledger_gives_back_what_was_written(run: Path, name: str) -> None:
    rows = Ledger(run / "ledger").rows("SELECT completion FROM samples WHERE id = ?", [sample_ids(run)[name]])
    assert rows == [(storable(TEXTS[name]),)]
    if name == "surrogate":
        assert rows == [("a\\ud800b\\udfff",)]


def test_the_report_shows_and_obeys_none_of_it(run: Path) -> None:
    page = write_report(run).read_text(encoding="utf-8")
    assert not OBEYED.search(page)
    assert "<script" not in page
    assert "onerror=alert" not in re.sub(r"&lt;img.*?&gt;", "", page)
    assert "x" * 10_000 not in page
    assert page.count("</pre>") == page.count("<pre")


def test_tables_for_a_terminal_hold_no_control_characters(run: Path) -> None:
    printed = io.StringIO()
    Console(file=printed, width=120, force_terminal=True, color_system=None).print(arms_table(run))
    assert not re.search("\x1b\\[2J|\x00|\u202e", printed.getvalue())
    assert not OBEYED.search(compare_runs([run]))


@pytest.mark.parametrize("name", TEXTS)
def test_lineage_shows_it_in_text_and_json(run: Path, name: str) -> None:
    sample = sample_ids(run)[name]
    for arguments in ([], ["--json"], ["--full"]):
        done = CliRunner().invoke(app, ["lineage", str(run), sample, *arguments])
        assert done.exit_code == 0, done.output
        assert not OBEYED.search(done.stdout)
        if not arguments:
            assert len(done.stdout) < 100_000
        if arguments == ["--json"]:
            json.loads(done.stdout)


def test_a_query_as_a_table_holds_no_control_characters(run: Path) -> None:
    sql = "SELECT completion FROM samples JOIN verdicts ON sample_id = id WHERE reason LIKE 'zz_%'"
    done = CliRunner().invoke(app, ["ledger", "query", str(run), sql])
    assert done.exit_code == 0, done.output
    assert not OBEYED.search(done.stdout)


@pytest.mark.parametrize("name", TEXTS)
def test_progress_and_log_lines_are_text(name: str) -> None:
    for terminal in (True, False):
        printed = io.StringIO()
        view = RunView(Console(file=printed, width=200, force_terminal=terminal, color_system=None), 3)
        with view:
            view.place(0, TEXTS[name], 1)
            with view.step(TEXTS[name], 10, "samples") as meter:
                meter.update(10, TEXTS[name])
            view.line(TEXTS[name])
        # What rich itself writes to move its bars stays; what the text asked for does not.
        shown = re.sub("\x1b\\[[0-9?;]*[A-KMhlm]|\r", "", printed.getvalue())
        assert not OBEYED.search(shown), name
        assert "\x1b[2J" not in printed.getvalue()


def test_scores_open_in_a_spreadsheet_as_text() -> None:
    names = ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", 'a"b,c\nd']
    scores = [Score(0, name, 1, name, "accuracy", -0.5, None, None, 4) for name in names]
    rows = list(csv.reader(io.StringIO(scores_csv(scores))))[1:]
    assert len(rows) == len(names)
    for row, name in zip(rows, names, strict=True):
        assert row[1] == {"a": name, "\r": "\\x0d=1"}.get(name[0], f"'{name}")
        assert row[1] == row[3]
        assert row[5] == "-0.5", "a number stays one"


def test_verify_takes_and_gives_every_text(tmp_path: Path) -> None:
    rows = [{"id": text, "reference": {"answer": "1"}, "completion": text} for text in TEXTS.values()]
    rows += [
        {"id": f"b{at}", "reference": {"answer": text[:99]}, "completion": "1"}
        for at, text in enumerate(TEXTS.values())
    ]
    given, got = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    given.write_text("\n".join(map(json.dumps, rows)))
    done = CliRunner().invoke(app, ["verify", "math", "--input", str(given), "--output", str(got)])
    assert done.exit_code == 0, done.output
    assert not OBEYED.search(done.output)
    raw = got.read_text(encoding="ascii")
    assert not OBEYED.search(raw)
    lines = [json.loads(line) for line in raw.splitlines()]
    assert [line["id"] for line in lines] == [row["id"] for row in rows]
    assert not [line for line in lines if line["outcome"] == "accepted"]
    assert not [line for line in lines[: len(TEXTS)] if line["reason"] == "fault"], "a hostile completion is no fault"


def test_errors_that_quote_hostile_text_are_one_printable_sentence(tmp_path: Path) -> None:
    for text in (TEXTS["escapes"], TEXTS["overrides"], TEXTS["markup"]):
        done = CliRunner().invoke(app, ["verifiers", "show", text])
        assert done.exit_code == 2
        assert not OBEYED.search(done.stderr)


PLUGIN = """
from typing import ClassVar
from pydantic import Field
from selfplay.tasks import Problem, TaskSource

HOSTILE = {hostile!r}

class Asks(TaskSource):
    __doc__ = "[bold]asks[/] [/] " + HOSTILE
    name: ClassVar[str] = "asks[/]"
    verifier: ClassVar[str] = "math[/]"
    solution_origin: ClassVar[str] = "procedural"
    endless: ClassVar[bool] = True
    key: str = Field(default=HOSTILE, description="[/] " + HOSTILE)

    def problems(self, split, seed):
        yield Problem(prompt=HOSTILE, reference={{"answer": HOSTILE}}, verifier="math", solution=HOSTILE,
                      solution_origin="procedural", source="asks", split=split, twin_key="1")
"""


@pytest.mark.parametrize("name", [name for name in TEXTS if name != "surrogate"])
def test_a_strangers_source_is_listed_and_shown_as_text(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "plugin.py"
    file.write_text(PLUGIN.format(hostile=TEXTS[name]))
    done = CliRunner().invoke(app, ["tasks", "show", f"{file}:Asks", "-n", "1"])
    assert done.exit_code == 0, done.output
    assert not OBEYED.search(done.stdout), name
    assert "[bold]asks[/] [/]" in done.stdout

    from selfplay.tasks.plugins import Listed, PluginGroup
    from selfplay.tasks.registry import source_class

    kind: Any = source_class(f"{file}:Asks")
    monkeypatch.setattr(PluginGroup, "listed", lambda group: [Listed("asks[/]", "a package", kind)])
    listed = CliRunner().invoke(app, ["tasks", "list"])
    assert listed.exit_code == 0, listed.output
    assert not OBEYED.search(listed.stdout), name
    assert "[bold]asks[/]" in "".join(listed.stdout.split())
