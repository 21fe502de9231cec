"""`selfplay verifiers new` and `selfplay tasks new`: a small installable package, from the files in templates/."""

from __future__ import annotations

import importlib.metadata
import keyword
import re
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import jinja2

from selfplay.errors import ConfigError

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


@dataclass(frozen=True)
class Kind:
    """What a new package holds."""

    title: str
    templates: str
    suffix: str
    group: str
    """Its entry-point group."""
    then: str
    """The command to try it with, after `selfplay`."""


VERIFIER = Kind("verifier", "verifier", "verifier", "selfplay.verifiers", "verifiers show")
TASK_SOURCE = Kind("task source", "task_source", "task", "selfplay.tasks", "tasks check")


def write_package(kind: Kind, name: str, into: Path) -> Path:
    """Write the package for a plugin of that name into a new folder of `into`, and print what to do next.

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
    module = f"{name}_{kind.suffix}"
    folder = into / module.replace("_", "-")
    words = {
        "name": name,
        "title": name.replace("_", " ").capitalize(),
        "module": module,
        "class_name": "".join(part.capitalize() for part in name.split("_")),
        "distribution": folder.name,
        "selfplay": importlib.metadata.version("selfplay-lab"),
    }
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True, autoescape=False)
    try:
        folder.mkdir(parents=True)
        for template in (files("selfplay.cli") / "templates" / kind.templates).iterdir():
            if template.name.endswith(".j2"):
                text = environment.from_string(template.read_text(encoding="utf-8")).render(words)
                (folder / template.name.removesuffix(".j2").replace("NAME", name)).write_text(text, encoding="utf-8")
    except FileExistsError:
        raise ConfigError(f"{folder} is there already; remove it, or give another folder with --into.") from None
    except OSError as error:
        raise ConfigError(f"cannot write {folder}: {error.strerror}; give another folder with --into.") from None
    print(
        f"{folder}: edit {module}.py, then\n  pip install -e {folder}\n  pytest {folder}\n  selfplay {kind.then} {name}"
    )
    return folder
