"""Training in the cluster: one process that trains, apart from the driver and the engines.

On a CPU the process stays warm between trainings, because importing the libraries costs more than a small
training. On a GPU it ends after each, which is the one reliable way to give the memory back.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayActorError, RayTaskError

from selfplay.distill.job import TrainingJob, TrainingResult
from selfplay.errors import SelfplayError, TrainingError
from selfplay.prove import Reference

POLL_SECONDS = 0.5


class _TrainingProcess:
    def __init__(self) -> None:
        self._step, self._loss = 0, math.nan

    def train(self, job: TrainingJob) -> TrainingResult:
        from selfplay.distill import supervised

        self._step = 0
        return supervised.train(job, self._note)

    def reference(self, folder: str, trust_remote_code: bool) -> Reference:
        from selfplay import prove

        return prove.reference(Path(folder), trust_remote_code=trust_remote_code)

    def progress(self) -> tuple[int, float]:
        return self._step, self._loss

    def _note(self, step: int, loss: float) -> None:
        self._step, self._loss = step, loss


_TrainingActor: Any = ray.remote(max_concurrency=2)(_TrainingProcess)


class Trainer:
    """The driver's handle on the training process."""

    def __init__(self, *, gpu: bool) -> None:
        self._gpu = gpu
        self._process: Any = None

    def train(self, job: TrainingJob, on_step: Callable[[int, float], None]) -> TrainingResult:
        """Run one training to its end, reporting (step, loss) while it goes on.

        Raises:
            TrainingError: the training failed or its process died; the message says how.
        """
        pending = self._actor().train.remote(job)
        while True:
            done, _ = ray.wait([pending], timeout=POLL_SECONDS)
            if done:
                break
            on_step(*ray.get(self._actor().progress.remote()))
        result: TrainingResult = _unwrap(pending, "training")
        on_step(result.steps, result.loss)
        return result

    def reference(self, folder: Path, trust_remote_code: bool) -> Reference:
        """The probe's tokens and log-probabilities as transformers computes them from the folder."""
        pending = self._actor().reference.remote(str(folder), trust_remote_code)
        result: Reference = _unwrap(pending, "computing the probe of the weights")
        return result

    def release(self) -> None:
        """End the process where it holds a GPU."""
        if self._gpu:
            self.close()

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            ray.kill(self._process)
            self._process = None

    def _actor(self) -> Any:
        if self._process is None:
            self._process = _TrainingActor.options(num_cpus=0, num_gpus=1 if self._gpu else 0).remote()
        return self._process


def _unwrap(pending: Any, what: str) -> Any:
    try:
        return ray.get(pending)
    except RayTaskError as error:
        if isinstance(error.cause, SelfplayError):
            raise error.cause from None
        raise TrainingError(f"The process {what} failed: {type(error.cause).__name__}: {error.cause}") from error
    except RayActorError as error:
        raise TrainingError(f"The process {what} died ({error}); it may have run out of memory.") from None
