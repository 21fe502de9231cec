"""Files of the ledger: each kind of damage is found, named, set aside, and never read."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from selfplay.errors import RunError
from selfplay.ledger.files import LedgerFiles
from selfplay.ledger.ledger import Ledger
from selfplay.ledger.tables import Draw, sample_row


def sample(index: int) -> dict[str, object]:
    return sample_row(Draw.of("train", "m", "prompt", "p", index, {}, 5), f"text {index}", "stop", 3, None)


def verdict(row: dict[str, object]) -> dict[str, object]:
    return {"sample_id": row["id"], "outcome": "accepted", "reason": "equal", "seconds": 0.1}


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    """Two files of samples with a file of verdicts for each."""
    (tmp_path / "experiment.yaml").write_text("{}")
    ledger = Ledger(tmp_path / "ledger")
    for first in (0, 3):
        rows = [sample(index) for index in range(first, first + 3)]
        ledger.record("samples", rows)
        ledger.record("verdicts", [verdict(row) for row in rows])
    assert ledger.files.damage() == []
    return ledger


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 4
    path.write_bytes(bytes(content))


def empty(path: Path) -> None:
    path.write_bytes(b"")


def grow(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")


@pytest.mark.parametrize(
    ("harm", "words"),
    [
        (cut, "bytes"),
        (flip, "does not match its checksum"),
        (empty, "is empty"),
        (grow, "has bytes added to it"),
        (Path.unlink, "is missing, with its 3 rows"),
    ],
)
def test_a_damaged_file_is_named_set_aside_and_its_rows_are_gone(ledger: Ledger, harm: object, words: str) -> None:
    file = ledger.files.of_table("samples")[0]
    judged = {row for (row,) in ledger.rows(f"SELECT id FROM '{file}'")}
    harm(file)  # type: ignore[operator]
    assert [(one.file, one.table) for one in ledger.files.damage()] == [(file.name, "samples")]
    with pytest.raises(RunError, match=rf"{file.name} .*{words}.*--resume"):
        Ledger.of_run(ledger.folder.parent)

    told = ledger.open_for_writing()
    assert len(told) == 2
    assert file.name in told[0]
    assert words in told[0]
    assert "judges samples that are lost" in told[1]
    assert ledger.rows("SELECT count(*) FROM samples") == [(3,)]
    left = {row for (row,) in ledger.rows("SELECT sample_id FROM verdicts")}
    assert len(left) == 3, "the verdicts on the other samples stay"
    assert not left & judged, "a sample that is written again is judged again"
    assert ledger.files.damage() == []
    assert ledger.open_for_writing() == []
    why = [json.loads(line) for line in (ledger.folder / "damaged" / "why.jsonl").read_text().splitlines()]
    assert why[0]["file"] == file.name
    assert (ledger.folder / "damaged" / file.name).exists() == (harm is not Path.unlink)


def test_a_folder_in_a_files_place_is_set_aside_like_a_damaged_file(ledger: Ledger) -> None:
    file = ledger.files.of_table("verdicts")[0]
    file.unlink()
    (file / "inside").mkdir(parents=True)
    manifest = ledger.folder / "manifest.jsonl"
    manifest.rename(ledger.folder / "damaged")
    manifest.mkdir()
    assert {one.what for one in ledger.files.damage()} == {"is no file", "is a folder"}
    with pytest.raises(RunError, match=r"Cannot set damaged files aside .*damaged: .*move that out of the way"):
        ledger.open_for_writing()
    (ledger.folder / "damaged").unlink()
    for again in range(2):
        assert len(ledger.open_for_writing()) == 2 - again
        assert ledger.files.damage() == []
        assert ledger.rows("SELECT count(*) FROM verdicts") == [(3,)]
        file.mkdir()
    assert {path.name for path in (ledger.folder / "damaged").iterdir()} >= {file.name, "manifest.jsonl"}


def test_a_lost_ledger_is_no_empty_one(ledger: Ledger) -> None:
    run = ledger.folder.parent
    shutil.rmtree(ledger.folder)
    assert Ledger.of_run(run).rows("SELECT count(*) FROM samples") == [(0,)], "this run had just begun"
    (run / "models/0/start/generation-0").mkdir(parents=True)
    (ledger.folder / "damaged").mkdir(parents=True)
    (ledger.folder / "samples.tmp").touch()
    (ledger.folder / "manifest.jsonl").touch()
    with pytest.raises(RunError, match=r"ledger is lost, though .*models holds trained models"):
        Ledger.of_run(run)


def test_a_manifest_that_is_nested_too_deeply_is_damaged(ledger: Ledger) -> None:
    manifest = ledger.folder / "manifest.jsonl"
    manifest.write_text("[" * 100_000 + "\n" + manifest.read_text())
    assert [one.what for one in ledger.files.damage()] == ["has 1 unreadable lines"]


def test_lost_verdicts_leave_the_samples(ledger: Ledger) -> None:
    ledger.files.of_table("verdicts")[1].unlink()
    assert len(ledger.open_for_writing()) == 1
    assert ledger.rows("SELECT count(*) FROM samples") == [(6,)]
    assert ledger.rows("SELECT count(*) FROM verdicts") == [(3,)]


def test_a_writer_that_died_before_its_file_had_a_name_leaves_nothing(ledger: Ledger) -> None:
    (ledger.folder / "samples.tmp").write_bytes(b"half a file")
    assert ledger.files.damage() == [], "a reader leaves the writer's files alone"
    assert ledger.open_for_writing() == []
    assert not list(ledger.folder.glob("*.tmp"))
    assert ledger.rows("SELECT count(*) FROM samples") == [(6,)]


def test_a_writer_that_died_before_it_listed_its_file_loses_nothing(ledger: Ledger) -> None:
    manifest = ledger.folder / "manifest.jsonl"
    lines = manifest.read_text().splitlines(keepends=True)
    manifest.write_text("".join(lines[:-1]) + lines[-1][:25])
    assert ledger.files.damage() == []
    assert ledger.open_for_writing() == []
    assert ledger.rows("SELECT count(*) FROM verdicts") == [(6,)]
    assert sorted(manifest.read_text().splitlines()) == sorted(line.strip() for line in lines)


def test_a_writer_that_died_while_setting_aside_is_followed_by_one_that_ends_it(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut(ledger.files.of_table("samples")[1])

    def die() -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(ledger.files, "_renew_list", die)
        with pytest.raises(KeyboardInterrupt):
            ledger.open_for_writing()
    assert ledger.open_for_writing() != []
    assert ledger.files.damage() == []
    assert ledger.rows("SELECT count(*) FROM verdicts SEMI JOIN samples ON id = sample_id") == [(3,)]


def test_an_unreadable_list_is_made_again(ledger: Ledger) -> None:
    manifest = ledger.folder / "manifest.jsonl"
    whole = manifest.read_bytes()
    manifest.write_bytes(b"\xff{]\n" + whole)
    assert [one.file for one in ledger.files.damage()] == ["manifest.jsonl"]
    assert ledger.open_for_writing() == [
        "ledger/manifest.jsonl has 1 unreadable lines: set aside, and made anew.",
    ]
    assert sorted(manifest.read_bytes().splitlines()) == sorted(whole.splitlines())


def test_a_strange_file_is_named(ledger: Ledger) -> None:
    file = ledger.files.of_table("samples")[0]
    (ledger.folder / "samples-copy.parquet").write_bytes(file.read_bytes())
    assert "its name has no checksum" in ledger.files.damage()[0].what


def test_the_same_rows_are_written_once(ledger: Ledger) -> None:
    before = sorted(ledger.folder.iterdir())
    listed = (ledger.folder / "manifest.jsonl").read_text()
    ledger.record("samples", [sample(index) for index in range(3)])
    assert sorted(ledger.folder.iterdir()) == before
    assert (ledger.folder / "manifest.jsonl").read_text() == listed


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "ledger").write_text("a file where a folder ought to be")
    with pytest.raises(RunError, match=r"Cannot write in .*ledger: .*; make room or give access, then resume"):
        Ledger(tmp_path / "ledger").record("samples", [sample(0)])


def test_a_file_that_went_with_its_line_of_the_list_takes_its_verdicts_along(ledger: Ledger) -> None:
    file = ledger.files.of_table("samples")[0]
    file.unlink()
    manifest = ledger.folder / "manifest.jsonl"
    manifest.write_text("".join(line for line in manifest.open() if file.name not in line))
    assert ledger.files.damage() == []
    assert len(ledger.open_for_writing()) == 1
    assert ledger.rows("SELECT count(*) FROM verdicts") == [(3,)]


def test_a_list_that_names_a_file_elsewhere_moves_nothing(tmp_path: Path) -> None:
    victim = tmp_path / "victim.txt"
    victim.write_text("mine")
    folder = tmp_path / "run" / "ledger"
    folder.mkdir(parents=True)
    lines = [{"file": "../../victim.txt", "bytes": 7, "rows": 1}, {"file": 3, "bytes": 1, "rows": 1}]
    (folder / "manifest.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    files = LedgerFiles(folder)
    damage = files.damage()
    assert [one.file for one in damage] == ["manifest.jsonl"]
    assert "2 unreadable lines" in damage[0].what
    files.set_aside(damage)
    assert victim.read_text() == "mine"
