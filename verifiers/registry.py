"""Finding verifiers: by name through the entry-point group `selfplay.verifiers`, or by
`path/to/file.py:name`.

Built-in verifiers come through the same door as strangers. A package that cannot be imported is a warning
that names it, and an error only for who asks for that verifier.
"""

from __future__ import annotations

import difflib
import hashlib
import importlib.util
import sys
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

from pydantic import JsonValue

from verifiers.errors import BrokenVerifier, UnknownVerifier
from verifiers.verifier import LoadedVerifier, Verifier, build, declared_class

GROUP = "selfplay.verifiers"


class BrokenPluginWarning(UserWarning):
    """A package registers a verifier that cannot be loaded."""


@dataclass(frozen=True)
class Available:
    """One registered verifier, as `selfplay verifiers list` shows it."""

    name: str
    package: str
    version: str = ""
    judges: str = ""
    does_not_catch: str = ""
    error: str | None = None
    """Why it cannot be loaded; None where it can."""


def available() -> list[Available]:
    """All registered verifiers by name; imports every plugin, and warns of those that fail."""
    listed = []
    for entry in _entries():
        try:
            declared = _from_entry(entry)
        except BrokenVerifier as error:
            warnings.warn(str(error), BrokenPluginWarning, stacklevel=2)
            listed.append(Available(entry.name, _package(entry), error=str(error)))
        else:
            listed.append(
                Available(
                    entry.name,
                    _package(entry),
                    version=str(declared.version),
                    judges=getattr(declared, "judges", ""),
                    does_not_catch=getattr(declared, "does_not_catch", ""),
                )
            )
    return listed


def find(name: str) -> type[Verifier]:
    """The verifier class for a registered name or `path/to/file.py:name`; imports only that one.

    Raises:
        UnknownVerifier: nothing of that name, or no such file.
        BrokenVerifier: found, but it cannot be imported or keeps no contract.
    """
    path, colon, attribute = name.rpartition(":")
    if colon and path.endswith(".py"):
        return _from_file(Path(path), attribute)
    entries = [entry for entry in _entries() if entry.name == name]
    if not entries:
        names = [entry.name for entry in _entries()]
        near = difflib.get_close_matches(name, names, n=1)
        guess = f"; did you mean `{near[0]}`?" if near else "."
        raise UnknownVerifier(
            f"there is no verifier `{name}`{guess} Known: {', '.join(names) or 'none'}; "
            "a file of your own is named as path/to/file.py:name"
        )
    if len(entries) > 1:
        packages = " and ".join(_package(entry) for entry in entries)
        raise BrokenVerifier(f"{packages} both register a verifier `{name}`; uninstall one of them")
    return _from_entry(entries[0])


def load(name: str, settings: Mapping[str, JsonValue] | None = None) -> LoadedVerifier:
    """Find and build a verifier.

    Raises:
        UnknownVerifier, BrokenVerifier: see `find`.
        BadSettings: a key or value that the verifier does not take.
    """
    return build(find(name), settings or {})


def absolute(name: str) -> str:
    """The same name, with a file's path made absolute, so that it means the same in other processes."""
    path, colon, attribute = name.rpartition(":")
    return f"{Path(path).resolve()}:{attribute}" if colon and path.endswith(".py") else name


def _entries() -> list[EntryPoint]:
    # the same distribution can be listed twice (an editable install beside a source tree)
    distinct = {(entry.name, entry.value, _package(entry)): entry for entry in entry_points(group=GROUP)}
    return sorted(distinct.values(), key=lambda entry: entry.name)


def _package(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist is not None else "an unknown package"


def _from_entry(entry: EntryPoint) -> type[Verifier]:
    where = f"verifier `{entry.name}` of package {_package(entry)}"
    try:
        found = entry.load()
    except Exception as error:
        raise BrokenVerifier(
            f"{where} cannot be imported ({type(error).__name__}: {error}); repair or uninstall the package"
        ) from error
    return declared_class(found, where)


def _from_file(path: Path, attribute: str) -> type[Verifier]:
    where = f"`{attribute}` in {path}"
    if not path.is_file():
        raise UnknownVerifier(f"there is no file {path} to load the verifier `{attribute}` from")
    source = path.resolve()
    module_name = "verifier_file_" + hashlib.sha256(str(source).encode()).hexdigest()[:16]
    module = sys.modules.get(module_name)
    if module is None:
        spec = importlib.util.spec_from_file_location(module_name, source)
        if spec is None or spec.loader is None:
            raise BrokenVerifier(f"{path} cannot be loaded as a Python file")
        module = importlib.util.module_from_spec(spec)
        sys.modules[module_name] = module
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            del sys.modules[module_name]
            raise BrokenVerifier(f"{path} cannot be imported ({type(error).__name__}: {error})") from error
    found = getattr(module, attribute, None)
    if found is None:
        declared = [getattr(value, "__verifier__", value) for value in vars(module).values()]
        found = next((value for value in declared if getattr(value, "name", None) == attribute), None)
    if found is None:
        raise UnknownVerifier(f"{path} defines no verifier `{attribute}`; name the function or class")
    return declared_class(found, where)
