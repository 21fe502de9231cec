"""Finding plugins: by name through an entry-point group, or by `path/to/file.py:name`.

Built-ins come through the same door as others. An unknown name is answered with its neighbour and all that are known. A
name that two packages register belongs to neither. A package that cannot be imported, or hangs or dies meanwhile
(first_import.py), is a warning that names it, and an error for who wants that plugin. A plugin runs with the user's own
rights.
"""

from __future__ import annotations

import difflib
import importlib.util
import os
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Generic, TypeVar

from selfplay.tasks.errors import PLUGIN_ERRORS, error_text
from selfplay.tasks.first_import import FailedImport, try_import
from selfplay.tasks.problem import content_hash

Kind = TypeVar("Kind")
OURS = "selfplay"
"""The package whose plugins need no trial."""


class BrokenPluginWarning(UserWarning):
    """A package registers a plugin that cannot be used."""


@dataclass(frozen=True)
class Found:
    """What a name stands for, not yet checked to be what its group asks for."""

    value: object
    where: str
    """The plugin and its package or file, as the subject of a sentence."""


@dataclass(frozen=True)
class Listed(Generic[Kind]):
    """One registered name, loaded or not."""

    name: str
    package: str
    """Distribution that registers it; several, joined with `and`, where they contend for the name."""
    value: Kind | None
    error: str | None = None
    """Why it cannot be used; None exactly where `value` is there."""


@dataclass(frozen=True)
class PluginGroup(Generic[Kind]):
    """The plugins of one kind."""

    group: str
    """Entry-point group, such as `selfplay.tasks`."""
    kind: str
    """What one is called in sentences."""
    unknown: type[Exception]
    """For a name that nobody registers, and a file that is not there or lacks the name."""
    broken: type[Exception]
    """For a plugin that cannot be imported, or that two packages register."""
    declared: Callable[[Found], Kind]
    """Gives what was found as what it has to be; raises `broken` or `unknown` where it is none."""

    def names(self) -> list[str]:
        """All registered names, sorted; imports nothing."""
        return sorted(self._entries())

    def shipped(self) -> list[str]:
        """The registered names of plugins that are part of this project, sorted; imports nothing."""
        return sorted(name for name, entries in self._entries().items() if any(map(_is_ours, entries)))

    def find(self, name: str) -> Kind:
        """The plugin of a registered name or `path/to/file.py:name`; imports only that one.

        Raises Exception: `unknown` or `broken`, with one sentence that names the remedy.
        """
        path, attribute = split_file(name)
        if path is not None:
            return self.declared(self._from_file(path, attribute))
        entries = self._entries()
        if name not in entries:
            near = difflib.get_close_matches(name, entries, n=1)
            guess = f"; did you mean `{near[0]}`?" if near else "."
            raise self.unknown(
                f"there is no {self.kind} `{name}`{guess} Known: {', '.join(sorted(entries)) or 'none'}; "
                "a file of your own is named as path/to/file.py:name"
            )
        return self.declared(self._from_entries(entries[name]))

    def listed(self) -> list[Listed[Kind]]:
        """All registered plugins by name; imports every one, and warns of those that fail."""
        found: list[Listed[Kind]] = []
        for name, entries in sorted(self._entries().items()):
            package = " and ".join(map(_package, entries))
            try:
                found.append(Listed(name, package, self.declared(self._from_entries(entries))))
            except (self.broken, self.unknown) as error:
                warnings.warn(str(error), BrokenPluginWarning, stacklevel=2)
                found.append(Listed(name, package, None, str(error)))
        return found

    def _entries(self) -> dict[str, list[EntryPoint]]:
        return _registered(self.group, tuple((place, _changed(place)) for place in map(str, sys.path)))

    def _from_entries(self, entries: list[EntryPoint]) -> Found:
        entry, package = entries[0], _package(entries[0])
        if len(entries) > 1:
            packages = " and ".join(map(_package, entries))
            raise self.broken(f"{packages} both register a {self.kind} `{entry.name}`; uninstall one of them")
        where = f"{self.kind} `{entry.name}` of package {package}"
        with self._importing(where, "repair or uninstall the package"):
            if entry.module not in sys.modules and not _is_ours(entry):
                try_import(entry.module)
            return Found(entry.load(), where)

    @contextmanager
    def _importing(self, what: object, remedy: str) -> Iterator[None]:
        try:
            yield
        except FailedImport as error:
            raise self.broken(f"{what} cannot be imported ({error}); {remedy}") from None
        except PLUGIN_ERRORS as error:
            raise self.broken(f"{what} cannot be imported ({error_text(error)}); {remedy}") from error

    def _from_file(self, path: Path, attribute: str) -> Found:
        if not path.is_file():
            raise self.unknown(f"there is no file {path} to load the {self.kind} `{attribute}` from")
        with self._importing(path, "repair the file"):
            defined = vars(_module(path.resolve()))
        named = (value for value in defined.values() if getattr(value, "name", None) == attribute)
        found = defined.get(attribute) or next(named, None)
        if found is None:
            raise self.unknown(f"{path} defines no {self.kind} `{attribute}`; name the class or function")
        return Found(found, f"{self.kind} `{attribute}` in {path}")


def split_file(name: str) -> tuple[Path | None, str]:
    """(path, attribute) of `path/to/file.py:name`; (None, name) of a registered name."""
    path, colon, attribute = name.rpartition(":")
    return (Path(path), attribute) if colon and path.endswith(".py") else (None, name)


def absolute(name: str) -> str:
    """The same name, with a file's path made absolute, so that it means the same in other processes."""
    path, attribute = split_file(name)
    return name if path is None else f"{path.resolve()}:{attribute}"


def absolute_in(value: Any) -> Any:
    """The same name or settings, with every plugin file that is there named by its absolute path."""

    def there(name: str) -> str:
        path = split_file(name)[0]
        return absolute(name) if path is not None and path.is_file() else name

    return renamed(value, there)


def renamed(value: Any, change: Callable[[str], str]) -> Any:
    """The same value with every text in it changed, in mappings and lists too."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {key: renamed(item, change) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [renamed(item, change) for item in value]
    return value


@lru_cache(maxsize=64)
def _registered(group: str, places: tuple[tuple[str, int], ...]) -> dict[str, list[EntryPoint]]:
    """The entry points of a group by name, read again only where a place to import from is new or has changed.

    To read the metadata of all packages takes a tenth of a second, and one config asks a dozen times.
    """
    # the same distribution can be listed twice (an editable install beside a source tree)
    distinct = {(e.name, e.value, _package(e)): e for e in entry_points(group=group)}
    named: dict[str, list[EntryPoint]] = {}
    for entry in sorted(distinct.values(), key=_package):
        named.setdefault(entry.name, []).append(entry)
    return named


def _changed(place: str) -> int:
    """When something was last added to a folder or taken from it, in nanoseconds; 0 where it is no folder."""
    try:
        return os.stat(place or ".").st_mtime_ns
    except OSError:
        return 0


def _is_ours(entry: EntryPoint) -> bool:
    return entry.module.partition(".")[0] == OURS


def _package(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist is not None else "an unknown package"


def _module(path: Path) -> object:
    """The module of a file, imported once in a process for each text that the file has; one that fails is imported
    again when asked for again."""
    name = "plugin_file_" + content_hash(str(path), path.read_bytes().hex())
    if name not in sys.modules:
        try_import(name, path)
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise ImportError(f"{path.name} is no Python file")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise
    return sys.modules[name]
