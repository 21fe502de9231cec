"""How the command line refuses: an error that a person caused is one sentence and exit code 2."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import typer

USER_ERROR = 2


@contextmanager
def one_sentence() -> Iterator[None]:
    """Print an error that a person caused as one sentence, and leave with exit code 2."""
    from selfplay.errors import SelfplayError
    from selfplay.neighbours import imported_from_here

    try:
        imported_from_here()
    except SelfplayError as error:
        raise _refused(error) from None

    from tasks.errors import SourceError
    from verifiers.errors import VerifierError

    try:
        yield
    except (SelfplayError, SourceError, VerifierError) as error:
        raise _refused(error) from None


def _refused(error: Exception) -> typer.Exit:
    typer.echo(f"selfplay: {_printable(str(error))}", err=True)
    return typer.Exit(getattr(error, "exit_code", USER_ERROR))


def _printable(text: str) -> str:
    """Text without control characters, which a terminal would obey."""
    return "".join(c if c.isprintable() or c == "\n" else f"\\x{ord(c):02x}" for c in text)
