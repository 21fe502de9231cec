"""`selfplay tasks new`: a small installable package with one task source, from the files in templates/task_source."""

from __future__ import annotations

import importlib.util
import keyword
import re
from collections.abc import Iterator
from importlib.metadata import entry_points
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from string import Template

from selfplay.errors import ConfigError

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


def write_package(name: str, into: Path) -> Path:
    """Write the package into a new folder of `into`; returns that folder.

    Raises:
        ConfigError: the name is no module name or taken, or the folder is there already or cannot be made.
    """
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        raise ConfigError(f"`{name}` cannot name a module; use lower-case letters, digits and underscores.")
    if any(entry.name == name for entry in entry_points(group="selfplay.tasks")):
        raise ConfigError(f"there is a task source `{name}` already; choose another name.")
    if importlib.util.find_spec(name) is not None:
        raise ConfigError(f"Python finds a module `{name}` already, which would hide yours; choose another name.")
    folder = into / name.replace("_", "-")
    words = {
        "name": name,
        "package": f"selfplay-{name.replace('_', '-')}",
        "class_name": name.title().replace("_", ""),
        "title": name.replace("_", " ").capitalize(),
    }
    try:
        folder.mkdir(parents=True)
        for place, template in _templates(files("selfplay") / "templates" / "task_source"):
            target = folder / place.replace("module.py", f"{name}.py")
            target.parent.mkdir(exist_ok=True)
            target.write_text(Template(template.read_text(encoding="utf-8")).substitute(words), encoding="utf-8")
    except FileExistsError:
        raise ConfigError(f"{folder} is there already; choose another name, or another folder with `--into`.") from None
    except OSError as error:
        raise ConfigError(f"cannot write {folder} ({error.strerror}); choose another folder with `--into`.") from None
    return folder


def _templates(folder: Traversable, inside: str = "") -> Iterator[tuple[str, Traversable]]:
    """Each file under a folder of package data with its path from there."""
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir() and entry.name != "__pycache__":
            yield from _templates(entry, f"{inside}{entry.name}/")
        elif entry.is_file():
            yield inside + entry.name, entry
