"""The packages beside this one: are `verifiers` and `tasks` ours?

A well-known library is called `verifiers` too, and where it is installed Python may find it first. This module imports
neither, so that it can say so before anything breaks.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

from selfplay.errors import ConfigError


def imported_from_here() -> None:
    """Refuse to go on when `verifiers` or `tasks` is another package of that name.

    Raises:
        ConfigError: one sentence that names the file found and the remedy.
    """
    ours = Path(__file__).resolve().parent.parent
    for name in ("verifiers", "tasks"):
        spec = importlib.util.find_spec(name)
        found = Path(spec.origin).resolve().parent.parent if spec and spec.origin else None
        if found != ours:
            raise ConfigError(
                f"The package `{name}` that Python finds is {spec.origin if spec else 'missing'}, not the one beside "
                f"selfplay in {ours}; uninstall the other one (`pip uninstall {name}`) or use a fresh environment."
            )
