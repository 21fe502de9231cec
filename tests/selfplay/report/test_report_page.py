"""The page: whole, safe with hostile text, offline, for one seed, several and an unfinished run."""

from __future__ import annotations

import csv
import io
import re
import shutil
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from selfplay.cli.app import app
from selfplay.errors import RunError
from selfplay.ledger.ledger import Ledger
from selfplay.report.report_page import write_report
from selfplay.report.score_tables import arms_table, compare_runs

Build = Callable[..., Path]
VOID = {"meta", "img", "br", "hr", "link", "input"}
FIGURES = {"accuracy", "accuracy_by_task", "accepted_share", "outcomes", "diversity", "family"}


class Page(HTMLParser):
    """Tags, attributes and text of a page; fails on tags that do not close."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def one_seed(build_run: Build) -> Path:
    run = build_run([0])
    write_report(run)
    return run


def test_hostile_text_is_shown_and_never_obeyed(one_seed: Path) -> None:
    page = Page(one_seed / "report" / "index.html")
    names = {tag for tag, _ in page.tags}
    assert not names & {"script", "iframe", "svg", "object", "embed", "form", "base"}
    assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
    # the real hostile texts reached the page, as text
    assert "<script>alert(1)</script>" in page.text
    assert "{{ 7 * 7 }}" in page.text
    assert "\\x1b[31m" in page.text
    assert "a\\x00b" in page.text
    assert "\\u202etxet" in page.text
    raw = (one_seed / "report" / "index.html").read_text(encoding="utf-8")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]", raw)


def test_a_very_long_completion_is_cut_and_the_cut_is_said(one_seed: Path) -> None:
    text = Page(one_seed / "report" / "index.html").text
    assert "… 198,800 more characters not shown" in text
    assert "x" * 5000 not in text


def test_nothing_is_loaded_from_anywhere(one_seed: Path) -> None:
    page = Page(one_seed / "report" / "index.html")
    sources = [
        value for _, attributes in page.tags for name in ("src", "srcset", "data") if (value := attributes.get(name))
    ]
    assert len(sources) == len(FIGURES)
    assert all(source.startswith("data:image/svg+xml;base64,") for source in sources)
    links = [attributes["href"] for tag, attributes in page.tags if tag == "a"]
    assert all(link == "scores.csv" or (link or "").startswith("#") for link in links)
    targets = {attributes.get("id") for _, attributes in page.tags}
    assert {(link or "")[1:] for link in links if link != "scores.csv"} <= targets
    style = re.search("<style>.*?</style>", (one_seed / "report" / "index.html").read_text(), re.S)
    assert style is not None
    assert "url(" not in style.group()
    assert "@import" not in style.group()


def test_figures_and_scores_lie_beside_the_page(one_seed: Path) -> None:
    folder = one_seed / "report" / "figures"
    assert {path.name for path in folder.iterdir()} == {f"{name}.{end}" for name in FIGURES for end in ("png", "svg")}
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in folder.glob("*.png"))
    with (one_seed / "report" / "scores.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["seed", "arm", "generation", "task", "measure", "value", "low", "high", "n"]
    assert len(rows) == Ledger(one_seed / "ledger").rows("SELECT count(*) FROM scores")[0][0]
    accuracy = [row for row in rows if (row["measure"], row["task"]) == ("accuracy", "all")]
    assert len(accuracy) == 10
    assert all(float(row["low"]) <= float(row["value"]) <= float(row["high"]) for row in accuracy)
    assert [row["arm"] for row in accuracy[::3]] == ["start", "human-only", "unfiltered", "verified"]


def test_the_page_says_the_numbers_of_the_ledger(one_seed: Path) -> None:
    text = Page(one_seed / "report" / "index.html").text
    sql = "SELECT value FROM scores WHERE arm = 'verified' AND generation = 3 AND task = 'all' AND measure = 'accuracy'"
    value = Ledger(one_seed / "ledger").rows(sql)[0][0]
    assert f"verified {100 * value:.1f} %" in text
    assert "verified is" in text
    assert "points above unfiltered" in text
    assert "stand in for human data" in text
    assert "landlock" in text
    assert "unreadable_answer" in text
    assert "of them truncated" in text


def test_writing_again_gives_the_same_bytes_and_leaves_nothing_behind(one_seed: Path) -> None:
    report = one_seed / "report"
    before = {path: path.read_bytes() for path in report.rglob("*") if path.is_file()}
    write_report(one_seed)
    assert {path: path.read_bytes() for path in report.rglob("*") if path.is_file()} == before
    assert not list(one_seed.rglob("*.tmp"))


def test_several_seeds_give_means_and_rows_by_seed(build_run: Build) -> None:
    run = build_run([3, 4, 5], generations=1)
    page = Page(write_report(run))
    assert "as a mean over 3 seeds" in page.text
    assert page.text.count("seed 4") == 3
    assert "Student's t 95 % intervals over seeds" in page.text


def test_an_unfinished_run_says_so_and_compares_what_all_arms_reached(build_run: Build) -> None:
    run = build_run([0, 1], models=6, generations=2)
    page = Page(write_report(run))
    assert "This run is not finished: 6 of 14 models" in page.text
    assert "After generation 1 held-out accuracy" in page.text


def words(run: Path) -> str:
    """The table of arms as a terminal shows it, in one line."""
    console = Console(file=io.StringIO(), width=300)
    console.print(arms_table(run))
    return " ".join(console.file.getvalue().split())  # type: ignore[attr-defined]


def test_a_stopped_arm_stands_in_the_headline_and_in_the_tables(build_run: Build) -> None:
    arms = [{"name": "human-only", "data": "human"}, {"name": "unfiltered", "data": "human+synthetic", "keep": "all"}]
    run = build_run([0], models=4, generations=2, arms=arms, name="stopped")
    row = {"seed": 0, "arm": "unfiltered", "generation": 1, "kind": "stop", "condition": "{}", "stops": "arm"}
    row |= {"measure": "accuracy", "task": "all", "value": 0.4, "words": "accuracy is 0.4, below 0.5"}
    assert "This run is not finished: 4 of 5 models" in Page(write_report(run)).text
    Ledger(run / "ledger").record("alarms", [row])
    text = Page(write_report(run)).text
    assert f"Run {run.name}, stopped" in text
    assert "finished" not in text
    assert "so 1 of 5 models are not made: unfiltered of seed 0 from generation 2 on." in text
    assert "Stopped by a `stop_when`: unfiltered of seed 0 from generation 2 on was not made." in words(run)
    assert f"Stopped by a `stop_when`: {run.name} (unfiltered of seed 0 from generation 2 on)." in compare_runs([run])


def test_verdicts_under_a_shared_seal_are_said(build_run: Build) -> None:
    run = build_run([0], models=1, generations=1, name="sealed")
    row = {"outcome": "accepted", "reason": "passed", "detail": "{}", "score": None, "seconds": 0.1, "verifier": "code"}
    row |= {"version": "1", "settings_hash": "abc"}
    ledger = Ledger(run / "ledger")
    ledger.record("verdicts", [{**row, "sample_id": "one", "sandbox": "namespaces"}])
    assert "can forge" not in Page(write_report(run)).text + words(run) + printed(run)
    ledger.record("verdicts", [{**row, "sample_id": "other", "sandbox": "namespaces, seal: shared"}])
    sentence = (
        "Some programs were judged with `seal: shared`: a program that sets out to can forge such a verdict "
        "(docs/judge-code.md)."
    )
    for text in (Page(write_report(run)).text, words(run), printed(run)):
        assert text.count(sentence) == 1


def printed(run: Path) -> str:
    """What `selfplay report` prints."""
    return CliRunner().invoke(app, ["report", str(run)]).stdout


def test_a_run_without_any_sample_still_has_a_page(build_run: Build) -> None:
    run = build_run([0], models=1, generations=0, arms=[{"name": "human-only", "data": "human"}])
    shutil.rmtree(run / "ledger")
    (run / "ledger").mkdir()
    page = Page(write_report(run))
    assert "Nothing has been evaluated yet" in page.text
    assert not [tag for tag, _ in page.tags if tag == "img"]


def test_the_writer_of_a_running_run_is_not_disturbed(build_run: Build) -> None:
    run = build_run([0], models=2, generations=1)
    unfinished = run / "ledger" / "samples-0123456789abcdef.tmp"
    unfinished.write_bytes(b"the driver is writing this")
    write_report(run)
    assert unfinished.read_bytes() == b"the driver is writing this"


def test_a_kept_model_is_noted(build_run: Build) -> None:
    nothing = {"name": "nothing", "data": "synthetic", "keep": "verified"}
    run = build_run([0], models=1, generations=1, arms=[nothing])
    row = {"fingerprint": "f", "path": "m", "parent": "f", "training_set_id": "t", "distill": "{}", "seed": 0}
    row |= {"arm": "nothing", "generation": 1, "parameters": 1, "outcome": "kept: the training set was empty"}
    Ledger(run / "ledger").record("models", [row])
    assert "nothing kept its model in generation 1 of seed 0" in Page(write_report(run)).text


def test_a_folder_that_is_no_run_is_refused_and_left_alone(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"is not a run directory: it has no experiment\.yaml"):
        write_report(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_config_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "experiment.yaml").write_text("name: [")
    with pytest.raises(RunError, match=r"cannot be read as a run: .* is not valid YAML"):
        write_report(tmp_path)


def test_a_report_that_cannot_be_written_is_one_sentence(build_run: Build, tmp_path: Path) -> None:
    arms = [{"name": "human-only", "data": "human"}]
    run = shutil.copytree(build_run([0], models=0, generations=0, arms=arms), tmp_path / "run")
    (run / "report").write_text("a file in the way")
    with pytest.raises(RunError, match=r"Cannot write the report under .*: .*; make room"):
        write_report(run)
