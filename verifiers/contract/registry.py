"""Finding verifiers: by name through the entry-point group `selfplay.verifiers`, or by
`path/to/file.py:name`.

Built-in verifiers come through the same door as strangers; tasks/plugins.py says what is covered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from selfplay.tasks.plugins import Found, PluginGroup
from selfplay.verifiers.contract.conformance import declared_class
from selfplay.verifiers.contract.loaded import LoadedVerifier, build
from selfplay.verifiers.contract.verifier import Verifier
from selfplay.verifiers.errors import BrokenVerifier, UnknownVerifier


def _declared(found: Found) -> type[Verifier]:
    return declared_class(found.value, found.where)


VERIFIERS = PluginGroup(
    "selfplay.verifiers", "verifier", unknown=UnknownVerifier, broken=BrokenVerifier, declared=_declared
)


@dataclass(frozen=True)
class Available:
    """One registered verifier, as `selfplay verifiers list` shows it."""

    name: str
    package: str
    version: str = ""
    judges: str = ""
    does_not_catch: str = ""
    needs: str = ""
    """What it needs of the machine, in words."""
    error: str | None = None
    """Why it cannot be loaded; None where it can."""


def available() -> list[Available]:
    """All registered verifiers by name; imports every plugin, and warns of those that fail."""
    return [
        Available(listed.name, listed.package, error=listed.error)
        if listed.value is None
        else Available(
            listed.name,
            listed.package,
            version=listed.value.version,
            judges=listed.value.judges or "",
            does_not_catch=listed.value.does_not_catch or "",
            needs=listed.value.needs.in_words(),
        )
        for listed in VERIFIERS.listed()
    ]


def find(name: str) -> type[Verifier]:
    """The verifier class for a registered name or `path/to/file.py:name`; imports only that one.

    Raises:
        UnknownVerifier: nothing of that name, or no such file.
        BrokenVerifier: found, but it cannot be imported or keeps no contract.
    """
    return VERIFIERS.find(name)


def load(name: str, settings: Mapping[str, JsonValue] | None = None) -> LoadedVerifier:
    """Find and build a verifier.

    Raises:
        UnknownVerifier, BrokenVerifier: see `find`.
        BadSettings: a key or value that the verifier does not take.
    """
    return build(find(name), settings or {})
