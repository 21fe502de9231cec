"""Rows from files and through `datasets`: the places they are named by, and what is wrong with them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from selfplay.tasks import SourceError
from selfplay.tasks.rows import PlacedRow, read_rows

ROWS = [{"question": "1+1?", "answer": "2"}, {"question": "2+2?", "answer": "4"}]


def read(path: object, **options: Any) -> list[PlacedRow]:
    return list(read_rows(str(path), key="`path` of source `mine`", **options))


def test_a_jsonl_file_names_lines(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text('\ufeff{"question": "a\\nb\u2028c"}\r\n{"question": "d"}\n', encoding="utf-8")
    assert [(row.values["question"], row.place) for row in read(file)] == [
        ("a\nb\u2028c", f"{file}, line 1"),
        ("d", f"{file}, line 2"),
    ]


def test_a_parquet_file_names_rows(tmp_path: Path) -> None:
    file = tmp_path / "rows.parquet"
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(ROWS), file)
    assert [row.values for row in read(file)] == ROWS
    assert read(file)[1].place == f"{file}, row 2"


def test_a_folder_goes_through_datasets(hub_folder: Callable[..., Path]) -> None:
    folder = hub_folder({"main": {"train": ROWS, "test": ROWS[:1]}, "socratic": {"train": ROWS[1:]}})
    assert [row.values for row in read(folder, config="main", split="train")] == ROWS
    assert [row.values for row in read(folder, config="socratic", split="train")] == ROWS[1:]
    (held_out,) = read(folder, config="main", split="test")
    assert held_out.place == f"{folder}, test row 1"
    with pytest.raises(SourceError, match=r"hub, split validation: .*set `path` of source `mine`"):
        read(folder, config="main", split="validation")
    with pytest.raises(SourceError, match="nothing_here"):
        read(folder, config="nothing_here")


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("none.jsonl", None, r"cannot read .*none\.jsonl .*set `path` of source `mine`"),
        ("none.parquet", None, r"cannot read .*none\.parquet .*set `path` of source `mine`"),
        ("text.parquet", b"no parquet", r"cannot read .*text\.parquet"),
        ("bytes.jsonl", b"\xff\xfe", r"cannot read .*bytes\.jsonl"),
        ("list.jsonl", b'{"a": 1}\n[2]\n', r"list\.jsonl, line 2 is not a JSON object; repair or remove it"),
        (
            "empty.jsonl",
            b"\n",
            r"empty\.jsonl is empty; set `path` of source `mine` to a file with one JSON object a line",
        ),
        ("gap.jsonl", b'{"a": 1}\n\n{"a": 2}\n', r"gap\.jsonl, line 2 is not a JSON object"),
        ("deep.jsonl", b"[" * 100_000, r"deep\.jsonl, line 1 is not a JSON object"),
        ("table.csv", b"a,b\n", r"table\.csv is no \.jsonl file, no \.parquet file, no folder and no Hub id"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(tmp_path: Path, name: str, content: bytes | None, sentence: str) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(SourceError, match=sentence) as raised:
        read(tmp_path / name)
    assert "\n" not in str(raised.value)


def test_a_row_says_what_it_lacks() -> None:
    row = PlacedRow({"question": " why? ", "answer": " ", "level": 3}, "rows.jsonl, line 7")
    assert row.text("question") == "why?"
    for column, sentence in (
        ("answer", "rows.jsonl, line 7: `answer` must be a text that is not empty"),
        ("level", "rows.jsonl, line 7: `level` must be a text"),
        ("solution", "rows.jsonl, line 7 has no `solution`; it has `question`, `answer`, `level`"),
    ):
        with pytest.raises(SourceError, match=sentence):
            row.text(column)


def test_the_hub_out_of_reach_is_one_sentence(tmp_path: Path) -> None:
    program = """
from selfplay.tasks import UnreachableSource, load_source
for name in ("gsm8k", "math", "mbpp", "humaneval"):
    try:
        list(load_source(name, {}).problems("evaluate", 0))
    except UnreachableSource as error:
        print(error)
"""
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=120, check=True
    )
    said = done.stdout.splitlines()
    assert len(said) == 4
    for line, source in zip(said, ("gsm8k", "math", "mbpp", "humaneval"), strict=True):
        assert f"set `folder` of source `{source}` to a local copy" in line
