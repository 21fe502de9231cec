"""Packages besides the standard library that programs and tests may import, where the settings name them.

They are imported once by the warm parent, so each execution has them at no cost, and of all installed files only
theirs can be read inside. What is covered: pure and compiled packages, with the libraries that their wheel brings.
What is not covered: what they depend on, which must be named as well, and data files elsewhere. A package is part of
what a program may reach: one that starts processes or opens files gives nothing that the sandbox refuses.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Sequence
from importlib import metadata


def located(names: Sequence[str]) -> list[str]:
    """Files and folders of the packages, for a process that cannot find them itself.

    Raises:
        LookupError: one is not installed here; says which, and the remedy.
    """
    entries: list[str] = []
    for name in names:
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError):
            spec = None
        if spec is None or spec.origin is None or spec.origin in ("built-in", "frozen"):
            raise LookupError(f"the package `{name}` is not installed here; install it, or take it out of `packages`")
        own = os.path.realpath(os.path.dirname(spec.origin) if spec.submodule_search_locations else spec.origin)
        entries += [own, *_beside(name, os.path.dirname(own))]
    return list(dict.fromkeys(entries))


def _beside(name: str, folder: str) -> list[str]:
    """What the package's wheel put beside it, such as numpy.libs."""
    try:
        distribution = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        found = metadata.packages_distributions().get(name, [])
        if not found:
            return []
        distribution = metadata.distribution(found[0])
    tops = {file.parts[0] for file in distribution.files or [] if len(file.parts) > 1}
    wanted = sorted(top for top in tops if top == name or top.endswith(".libs"))
    return [path for path in (os.path.join(folder, top) for top in wanted) if os.path.isdir(path)]
