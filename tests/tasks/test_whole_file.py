"""Files that are there whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from selfplay.tasks.whole_file import whole_file, write_whole


def test_a_file_is_there_whole_or_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "scores.csv"
    write_whole(file, "first\n")
    with pytest.raises(ZeroDivisionError), whole_file(file) as out:
        print("half", 1 // 0, file=out)
    assert file.read_text() == "first\n"
    assert list(tmp_path.iterdir()) == [file]
