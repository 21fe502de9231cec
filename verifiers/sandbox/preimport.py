"""What the warm parent imports before it forks, so that programs need not: common modules and the granted packages.

What is covered: modules of the standard library that programs often use, and what packages.py located. What is not:
a module that is not in the list costs each program that uses it its import. The list is short on purpose: a fork
copies the page tables of all that was imported.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Sequence

COMMON = (
    "abc ast bisect cmath collections collections.abc contextlib copy dataclasses datetime enum functools "
    "heapq io itertools json math numbers operator random re string sys threading time traceback types typing "
    "warnings weakref"
)
# a forked process has one thread, and a numerical library that counts on others waits for ever
SINGLE_THREADED = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def common() -> None:
    """Import the common modules that this interpreter has."""
    for name in COMMON.split():
        with contextlib.suppress(ImportError):  # an interpreter built without one of them
            importlib.import_module(name)


def granted(names: Sequence[str], entries: Sequence[str]) -> None:
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
