"""Lineage of a real run of three generations: depths, lines to generation 0, what an example touched."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from selfplay.cli.app import app
from selfplay.errors import RunError
from selfplay.ledger import printed_tree
from selfplay.ledger.family_tree import ModelLineage, Place, ProblemLineage, SampleLineage, trace
from selfplay.ledger.ledger import Ledger

pytestmark = pytest.mark.slow


@pytest.fixture
def ledger(small_run: Path) -> Ledger:
    return Ledger.of_run(small_run)


def model_at(ledger: Ledger, arm: str, generation: int) -> str:
    sql = "SELECT fingerprint FROM models WHERE arm = ? AND generation = ?"
    return str(ledger.rows(sql, [arm, generation])[0][0])


def test_depth_grows_by_one_a_generation_and_not_where_nothing_is_learnt(ledger: Ledger) -> None:
    found = {(arm, turn): depths for arm, turn, *depths in ledger.rows("SELECT arm, generation, depth FROM models")}
    assert found["start", 0] == [0]
    for turn in (1, 2, 3):
        assert found["unfiltered", turn] == found["continued", turn] == [turn]
        assert found["own", turn] == [0], "it kept the start model"
    sql = """SELECT d.depth, count(*) FROM samples s JOIN depths d ON d.sample_id = s.id
             WHERE s.model IS NULL OR s.model = ? GROUP BY 1 ORDER BY 1"""
    start = model_at(ledger, "start", 0)
    assert [depth for depth, _ in ledger.rows(sql, [start])] == [0, 1]
    assert ledger.rows("SELECT max(depth) FROM depths") == [(4,)], "what the last models write when evaluated"


def test_mean_depth_is_the_mean_over_the_rows(ledger: Ledger) -> None:
    """Worked out by hand: 20 worked examples at 0, and 16 samples of each generation so far."""
    sql = "SELECT depth_mean FROM models WHERE arm = 'unfiltered' AND generation > 0 ORDER BY generation"
    first = 16 * 1 / 36
    second = (16 * 1 + 16 * (1 + first)) / 52
    third = (16 * 1 + 16 * (1 + first) + 16 * (1 + second)) / 68
    assert [mean for (mean,) in ledger.rows(sql)] == pytest.approx([first, second, third])


def test_a_sample_leads_to_generation_0(ledger: Ledger) -> None:
    writer = model_at(ledger, "continued", 2)
    key = ledger.rows("SELECT id FROM samples WHERE model = ? AND purpose = 'train' ORDER BY id", [writer])[0][0]
    found = trace(ledger, key[:10])
    assert isinstance(found, SampleLineage)
    assert found.id == key
    assert (found.depth, found.outcome) == (3, "rejected")
    assert found.trained == [Place(0, "continued", 3)]
    assert [step.places[0] for step in found.line] == [
        Place(0, "continued", 2),
        Place(0, "continued", 1),
        Place(0, "start", 0),
    ]
    assert [step.started_from for step in found.line] == ["previous model", "previous model", "initial weights"]
    newest, middle, oldest = found.line
    assert [(p.origin, p.writer, p.rows) for p in newest.parts] == [
        ("procedural", None, 20),
        ("synthetic", middle.fingerprint, 16),
    ]
    assert sum(part.share for part in newest.parts) == pytest.approx(1)
    assert [(p.origin, p.rows) for p in oldest.parts] == [("procedural", 20)]
    assert oldest.parent is None


def test_a_model_leads_to_its_data(ledger: Ledger) -> None:
    found = trace(ledger, model_at(ledger, "unfiltered", 3))
    assert isinstance(found, ModelLineage)
    assert found.depths == {0: 20, 1: 16, 2: 16, 3: 16}
    assert found.outcomes == {"not judged": 20, "rejected": 48}
    assert [part.written_in for part in found.line[0].parts] == [None, 0, 1, 2]
    assert found.written == {"evaluate": 4}


def test_a_model_that_was_kept_stands_at_all_its_places(ledger: Ledger) -> None:
    found = trace(ledger, model_at(ledger, "own", 3))
    assert isinstance(found, ModelLineage)
    assert found.line[0].places == [Place(0, "start", 0), *(Place(0, "own", turn) for turn in (1, 2, 3))]
    assert len(found.line) == 1


def test_a_worked_example_leads_to_every_model_it_touched(ledger: Ledger) -> None:
    key, problem = ledger.rows("SELECT id, problem_id FROM samples WHERE model IS NULL ORDER BY id")[0]
    found = trace(ledger, problem)
    assert isinstance(found, ProblemLineage)
    assert trace(ledger, key) == found, "the worked example's own id leads to the same"
    assert found.worked is not None
    assert found.worked["id"] == key
    assert len(found.touched) == found.models == 10
    assert all(touched.directly for touched in found.touched)


def test_a_problem_of_the_pool_touches_models_directly_and_through_others(ledger: Ledger) -> None:
    writer = model_at(ledger, "continued", 1)
    problem = ledger.rows("SELECT problem_id FROM samples WHERE model = ? AND purpose = 'train' ORDER BY 1", [writer])
    found = trace(ledger, problem[0][0])
    assert isinstance(found, ProblemLineage)
    assert found.worked is None
    reached = {(t.place.arm, t.place.generation): (t.directly, bool(t.through)) for t in found.touched}
    assert reached == {
        ("continued", 2): (True, False),
        ("continued", 3): (False, True),
        ("unfiltered", 2): (True, False),
        ("unfiltered", 3): (True, True),
    }


@pytest.mark.parametrize(
    ("name", "words"),
    [("abc", "too short"), ("zzzz", "no sample, model or problem"), ("", "too short"), ("%' OR 1=1 --", "no sample")],
)
def test_an_id_that_names_nothing_is_one_sentence(ledger: Ledger, name: str, words: str) -> None:
    with pytest.raises(RunError, match=words):
        trace(ledger, name)


def test_an_id_that_names_two_things_lists_them(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("selfplay.ledger.family_tree.SHORTEST", 0)
    with pytest.raises(RunError, match=r"begins \d+ ids \(model .*, and more\); give more characters"):
        trace(ledger, "")


def test_the_verb_prints_a_tree_or_json(small_run: Path, ledger: Ledger) -> None:
    key = model_at(ledger, "unfiltered", 2)
    shown = CliRunner().invoke(app, ["lineage", str(small_run), key])
    assert shown.exit_code == 0, shown.output
    assert "before it" in shown.output
    assert "20 procedural" in shown.output
    data = json.loads(CliRunner().invoke(app, ["lineage", str(small_run), key, "--json"]).output)
    assert data["kind"] == "model"
    assert [step["places"][0]["generation"] for step in data["line"]] == [2, 1, 0]
    missing = CliRunner().invoke(app, ["lineage", str(small_run), "zzzz"])
    assert missing.exit_code == 2


def test_what_is_left_is_told_where_the_ledger_lost_a_problem(small_run: Path, tmp_path: Path) -> None:
    run = Path(shutil.copytree(small_run, tmp_path / "copy"))
    ledger = Ledger(run / "ledger")
    for file in ledger.files.of_table("problems"):
        file.unlink()
    (run / "ledger/manifest.jsonl").unlink()
    sql = "SELECT min(id) FROM samples GROUP BY model IS NULL ORDER BY model IS NULL"
    (written,), (worked,) = ledger.rows(sql)
    shown = CliRunner().invoke(app, ["lineage", str(run), written])
    assert shown.exit_code == 0, shown.output
    assert "prompt      lost: the ledger does not hold the problem" in shown.output
    refused = CliRunner().invoke(app, ["lineage", str(run), worked])
    assert refused.exit_code == 2
    assert "The ledger does not hold the problem" in refused.stderr


def test_hostile_text_reaches_no_terminal(ledger: Ledger) -> None:
    key = ledger.rows("SELECT id FROM samples WHERE model IS NOT NULL ORDER BY id")[0][0]
    found = trace(ledger, key)
    assert isinstance(found, SampleLineage)
    hostile = "\x1b[31mred\x00[/]\n└─ forged \u202etxet " + "x" * 5000
    changed = SampleLineage(**{**found.__dict__, "completion": hostile, "prompt": hostile})
    short, full = printed_tree.lines(changed), printed_tree.lines(changed, full=True)
    for line in [*short, *full]:
        assert all(character.isprintable() for character in line), line
    assert not any(line.startswith("└─ forged") for line in [*short, *full])
    assert max(map(len, short)) < 300
    assert any("--full" in line for line in short)
    assert any(line.endswith("x" * 5000) for line in full)
