"""The family tree in the report: drawn for every shape of run, with an example whose text is escaped."""

from __future__ import annotations

import html
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from selfplay.ledger.ledger import Ledger
from selfplay.ledger.tables import Draw, sample_row
from selfplay.models.folders import START
from selfplay.report.family_figure import Family, draw_family, example_of_ancestors
from selfplay.report.report_page import write_report
from selfplay.report.run_record import RunRecord

Build = Callable[..., Path]


def test_every_model_of_the_first_seed_has_a_place(build_run: Build) -> None:
    with RunRecord.open(build_run([0, 1])) as record:
        family = Family.of(record)
        assert family is not None
        assert family.seed == 0
        assert set(family.members) == {(START, 0)} | {
            (arm, turn) for arm in ("human-only", "unfiltered", "verified") for turn in (1, 2, 3)
        }
        last = family.members["unfiltered", 3]
        writers = [part.writer for part in last.parts if part.origin == "synthetic"]
        assert writers == [family.members["unfiltered", 2].fingerprint]
        found = family.writer(writers[0], "unfiltered")
        assert found is not None
        assert (found.place.arm, found.place.generation) == ("unfiltered", 2)
        assert sum(part.share for part in last.parts) == pytest.approx(1)
        picture = draw_family(record)["family"]
    assert picture.svg.startswith(b"<?xml")
    assert picture.png.startswith(b"\x89PNG")


def test_equal_runs_give_equal_bytes(build_run: Build) -> None:
    pictures = []
    for _ in range(2):
        with RunRecord.open(build_run()) as record:
            pictures.append(draw_family(record)["family"])
    assert pictures[0] == pictures[1]


def test_a_run_without_models_has_no_tree(build_run: Build, tmp_path: Path) -> None:
    run = Path(shutil.copytree(build_run(), tmp_path / "run"))
    shutil.rmtree(run / "ledger")
    with RunRecord.open(run) as record:
        assert draw_family(record) == {}
        assert example_of_ancestors(record) is None
    assert 'id="family"' not in write_report(run).read_text()


def test_the_example_is_an_accepted_sample_where_there_is_one(build_run: Build) -> None:
    with RunRecord.open(build_run()) as record:
        found = example_of_ancestors(record)
        assert found is not None
        sql = "SELECT outcome FROM verdicts WHERE sample_id = ?"
        assert record.connection.execute(sql, [found[0]]).fetchone() == ("accepted",)


def test_hostile_text_of_the_example_is_shown_and_never_obeyed(build_run: Build, tmp_path: Path) -> None:
    run = Path(shutil.copytree(build_run(), tmp_path / "run"))
    ledger = Ledger(run / "ledger")
    for path in ledger.files.of_table("samples"):
        path.unlink()
    ledger.files.set_aside([])
    hostile = "</pre><script>alert(1)</script>\x1b[31m\u202e{{ 7 * 7 }}"
    problem, writer = ledger.rows("SELECT p.id, m.fingerprint FROM problems p, models m LIMIT 1")[0]
    ledger.record(
        "samples", [sample_row(Draw.of("train", writer, "prompt", problem, 0, {}, 1), hostile, "stop", 3, None)]
    )
    page = write_report(run).read_text(encoding="utf-8")
    assert "<script>" not in page
    assert html.escape("</pre><script>alert(1)</script>") in page
    assert "\\x1b[31m\\u202e{{ 7 * 7 }}" in page


@pytest.mark.slow
def test_arms_that_pile_up_and_arms_that_keep_their_model_are_drawn(small_run: Path) -> None:
    with RunRecord.open(small_run) as record:
        family = Family.of(record)
        assert family is not None
        assert [family.members["own", turn].kept for turn in (1, 2, 3)] == [True] * 3
        assert not family.members["unfiltered", 3].kept
        assert [part.written_in for part in family.members["unfiltered", 3].parts] == [None, 0, 1, 2]
        assert "family" in draw_family(record)
        found = example_of_ancestors(record)
        assert found is not None
        assert found[1].count("before it") == 2
