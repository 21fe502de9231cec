"""Finding task sources: by name through the entry-point group `selfplay.tasks`, or by `path/to/file.py:name`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from selfplay.tasks.errors import PLUGIN_ERRORS, SourceError, failed
from selfplay.tasks.plugins import Found, PluginGroup, split_file
from selfplay.tasks.source import TaskSource


def _checked(found: Found) -> type[TaskSource]:
    source, where = found.value, found.where
    if not (isinstance(source, type) and issubclass(source, TaskSource)):
        raise SourceError(f"{where} is not a subclass of selfplay.tasks.TaskSource")
    for attribute in ("name", "verifier", "solution_origin"):
        if attribute not in source.model_fields and not isinstance(getattr(source, attribute, None), str):
            raise SourceError(f"{where} does not set the class attribute `{attribute}`")
    return source


SOURCES = PluginGroup("selfplay.tasks", "task source", unknown=SourceError, broken=SourceError, declared=_checked)


def available_sources() -> dict[str, type[TaskSource]]:
    """Those that can be used; warns of the others."""
    return {listed.name: listed.value for listed in SOURCES.listed() if listed.value is not None}


def source_class(name: str) -> type[TaskSource]:
    """The class behind a registered name or `path/to/file.py:name`; imports only that one.

    Raises SourceError: nothing of that name, no such file, or it is not a task source.
    """
    family, colon, variant = name.partition(":")
    if colon and split_file(name)[0] is None and family in SOURCES.names():
        return SOURCES.find(family).variant(variant)
    return SOURCES.find(name)


def load_source(name: str, settings: Mapping[str, Any]) -> TaskSource:
    """A source with its settings.

    Raises SourceError: see `source_class`; or a key or value that the source does not take.
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
    except SourceError:
        raise
    except PLUGIN_ERRORS as error:
        raise failed(f"source `{name}`", kind.__name__, error) from error
