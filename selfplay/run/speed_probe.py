"""A few seconds of everything that a run does, timed: `selfplay run --dry-run` starts this in a process of its own.

    python -m selfplay.run.speed_probe < experiment.json > speeds.json

It starts a local Ray, loads the starting weights twice, writes completions in growing batches, judges worked solutions
and trains some steps, all in a temporary folder. Not seen: what Ray adds to each call, and how much shorter than
`max_tokens` a trained model's completions are.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from selfplay.engines.engine import Request
from selfplay.engines.engine_settings import SamplingSettings
from selfplay.experiment.cost_estimate import Speeds
from selfplay.experiment.curriculum import Curriculum
from selfplay.experiment.judges import judge_name, judge_of
from selfplay.experiment.schema import Experiment
from selfplay.ledger.tables import Purpose
from selfplay.models import folders as models
from selfplay.run.judging import DEFAULT_VERIFIER_WORKERS
from selfplay.tasks.problem import Problem
from selfplay.verifiers.contract.spec import VerifierSpec

WRITE_SECONDS = 3.0
"""A batch that takes longer is the last; smaller ones come before it."""
TRAIN_SECONDS = 5.0
PROBE_TOKENS = 32
LARGEST_BATCH = 256
JUDGED = 64
TRAINING_STEPS = 40
PROMPTS = 400


class _Enough(Exception):
    """Ends a training whose speed is known."""


def main() -> None:
    """Read an experiment from standard input; write `Speeds` to standard output, and nothing else."""
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # libraries print where they like
    experiment = Experiment.model_validate_json(sys.stdin.read())
    with tempfile.TemporaryDirectory(prefix="selfplay-probe-") as folder:
        answer.write(measured(experiment, Path(folder)).model_dump_json())
    answer.close()


def measured(experiment: Experiment, folder: Path) -> Speeds:
    """Measure everything; `folder` is for temporary files."""
    cluster_start, actor_start = _ray()
    began = time.monotonic()
    import torch  # noqa: F401
    from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: F401

    # what engines and trainings have in common, and each of their processes imports again
    libraries = time.monotonic() - began
    section = experiment.model
    if section.init is not None:
        start = models.create(section.init, folder / "start", 0)
    else:
        start = models.resolve(str(section.path), section.revision)
    curriculum = Curriculum(experiment, experiment.seeds[0])
    problems = list(islice(curriculum.pool(1), PROMPTS)) if experiment.generations else curriculum.held_out()[:PROMPTS]
    began = time.monotonic()
    from selfplay.engines.proof_of_weights import prove, reference
    from selfplay.engines.registry import make_engine

    engine = make_engine(experiment.engine, chat=section.chat, trust_remote_code=section.trust_remote_code)
    engine.load(start)
    engine_start = libraries + time.monotonic() - began
    began = time.monotonic()
    engine.load(start)
    if experiment.engine.prove:
        prove(engine, reference(start, trust_remote_code=section.trust_remote_code))
    load = time.monotonic() - began
    sampling = SamplingSettings(
        temperature=experiment.sampling.temperature, max_tokens=min(PROBE_TOKENS, experiment.sampling.max_tokens)
    )
    tokens, size = 0.0, 8
    while True:
        chosen = [problems[at % len(problems)] for at in range(size)]
        asked = [Request(str(at), problem.prompt, at) for at, problem in enumerate(chosen)]
        began = time.monotonic()
        written = sum(completion.tokens for completion in engine.generate(asked, sampling))
        took = time.monotonic() - began
        tokens = max(tokens, written / took)
        if took > WRITE_SECONDS or size >= LARGEST_BATCH:
            break
        size *= 2
    engine.close()
    too_long = _too_long(problems, start, experiment)
    imported, overhead, step = _training(experiment, curriculum, problems, start, folder)
    judge_start, verdicts = judge_speeds(experiment, [*curriculum.worked_examples()[: 4 * JUDGED], *problems])
    return Speeds(
        cluster_start=cluster_start,
        actor_start=actor_start,
        engine_start=engine_start,
        load=load,
        tokens=max(tokens, 1e-3),
        verdicts=verdicts,
        judge_start=judge_start,
        training_start=libraries + imported,
        training_overhead=overhead,
        step=step,
        prompts=len(problems),
        prompts_too_long=too_long,
    )


def _ray() -> tuple[float, float]:
    """Seconds to start a local Ray as a run does, and for one more worker; nothing where a cluster is there."""
    if os.environ.get("RAY_ADDRESS"):
        return 0.0, 0.0
    began = time.monotonic()
    import ray

    from selfplay.cluster.connection import Cluster
    from selfplay.cluster.same_code import workers_import_the_same

    with Cluster():
        workers_import_the_same()
        started = time.monotonic()
        actor = ray.remote(num_cpus=0)(_Nothing).remote()
        ray.get(actor.done.remote())
        return started - began, time.monotonic() - started


class _Nothing:
    def done(self) -> None:
        """Answer, which says that the worker is there."""


def _too_long(problems: Iterable[Problem], start: Path, experiment: Experiment) -> int:
    from transformers import AutoTokenizer

    from selfplay.models.prompts import prompt_ids, uses_chat

    context = experiment.engine.max_model_len or models.context_length(start)
    if context is None:
        return 0
    tokenizer = AutoTokenizer.from_pretrained(start, trust_remote_code=experiment.model.trust_remote_code)
    chat = uses_chat(tokenizer, experiment.model.chat)
    return sum(len(prompt_ids(tokenizer, problem.prompt, chat)) >= context for problem in problems)


def judge_speeds(experiment: Experiment, problems: list[Problem]) -> tuple[float, dict[str, float]]:
    """Seconds to start the verifiers, and how many completions each judge of the run judges in a second, by its name.

    A judge is what `judge_of` says, composed or not, for evaluation and for training samples. It judges worked
    solutions, which take the whole way through a verifier.
    """
    from selfplay.cluster.connection import cores_here
    from selfplay.verifiers.contract.verdict import Row
    from selfplay.verifiers.workers.supervisor import Supervisor

    resources, cores = experiment.resources, cores_here()
    workers = resources.verifier_workers or min(max(1, cores - experiment.engine.replicas), DEFAULT_VERIFIER_WORKERS)
    judges: dict[str, tuple[str, VerifierSpec]] = {}
    purposes: tuple[Purpose, ...] = ("evaluate", "train")
    for verifier in dict.fromkeys(problem.verifier for problem in problems):
        for purpose in purposes:
            name = judge_name(experiment, verifier, purpose)
            judges[name] = verifier, judge_of(experiment, verifier, purpose)
    speeds, starting = {}, 0.0
    for name, (verifier, spec) in judges.items():
        chosen = [problem for problem in problems if problem.verifier == verifier][:JUDGED]
        rows = [Row(str(at), dict(p.reference), p.solution or "0", p.prompt) for at, p in enumerate(chosen)]
        supervisor = Supervisor(spec, workers=workers, memory_mb=resources.verifier_memory_mb)
        began = time.monotonic()
        try:
            list(supervisor.judge(rows[:workers]))
            starting += time.monotonic() - began
            began = time.monotonic()
            list(supervisor.judge(rows))
            speeds[name] = len(rows) / (time.monotonic() - began)
        finally:
            supervisor.close()
    return starting, speeds


def _training(
    experiment: Experiment, curriculum: Curriculum, problems: list[Problem], start: Path, folder: Path
) -> tuple[float, float, float]:
    """Seconds to import the libraries, beyond the steps of a training, and for one step."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    began = time.monotonic()
    import trl  # noqa: F401

    from selfplay.distill.method import TrainingJob
    from selfplay.distill.registry import METHODS

    imported = time.monotonic() - began
    settings = experiment.distill
    rows = [{"prompt": p.prompt, "completion": p.solution} for p in curriculum.worked_examples()[:1000]]
    rows = rows or [{"prompt": p.prompt, "completion": "0"} for p in problems]
    pq.write_table(pa.Table.from_pylist(rows), folder / "rows.parquet")
    job = TrainingJob(
        start=start,
        rows=folder / "rows.parquet",
        target=folder / "student",
        settings=settings.model_copy(update={"steps": TRAINING_STEPS}),
        chat=experiment.model.chat,
        seed=0,
        trust_remote_code=experiment.model.trust_remote_code,
    )
    ends: list[float] = []

    def note(step: int, loss: float) -> None:
        ends.append(time.monotonic())
        if len(ends) > 2 and ends[-1] - ends[0] > TRAIN_SECONDS:
            raise _Enough

    began = time.monotonic()
    try:
        METHODS.find(settings.method)().train(job, note)
        ended = time.monotonic()
    except _Enough:
        ended = ends[-1]
    if len(ends) < 2:  # a method that says nothing of its steps
        return imported, 0.0, (ended - began) / TRAINING_STEPS
    step = (ends[-1] - ends[0]) / (len(ends) - 1)
    return imported, max(0.0, ended - began - step * len(ends)), step


if __name__ == "__main__":
    main()
