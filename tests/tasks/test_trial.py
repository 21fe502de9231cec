"""Plugins that do not come to the end of their import: one sentence, by file and by package."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import psutil
import pytest

from selfplay.tasks.plugins import BrokenPluginWarning, Found, PluginGroup
from selfplay.tasks.trial import IMPORT_SECONDS, SECONDS_VARIABLE, WATCHED_VARIABLE, import_seconds, search_path

COLOURS = PluginGroup("test.colours", "colour", unknown=LookupError, broken=RuntimeError, declared=lambda found: found)
WAYS = {
    "hangs": (
        "import time; time.sleep(3600)",
        r"it had not ended after 2 s; SELFPLAY_IMPORT_SECONDS sets another limit",
    ),
    "spins": ("while True: pass", r"it had not ended after 2 s"),
    "hangs in native code": (
        "import ctypes; ctypes.PyDLL(None).pause()",  # with the interpreter's lock held, where no signal is heeded
        r"it had not ended after 2 s",
    ),
    "closes its files and hangs": (
        "import os, time; os.closerange(3, 99); time.sleep(3600)",
        r"it had not ended after 2 s",
    ),
    "asks": ("input('colour? ')", r"EOFError: EOF when reading a line"),
    "exits": ("import sys; sys.exit(0)", r"SystemExit: 0"),
    "leaves": ("import os; os._exit(0)", r"it ends its process, with status 0"),
    "crashes": ("import ctypes; ctypes.string_at(0)", r"it ends its process by signal 11, Segmentation fault"),
    "aborts": ("import os; os.abort()", r"it ends its process by signal 6"),
    "raises with its files closed": (
        "import os; os.closerange(3, 99); 1 / 0",
        r"it raises, and has closed the files by which it would say what",
    ),
    "raises": ("1 / 0", r"ZeroDivisionError: division by zero"),
    "raises what cannot be shown": (
        "class Odd(Exception):\n    def __str__(self): raise self\nraise Odd",
        r"Odd: \(it cannot say why\)",
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


def test_nothing_is_left_of_a_trial(tmp_path: Path) -> None:
    before = {child.pid for child in psutil.Process().children(recursive=True)}
    (tmp_path / "mine.py").write_text(
        "import os, subprocess, time\n"
        "child = subprocess.Popen(['sleep', '3600'])\n"
        f"open({str(tmp_path / 'pid')!r}, 'w').write(str(child.pid))\n"
        "time.sleep(3600)\n"
    )
    with pytest.raises(RuntimeError, match="not ended after 2 s"):
        COLOURS.find(f"{tmp_path}/mine.py:RED")
    assert {child.pid for child in psutil.Process().children(recursive=True)} <= before
    pid = int((tmp_path / "pid").read_text())
    for _ in range(100):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return
        time.sleep(0.05)
    raise AssertionError("a child of the trial outlived it")


def test_a_good_file_is_tried_once_and_fast_and_its_words_stay_unread(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    mark = tmp_path / "mark"
    (tmp_path / "mine.py").write_text(
        f"import dataclasses\nprint('noise')\nopen({str(mark)!r}, 'a').write('x')\n"
        "@dataclasses.dataclass\nclass Red:\n    shade: 'int' = 3\n"
    )
    began = time.monotonic()
    for _ in range(3):
        assert COLOURS.find(f"{tmp_path}/mine.py:Red").value().shade == 3  # type: ignore[operator]
    assert time.monotonic() - began < 1
    assert mark.read_text() == "xx"
    assert capfd.readouterr().out == "noise\n"


def test_files_that_name_each_other_are_tried_without_end_to_the_processes(tmp_path: Path) -> None:
    for mine, other in (("a", "b"), ("b", "a")):
        (tmp_path / f"{mine}.py").write_text(
            "from selfplay.tasks.plugins import PluginGroup\n"
            "GROUP = PluginGroup('test.colours', 'colour', LookupError, RuntimeError, lambda found: found)\n"
            "RED = 'f00'\n"
            f"GROUP.find({str(tmp_path / other)!r} + '.py:RED')\n"
        )
    assert COLOURS.find(f"{tmp_path}/a.py:RED").value == "f00"


def test_entries_of_the_search_path_that_are_no_text_harm_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "helper_of_mine.py").write_text("RED = 1\n")
    (tmp_path / "mine.py").write_text("from helper_of_mine import RED\n")
    monkeypatch.setattr(sys, "path", [*sys.path, tmp_path / "other", b"bytes", None, str(tmp_path)])
    assert COLOURS.find(f"{tmp_path}/mine.py:RED").value == 1
    assert search_path()[-3:] == [str(tmp_path / "other"), "bytes", str(tmp_path)]


@pytest.mark.parametrize(
    "text",
    [
        "from made_in_a_notebook import RED",
        "import made_in_a_notebook.inner\nfrom made_in_a_notebook import RED",
        "try:\n    from made_in_a_notebook import RED\nexcept ImportError:\n    raise RuntimeError('no') from None",
    ],
)
def test_a_module_that_is_in_the_caller_alone_is_found_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    made = ModuleType("made_in_a_notebook")
    made.RED = 1  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "made_in_a_notebook", made)
    monkeypatch.setitem(sys.modules, "made_in_a_notebook.inner", ModuleType("made_in_a_notebook.inner"))
    (tmp_path / "mine.py").write_text(text)
    assert COLOURS.find(f"{tmp_path}/mine.py:RED").value == 1
    monkeypatch.delitem(sys.modules, "made_in_a_notebook")
    (tmp_path / "mine.py").write_text(text + "\n")
    with pytest.raises(
        RuntimeError, match=r"cannot be imported \((ModuleNotFoundError: No module named|RuntimeError: no)"
    ):
        COLOURS.find(f"{tmp_path}/mine.py:RED")


@pytest.mark.parametrize("more", ["", "; kept = [os.open(os.devnull, os.O_RDWR) for _ in range(20)]"])
def test_an_import_that_closes_all_files_is_no_death(tmp_path: Path, more: str) -> None:
    opened = more.replace("os.devnull, os.O_RDWR", f"{str(tmp_path / 'data')!r}, os.O_RDWR | os.O_CREAT")
    (tmp_path / "mine.py").write_text(f"import os; os.closerange(3, 256){opened}\nRED = 1\n")
    script = (
        "from selfplay.tasks.plugins import PluginGroup\n"
        "group = PluginGroup('test.colours', 'colour', LookupError, RuntimeError, lambda found: found)\n"
        f"print(group.find({str(tmp_path / 'mine.py')!r} + ':RED').value)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.returncode) == ("1\n", 0), done.stderr
    if more:
        assert (tmp_path / "data").read_bytes() == b""


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


@pytest.mark.parametrize("said", ["", "soon", "0", "-1", "inf", "nan"])
def test_a_limit_that_is_none_leaves_the_own(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    monkeypatch.setenv(SECONDS_VARIABLE, said)
    assert import_seconds() == IMPORT_SECONDS


@pytest.mark.parametrize("verb", [["tasks", "check"], ["tasks", "show"], ["verifiers", "show"]], ids=" ".join)
def test_a_command_ends_with_2(tmp_path: Path, verb: list[str]) -> None:
    (tmp_path / "mine.py").write_text("import time; time.sleep(3600)")
    command = [sys.executable, "-m", "selfplay", *verb, "mine.py:Mine"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    said = "selfplay: mine.py cannot be imported (it had not ended after 2 s; "
    assert done.stderr.startswith(said)
    assert len(done.stderr.splitlines()) == 1
