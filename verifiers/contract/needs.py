"""What a verifier needs of the machine beyond Python: declared by the plugin, shown by the doctor, kept by the cluster.

    class Reward(Verifier):
        needs = Needs(gpu=1, packages=("transformers",))

What is covered: a verifier whose packages are missing is refused before anything runs; the cluster's judge is placed
where the GPUs are. What is not covered: whether the network answers is found out by the first request alone.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Needs:
    """Resources of one verifier process."""

    gpu: float = 0.0
    """GPUs, or a share of one below 1; all worker processes of a judge share them."""
    network: bool = False
    """Whether it talks to other machines."""
    packages: tuple[str, ...] = ()
    """Modules to import that do not come with selfplay, such as `spacy`."""

    def __post_init__(self) -> None:
        if not 0 <= self.gpu <= 64 or (self.gpu > 1 and self.gpu != int(self.gpu)):
            raise ValueError("`gpu` is a share below 1 or a whole number of GPUs")
        if isinstance(self.packages, str):
            raise ValueError("`packages` is a tuple of names, such as packages=('spacy',)")

    @property
    def missing(self) -> list[str]:
        """The packages that cannot be found here; imports none."""
        return [name for name in self.packages if not _is_there(name)]

    def in_words(self) -> str:
        """Such as `1 GPU, the network, spacy`; empty where nothing is needed."""
        gpu = f"{self.gpu:g} GPU{'s' if self.gpu > 1 else ''}" if self.gpu else ""
        return ", ".join(filter(None, (gpu, "the network" if self.network else "", *self.packages)))


def together(needs: Iterable[Needs]) -> Needs:
    """What verifiers need that judge in turn in one process."""
    each = tuple(needs)
    return Needs(
        gpu=max((one.gpu for one in each), default=0.0),
        network=any(one.network for one in each),
        packages=tuple(dict.fromkeys(name for one in each for name in one.packages)),
    )


def _is_there(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, ValueError):
        return False
