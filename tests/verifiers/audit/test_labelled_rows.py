"""A file of labelled rows: what is wrong with it is one sentence."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from selfplay.verifiers.audit.labelled_rows import labelled_rows
from selfplay.verifiers.errors import BadFile


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("[]", "line 2: the line is not a JSON object"),
        ('{"id": "1", "reference": {}, "completion": "x"}', "line 2: `label` must be `right` or `wrong`"),
        ('{"id": "1", "reference": {}, "completion": "x", "label": "good"}', "line 2: `label` must be"),
        ('{"id": 1, "reference": {}, "completion": "x", "label": "right"}', "line 2: `id` must be a string"),
        ('{"id": "1", "reference": "x", "completion": "x", "label": "right"}', "line 2: `reference` must be an object"),
        ('{"id": "1", "reference": {}, "completion": "x", "label": "right", "category": 3}', "`category`"),
    ],
)
def test_a_bad_labelled_row_is_named(line: str, words: str, tmp_path: Path) -> None:
    good = json.dumps({"id": "1", "reference": {}, "completion": "x", "label": "right"})
    file = tmp_path / "rows.jsonl"
    file.write_text(f"{good}\n{line}\n")
    with pytest.raises(BadFile, match=r"rows\.jsonl") as raised:
        labelled_rows(file)
    assert words in str(raised.value)


def test_a_labelled_file_without_rows_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text("\n")
    with pytest.raises(BadFile, match="has no row"):
        labelled_rows(tmp_path / "rows.jsonl")
