"""Reading an experiment: YAML, `--set` overrides, and errors that name the key.

Precedence: defaults < the file < `--set`, left to right.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from selfplay.config import Experiment
from selfplay.errors import ConfigError

_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


class _NoKeyTwice(yaml.SafeLoader):
    """YAML in which a key stands once in its mapping; YAML itself would take the last one without a word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                if key.value in seen:
                    raise ConfigError(f"the key `{key.value}` stands twice, again in line {_line(key)}; remove one.")
                seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


def _line(node: yaml.Node) -> int:
    return int(node.start_mark.line) + 1


def load_experiment(path: Path, overrides: Sequence[str] = ()) -> Experiment:
    """The experiment of a YAML file with `key.path=value` overrides.

    Raises:
        ConfigError: one sentence that names the file or key, and the remedy.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigError(f"No file {path}; give the path of an experiment's YAML file.") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 at byte {error.start}; save it as UTF-8.") from None
    except OSError as error:
        raise ConfigError(
            f"Cannot read {path}: {error.strerror}; give the path of an experiment's YAML file."
        ) from None
    try:
        data = yaml.load(text, Loader=_NoKeyTwice)
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise ConfigError(f"{path} is not valid YAML: {' '.join(str(error).split())}.") from None
    if not isinstance(data, dict):
        raise ConfigError(f"{path} must hold keys and values, beginning with `name:`.")
    for override in overrides:
        apply_override(data, override)
    return parse_experiment(data, str(path))


def parse_experiment(data: dict[str, Any], where: str) -> Experiment:
    """An experiment from plain data; `where` names it in errors."""
    try:
        return Experiment.model_validate(data)
    except ValidationError as error:
        raise ConfigError(f"{where}: {explain(error, Experiment)}") from None


def apply_override(data: dict[str, Any], override: str) -> None:
    """Set `a.b[0].c=value` in nested data; the value is read as YAML.

    Raises:
        ConfigError: no `=`, a path through something that is not a mapping or list, or an index that is not there.
    """
    path, equals, text = override.partition("=")
    steps = [int(index) if index else key for key, index in _STEP.findall(path)]
    if not equals or not steps:
        raise ConfigError(f"--set {override}: write it as key.path=value, such as --set distill.steps=200.")
    try:
        value = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError):
        raise ConfigError(f"--set {override}: the value is not valid YAML; quote it.") from None
    here: Any = data
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        if isinstance(here, list) and isinstance(step, str) and step.isdigit():
            step = int(step)
        if isinstance(here, list) and isinstance(step, int):
            if step >= len(here):
                raise ConfigError(f"--set {override}: `{path}` has only {len(here)} entries, counted from 0.")
        elif not isinstance(here, dict) or not isinstance(step, str):
            raise ConfigError(f"--set {override}: there is no `{step}` to set there; check the path.")
        if following is None:
            here[step] = value
        elif isinstance(here, dict):
            if here.get(step) is None:
                here[step] = {}
            here = here[step]
        else:
            here = here[step]


def explain(error: ValidationError, model: type[BaseModel]) -> str:
    """The first error of a validation, as one sentence with its key and remedy."""
    first, *others = error.errors()
    if isinstance(first["input"], dict) and any(_is_branch(str(part), model) for part in first["loc"]):
        # A mapping was meant for the branch of the union that is one; that branch's complaint is of use.
        closer = [
            e for e in others if e["type"] in ("extra_forbidden", "missing") and e["loc"][:-2] == first["loc"][:-1]
        ]
        first = min(closer, key=lambda e: e["type"], default=first)
    parts = [part for part in first["loc"] if isinstance(part, int) or not _is_branch(part, model)]
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts).lstrip(".")
    kind, message = first["type"], str(first["msg"]).removeprefix("Value error, ")
    if kind == "extra_forbidden":
        known = _known_keys(model)
        near = difflib.get_close_matches(str(first["loc"][-1]), known, n=1)
        sentence = f"unknown key `{key}`" + (f"; did you mean `{known[near[0]]}`?" if near else "; remove it.")
    elif kind == "missing":
        sentence = f"the key `{key}` is missing; add it."
    elif kind == "value_error":
        sentence = f"{'`' + key + '`: ' if key else ''}{message}."
    else:
        sentence = f"`{key}` is {first['input']!r:.80}: {message[0].lower()}{message[1:]}."
    return sentence + (f" ({len(others)} more like this.)" if others else "")


def _is_branch(part: str, model: type[BaseModel]) -> bool:
    """Whether a part of an error's place is pydantic's name for one branch of a union, and no key of the file."""
    return "[" in part or part in model.model_json_schema().get("$defs", {}) or part in ("str", "int", "float", "bool")


def _known_keys(model: type[BaseModel]) -> dict[str, str]:
    """Every key of the file by its last part, with the whole path."""
    schema = model.model_json_schema()
    found: dict[str, str] = {}

    def walk(part: dict[str, Any], path: str, depth: int) -> None:
        for key, value in part.get("properties", {}).items():
            found.setdefault(key, f"{path}{key}")
            for inner, suffix in ((value, "."), (value.get("items", {}), "[].")):
                for branch in (inner, *inner.get("anyOf", ())):
                    name = branch.get("$ref", "").rpartition("/")[2]
                    if name and depth < 3:
                        walk(schema["$defs"][name], f"{path}{key}{suffix}", depth + 1)

    walk(schema, "", 0)
    return found
