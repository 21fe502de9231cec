"""What an exception of somebody else's code says, for sentences; also where it cannot say it.

said(KeyError("a"))        KeyError: 'a'
"""

from __future__ import annotations

STRANGERS = (Exception, SystemExit, GeneratorExit)
"""What a stranger's code may raise that is caught as its failure; not the person's own Ctrl-C."""


def said(error: BaseException) -> str:
    """The kind of an exception and its message, on one line."""
    kind = type(error).__name__
    try:
        text = " ".join(str(error).split())
    except STRANGERS:
        return f"{kind}, which cannot say why"
    return f"{kind}: {text}" if text else kind
