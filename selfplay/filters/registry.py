"""Finding group filters: by name through the entry-point group `selfplay.filters`, or by `path/to/file.py:name`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import BaseModel, JsonValue, ValidationError

from selfplay.errors import ConfigError
from selfplay.filters.group_filter import GroupFilter
from selfplay.tasks.errors import error_text
from selfplay.tasks.plugins import Found, PluginGroup
from selfplay.tasks.problem import content_hash
from selfplay.verifiers.errors import first_complaint


def _declared(found: Found) -> type[GroupFilter]:
    kind, where = found.value, found.where
    if not (isinstance(kind, type) and issubclass(kind, GroupFilter)):
        raise ConfigError(f"{where} is not a subclass of selfplay.filters.GroupFilter")
    for key in ("name", "version"):
        if not isinstance(getattr(kind, key, None), str):
            raise ConfigError(f"{where} does not set the class attribute `{key}` to a text")
    if kind.compares not in ("nothing", "texts", "classes"):
        raise ConfigError(f"{where} has `compares` {kind.compares!r}; it is nothing, texts or classes")
    if not (isinstance(kind.Settings, type) and issubclass(kind.Settings, BaseModel)):
        raise ConfigError(f"{where} has `Settings` that are no pydantic model; derive them from pydantic.BaseModel")
    return kind


FILTERS = PluginGroup("selfplay.filters", "group filter", unknown=ConfigError, broken=ConfigError, declared=_declared)


@dataclass(frozen=True)
class LoadedFilter:
    """A filter with its settings."""

    plugin: GroupFilter
    settings_hash: str
    """16 hex digits of the canonical JSON of the resolved settings."""


def load(name: str, settings: Mapping[str, JsonValue]) -> LoadedFilter:
    """Find a filter and build it.

    Raises ConfigError: nothing of that name, no filter, or a key or value that it does not take.
    """
    kind = FILTERS.find(name)
    try:
        resolved = kind.Settings.model_validate(settings)
    except ValidationError as error:
        known = ", ".join(f"`{key}`" for key in kind.Settings.model_fields) or "none"
        raise ConfigError(f"filter {kind.name}, {first_complaint(error)}; its keys are: {known}") from None
    try:
        plugin = kind(resolved)
    except Exception as error:
        raise ConfigError(f"filter {kind.name} cannot be built ({error_text(error)}); repair it") from error
    return LoadedFilter(plugin, content_hash(resolved.model_dump(mode="json")))
