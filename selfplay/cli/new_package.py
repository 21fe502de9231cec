"""`selfplay verifiers new` and `selfplay tasks new`: a small installable package, from the files in templates/.

NAME-verifier/                    NAME-task/
  pyproject.toml                    pyproject.toml          registers it under its entry-point group
  NAME_verifier.py                  NAME_task.py            what to edit
  test_NAME_verifier.py             test_NAME_task.py
  README.md                         README.md
"""

from __future__ import annotations

import importlib.metadata
import keyword
import re
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from selfplay.errors import ConfigError

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


@dataclass(frozen=True)
class Kind:
    """What a new package holds: how people call it, its templates and its entry-point group."""

    title: str
    templates: str
    suffix: str
    group: str


VERIFIER = Kind("verifier", "verifier", "verifier", "selfplay.verifiers")
TASK_SOURCE = Kind("task source", "task_source", "task", "selfplay.tasks")


def write_package(kind: Kind, name: str, into: Path) -> Path:
    """Write the package for a plugin of that name into a new folder of `into`; returns that folder.

    Raises:
        ConfigError: the name is no plugin's name or is taken, or the folder is there or cannot be written.
    """
    if not _NAME.fullmatch(name) or len(name) > 40 or keyword.iskeyword(name):
        raise ConfigError(
            f"`{name}` cannot name a {kind.title}; use lower-case letters, digits and single underscores, "
            "such as even_sum."
        )
    if importlib.metadata.entry_points(group=kind.group, name=name):
        raise ConfigError(f"a {kind.title} `{name}` is registered already; choose another name.")
    folder = into / f"{name.replace('_', '-')}-{kind.suffix}"
    words = {
        "name": name,
        "title": name.replace("_", " ").capitalize(),
        "module": f"{name}_{kind.suffix}",
        "class_name": "".join(part.capitalize() for part in name.split("_")),
        "distribution": folder.name,
        "selfplay": importlib.metadata.version("selfplay-lab"),
    }
    filled = _filled(kind, words)
    try:
        folder.mkdir(parents=True)
        for file, text in filled.items():
            (folder / file).write_text(text, encoding="utf-8")
    except FileExistsError:
        raise ConfigError(f"{folder} is there already; remove it, or give another folder with --into.") from None
    except OSError as error:
        raise ConfigError(f"cannot write {folder}: {error.strerror}; give another folder with --into.") from None
    return folder


def _filled(kind: Kind, words: dict[str, str]) -> dict[str, str]:
    """Each file of the package with its text."""
    import jinja2

    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True, autoescape=False)
    return {
        template.name.removesuffix(".j2").replace("NAME", words["name"]): environment.from_string(
            template.read_text(encoding="utf-8")
        ).render(words)
        for template in (files("selfplay.cli") / "templates" / kind.templates).iterdir()
        if template.name.endswith(".j2")
    }
