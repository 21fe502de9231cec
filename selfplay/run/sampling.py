"""Sampling: engines write, and completions stream to the judge while others are still being written.

The driver holds a bounded number of samples: what is with the judge (`IN_FLIGHT` groups of `GROUP`) and what waits to
be written (`FLUSH_ROWS`). What the ledger holds is not drawn again, so arms that share a model share its samples.
"""

from __future__ import annotations

import json
import math
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import ray
from ray.exceptions import RayActorError, RayTaskError

from selfplay.cluster.connection import Cluster
from selfplay.distill.trainer import Trainer
from selfplay.engines.engine import Completion, Request
from selfplay.engines.engine_settings import SamplingSettings
from selfplay.engines.pool import GROUP, EnginePool
from selfplay.errors import EngineError, RunError
from selfplay.experiment.schema import Experiment
from selfplay.ledger.ledger import Ledger
from selfplay.ledger.tables import FAULTS, Draw, Purpose, prompt_row, sample_row, step_row
from selfplay.models.folders import ModelState
from selfplay.run.judging import JudgePool, verdicts_of
from selfplay.seeds import derive_seed
from selfplay.tasks.problem import Problem
from selfplay.verifiers.contract.spec import VerifierSpec
from selfplay.verifiers.contract.verdict import Row

CHUNK_PROBLEMS = 512
"""Problems that one engine is given at a time, at most; fewer where the replicas would not all have some."""
IN_FLIGHT = 8
"""Groups of completions that may be with the judge at the same time."""
FLUSH_ROWS = 1024


@dataclass
class _Chunk:
    """Some problems and the draws of them that are still missing."""

    purpose: Purpose
    problems: dict[str, Problem]
    missing: dict[str, Draw]


@dataclass
class _Buffer:
    """Judged rows on their way to the ledger."""

    ledger: Ledger
    on_fault: Callable[[list[dict[str, Any]]], None]
    """Called with all faults so far when there are more; raises where they are too many."""
    on_progress: Callable[[int], None]
    """Called with the number of samples that are judged."""
    done: int = 0
    samples: list[dict[str, Any]] = field(default_factory=list)
    verdicts: list[dict[str, Any]] = field(default_factory=list)
    written: int = 0
    """Samples that were not in the ledger before."""
    faults: list[dict[str, Any]] = field(default_factory=list)
    """Verdicts of a judge or engine that failed, held back until their share is known to be small, so that a run
    which they stop judges these samples again when it is resumed."""

    def add(self, samples: list[dict[str, Any]], verdicts: list[dict[str, Any]]) -> None:
        self.samples += samples
        self.written += len(samples)
        self.progress(len(samples))
        before = len(self.faults)
        for verdict in verdicts:
            (self.faults if verdict["reason"] in FAULTS else self.verdicts).append(verdict)
        if len(self.faults) > before:
            self.on_fault(self.faults)
        if len(self.samples) >= FLUSH_ROWS:
            self.flush()

    def progress(self, count: int) -> None:
        self.done += count
        self.on_progress(self.done)

    def flush(self) -> None:
        # Samples first: a crash in between leaves samples without verdicts, which the next run judges.
        self.ledger.record("samples", self.samples)
        self.ledger.record("verdicts", self.verdicts)
        self.samples, self.verdicts = [], []


