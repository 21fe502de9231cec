"""The digest: equal for equal runs, whatever happened on the way; different where one thing that matters differs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from selfplay.cli.app import app
from selfplay.errors import RunError
from selfplay.experiment.experiment_file import load_experiment
from selfplay.ledger import digest as digests
from selfplay.ledger.digest import Digest, check, digest
from selfplay.ledger.files import LedgerFiles
from selfplay.ledger.ledger import Ledger
from selfplay.ledger.tables import SCHEMAS
from selfplay.report.report_page import write_report
from selfplay.run.directory import RunDirectory

pytestmark = pytest.mark.slow
CarryOut = Callable[[RunDirectory], str]


def of(run: Path) -> Digest:
    return digest(Ledger.of_run(run))


@pytest.fixture
def copy(small_run: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(small_run, tmp_path / "copy"))


def rewrite(run: Path, table: str, change: Callable[[list[dict[str, Any]]], list[dict[str, Any]]]) -> None:
    """Replace a table by its changed rows, as one sound file."""
    ledger = Ledger(run / "ledger")
    rows = [row for path in ledger.files.of_table(table) for row in pq.read_table(path).to_pylist()]
    for path in ledger.files.of_table(table):
        path.unlink()
    changed = change(rows)
    for start in range(0, len(changed), 7):
        part = pa.Table.from_pylist(changed[start : start + 7], schema=SCHEMAS[table])
        ledger.files.write(table, part)
    ledger.files.set_aside([])


def first(**values: Any) -> Callable[[list[dict[str, Any]]], list[dict[str, Any]]]:
    return lambda rows: [{**rows[0], **values}, *rows[1:]]


def test_a_finished_ledger_is_sound(small_run: Path) -> None:
    assert check(small_run) == []
    assert of(small_run).repeated == []


@pytest.mark.parametrize(
    ("table", "values"),
    [
        ("samples", {"completion": "another"}),
        ("samples", {"finish_reason": "error"}),
        ("verdicts", {"outcome": "accepted"}),
        ("members", {"weight": 2.0}),
        ("training_sets", {"rows": 99}),
        ("models", {"fingerprint": "f" * 16}),
        ("scores", {"value": 0.123}),
        ("problems", {"reference": "{}"}),
    ],
)
def test_one_change_that_matters_changes_it(small_run: Path, copy: Path, table: str, values: dict[str, Any]) -> None:
    rewrite(copy, table, first(**values))
    before, after = of(small_run), of(copy)
    assert before.total != after.total
    assert [name for name in before.tables if before.tables[name] != after.tables[name]] == [table]


def test_what_does_not_matter_changes_nothing(small_run: Path, copy: Path) -> None:
    for table, values in (
        ("samples", {"error": "on host a"}),
        ("verdicts", {"seconds": 9.9, "version": "77", "sandbox": "landlock", "detail": '{"pid": 3}'}),
        ("models", {"path": "elsewhere"}),
        ("steps", {"seconds": 1e6}),
    ):
        rewrite(copy, table, first(**values))
    rewrite(copy, "samples", lambda rows: rows[::-1])
    assert of(copy) == of(small_run)


def test_every_column_is_decided_upon() -> None:
    assert set(digests.LEFT_OUT) == set(SCHEMAS) - {"steps"}
    for table, columns in digests.LEFT_OUT.items():
        assert set(columns) <= set(SCHEMAS[table].names)


def test_a_row_written_twice_is_named(small_run: Path, copy: Path) -> None:
    rewrite(copy, "verdicts", lambda rows: [*rows, {**rows[0], "outcome": "accepted"}])
    found = of(copy)
    assert [(one.table, one.rows) for one in found.repeated] == [("verdicts", 2)]
    assert "verdicts has 2 rows where {" in check(copy)[0]
    assert found.total != of(small_run).total


def test_a_row_that_names_what_is_not_there_is_named(copy: Path) -> None:
    rewrite(copy, "samples", lambda rows: [row for row in rows if row["model"] is None])
    assert any(sentence.startswith("verdicts.sample_id names") for sentence in check(copy))


def test_a_sample_that_was_used_and_not_judged_is_named(copy: Path) -> None:
    sql = "SELECT sample_id FROM members WHERE origin = 'synthetic' LIMIT 1"
    ((used,),) = Ledger.of_run(copy).rows(sql)
    rewrite(copy, "verdicts", lambda rows: [row for row in rows if row["sample_id"] != used])
    assert check(copy) == [f"verdicts lacks those on 1 samples that were used, such as {used}."]


def test_a_draw_for_the_next_seed_by_a_model_that_the_last_one_scored_is_no_fault(copy: Path) -> None:
    sql = "SELECT id, model FROM samples WHERE purpose = 'evaluate' ORDER BY id LIMIT 1"
    ((drawn, model),) = Ledger.of_run(copy).rows(sql)
    rewrite(copy, "verdicts", lambda rows: [row for row in rows if row["sample_id"] != drawn])
    assert check(copy) == [f"verdicts lacks those on 1 samples that were used, such as {drawn}."]
    rewrite(copy, "models", lambda rows: [*rows, *({**r, "seed": 1} for r in rows if r["fingerprint"] == model)])
    assert not any("verdicts lacks" in sentence for sentence in check(copy))


def test_a_run_that_lost_its_ledger_keeps_its_report(copy: Path) -> None:
    report = write_report(copy)
    before = report.read_text()
    shutil.rmtree(copy / "ledger")
    for verb in (["ledger", "check"], ["ledger", "digest"], ["report"], ["compare"], ["review", "export"]):
        done = CliRunner().invoke(app, [*verb, str(copy)])
        assert done.exit_code == 2, verb
        assert "ledger is lost, though" in done.stderr, verb
    assert report.read_text() == before


@pytest.mark.parametrize("measure", ["accuracy", "train_loss"])
def test_a_model_with_a_successor_and_no_scores_is_named(copy: Path, measure: str) -> None:
    rewrite(copy, "scores", lambda rows: [row for row in rows if row["measure"] != measure])
    (sentence,) = check(copy)
    assert f"scores lacks the {measure} of " in sentence
    assert "such as that of seed 0, continued, generation 1" in sentence


@pytest.mark.parametrize(("left", "words"), [(None, "is not there"), ('{"steps"', "cannot be read")])
def test_a_loss_that_is_nowhere_any_more_is_said(copy: Path, carry_out: CarryOut, left: str | None, words: str) -> None:
    """The ledger lost the scores and the note beside the weights is gone too: a resumed run would differ in silence."""
    note = copy / "models/0/unfiltered/generation-3/training.json"
    note.unlink()
    if left is not None:
        note.write_text(left)
    experiment = load_experiment(copy / "experiment.yaml")
    carry_out(RunDirectory.resume(copy, experiment))
    rewrite(copy, "scores", lambda rows: [row for row in rows if row["measure"] != "train_loss"])
    with pytest.raises(RunError, match=rf"training\.json {words}, and the ledger does not hold"):
        carry_out(RunDirectory.resume(copy, experiment))


def test_the_same_config_in_another_directory_with_deaths_on_the_way_is_equal(
    small_run: Path, tmp_path: Path, carry_out: CarryOut, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The driver dies after its 9th write, and before the 16th of its second life."""
    experiment = load_experiment(small_run / "experiment.yaml", [f"output={tmp_path}"])
    run = RunDirectory.create(experiment)
    write = LedgerFiles.write
    for deadly, written_first in ((9, True), (16, False)):
        left = deadly

        def die(self: LedgerFiles, table: str, rows: pa.Table, *, written_first: bool = written_first) -> None:
            nonlocal left
            left -= 1
            if left == 0 and not written_first:
                raise SystemExit
            write(self, table, rows)
            if left == 0:
                raise SystemExit

        with monkeypatch.context() as patch:
            patch.setattr(LedgerFiles, "write", die)
            with pytest.raises(SystemExit):
                carry_out(run)
        assert check(run.path) == []
        run = RunDirectory.resume(run.path, experiment)
    carry_out(run)
    assert check(run.path) == []
    assert of(run.path) == of(small_run)
    count = "SELECT count(*), count(DISTINCT (seed, arm, generation, step)) FROM steps"
    rows, keys = Ledger(run.path / "ledger").rows(count)[0]
    assert rows == keys


