"""How long a run will take and how much disk it needs, from its plan and a measured probe.

    speeds = measure(experiment)                 # a process of its own, at most PROBE_SECONDS
    times(plan(experiment), experiment, speeds)
    needed_bytes(plan(experiment), experiment)

Every step is taken at the speed measured here, one after the other, with every sample as long as it may be: an
estimate, mostly from above. A machine that is busier later, and other nodes of a cluster, are not counted.
"""

from __future__ import annotations

import math
import shutil
import subprocess
import sys
from pathlib import Path

from pydantic import BaseModel

from selfplay.engines.registry import resolve_kind
from selfplay.errors import RunError
from selfplay.experiment.judges import judge_name
from selfplay.experiment.run_plan import Plan
from selfplay.experiment.schema import Experiment
from selfplay.ledger.tables import Purpose
from selfplay.models import folders as models
from selfplay.tasks.registry import load_source

PROBE_SECONDS = 180.0
ACTORS = 3
"""Processes that a run starts one after the other: the engine, the judge and the training."""
REPORT_SECONDS = 5.0
"""To draw the figures and write the page; grows little with a run."""
BYTES_OF_A_FOLDER = 20_000
"""Config and tokenizer beside the weights of a small model."""
BYTES_OF_A_SAMPLE = 500
"""Rows of a sample in `samples`, `verdicts` and `members`, without its text, compressed."""
BYTES_OF_A_TOKEN = 3


class Speeds(BaseModel):
    """What the probe measured on this machine."""

    cluster_start: float
    """Seconds to start Ray and to compare the files that its workers import; 0 where a cluster is there."""
    actor_start: float
    """Seconds to start a Ray worker."""
    engine_start: float
    """Seconds to import the engine in a new process and load the first model."""
    load: float
    """Seconds to load a further model and prove its weights."""
    tokens: float
    """Tokens written in a second."""
    verdicts: dict[str, float]
    """Completions judged in a second with all its workers, by the name of the judge (`judge_name`)."""
    judge_start: float
    """Seconds to start the verifiers' processes."""
    training_start: float
    """Seconds to import the training libraries in a new process."""
    training_overhead: float
    """Seconds of a training beyond its steps."""
    step: float
    """Seconds of one optimiser step."""
    prompts: int
    """Prompts that were tokenized."""
    prompts_too_long: int
    """How many of them leave no room in the context."""


def why_not_measured(experiment: Experiment) -> str | None:
    """Why no probe can be made here; None where it can."""
    if resolve_kind(experiment.engine) == "server":
        return "the server's speed; its completions may cost money"
    path = experiment.model.path
    if path is not None and not Path(path).expanduser().is_dir():
        return f"speed: {path} is not a folder here"
    return None


def measure(experiment: Experiment) -> Speeds | str:
    """Measure in a process of its own; one line with the cause where that fails."""
    command = [sys.executable, "-P", "-m", "selfplay.run.speed_probe"]
    asked = experiment.model_dump_json()
    try:
        done = subprocess.run(
            command, input=asked, capture_output=True, text=True, errors="replace", timeout=PROBE_SECONDS
        )
    except subprocess.TimeoutExpired:
        return f"speed: the probe did not end within {PROBE_SECONDS:.0f} s"
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it ended without a message"])[-1]
        return f"speed: the probe failed ({last[:300]})"
    return Speeds.model_validate_json(done.stdout)


def times(size: Plan, experiment: Experiment, speeds: Speeds) -> dict[str, float]:
    """Seconds of each part of a run."""
    verifiers = [load_source(task.source, task.settings).verifier for task in experiment.tasks]
    problems = [task.problems for task in experiment.tasks]
    purposes: dict[Purpose, int] = {"train": size.training_samples, "evaluate": size.evaluation_samples}
    judging = sum(
        judged * count / sum(problems) / speeds.verdicts[judge_name(experiment, verifier, purpose)]
        for purpose, judged in purposes.items()
        for verifier, count in zip(verifiers, problems, strict=True)
    )
    working = bool(size.models or size.trainings)
    start = speeds.cluster_start + ACTORS * speeds.actor_start + speeds.engine_start
    return {
        "start": working * (start + speeds.judge_start + speeds.training_start),
        "load models": size.models * speeds.load,
        "write": size.generated_tokens / (speeds.tokens * experiment.engine.replicas),
        "judge": judging,
        "train": size.trainings * speeds.training_overhead + size.training_steps * speeds.step,
        "report": working * REPORT_SECONDS,
    }


def needed_bytes(size: Plan, experiment: Experiment) -> tuple[int, int]:
    """Bytes of the models (float32 weights; 0 where their size is unknown), and of the ledger at its largest."""
    section = experiment.model
    parameters = 0
    if section.init is not None:
        parameters = section.init.parameters
    elif section.path is not None and Path(section.path).expanduser().is_dir():
        parameters = models.parameter_count(Path(section.path).expanduser())
    made = size.trainings + len(experiment.seeds) * (section.init is not None)
    of_models = made * (4 * parameters + BYTES_OF_A_FOLDER) if parameters else 0
    samples = size.training_samples + size.evaluation_samples
    return of_models, samples * BYTES_OF_A_SAMPLE + size.generated_tokens * BYTES_OF_A_TOKEN


def check_room(size: Plan, experiment: Experiment) -> str | None:
    """Refuse a run whose models alone do not fit; a warning where they fit and the ledger, at its largest, would not.

    Raises:
        RunError: one sentence with both sizes and the remedy.
    """
    output = experiment.output.resolve()
    place = next(p for p in (output, *output.parents) if p.exists())
    free = shutil.disk_usage(place).free
    of_models, of_ledger = needed_bytes(size, experiment)
    if of_models > free:
        raise RunError(
            f"The models of this run need {shown_bytes(of_models)}, and {place} has {shown_bytes(free)} free; make "
            "room, set `output` to another disk, or ask for fewer seeds, arms or generations."
        )
    if of_models + of_ledger <= free:
        return None
    return (
        f"This run may need {shown_bytes(of_models + of_ledger)}, and {place} has {shown_bytes(free)} free; "
        "if the room runs out it stops, and can be resumed."
    )


def shown_bytes(size: float) -> str:
    """A size as a person reads it, such as `1.4 GB`."""
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:,.1f} TB"


def shown_seconds(seconds: float) -> str:
    """A duration as a person reads it, such as `5 min`."""
    if seconds < 90:
        return f"{math.ceil(seconds)} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
