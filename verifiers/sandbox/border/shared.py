"""Objects of classes that the tests and the program both have, made on the tests' side from what the program says.

What is covered: only data crosses, so the tests' own methods and `==` decide. A field that is called like a method (or
a cached property) of the class is left out, where in one interpreter it would hide that method.
"""

from __future__ import annotations

import inspect
from typing import Any


def built(kind: type, fields: dict[str, Any]) -> Any:
    """An object of that class with those fields, made without its constructor."""
    made: Any = object.__new__(kind)
    made.__dict__.update({name: held for name, held in fields.items() if not _is_behaviour(kind, name)})
    return made


def _is_behaviour(kind: type, name: str) -> bool:
    own = inspect.getattr_static(kind, name, None)
    return callable(own) or hasattr(type(own), "__get__")
