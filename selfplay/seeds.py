"""Seeds: every random choice of a run is a pure function of where it happens."""

from __future__ import annotations

import random

from selfplay.tasks.problem import content_hash


def derive_seed(*place: str | int) -> int:
    """A 31-bit seed from where it is used, such as `(run seed, "sample", generation, problem id, index)`."""
    return int(content_hash(*place), 16) & 0x7FFFFFFF


def generator(*place: str | int) -> random.Random:
    """A random generator seeded by its place."""
    return random.Random(derive_seed(*place))
