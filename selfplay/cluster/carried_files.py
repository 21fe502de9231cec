"""Plugins in files of their own, on nodes of a cluster that do not have the files.

A plugin's file travels as text, wherever its name stands in a verifier's name or settings. Other files that it reads
or imports must be installed, or lie on storage that all nodes share.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from selfplay.tasks.plugins import absolute, renamed, split_file


def collect(*values: Any) -> dict[str, str]:
    """The text of every plugin file that is named in these, by absolute path; files that are not there are left out."""
    found = {}

    def note(name: str) -> str:
        path = split_file(absolute(name))[0]
        if path is not None and path.is_file():
            found[str(path)] = path.read_text(encoding="utf-8")
        return name

    renamed(values, note)
    return found


def unpack(carried: Mapping[str, str]) -> dict[str, str]:
    """Where each file lies here: its own path where the same text is there, else a copy in a folder of this process."""
    moved = {}
    folder: Path | None = None
    for place, text in carried.items():
        path = Path(place)
        try:
            same = path.read_text(encoding="utf-8") == text
        except (OSError, UnicodeDecodeError):
            same = False
        if not same:
            folder = folder or Path(tempfile.mkdtemp(prefix="selfplay-plugins-"))
            copy = folder / hashlib.sha256(place.encode()).hexdigest()[:16] / path.name
            copy.parent.mkdir()
            copy.write_text(text, encoding="utf-8")
            path = copy
        moved[place] = str(path)
    return moved


def relocate(value: Any, moved: Mapping[str, str]) -> Any:
    """The same name or settings, with every file named where it lies here."""

    def here(name: str) -> str:
        path, attribute = split_file(name)
        place = moved.get(str(path.resolve())) if path is not None else None
        return f"{place}:{attribute}" if place else name

    return renamed(value, here)
