"""Ray: use a cluster that is there, or start a local one and stop it at the end."""

from __future__ import annotations

import logging
import os
from types import TracebackType
from typing import Self

import ray

from selfplay.errors import RunError

LOCAL_OBJECT_STORE = 256 * 1024**2


class Cluster:
    """A connection to Ray, as a context manager.

    Args:
        address: an existing cluster's address; None: RAY_ADDRESS where set, else a local cluster.
    """

    def __init__(self, address: str | None = None) -> None:
        self._address = address or os.environ.get("RAY_ADDRESS")
        self.gpus = 0
        self.cpus = 1

    def __enter__(self) -> Self:
        try:
            if self._address:
                ray.init(self._address, log_to_driver=False, logging_level=logging.ERROR)
            else:
                # The engine, the judge and the trainer are three actors; a machine with one core still holds them.
                ray.init(
                    address="local",
                    num_cpus=max(2, _cores()),
                    include_dashboard=False,
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                    object_store_memory=LOCAL_OBJECT_STORE,
                )
        except (ConnectionError, ValueError, RuntimeError) as error:
            where = f"the Ray cluster at {self._address}" if self._address else "a local Ray cluster"
            raise RunError(
                f"Cannot reach {where} ({' '.join(str(error).split())[:300]}); check `--ray-address` and RAY_ADDRESS, "
                "or leave both out for a local cluster."
            ) from None
        resources = ray.cluster_resources()
        self.gpus = int(resources.get("GPU", 0))
        self.cpus = int(resources.get("CPU", 1))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        ray.shutdown()


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
