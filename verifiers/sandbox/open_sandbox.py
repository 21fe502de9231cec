"""From the setting `sandbox` to a sandbox: a level of this machine, or the address of another.

    landlock                    the best level here, `landlock` at the least
    http://127.0.0.1:9000       a service that speaks the protocol of remote/http_sandbox.py

An address is opened by the plugin that registers its scheme in the entry-point group `selfplay.sandboxes`: a
function from the whole address to a `Sandbox`. `http` and `https` come through the same door.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

from selfplay.tasks.plugins import Found, PluginGroup
from selfplay.verifiers.sandbox.local_sandbox import LocalSandbox
from selfplay.verifiers.sandbox.protocol import LEVELS, LevelRefused, Sandbox


def _declared(found: Found) -> Callable[[str], Sandbox]:
    if not callable(found.value):
        raise LevelRefused(f"{found.where} cannot be called with an address; name a class or function")
    return cast("Callable[[str], Sandbox]", found.value)


SANDBOXES = PluginGroup("selfplay.sandboxes", "sandbox", unknown=ValueError, broken=LevelRefused, declared=_declared)


def check(wanted: str) -> str:
    """The setting itself. Raises ValueError in words where it names neither a level nor a known kind of address."""
    if wanted not in LEVELS:
        _scheme(wanted)
    return wanted


def open_sandbox(wanted: str, packages: Sequence[str] = ()) -> Sandbox:
    """The sandbox that the setting names.

    Raises:
        ValueError: the setting names none.
        LevelRefused: it cannot be had; names the remedy.
    """
    if wanted in LEVELS:
        return LocalSandbox(lowest=wanted, packages=packages)
    if packages:
        raise LevelRefused("`packages` are for the sandbox of this machine; a remote one has its own")
    return SANDBOXES.find(_scheme(wanted))(wanted)


def _scheme(wanted: str) -> str:
    known = SANDBOXES.names()
    scheme, mark, _ = wanted.partition("://")
    if not mark or scheme not in known:
        addresses = ", ".join(f"{name}://..." for name in known)
        raise ValueError(
            f"there is no sandbox `{wanted}`; name a level ({', '.join(LEVELS)}) or an address ({addresses})"
        )
    return scheme
