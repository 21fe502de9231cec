"""What a user can get wrong about a task source. Each error is one sentence that names the remedy.

SourceError (ValueError)
├── UnreachableSource      the data is elsewhere (the Hub) and cannot be reached from here
└── BrokenSource           the source's own code raises, or gives what is no problem
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import ValidationError

PLUGIN_ERRORS = (Exception, SystemExit, GeneratorExit)
"""What a plugin's code may raise that is caught as its failure; not the user's own Ctrl-C."""


class SourceError(ValueError):
    """A source's name, settings or data cannot be used."""


class UnreachableSource(SourceError):
    """The data is not on this machine and cannot be fetched now."""


class BrokenSource(SourceError):
    """The source's own code raises, or gives something that is no problem."""


def error_text(error: BaseException) -> str:
    """The type and message of an exception on one line, such as `KeyError: 'a'`; also where its message raises."""
    kind = type(error).__name__
    try:
        text = " ".join(str(error).split())
    except PLUGIN_ERRORS:
        return f"{kind}, which cannot say why"
    return f"{kind}: {text}" if text else kind


def failed(place: str, function: str, error: BaseException) -> BrokenSource:
    """The sentence for a function of a source that raises at a place: source, split and index, or file and line."""
    words = error_text(error)
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(map(str, first["loc"]))
        words = " ".join(f"a wrong {error.title}, `{key}`: {first['msg']}".split())
    return BrokenSource(f"{place}: `{function}` raised {words[:300]}; repair the source")


@contextmanager
def blamed(place: str, function: str) -> Iterator[None]:
    """What a source's code raises in the `with`, other than its own SourceError, is a BrokenSource (`failed`)."""
    try:
        yield
    except SourceError:
        raise
    except PLUGIN_ERRORS as error:
        raise failed(place, function, error) from error


def no_problem(place: str, function: str, given: object) -> BrokenSource:
    """The sentence for a function of a source that gives something else than a problem."""
    return BrokenSource(f"{place}: `{function}` gave {type(given).__name__} where a Problem is due; repair the source")
