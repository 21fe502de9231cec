"""Finding task sources: by name through the entry-point group `selfplay.tasks`, or by `path/to/file.py:name`.

Built-in sources come through the same door as strangers. A package that cannot be imported is a warning that names
it, and an error only for who asks for that source.
"""

from __future__ import annotations

import difflib
import importlib.util
import sys
import warnings
from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from tasks.errors import SourceError
from tasks.problem import content_hash
from tasks.source import TaskSource

GROUP = "selfplay.tasks"


class BrokenPluginWarning(UserWarning):
    """A package registers a task source that cannot be loaded."""


def available_sources() -> dict[str, type[TaskSource]]:
    """All registered sources by name; imports every plugin, and warns of those that fail."""
    found: dict[str, type[TaskSource]] = {}
    for name, entry in _entries().items():
        try:
            found[name] = _from_entry(entry)
        except SourceError as error:
            warnings.warn(str(error), BrokenPluginWarning, stacklevel=2)
    return found


def source_class(name: str) -> type[TaskSource]:
    """The class behind a registered name or `path/to/file.py:name`; imports only that one.

    Raises:
        SourceError: nothing of that name, no such file, or it is not a task source.
    """
    path, colon, attribute = name.rpartition(":")
    if colon and path.endswith(".py"):
        return _checked(_from_file(Path(path), attribute), name)
    entries = _entries()
    family, colon, rest = name.partition(":")
    if colon and rest and name not in entries and family in entries:
        return _from_entry(entries[family]).variant(rest)
    if name not in entries:
        near = difflib.get_close_matches(name, entries, n=1)
        guess = f"; did you mean `{near[0]}`?" if near else "."
        raise SourceError(
            f"there is no task source `{name}`{guess} Known: {', '.join(sorted(entries)) or 'none'}; "
            "a file of your own is named as path/to/file.py:name"
        )
    return _from_entry(entries[name])


def load_source(name: str, settings: Mapping[str, Any]) -> TaskSource:
    """A source with its settings.

    Raises:
        SourceError: see `source_class`; or a key or value that the source does not take.
    """
    kind = source_class(name)
    try:
        return kind(**settings)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            known = ", ".join(kind.model_fields) or "none"
            raise SourceError(f"source `{name}` has no key `{key}`; its keys are: {known}") from None
        raise SourceError(f"source `{name}`, `{key}`: {first['msg']}") from None


def _entries() -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=GROUP)}


def _from_entry(entry: EntryPoint) -> type[TaskSource]:
    package = entry.dist.name if entry.dist is not None else "an unknown package"
    where = f"task source `{entry.name}` of package {package}"
    try:
        found = entry.load()
    except Exception as error:
        raise SourceError(
            f"{where} cannot be imported ({type(error).__name__}: {error}); repair or uninstall the package"
        ) from error
    return _checked(found, where)


def _from_file(path: Path, attribute: str) -> object:
    if not path.is_file():
        raise SourceError(f"there is no file {path} to load the task source `{attribute}` from")
    module_name = "task_file_" + content_hash(str(path.resolve()))
    if module_name not in sys.modules:
        spec = importlib.util.spec_from_file_location(module_name, path)
        if spec is None or spec.loader is None:
            raise SourceError(f"{path} cannot be loaded as a Python file")
        module = importlib.util.module_from_spec(spec)
        sys.modules[module_name] = module
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            del sys.modules[module_name]
            raise SourceError(f"{path} cannot be imported ({type(error).__name__}: {error})") from error
    defined = vars(sys.modules[module_name])
    named = (value for value in defined.values() if getattr(value, "name", None) == attribute)
    found = defined.get(attribute) or next(named, None)
    if found is None:
        raise SourceError(f"{path} defines no task source `{attribute}`; name the class")
    return found


def _checked(found: object, where: str) -> type[TaskSource]:
    if not (isinstance(found, type) and issubclass(found, TaskSource)):
        raise SourceError(f"{where} is not a subclass of tasks.TaskSource")
    for attribute in ("name", "verifier", "solution_origin"):
        if attribute not in found.model_fields and not isinstance(getattr(found, attribute, None), str):
            raise SourceError(f"{where} does not set the class attribute `{attribute}`")
    return found