class Sampler:
    """Draws and judges samples for a run, one model at a time; `say` is told when an engine died and is replaced."""

    def __init__(
        self,
        experiment: Experiment,
        cluster: Cluster,
        ledger: Ledger,
        trainer: Trainer,
        *,
        say: Callable[[str], None] = print,
    ) -> None:
        self._experiment, self._cluster, self._ledger, self._trainer = experiment, cluster, ledger, trainer
        self._engines = EnginePool(
            experiment.engine,
            chat=experiment.model.chat,
            trust_remote_code=experiment.model.trust_remote_code,
            gpus=cluster.gpus,
            logs=ledger.folder.parent / "logs",
            say=say,
        )
        self._judges = JudgePool(experiment, spare_cpus=cluster.cpus - experiment.engine.replicas)
        self._check_room()

    def draw(
        self,
        purpose: Purpose,
        model: ModelState,
        problems: Sequence[Problem],
        sampling: SamplingSettings,
        n: int,
        *,
        on_progress: Callable[[int], None],
    ) -> list[str]:
        """Make sure that the ledger holds `n` judged samples of every problem under these settings.

        Returns the ids of all these samples, new and old, problem by problem.

        Raises:
            EngineError: an engine cannot start, died again and again, or does not hold the model's weights.
            RunError: the share of faults among the verdicts is above `resources.max_fault_share`.
        """
        began, total = time.monotonic(), len(problems) * n
        buffer = _Buffer(self._ledger, lambda faults: self._check_faults(faults, total), on_progress)
        ids: list[str] = []
        chunks = self._missing(purpose, model, problems, sampling, n, ids, buffer)
        try:
            self._stream(model, chunks, sampling, buffer)
        finally:
            buffer.flush()
        self._ledger.record("verdicts", buffer.faults)
        if buffer.written:
            detail = {"engine": self._engines.kind}
            step = step_row(model, f"sample and verify ({purpose})", time.monotonic() - began, buffer.written, detail)
            self._ledger.record("steps", [step])
        return ids

    def consult(self, verifier: VerifierSpec, rows: Sequence[Row]) -> list[dict[str, Any]]:
        """Verdict rows of completions, in order, from the judge that judges samples; nothing is recorded."""
        return self._judges.consult(verifier, rows)

    def release(self) -> None:
        """Give the machine to training: on a GPU the engines' processes end, on a CPU they stay warm and idle."""
        self._engines.release()

    def close(self) -> None:
        """End all processes."""
        self._engines.close()
        self._judges.close()

    def _missing(
        self,
        purpose: Purpose,
        model: ModelState,
        problems: Sequence[Problem],
        sampling: SamplingSettings,
        n: int,
        ids: list[str],
        buffer: _Buffer,
    ) -> Iterator[_Chunk]:
        """Chunks with draws that the ledger lacks; what it has without a verdict is judged on the way."""
        settings, chat = sampling.model_dump(mode="json"), self._experiment.model.chat
        remaining = iter(problems)
        size = min(CHUNK_PROBLEMS, math.ceil(len(problems) / self._experiment.engine.replicas) or 1)
        while chunk := list(islice(remaining, size)):
            draws: dict[str, Draw] = {}
            prompts = [prompt_row(problem.prompt, chat) for problem in chunk]
            for problem, prompt in zip(chunk, prompts, strict=True):
                place = (model.generation,) if purpose == "train" else ()
                for index in range(n):
                    seed = derive_seed(model.seed, purpose, *place, problem.id, index)
                    place_of_draw = (purpose, model.fingerprint, prompt["id"], problem.id, index)
                    draw = Draw.of(*place_of_draw, settings, seed, own_prompt=chat is None)
                    draws[draw.id] = draw
            self._ledger.record("prompts", prompts)
            ids += draws
            by_id = {problem.id: problem for problem in chunk}
            present = self._ledger.which_exist("samples", "id", draws)
            judged = self._ledger.which_exist("verdicts", "sample_id", present)
            self._judge_leftovers(sorted(present - judged), by_id, buffer, purpose)
            buffer.progress(len(present))
            missing = {key: draw for key, draw in draws.items() if key not in present}
            if missing:
                yield _Chunk(purpose, by_id, missing)

    def _check_room(self) -> None:
        """Refuse what Ray would wait for without end."""
        engine = self._experiment.engine
        if engine.replicas >= self._cluster.cpus:
            raise RunError(
                f"`engine.replicas` is {engine.replicas}, and Ray has {self._cluster.cpus} CPUs, of which one judges; "
                f"set it to {self._cluster.cpus - 1} or less."
            )
        wanted = engine.replicas * engine.tensor_parallel_size
        judging = self._judges.needs.gpu
        if judging and self._cluster.gpus < judging + max(wanted, 1):
            raise RunError(
                f"a verifier needs {self._judges.needs.in_words()} beside the {max(wanted, 1)} GPU(s) of the engines "
                f"or the training, and Ray has {self._cluster.gpus}; add GPUs, or judge with another verifier."
            )
        if self._cluster.gpus and wanted > self._cluster.gpus:
            raise RunError(
                f"`engine.replicas` times `engine.tensor_parallel_size` is {wanted}, and Ray has {self._cluster.gpus} "
                "GPUs; lower either."
            )

    def _check_faults(self, faults: list[dict[str, Any]], total: int) -> None:
        allowed = self._experiment.resources.max_fault_share
        if len(faults) <= allowed * total:
            return
        kinds: Counter[tuple[str, str, str]] = Counter()
        for row in faults:
            detail = json.loads(row["detail"])
            kinds[row["verifier"], row["reason"], str(detail.get("what") or detail.get("error") or "")] += 1
        (verifier, reason, what), count = kinds.most_common(1)[0]
        raise RunError(
            f"{len(faults)} of {total} samples could not be judged so far, more than the {allowed:.1%} of "
            f"`resources.max_fault_share`; most often ({count}) verifier `{verifier}`, {reason}: {what[:300]}. Repair "
            f"the cause (try the verifier alone with `selfplay verify {verifier}`), then resume: these samples will "
            "be judged again."
        )

    def _judge_leftovers(self, ids: list[str], problems: dict[str, Problem], buffer: _Buffer, purpose: Purpose) -> None:
        sql = "SELECT id, problem_id, completion, finish_reason, error FROM samples WHERE id IN (SELECT unnest(?))"
        for rows in self._ledger.batches(sql, [ids], size=GROUP) if ids else ():
            completions = [
                (Completion(id=i, text=text, finish_reason=reason, tokens=0, error=error), problems[problem])
                for i, problem, text, reason, error in rows
            ]
            for reference, unjudged in self._judges.send(completions, purpose):
                buffer.add([], verdicts_of(reference) if reference is not None else unjudged)

    def _stream(self, model: ModelState, chunks: Iterator[_Chunk], sampling: SamplingSettings, buffer: _Buffer) -> None:
        """Have idle engines write chunks and the judge judge what they wrote, until nothing is left.

        A chunk whose engine died is given to an engine again, with the draws that it has not handed over.
        """
        again: deque[_Chunk] = deque()
        idle = deque(range(len(self._engines))) if self._engines.holds(model.fingerprint) else deque[int]()
        streams: dict[Any, tuple[int, _Chunk]] = {}
        judging: dict[Any, list[dict[str, Any]]] = {}
        exhausted = False
        while True:
            while not exhausted and (idle or not self._engines.holds(model.fingerprint)):
                chunk = again.popleft() if again else next(chunks, None)
                if chunk is None:
                    exhausted = True
                    break
                if not self._engines.holds(model.fingerprint):
                    self._load(model)
                    idle = deque(range(len(self._engines)))
                requests = [
                    Request(draw.id, chunk.problems[draw.problem_id].prompt, draw.seed)
                    for draw in chunk.missing.values()
                ]
                engine = idle.popleft()
                streams[self._engines.begin(engine, requests, sampling)] = engine, chunk
            if not streams and not judging:
                if again:
                    exhausted = False
                    continue
                return
            waiting = [*judging, *(streams if len(judging) < IN_FLIGHT else ())]
            for ready in ray.wait(waiting, num_returns=1)[0]:
                if ready in judging:
                    buffer.add(judging.pop(ready), verdicts_of(ready))
                    continue
                engine, chunk = streams[ready]
                try:
                    group = next(ready, None)
                    completions = ray.get(group) if group is not None else None
                except RayActorError as error:
                    del streams[ready]
                    self._engines.replace(engine, error)
                    idle.append(engine)
                    again.append(chunk)
                    exhausted = False
                    continue
                except RayTaskError as error:
                    raise self._engines.failure(engine, error) from error
                if completions is None:
                    del streams[ready]
                    idle.append(engine)
                    if chunk.missing:
                        raise EngineError(f"The engine ended a batch without {len(chunk.missing)} of its completions.")
                    exhausted = exhausted and not again
                    continue
                self._judge_group(completions, chunk, judging, buffer)

    def _judge_group(
        self,
        completions: Sequence[Completion],
        chunk: _Chunk,
        judging: dict[Any, list[dict[str, Any]]],
        buffer: _Buffer,
    ) -> None:
        draws = {completion.id: chunk.missing.pop(completion.id) for completion in completions}
        paired = [(completion, chunk.problems[draws[completion.id].problem_id]) for completion in completions]
        texts = {
            c.id: sample_row(draws[c.id], c.text, c.finish_reason, c.tokens, c.error, c.mean_logprob)
            for c in completions
        }
        for reference, unjudged in self._judges.send(paired, chunk.purpose):
            if reference is None:
                buffer.add([texts.pop(row["sample_id"]) for row in unjudged], unjudged)
            else:
                judging[reference] = [texts.pop(sample_id) for sample_id in unjudged]

    def _load(self, model: ModelState) -> None:
        # On a GPU other weights go into a new process, and the reference needs the GPU that engines would hold.
        self.release()
        trust = self._experiment.model.trust_remote_code
        expected = self._trainer.reference(model.folder, trust) if self._experiment.engine.prove else None
        self._trainer.release()
        self._engines.load(model.folder, model.fingerprint, expected)
