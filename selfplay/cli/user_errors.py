"""Errors that the user caused: one sentence on stderr and exit code 2."""

from __future__ import annotations

import errno
import os
import re
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import typer

USER_ERROR = 2
_REQUIREMENT = re.compile(r"([\w-]+).*; extra == '([\w-]+)'")
_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


@contextmanager
def one_sentence() -> Iterator[None]:
    """Print a user's error, or a missing extra, as one sentence; exit with code 2."""
    from selfplay.errors import SelfplayError
    from selfplay.tasks.errors import SourceError
    from selfplay.verifiers.errors import VerifierError

    with system_limits():
        try:
            yield
        except (SelfplayError, SourceError, VerifierError) as error:
            raise _refused(_missing_extra(error.__cause__) or error) from None
        except ModuleNotFoundError as error:
            sentence = _missing_extra(error)
            if sentence is None:
                raise
            raise _refused(sentence) from None


def _missing_extra(error: BaseException | None) -> str | None:
    """The sentence for a package that is not installed and comes with an extra; None for any other error.

    A module inside a package is of no extra: the package is there, and broken.
    """
    from importlib.metadata import PackageNotFoundError, requires

    if not isinstance(error, ModuleNotFoundError) or error.name is None:
        return None
    try:
        requirements = requires("selfplay-lab") or []
    except PackageNotFoundError:
        return None
    pairs = [found.groups() for found in map(_REQUIREMENT.match, requirements) if found]
    sizes = Counter(extra for _, extra in pairs)
    extras = [extra for package, extra in pairs if package == error.name.replace("_", "-")]
    if not extras:
        return None
    extra = min(extras, key=lambda extra: sizes[extra])  # extras include one another; the smallest introduces it
    return (
        f"This needs `{error.name}`, which comes with the extra `{extra}`; run `make install` in the checkout, or "
        f"`pip install -e '.[{extra}]'` there."
    )


@contextmanager
def system_limits() -> Iterator[None]:
    """Print as one sentence what the system may refuse anywhere: a path too long, an output that cannot be written.

    A closed pipe ends the command silently, as is usual.
    """
    try:
        yield
        if sys.stdout is not None:  # None: it was closed when the command began
            sys.stdout.flush()
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            name = str(error.filename)
            sentence = f"The path {name[:40]}… ({len(name):,} characters) is too long; give a shorter one."
            raise _refused(sentence) from None
        if error.errno not in _UNWRITABLE or error.filename is not None:
            raise
        with suppress(OSError):
            # What still waits in the buffer would fail again, with a traceback, as Python ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise _refused(f"Cannot write: {error.strerror}; make room, or send the output elsewhere.") from None


def relative(path: Path, folder: Path, prefix: str = "") -> str:
    """A path as a person would type it: from a folder where it lies in it."""
    return f"{prefix}{path.relative_to(folder)}" if path.is_relative_to(folder) else str(path)


def _refused(error: Exception | str) -> typer.Exit:
    from selfplay.hostile_text import visible

    typer.echo(f"selfplay: {visible(str(error))}", err=True)
    return typer.Exit(getattr(error, "exit_code", USER_ERROR))
