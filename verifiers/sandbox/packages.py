"""Packages besides the standard library that programs and tests may import, where the settings name them.

They are imported once by the warm parent, so each execution has them at no cost, and of all installed files only
theirs can be read inside. What is covered: pure and compiled packages, with the libraries that their wheel brings, and
the packages that they require. What is not covered: optional requirements, and data files elsewhere. A package is part
of what a program may reach: one that starts processes or opens files gives nothing that the sandbox refuses.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import sys
from collections.abc import Sequence

REQUIRED = re.compile(r"^([\w.-]+)(?!.*;.*\bextra\b)")
COMMON = (
    "abc ast bisect cmath collections collections.abc contextlib copy dataclasses datetime enum functools "
    "heapq io itertools json math numbers operator random re string sys threading time traceback types typing "
    "warnings weakref"
)
# a forked process has one thread, and a numerical library that counts on others waits for ever
SINGLE_THREADED = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def located(names: Sequence[str]) -> list[str]:
    """Files and folders of the packages and of what they require, for a process that cannot find them itself.

    Raises:
        LookupError: one is not installed here; says which, and the remedy.
    """
    import importlib.util  # not for the warm parent, which imports this module too
    from importlib import metadata

    entries: list[str] = []
    seen: set[str] = set()
    owners = metadata.packages_distributions() if names else {}  # reads the metadata of all that is installed
    for name in names:
        try:
            spec = importlib.util.find_spec(name)
        except (ImportError, ValueError):
            spec = None
        if spec is None or spec.origin is None or spec.origin in ("built-in", "frozen"):
            raise LookupError(f"the package `{name}` is not installed here; install it, or take it out of `packages`")
        own = os.path.realpath(os.path.dirname(spec.origin) if spec.submodule_search_locations else spec.origin)
        entries.append(own)
        entries += _installed(owners.get(name, [name])[0], seen)
    return list(dict.fromkeys(entries))


def _installed(name: str, seen: set[str]) -> list[str]:
    """Top-level files and folders of a distribution and of those that it requires on this machine."""
    from importlib import metadata

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


def preimport_common() -> None:
    """Import the common modules that this interpreter has."""
    for name in COMMON.split():
        with contextlib.suppress(ImportError):  # an interpreter built without one of them
            importlib.import_module(name)


def preimport(names: Sequence[str], entries: Sequence[str]) -> None:
    """Import them in the warm parent. Raises OSError where that fails: the level cannot be had with them."""
    folders = list(dict.fromkeys(os.path.dirname(entry) for entry in entries))
    os.environ.update(dict.fromkeys(SINGLE_THREADED, "1"))
    sys.path.extend(folders)
    try:
        for name in names:
            importlib.import_module(name)
    except Exception as error:
        raise OSError(f"the package `{name}` cannot be imported alone ({type(error).__name__}: {error})") from error
    finally:
        del sys.path[len(sys.path) - len(folders) :]
