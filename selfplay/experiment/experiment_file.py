"""Reading an experiment: YAML, `--set` overrides, and errors that name the key.

Precedence: defaults < the file < `--set`, left to right.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from selfplay.errors import ConfigError
from selfplay.experiment.schema import Experiment

_OF_LITTLE_USE = {"extra_forbidden": 1, "missing": 2}
"""Complaints of a branch that the mapping was not meant for."""
_ABSENT = object()
_NO_CLASS = re.compile(r" or instance of \w+$")
_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


def shipped() -> dict[str, Path]:
    """The experiments that come with the package, by name: a folder's, or in it the name of any other YAML file."""
    files = sorted((Path(__file__).parent.parent / "experiments").glob("*/*.yaml"))
    return {file.parent.name if file.stem == "experiment" else file.stem: file for file in files}


def experiment_file(given: Path) -> Path:
    """The file that a person means by a path or by the name of a shipped experiment; a file that is there comes first.

    Raises:
        ConfigError: a name that no shipped experiment has.
    """
    if given.is_file() or given.suffix or len(given.parts) != 1:
        return given
    known = shipped()
    if given.name not in known:
        names = ", ".join(sorted(known))
        raise ConfigError(f"No experiment `{given}`; give the path of a YAML file, or one of {names}.")
    return known[given.name]


class _NoKeyTwice(yaml.SafeLoader):
    """YAML that refuses a key given twice in one mapping; PyYAML would silently take the last."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.tag != "tag:yaml.org,2002:merge":
                if key.value in seen:
                    line = key.start_mark.line + 1
                    raise ConfigError(f"the key `{key.value}` appears twice, again in line {line}; remove one.")
                seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


def load_experiment(path: Path, overrides: Sequence[str] = (), *, recorded: bool = False) -> Experiment:
    """The experiment of a YAML file with `key.path=value` overrides.

    Args:
        recorded: the file is that of a run that was made: no plugin that it names is looked for.

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
    return parse_experiment(data, str(path), recorded=recorded)


def parse_experiment(data: dict[str, Any], where: str, *, recorded: bool = False) -> Experiment:
    """An experiment from plain data; `where` names it in errors."""
    try:
        return Experiment.model_validate(data, context={"recorded": recorded})
    except ValidationError as error:
        raise ConfigError(f"{where}: {explain(error, Experiment, data)}") from None


def settings_of(overrides: Iterable[str] | None) -> dict[str, Any]:
    """Nested settings from `key.path=value` words; raises as `apply_override`."""
    settings: dict[str, Any] = {}
    for override in overrides or ():
        apply_override(settings, override)
    return settings


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


def explain(error: ValidationError, model: type[BaseModel], data: Any) -> str:
    """The first error of a validation, as one sentence with its key and remedy.

    Args:
        error: what pydantic found.
        model: what the data was validated as.
        data: the data itself: in pydantic's places keys stand among names of a union's branches, and only the data
            tells them apart.
    """
    first, *others = error.errors()
    kind, value = first["type"], first["input"]
    if isinstance(value, dict) and kind != "missing":
        exact = ((reached, skipped) for _, reached, skipped in _readings(first["loc"], data))
        if not any(reached is value and not skipped for reached, skipped in exact):
            # Of a union's branches, report the error of the one that knows most of the mapping's keys.
            siblings = [e for e in others if len(e["loc"]) > 1 and e["loc"][:-2] == first["loc"][:-1]]
            first = min(siblings, key=lambda e: _OF_LITTLE_USE.get(e["type"], 0), default=first)
            kind, value = first["type"], first["input"]
    key = _key(first["loc"], data, value, missing=kind == "missing")
    message = _NO_CLASS.sub("", str(first["msg"]).removeprefix("Value error, "))
    if kind == "extra_forbidden":
        known = _known_keys(model)
        near = difflib.get_close_matches(str(first["loc"][-1]), known, n=1)
        sentence = f"unknown key `{key}`" + (f"; did you mean `{known[near[0]]}`?" if near else "; remove it.")
    elif kind == "invalid_key":
        sentence = f"a key is {value!r:.80}, which is no text; put it in quotes or remove it."
    elif kind == "missing":
        sentence = f"the key `{key}` is missing; add it."
    elif kind == "value_error":
        sentence = f"{'`' + key + '`: ' if key else ''}{message}."
    else:
        sentence = f"`{key}` is {value!r:.80}: {message[0].lower()}{message[1:]}."
    return sentence + (f" ({len(others)} more like this.)" if others else "")


def _key(place: Sequence[str | int], data: Any, value: Any, *, missing: bool) -> str:
    """The key of an error as the file has it, such as `arms[1].keep.filter`.

    Args:
        place: pydantic's, with the branches that it tried in a union among the keys.
        data: what was validated.
        value: what the error is about: of several readings, the one that leads there is right.
        missing: the last part of the place is a key that is not there, and the value is what should hold it.
    """
    found = list(_readings(place[:-1] if missing else place, data))
    path = next((path for path, reached, _ in found if reached is value), found[0][0])
    return (path + (f".{place[-1]}" if missing else "")).lstrip(".")


def _readings(
    place: Sequence[str | int], here: Any, path: str = "", skipped: int = 0
) -> Iterator[tuple[str, Any, int]]:
    """Each way to follow a place through the data: (path, what is there, parts skipped because they name a branch)."""
    if not place:
        yield path, here, skipped
        return
    part, rest = place[0], place[1:]
    try:
        inside = here[part] if isinstance(here, dict | list) else _ABSENT  # type: ignore[index]
    except (KeyError, IndexError, TypeError):
        inside = _ABSENT
    if inside is not _ABSENT:
        step = f"[{part}]" if isinstance(here, list) else f".{part}"
        yield from _readings(rest, inside, path + step, skipped)
    if inside is _ABSENT or isinstance(part, str):
        yield from _readings(rest, here, path, skipped + 1)


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
