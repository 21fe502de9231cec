"""A replica: one engine in one Ray actor."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import ray

from selfplay.engines import make_engine
from selfplay.engines.last_words import keep_log
from selfplay.engines.protocol import Completion, Request
from selfplay.engines.prove import Reference, prove
from selfplay.engines.settings import EngineSettings, SamplingSettings


class Replica:
    """Loads a model, proves its weights, and streams completions in small groups."""

    def __init__(
        self, settings: EngineSettings, chat: bool | None, trust_remote_code: bool, log: Path | None = None
    ) -> None:
        if log is not None:
            keep_log(log)
        self._engine = make_engine(settings, chat=chat, trust_remote_code=trust_remote_code)
        self._prove = settings.prove

    def load(self, folder: Path, expected: Reference | None) -> tuple[str, float]:
        """Load the folder's weights and prove them; returns the engine's kind and the seconds it took.

        Raises:
            selfplay.errors.WeightsMismatch: the engine's output is not that of the folder's weights.
        """
        began = time.monotonic()
        self._engine.load(folder)
        if expected is not None and self._prove:
            prove(self._engine, expected)
        return self._engine.kind, time.monotonic() - began

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
