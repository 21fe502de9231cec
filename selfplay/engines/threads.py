"""How many CPU threads a model is computed with.

Threads wait for each other by spinning, after every small operation. On a machine that also does something
else, two threads for a tiny model are not twice as fast as one but many times slower (measured: 40 times).
"""

from __future__ import annotations

from pathlib import Path

from selfplay.models import parameter_count

LARGEST_FOR_ONE_THREAD = 1_000_000
"""Parameters up to which one thread is the default."""


def set_threads(wanted: int | None, folder: Path) -> None:
    """Set torch's threads in this process: as many as wanted; else one for a tiny model, and torch's own
    default (all cores, or OMP_NUM_THREADS) for others."""
    import torch

    if wanted is None and parameter_count(folder) <= LARGEST_FOR_ONE_THREAD:
        wanted = 1
    if wanted is not None:
        torch.set_num_threads(wanted)
