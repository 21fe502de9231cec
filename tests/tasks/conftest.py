"""Data sets on disk: JSON lines, and the Hub's layout (parquet files by configuration and split, and a card)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

Splits = dict[str, list[dict[str, Any]]]


@pytest.fixture
def hub_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, Splits]], Path]:
    """Writes {configuration: {split: rows}} and gives the folder; `datasets` keeps its cache beside it."""
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")

    def write(configurations: dict[str, Splits]) -> Path:
        folder = tmp_path / "hub"
        card = []
        for name, splits in configurations.items():
            (folder / name).mkdir(parents=True)
            for split, rows in splits.items():
                pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), folder / name / f"{split}.parquet")
            files = [{"split": split, "path": f"{name}/{split}.parquet"} for split in splits]
            card.append({"config_name": name, "data_files": files})
        (folder / "README.md").write_text(f"---\nconfigs: {json.dumps(card)}\n---\n")
        return folder

    return write


@pytest.fixture
def write_jsonl() -> Callable[[Path, list[Any]], Path]:
    """Writes rows as JSON lines and gives the file."""

    def write(file: Path, rows: list[Any]) -> Path:
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return file

    return write
