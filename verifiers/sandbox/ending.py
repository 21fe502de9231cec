"""`exit` and `quit`, which an interpreter has as built-ins, although the ones here run without the module that brings
them.

What is covered: both end the program as `sys.exit` does, with the same codes.
"""

from __future__ import annotations

import _sitebuiltins
import builtins


def give_exit() -> None:
    """Add both to the built-ins of this process."""
    for name in ("exit", "quit"):
        setattr(builtins, name, _sitebuiltins.Quitter(name, "Ctrl-D"))
