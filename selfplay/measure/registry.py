"""Finding measures: by name through the entry-point group `selfplay.measures`, or by `path/to/file.py:name`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

from selfplay.errors import ConfigError
from selfplay.measure.measure import Measure, Of
from selfplay.tasks.plugins import Found, PluginGroup


def _declared(found: Found) -> Measure:
    value, where = found.value, found.where
    if not isinstance(value, Measure):
        raise ConfigError(f"{where} is no function under @measure; put `@measure(name=..., of=...)` on it")
    if value.of not in get_args(Of):
        raise ConfigError(f"{where} is of {value.of!r}; a measure is of {', '.join(get_args(Of))}")
    return value


MEASURES = PluginGroup("selfplay.measures", "measure", unknown=ConfigError, broken=ConfigError, declared=_declared)


def taken(further: Iterable[str] = ()) -> dict[str, Measure]:
    """The measures that a run takes, by name: all that ship, and further ones, named as in the config's `measures`.

    Raises ConfigError: one cannot be found, or two have the same name.
    """
    found = {name: MEASURES.find(name) for name in MEASURES.shipped()}
    for name in further:
        measure = MEASURES.find(name)
        if measure.name in found:
            raise ConfigError(f"the measure `{measure.name}` is there already; remove {name}, or give it another name")
        found[measure.name] = measure
    return found
