"""`selfplay verifiers new`: a small installable package with one verifier, from the templates in this folder.

NAME-verifier/
  pyproject.toml       registers the verifier under the entry-point group `selfplay.verifiers`
  NAME_verifier.py     reference model, settings, the verifier
  test_NAME_verifier.py
  README.md
"""

from __future__ import annotations

import importlib.metadata
import keyword
import re
from pathlib import Path

from selfplay.errors import ConfigError
from verifiers.registry import VERIFIERS

TEMPLATES = Path(__file__).parent
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


def write_package(name: str, into: Path) -> Path:
    """Write the package for a verifier of that name; returns its folder.

    Raises:
        ConfigError: the name is no verifier's name or is taken, or the folder is there or cannot be written.
    """
    if not _NAME.fullmatch(name) or len(name) > 40 or keyword.iskeyword(name):
        raise ConfigError(
            f"`{name}` cannot name a verifier; use lower-case letters, digits and single underscores, such as even_sum."
        )
    if name in VERIFIERS.names():
        raise ConfigError(f"a verifier `{name}` is registered already; choose another name.")
    folder = into / f"{name.replace('_', '-')}-verifier"
    words = {
        "name": name,
        "module": f"{name}_verifier",
        "class_name": "".join(part.capitalize() for part in name.split("_")),
        "distribution": folder.name,
        "selfplay": importlib.metadata.version("selfplay"),
    }
    try:
        folder.mkdir(parents=True)
        for template in sorted(TEMPLATES.glob("*.j2")):
            target = folder / template.name.removesuffix(".j2").replace("NAME", name)
            target.write_text(_filled(template, words), encoding="utf-8")
    except FileExistsError:
        raise ConfigError(f"{folder} is there already; remove it, or give another folder with --into.") from None
    except OSError as error:
        raise ConfigError(f"cannot write {folder}: {error.strerror}; give another folder with --into.") from None
    return folder


def _filled(template: Path, words: dict[str, str]) -> str:
    import jinja2

    environment = jinja2.Environment(undefined=jinja2.StrictUndefined, keep_trailing_newline=True, autoescape=False)
    return environment.from_string(template.read_text(encoding="utf-8")).render(words)
