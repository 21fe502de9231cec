"""Writing a file whole or not at all: under a temporary name beside it, renamed when it is whole and on the disk."""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[TextIO]:
    """The file to write to, as UTF-8; it takes the place of `path` at the end of the `with`, if nothing was raised.

    Raises OSError: it cannot be written. What was at `path` is still there, and nothing is left beside it.
    """
    if path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "it is a folder")
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    out = temporary.open("x", encoding="utf-8")
    try:
        with out:
            yield out
            out.flush()
            os.fsync(out.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_whole(path: Path, text: str) -> None:
    """Write a text to a file, whole or not at all. Raises as `whole_file`."""
    with whole_file(path) as out:
        out.write(text)
