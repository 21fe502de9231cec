"""One line of the doctor's table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["fine", "limited", "missing"]


@dataclass(frozen=True)
class Finding:
    """What one part of the machine offers."""

    name: str
    value: str
    """What was found, in a few words."""
    state: State = "fine"
    """`missing`: the quickstart cannot run without it. `limited`: it runs, and something else may not."""
    remedy: str = ""
    """One sentence; empty where nothing needs to be done."""
