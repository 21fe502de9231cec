"""The ledger: atomic files, stable ids, hostile text kept whole."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from selfplay.ledger.ledger import Ledger
from selfplay.ledger.tables import SCHEMAS, Draw, prompt_row, sample_row, storable
from selfplay.tasks.problem import Problem


def draw(index: int, **changes: object) -> Draw:
    values = {
        "purpose": "train",
        "model": "m",
        "prompt": "q",
        "problem_id": "p",
        "sampling": {"temperature": 1.0},
        "seed": 5,
    }
    return Draw.of(index=index, **{**values, **changes})  # type: ignore[arg-type]


def test_only_rows_whose_key_is_new_are_written(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    rows = [sample_row(draw(i), f"text {i}", "stop", 3, None) for i in range(3)]
    assert ledger.record("samples", rows[:2]) == 2
    assert ledger.record("samples", [rows[0] | {"completion": "another text"}, *rows, rows[2]]) == 1
    assert ledger.record("samples", rows) == ledger.record("samples", []) == 0
    assert ledger.rows('SELECT completion FROM samples ORDER BY "index"') == [(f"text {i}",) for i in range(3)]


def test_a_key_of_several_columns_tells_rows_apart(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    step = {"seed": 0, "arm": "a", "generation": 1, "step": "distill", "seconds": 1.0, "count": 1, "detail": "{}"}
    assert ledger.record("steps", [step, step | {"arm": "b"}, step | {"seconds": 2.0}]) == 2
    assert ledger.record("steps", [step | {"generation": 2}, step | {"seconds": 3.0}]) == 1
    found = ledger.row("steps", seed=0, arm="a", generation=1, step="distill")
    assert found == step
    assert ledger.row("steps", seed=1, arm="a", generation=1, step="distill") is None
    with pytest.raises(ValueError, match="the key of steps is seed, arm, generation, step, not seed"):
        ledger.row("steps", seed=0)


def test_tables_without_files_are_empty_and_typed(tmp_path: Path) -> None:
    assert Ledger(tmp_path).rows("SELECT sum(tokens) FROM samples") == [(None,)]


def test_each_question_sees_the_files_of_its_moment(tmp_path: Path) -> None:
    """Files that come, files that are taken away, and a file from before a column existed."""
    ledger = Ledger(tmp_path)
    rows = [sample_row(draw(i), f"text {i}", "stop", 3, None) for i in range(3)]
    asked = "SELECT count(*), count(mean_logprob) FROM samples"
    for number, row in enumerate(rows):
        assert ledger.rows(asked) == [(number, 0)]
        ledger.record("samples", [row])
    older = SCHEMAS["samples"].remove(SCHEMAS["samples"].get_field_index("mean_logprob"))
    ledger.files.write("samples", pa.Table.from_pylist([sample_row(draw(3), "old", "stop", 1, None)], schema=older))
    assert ledger.rows(asked) == [(4, 0)]
    assert ledger.which_exist("samples", "completion", ["old", "new"]) == {"old"}
    for left in (3, 2, 1, 0):
        ledger.files.of_table("samples")[0].unlink()
        assert ledger.rows(asked) == [(left, 0)]


def test_hostile_text_survives(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    texts = ["<script>", "[/]", "\x1b[31m", "a\x00b", "x" * 1_000_000, "\u202eabc", "tab\tnew\nline", ""]
    ledger.record("samples", [sample_row(draw(i), text, "stop", 1, None) for i, text in enumerate(texts)])
    assert [text for (text,) in ledger.rows('SELECT completion FROM samples ORDER BY "index"')] == texts


def test_lone_surrogate_becomes_its_escape() -> None:
    assert storable("a\ud800b") == "a\\ud800b"


def test_a_torn_temporary_file_is_removed_and_never_read(tmp_path: Path) -> None:
    (tmp_path / "samples-abc.tmp").write_bytes(b"half a file")
    ledger = Ledger(tmp_path)
    assert list(tmp_path.glob("*.tmp")), "a reader leaves the writer's files alone"
    ledger.open_for_writing()
    assert ledger.rows("SELECT count(*) FROM samples") == [(0,)]
    assert not list(tmp_path.glob("*.tmp"))


def test_sample_id_depends_on_the_draw_alone() -> None:
    assert draw(0).id == draw(0).id
    changed = [
        draw(1),
        draw(0, purpose="evaluate"),
        draw(0, model="n"),
        draw(0, problem_id="q"),
        draw(0, seed=6),
    ]
    assert len({d.id for d in [draw(0), *changed, draw(0, sampling={"temperature": 0.5})]}) == 7


def test_which_exist_gives_only_known_keys(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    ledger.record("samples", [sample_row(draw(0), "a", "stop", 1, None)])
    assert ledger.which_exist("samples", "id", [draw(0).id, draw(1).id]) == {draw(0).id}
    assert ledger.which_exist("samples", "id", []) == set()


def test_problem_id_is_its_content() -> None:
    def problem(**changes: object) -> Problem:
        values = {"prompt": "1/2+1/3=", "reference": {"answer": "5/6"}, "verifier": "math", "source": "s"}
        return Problem(**{**values, "split": "train", "twin_key": "t", **changes})  # type: ignore[arg-type]

    assert problem().id == problem(split="evaluate").id
    assert problem().id != problem(prompt="1/3+1/2=").id


def test_files_from_before_a_column_existed_are_read_with_null(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    old = {key: value for key, value in sample_row(draw(0), "old", "stop", 3, None).items() if key != "mean_logprob"}
    older_schema = SCHEMAS["samples"].remove(SCHEMAS["samples"].get_field_index("mean_logprob"))
    ledger.files.write("samples", pa.Table.from_pylist([old], schema=older_schema))
    sql = "SELECT completion, mean_logprob FROM samples ORDER BY completion DESC"
    assert ledger.rows(sql) == [("old", None)]
    ledger.record("samples", [sample_row(draw(1), "new", "stop", 3, None, -0.5)])
    for reader in (ledger, Ledger(ledger.folder)):
        assert reader.rows(sql) == [("old", None), ("new", -0.5)]
        with reader.connect(sealed=True) as sealed:
            assert sealed.execute(sql).fetchall() == [("old", None), ("new", -0.5)]
    assert ledger.rows("SELECT * FROM samples LIMIT 0") == []
    with ledger.connect() as connection:
        described = connection.execute("SELECT * FROM samples").description
    assert [column[0] for column in described or ()] == SCHEMAS["samples"].names


def test_a_draw_is_another_with_another_prompt_or_stop_string() -> None:
    plain = draw(0)
    assert plain.id == draw(0, sampling={"temperature": 1.0, "stop": [], "prefix": ""}).id, "unset means the same"
    others = [
        draw(0, prompt="another"),
        draw(0, sampling={"temperature": 1.0, "stop": ["\n"]}),
        draw(0, sampling={"temperature": 1.0, "prefix": "<think>"}),
    ]
    assert len({plain.id, *(other.id for other in others)}) == 4
    assert draw(0, own_prompt=True).id == draw(0, own_prompt=True, prompt="named otherwise").id != plain.id


def test_a_prompts_key_says_whether_the_template_is_used() -> None:
    assert len({prompt_row(text, chat)["id"] for text in ("a", "b") for chat in (None, True, False)}) == 6