def test_resume_does_the_work_of_damaged_files_again(small_run: Path, copy: Path, carry_out: CarryOut) -> None:
    """One file of every table is harmed in turn: cut, flipped, emptied, removed."""
    ledger = Ledger(copy / "ledger")
    harmed = []
    for number, table in enumerate(digests.LEFT_OUT):
        files = ledger.files.of_table(table)
        if not files:
            continue
        file = files[len(files) // 2]
        content = file.read_bytes()
        if number % 4 == 3:
            file.unlink()
        else:
            flipped = content[:100] + bytes([content[100] ^ 1]) + content[101:]
            file.write_bytes([content[:-9], flipped, b""][number % 4])
        harmed.append(file.name)
    assert len(check(copy)) == len(harmed)
    printed = carry_out(RunDirectory.resume(copy, load_experiment(copy / "experiment.yaml")))
    for name in harmed:
        assert f"ledger/{name}" in printed
    assert "its work is done again" in printed
    assert check(copy) == []
    assert of(copy) == of(small_run)
    aside = {path.name for path in (copy / "ledger" / "damaged").iterdir()}
    assert {json.loads(line)["file"] for line in (copy / "ledger/damaged/why.jsonl").open()} >= set(harmed)
    assert "why.jsonl" in aside


def test_a_lost_row_of_a_model_does_not_train_it_again(copy: Path, carry_out: CarryOut) -> None:
    before = {path: path.stat().st_mtime_ns for path in copy.glob("models/**/model.safetensors")}
    for file in Ledger(copy / "ledger").files.of_table("models"):
        file.unlink()
    printed = carry_out(RunDirectory.resume(copy, load_experiment(copy / "experiment.yaml")))
    assert "training: " not in printed
    assert {path: path.stat().st_mtime_ns for path in copy.glob("models/**/model.safetensors")} == before
    assert check(copy) == []


def test_floats_are_compared_without_their_last_bits(copy: Path) -> None:
    before = of(copy)
    rewrite(copy, "scores", lambda rows: [{**row, "value": row["value"] * (1 + 1e-16)} for row in rows])
    assert of(copy) == before
    assert isinstance(SCHEMAS["scores"], pa.Schema)


def test_a_trained_model_whose_weights_were_edited_or_lost_is_refused(copy: Path, carry_out: CarryOut) -> None:
    """Nothing may be drawn from, or trained on the samples of, weights that the ledger does not know."""
    folder = copy / "models/0/unfiltered/generation-3"
    weights = folder / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-3] ^= 0x40
    weights.write_bytes(content)
    with pytest.raises(RunError, match=r"unfiltered/generation-3 are not those that the ledger recorded"):
        carry_out(RunDirectory.resume(copy, load_experiment(copy / "experiment.yaml")))
    shutil.rmtree(folder)
    with pytest.raises(RunError, match=r"unfiltered/generation-3 are missing"):
        carry_out(RunDirectory.resume(copy, load_experiment(copy / "experiment.yaml")))
