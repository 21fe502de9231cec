"""Training in the cluster: one process that trains, apart from the driver and the engines.

On a CPU the process stays warm, because importing the libraries costs more than a small training. On a GPU it ends
after each training, the one reliable way to give memory back. A process that dies is started again, at most
`MAX_RESTARTS` times in a run, and its training begun anew: there are no checkpoints.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import ray
from ray.exceptions import OutOfMemoryError, RayActorError, RayTaskError

from selfplay.cluster import carried_files
from selfplay.distill.method import OnStep, TrainingJob, TrainingResult, remove_unfinished, write_result
from selfplay.distill.registry import METHODS
from selfplay.engines.log_tail import cause_of_death
from selfplay.engines.proof_of_weights import Reference
from selfplay.errors import SelfplayError, TrainingError

POLL_SECONDS = 0.5
MAX_RESTARTS = 3
_DIED = (RayActorError, OutOfMemoryError)
_Made = TypeVar("_Made")


class _TrainingProcess:
    def __init__(self, files: Mapping[str, str]) -> None:
        self._step, self._loss = 0, math.nan
        self._moved = carried_files.unpack(files)

    def train(self, job: dict[str, Any]) -> TrainingResult:
        """Args:
        job: a `TrainingJob` as plain data: only here is the class of a plugin's settings known to this process.
        """
        self._step = 0
        method = METHODS.find(carried_files.relocate(job["settings"]["method"], self._moved))
        settings = method.Settings.model_validate(job["settings"])
        whole = TrainingJob.model_validate({**job, "settings": settings})
        result: object = method().train(whole, self._note)
        if not isinstance(result, TrainingResult) or not whole.target.is_dir():
            missing = "no student in its `target`" if isinstance(result, TrainingResult) else "no TrainingResult"
            raise TrainingError(f"The distillation method {method.name} gave {missing}; repair it.")
        write_result(whole.target, result)
        return result

    def reference(self, folder: str, trust_remote_code: bool) -> Reference:
        from selfplay.engines import proof_of_weights

        return proof_of_weights.reference(Path(folder), trust_remote_code=trust_remote_code)

    def progress(self) -> tuple[int, float]:
        return self._step, self._loss

    def _note(self, step: int, loss: float) -> None:
        self._step, self._loss = step, loss


_TrainingActor: Any = ray.remote(max_concurrency=2)(_TrainingProcess)


class Trainer:
    """The driver's handle on the training process.

    Args:
        gpu: whether the process takes a GPU.
        method: the distillation method's name; a file's text travels to the process's node.
        say: given a sentence each time that the process died and is started again.
    """

    def __init__(self, *, gpu: bool, method: str = "supervised", say: Callable[[str], None] = print) -> None:
        self._gpu, self._say = gpu, say
        self._files = carried_files.collect(method)
        self._process: Any = None
        self._restarts = 0

    def train(self, job: TrainingJob, on_step: OnStep) -> TrainingResult:
        """Run one training to its end, reporting (step, loss) while it goes on.

        Raises TrainingError: the training failed, or its process died again and again; the message says how.
        """

        def attempt(process: Any) -> TrainingResult:
            remove_unfinished(job.target)
            pending = process.train.remote(job.model_dump(mode="json"))
            while not ray.wait([pending], timeout=POLL_SECONDS)[0]:
                on_step(*ray.get(process.progress.remote()))
            done: TrainingResult = ray.get(pending)
            return done

        result = self._outlive(attempt, "training")
        on_step(result.steps, result.loss)
        return result

    def reference(self, folder: Path, trust_remote_code: bool) -> Reference:
        """The probe's tokens and log-probabilities as transformers computes them from the folder."""

        def attempt(process: Any) -> Reference:
            found: Reference = ray.get(process.reference.remote(str(folder), trust_remote_code))
            return found

        return self._outlive(attempt, "computing the probe of the weights")

    def release(self) -> None:
        """End the process where it holds a GPU."""
        if self._gpu:
            self.close()

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            ray.kill(self._process)
            self._process = None

    def _outlive(self, attempt: Callable[[Any], _Made], what: str) -> _Made:
        """The result of an attempt, made again with a new process where the process died."""
        while True:
            if self._process is None:
                self._process = _TrainingActor.options(num_cpus=0, num_gpus=1 if self._gpu else 0).remote(self._files)
            try:
                return attempt(self._process)
            except RayTaskError as error:
                if isinstance(error.cause, SelfplayError):
                    raise error.cause from None
                raise TrainingError(
                    f"The process {what} failed: {type(error.cause).__name__}: {error.cause}"
                ) from error
            except _DIED as error:
                self.close()
                self._restarts += 1
                why = cause_of_death(error)
                if self._restarts > MAX_RESTARTS:
                    raise TrainingError(
                        f"The process {what} died {self._restarts} times in this run, the last time: {why}. It may "
                        "have run out of memory: lower `distill.micro_batch_size` or give it more, then resume."
                    ) from None
                self._say(f"  the process {what} died and is started again ({why})")
