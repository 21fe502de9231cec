"""Packages besides the standard library that programs and tests may import, where the settings name them.

They are imported once by the warm parent, so each execution has them at no cost, and of all installed files only
theirs can be read inside. What is covered: pure and compiled packages, with the libraries that their wheel brings, and
the packages that they require. What is not covered: optional requirements, and data files elsewhere. A package is part
of what a program may reach: one that starts processes or opens files gives nothing that the sandbox refuses.
"""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Sequence
from importlib import metadata

REQUIRED = re.compile(r"^([\w.-]+)(?!.*;.*\bextra\b)")


def located(names: Sequence[str]) -> list[str]:
    """Files and folders of the packages and of what they require, for a process that cannot find them itself.

    Raises:
        LookupError: one is not installed here; says which, and the remedy.
    """
    entries: list[str] = []
    seen: set[str] = set()
    for name in names:
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError):
            spec = None
        if spec is None or spec.origin is None or spec.origin in ("built-in", "frozen"):
            raise LookupError(f"the package `{name}` is not installed here; install it, or take it out of `packages`")
        own = os.path.realpath(os.path.dirname(spec.origin) if spec.submodule_search_locations else spec.origin)
        entries.append(own)
        found = metadata.packages_distributions().get(name, [])
        for distribution in found[:1] or [name]:
            entries += _installed(distribution, seen)
    return list(dict.fromkeys(entries))


def _installed(name: str, seen: set[str]) -> list[str]:
    """Top-level files and folders of a distribution and of those that it requires on this machine."""
    key = re.sub(r"[-_.]+", "-", name).lower()
    if key in seen:
        return []
    seen.add(key)
    try:
        distribution = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return []  # a requirement of another platform, or a package without a distribution
    tops = {file.parts[0] for file in distribution.files or []}
    wanted = sorted(top for top in tops if top != ".." and not top.endswith((".dist-info", ".pth")))
    places = [os.path.realpath(str(distribution.locate_file(top))) for top in wanted if top != "__pycache__"]
    for requirement in distribution.requires or []:
        if match := REQUIRED.match(requirement):
            places += _installed(match[1], seen)
    return [place for place in places if os.path.exists(place)]
