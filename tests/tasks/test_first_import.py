"""Plugins that hang or die while they are imported: one sentence, by file and by package."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from selfplay.tasks.first_import import IMPORT_SECONDS, SECONDS_VARIABLE, WATCHED_VARIABLE, import_seconds
from selfplay.tasks.plugins import BrokenPluginWarning, Found, PluginGroup

COLOURS = PluginGroup("test.colours", "colour", unknown=LookupError, broken=RuntimeError, declared=lambda found: found)
WAYS = {
    "hangs": ("import time; time.sleep(3600)", r"it had not ended after 2 s; SELFPLAY_IMPORT_SECONDS sets another"),
    "hangs in native code": (
        "import ctypes; ctypes.PyDLL(None).pause()",  # with the interpreter's lock held, where no signal is heeded
        r"it had not ended after 2 s",
    ),
    "exits": ("import sys; sys.exit(0)", r"SystemExit: 0"),
    "leaves": ("import os; os._exit(0)", r"it ends its process, with status 0"),
    "crashes": ("import ctypes; ctypes.string_at(0)", r"it ends its process by signal 11, Segmentation fault"),
    "raises": ("1 / 0", r"ZeroDivisionError: division by zero"),
    "raises what cannot be shown": (
        "class Odd(Exception):\n    def __str__(self): raise self\nraise Odd",
        r"Odd, which cannot say why",
    ),
}


@pytest.fixture(autouse=True)
def limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SECONDS_VARIABLE, "2")


@pytest.mark.parametrize("way", WAYS)
def test_a_file_that_does_not_end_its_import_is_one_sentence(tmp_path: Path, way: str) -> None:
    text, words = WAYS[way]
    (tmp_path / "mine.py").write_text(text + "\nRED = 1\n")
    began = time.monotonic()
    with pytest.raises(RuntimeError, match=rf"^{tmp_path}/mine\.py cannot be imported \({words}.*\); repair the file$"):
        COLOURS.find(f"{tmp_path}/mine.py:RED")
    assert time.monotonic() - began < 5


def test_a_good_file_is_tried_once_and_what_it_prints_then_stays_unread(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    mark = tmp_path / "mark"
    (tmp_path / "mine.py").write_text(
        f"import dataclasses\nprint('noise')\nopen({str(mark)!r}, 'a').write('x')\n"
        "@dataclasses.dataclass\nclass Red:\n    shade: 'int' = 3\n"
    )
    for _ in range(3):
        assert COLOURS.find(f"{tmp_path}/mine.py:Red").value().shade == 3  # type: ignore[operator]
    assert mark.read_text() == "xx"
    assert capfd.readouterr().out == "noise\n"


def test_in_a_process_that_is_watched_already_the_import_is_made_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(WATCHED_VARIABLE, "1")
    (tmp_path / "mine.py").write_text(f"open({str(tmp_path / 'mark')!r}, 'a').write('x')\nRED = 1\n")
    COLOURS.find(f"{tmp_path}/mine.py:RED")
    assert (tmp_path / "mark").read_text() == "x"


def test_packages_that_hang_or_die_are_warnings_that_name_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package, text in (
        ("sleepy", "import time; time.sleep(60)"),
        ("leaving", "import os; os._exit(7)"),
        ("well", ""),
    ):
        (tmp_path / f"{package}_palette.py").write_text(f"{text}\nRED = 1\n")
        info = tmp_path / f"{package}-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1\n")
        (info / "entry_points.txt").write_text(f"[{COLOURS.group}]\n{package} = {package}_palette:RED\n")
    monkeypatch.syspath_prepend(str(tmp_path))

    def known(found: Found) -> object:
        return found.value

    with pytest.warns(BrokenPluginWarning):
        listed = {each.name: each.error or "" for each in replace(COLOURS, declared=known).listed()}
    assert listed["well"] == ""
    assert "package leaving cannot be imported (it ends its process, with status 7); repair or uni" in listed["leaving"]
    assert "package sleepy cannot be imported (it had not ended after 2 s" in listed["sleepy"]


@pytest.mark.parametrize("value", ["", "soon", "0", "inf", "nan"])
def test_a_limit_that_is_none_leaves_the_own(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv(SECONDS_VARIABLE, value)
    assert import_seconds() == IMPORT_SECONDS


def test_a_command_ends_with_2(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("import time; time.sleep(3600)")
    command = [sys.executable, "-m", "selfplay", "tasks", "check", "mine.py:Mine"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("selfplay: mine.py cannot be imported (it had not ended after 2 s; ")
    assert len(done.stderr.splitlines()) == 1
