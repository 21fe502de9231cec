"""The engines of a run: one in each of a pool of Ray actors, all with the same weights.

An engine that dies is replaced at most `MAX_RESTARTS` times in a run; after that it ends the run with the tail of its
log. What it had not handed over is to be asked for again by the caller.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayActorError, RayTaskError

from selfplay.cluster import carried_files
from selfplay.engines.engine import Completion, Request
from selfplay.engines.engine_settings import EngineSettings, SamplingSettings
from selfplay.engines.log_tail import cause_of_death, keep_log, log_tail
from selfplay.engines.proof_of_weights import Reference, prove
from selfplay.engines.registry import make_engine
from selfplay.errors import EngineError, SelfplayError
from selfplay.tasks.plugins import absolute

GROUP = 32
"""Completions that an engine hands over together."""
GROUPS_AHEAD = 8
"""Groups that may wait in the object store for the driver."""
MAX_RESTARTS = 3


class Replica:
    """One engine in one actor: loads a model, proves its weights, and streams completions in small groups."""

    def __init__(
        self,
        settings: EngineSettings,
        chat: bool | None,
        trust_remote_code: bool,
        log: Path | None = None,
        files: Mapping[str, str] | None = None,
    ) -> None:
        """`files`: text of plugin files by the path that they have for the caller (cluster/carried_files.py)."""
        if log is not None:
            keep_log(log)
        here = carried_files.relocate(settings.kind, carried_files.unpack(files or {}))
        settings = settings.model_copy(update={"kind": here})
        self._engine = make_engine(settings, chat=chat, trust_remote_code=trust_remote_code)
        self._prove = settings.prove

    def load(self, folder: Path, expected: Reference | None) -> str:
        """Load the folder's weights and prove them; returns the engine's kind.

        Raises WeightsMismatch: the engine's output is not that of the folder's weights.
        """
        self._engine.load(folder)
        if expected is not None and self._prove:
            prove(self._engine, expected)
        return self._engine.kind

    def generate(
        self, requests: Sequence[Request], sampling: SamplingSettings, group: int
    ) -> Iterator[list[Completion]]:
        """Completions as they finish, in groups of about `group`."""
        waiting: list[Completion] = []
        for completion in self._engine.generate(requests, sampling):
            waiting.append(completion)
            if len(waiting) >= group:
                yield waiting
                waiting = []
        if waiting:
            yield waiting

    def close(self) -> None:
        """Free the engine's memory."""
        self._engine.close()


ReplicaActor: Any = ray.remote(Replica)


class EnginePool:
    """The driver's handle on the engines. One model is loaded at a time.

    Args:
        gpus: GPUs of the cluster; 0: the engines take none.
        logs: folder for what the engines print.
        say: given a sentence each time that an engine died and is replaced.
    """

    def __init__(
        self,
        settings: EngineSettings,
        *,
        chat: bool | None,
        trust_remote_code: bool,
        gpus: int,
        logs: Path,
        say: Callable[[str], None],
    ) -> None:
        # a file by its absolute path: the actors work in folders of their own
        self._settings = settings.model_copy(update={"kind": absolute(settings.kind)})
        self._chat, self._trust_remote_code = chat, trust_remote_code
        self._gpus, self._logs, self._say = gpus, logs, say
        self._files = carried_files.collect(settings.kind)
        self._replicas: list[Any] = []
        self._folder = Path()
        self._fingerprint: str | None = None
        self._expected: Reference | None = None
        self._restarts = 0
        self.kind: str | None = None
        """The kind of engine that was loaded last."""

    def __len__(self) -> int:
        return len(self._replicas)

    def holds(self, fingerprint: str) -> bool:
        """Whether every engine holds these weights."""
        return self._fingerprint == fingerprint

    def load(self, folder: Path, fingerprint: str, expected: Reference | None) -> None:
        """Have every engine load the weights of a folder (proved by `expected`, if any), and start missing engines.

        Raises:
            EngineError: an engine cannot start, or its process died while it loaded.
            WeightsMismatch: an engine's output is not that of the folder's weights.
        """
        self._fingerprint = None
        while len(self._replicas) < self._settings.replicas:
            self._replicas.append(self._start(len(self._replicas)))
        self._folder, self._expected = folder, expected
        for number, reference in enumerate([replica.load.remote(folder, expected) for replica in self._replicas]):
            self.kind = self._loaded(number, reference, "")
        self._fingerprint = fingerprint

    def begin(self, number: int, requests: Sequence[Request], sampling: SamplingSettings) -> Any:
        """Have one engine write; returns Ray's generator of references to groups of completions."""
        generate = self._replicas[number].generate.options(
            num_returns="streaming", _generator_backpressure_num_objects=GROUPS_AHEAD
        )
        return generate.remote(requests, sampling, GROUP)

    def replace(self, number: int, error: RayActorError) -> None:
        """Start another engine in the place of one that died, with the same weights.

        Raises EngineError: it was one death too many, or the new one does not load.
        """
        self._restarts += 1
        if self._restarts > MAX_RESTARTS:
            raise EngineError(
                f"An engine died {self._restarts} times in this run; the last time: {cause_of_death(error)}"
                f"{log_tail(self._log(number))}"
            ) from None
        self._say(f"  engine {number} died and is started again ({cause_of_death(error)})")
        self._replicas[number] = self._start(number)
        self._loaded(number, self._replicas[number].load.remote(self._folder, self._expected), "again ")

    def failure(self, number: int, error: RayTaskError) -> SelfplayError:
        """What to raise for an engine that raised: its own error where that says more, with the tail of its log."""
        cause = error.cause
        if isinstance(cause, SelfplayError) and type(cause) is not EngineError:
            return cause
        said = str(cause) if isinstance(cause, EngineError) else f"The engine failed: {type(cause).__name__}: {cause}"
        return EngineError(f"{said}{log_tail(self._log(number))}")

    def release(self) -> None:
        """Make room for a training: on a GPU the engines' processes end, on a CPU they stay warm and idle."""
        if self._gpus:
            self.close()

    def close(self) -> None:
        """End the engines' processes."""
        for replica in self._replicas:
            ray.kill(replica)
        self._replicas, self._fingerprint = [], None

    def _start(self, number: int) -> Any:
        gpus = self._settings.tensor_parallel_size if self._gpus else 0
        actor = ReplicaActor.options(num_cpus=1, num_gpus=gpus)
        log = self._log(number).resolve()
        return actor.remote(self._settings, self._chat, self._trust_remote_code, log, self._files)

    def _loaded(self, number: int, reference: Any, again: str) -> str:
        """Wait for an engine to hold its weights; returns its kind."""
        try:
            return str(ray.get(reference))
        except RayTaskError as error:
            raise self.failure(number, error) from error
        except RayActorError as error:
            raise EngineError(
                f"The engine's process died {again}while it loaded {self._folder}: {cause_of_death(error)}"
                f"{log_tail(self._log(number))}"
            ) from None

    def _log(self, number: int) -> Path:
        return self._logs / f"engine-{number}.log"
