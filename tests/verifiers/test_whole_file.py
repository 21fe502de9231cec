"""A file is there whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from selfplay.verifiers.whole_file import whole_file, write_whole


def test_what_fails_leaves_the_older_file_and_nothing_beside_it(tmp_path: Path) -> None:
    write_whole(tmp_path / "a.txt", "é 1")
    with pytest.raises(ZeroDivisionError), whole_file(tmp_path / "a.txt") as out:
        out.write(str(1 / 0))
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "é 1"
    assert list(tmp_path.iterdir()) == [tmp_path / "a.txt"]
    with pytest.raises(OSError, match="it is a folder"):
        write_whole(tmp_path, "text")
