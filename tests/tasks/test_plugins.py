"""Finding plugins: what holds for every group. The groups' own tests are beside their registries."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from selfplay.tasks.plugins import BrokenPluginWarning, Found, PluginGroup, absolute

COLOURS = PluginGroup("test.colours", "colour", unknown=LookupError, broken=RuntimeError, declared=lambda found: found)


def install(folder: Path, package: str, entry: str) -> None:
    """A distribution's metadata, as an installer writes it."""
    info = folder / f"{package}-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1\n")
    (info / "entry_points.txt").write_text(f"[{COLOURS.group}]\n{entry}\n")


def as_text(found: Found) -> str:
    if not isinstance(found.value, str):
        raise RuntimeError(f"{found.where} is no text")
    return found.value


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two packages that register `red`, one good, one that ends the process at import, one of the wrong kind."""
    (tmp_path / "palette_of_tests.py").write_text("RED = 'f00'\nGREEN = '0f0'\nNUMBER = 7\n")
    (tmp_path / "palette_that_exits.py").write_text("raise SystemExit(3)\n")
    for package, entry in (
        ("first-palette", "red = palette_of_tests:RED"),
        ("second-palette", "red = palette_of_tests:GREEN"),
        ("third-palette", "green = palette_of_tests:GREEN"),
        ("leaving-palette", "blue = palette_that_exits:BLUE"),
        ("numbered-palette", "grey = palette_of_tests:NUMBER"),
    ):
        install(tmp_path, package, entry)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_a_name_of_two_packages_belongs_to_neither(packages: Path) -> None:
    with pytest.raises(RuntimeError, match=r"first-palette and second-palette both register a colour `red`; uninstall"):
        COLOURS.find("red")
    assert COLOURS.find("green").value == "0f0"


def test_every_broken_one_is_a_warning_that_names_its_package(packages: Path) -> None:
    with pytest.warns(BrokenPluginWarning) as warned:
        listed = {each.name: each for each in replace(COLOURS, declared=as_text).listed()}
    assert list(listed) == ["blue", "green", "grey", "red"]
    assert [name for name, each in listed.items() if each.error is None] == ["green"]
    assert listed["red"].package == "first-palette and second-palette"
    said = " ".join(str(warning.message) for warning in warned)
    assert all(name in said for name in ("leaving-palette cannot be imported (SystemExit", "numbered-palette is no"))


def test_an_unknown_name_is_answered_with_its_neighbour(packages: Path) -> None:
    with pytest.raises(LookupError, match=r"no colour `gren`; did you mean `green`.*Known: blue, green, grey, red"):
        COLOURS.find("gren")


def test_a_file_is_imported_once_for_all_groups(tmp_path: Path) -> None:
    shades = PluginGroup("test.shades", "shade", unknown=LookupError, broken=RuntimeError, declared=lambda found: found)
    (tmp_path / "mine.py").write_text("from pathlib import Path\nDARK = object()\n")
    name = os.path.relpath(tmp_path / "mine.py") + ":DARK"
    assert COLOURS.find(name).value is shades.find(absolute(name)).value
    assert absolute(name) == f"{tmp_path / 'mine.py'}:DARK"
    assert absolute("red") == "red"


def test_a_file_that_exits_is_broken(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("import sys\nsys.exit(0)\n")
    with pytest.raises(RuntimeError, match=r"mine\.py cannot be imported \(SystemExit"):
        COLOURS.find(f"{tmp_path / 'mine.py'}:DARK")
