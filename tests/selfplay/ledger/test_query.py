"""SQL over a ledger: what it gives, in three forms, and what it may not do."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from selfplay.cli.app import app
from selfplay.ledger.ledger import Ledger
from selfplay.ledger.tables import SCHEMAS, Draw, sample_row

HOSTILE = ["[/] [bold]", "\x1b[31mred", "a\x00b", "\u202eabc", 'a"b,c\nd', "=1+1", "x" * 5000]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run whose one model wrote hostile text."""
    (tmp_path / "experiment.yaml").write_text("{}")
    ledger = Ledger(tmp_path / "ledger")
    rows = [
        sample_row(Draw.of("train", "m", "prompt", "p", index, {}, 5), text, "stop", index, None)
        for index, text in enumerate(HOSTILE)
    ]
    ledger.record("samples", rows[:3])
    ledger.record("samples", rows[3:])
    model = {"fingerprint": "m", "seed": 0, "arm": "a", "generation": 2, "outcome": "trained"}
    ledger.record("models", [{**model, "depth": 2, "depth_mean": 1.25}])
    return tmp_path


def ask(run: Path, sql: str, *options: str) -> str:
    done = CliRunner().invoke(app, ["ledger", "query", str(run), sql, *options])
    assert done.exit_code == 0, done.output
    return done.output


def refused(run: Path, sql: str, *options: str) -> str:
    done = CliRunner().invoke(app, ["ledger", "query", str(run), sql, *options])
    assert done.exit_code == 2, done.output
    assert len(done.stderr.strip().splitlines()) == 1
    return done.stderr


def test_csv_and_json_give_every_text_whole(run: Path) -> None:
    sql = 'SELECT completion FROM samples ORDER BY "index"'
    assert [row[0] for row in csv.reader(io.StringIO(ask(run, sql, "--csv")))] == ["completion", *HOSTILE]
    answer = ask(run, sql, "--json")
    assert answer.isascii()
    assert [row["completion"] for row in json.loads(answer)] == HOSTILE


def test_a_table_shows_no_control_character(run: Path) -> None:
    shown = ask(run, 'SELECT "index", completion FROM samples ORDER BY 1')
    assert all(character.isprintable() or character == "\n" for character in shown)
    assert len(shown.splitlines()) == 2 + len(HOSTILE)
    assert "[/] [bold]" in shown
    assert "\\x1b[31mred" in shown
    assert "xxx…" in shown


def test_depth_is_a_column_that_can_be_asked(run: Path) -> None:
    sql = "SELECT DISTINCT depth, depth_mean FROM depths"
    assert json.loads(ask(run, sql, "--json")) == [{"depth": 3, "depth_mean": 2.25}]


def test_every_table_is_there_even_without_rows(run: Path) -> None:
    for table in SCHEMAS:
        json.loads(ask(run, f"SELECT * FROM {table} LIMIT 1", "--json"))
    assert ask(run, "SELECT * FROM scores", "--json") == "[]\n"
    assert ask(run, "SELECT seed, arm FROM scores").splitlines() == ["seed  arm", "----  ---"]


def test_a_long_table_says_what_it_leaves_out(run: Path) -> None:
    sql = "SELECT a.id FROM samples a, samples b, samples c"
    assert ask(run, sql).splitlines()[-1] == f"{7**3 - 100} more rows; --csv and --json give all."
    assert len(ask(run, sql, "--csv").splitlines()) == 1 + 7**3


def test_numbers_that_json_lacks_are_null(run: Path) -> None:
    sql = "SELECT 'nan'::DOUBLE AS a, 1e999 AS b, [1, 2] AS c, {'k': 1.5} AS d, DATE '2026-01-01' AS e"
    assert json.loads(ask(run, sql, "--json")) == [
        {"a": None, "b": None, "c": [1, 2], "d": {"k": 1.5}, "e": "2026-01-01"}
    ]


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("SELECT * FROM sampels", "sampels does not exist"),
        ("SELECT modle FROM samples", '"model"'),
        ("SELEC 1", "syntax error"),
        ("", ""),
        ("SELECT error(completion) FROM samples", ""),
        ("SELECT \udcff", "not UTF-8 at character 8"),
    ],
)
def test_wrong_sql_is_one_sentence(run: Path, sql: str, words: str) -> None:
    assert words in refused(run, sql)


def test_json_keeps_every_column_or_asks_for_names(run: Path) -> None:
    sql = "SELECT a.id, b.id FROM samples a JOIN samples b USING (id)"
    assert "Two columns are called `id`; name them apart with AS" in refused(run, sql, "--json")
    assert ask(run, sql, "--csv").startswith("id,id")


@pytest.mark.parametrize(
    "sql",
    [
        "COPY samples TO '{run}/out.csv'",
        "COPY samples TO '{run}/ledger/samples-new.parquet' (FORMAT parquet)",
        "SELECT * FROM '{run}/ledger/samples-*.parquet'",
        "SELECT * FROM read_text('{run}/experiment.yaml')",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM glob('/etc/*')",
        "ATTACH '{run}/other.db'",
        "EXPORT DATABASE '{run}/exported'",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SELECT * FROM sql",
        "DELETE FROM samples",
        "INSERT INTO samples SELECT * FROM samples",
    ],
)
def test_the_sql_reaches_nothing_but_the_tables(run: Path, sql: str) -> None:
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    refused(run, sql.format(run=run))
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_what_is_no_run_or_damaged_is_one_sentence(run: Path, tmp_path: Path) -> None:
    assert "no experiment.yaml" in refused(tmp_path / "ledger", "SELECT 1")
    assert "exclude each other" in refused(run, "SELECT 1", "--csv", "--json")
    Ledger(run / "ledger").files.of_table("samples")[0].write_bytes(b"")
    message = refused(run, "SELECT 1")
    assert "is empty" in message
    assert "--resume" in message
