"""How many CPU threads a model is computed with.

Threads wait for each other by spinning, after every small operation. On a machine that also does something
else, two threads for a tiny model are not twice as fast as one but many times slower (measured: 40 times).
"""

from __future__ import annotations

from pathlib import Path

import psutil

from selfplay.models.folders import parameter_count

LARGEST_FOR_ONE_THREAD = 1_000_000
"""Parameters up to which one thread is the default."""


def set_threads(wanted: int | None, folder: Path) -> None:
    """Set torch's threads in this process: as many as wanted; else one for a tiny model, and one for each core
    for others. Ray sets OMP_NUM_THREADS to 1 for a small actor, so torch's own default will not do."""
    import torch

    if wanted is None:
        wanted = 1 if parameter_count(folder) <= LARGEST_FOR_ONE_THREAD else psutil.cpu_count() or 1
    torch.set_num_threads(wanted)
