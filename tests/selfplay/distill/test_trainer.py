"""The training process dies for real, and the training is made again."""

from __future__ import annotations

from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from selfplay.cluster.connection import Cluster
from selfplay.distill.method import DistillSettings, TrainingJob, unfinished_name
from selfplay.distill.trainer import MAX_RESTARTS, Trainer
from selfplay.errors import TrainingError
from selfplay.models.folders import ModelInit, create, fingerprint

pytestmark = pytest.mark.slow


@pytest.fixture
def job(tmp_path: Path) -> TrainingJob:
    start = create(ModelInit(hidden_size=32, layers=1, heads=1, context=64), tmp_path / "start", 0)
    rows = [{"prompt": f"{n}+{n}=", "completion": str(2 * n)} for n in range(10, 30)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "rows.parquet")
    settings = DistillSettings(steps=200, batch_size=8)
    target = tmp_path / "generation-1"
    return TrainingJob(start=start, rows=tmp_path / "rows.parquet", target=target, settings=settings, chat=None, seed=1)


def kill_training() -> None:
    below = psutil.Process().children(recursive=True)  # never the training of another run on this machine
    for process in below:
        if process.status() != psutil.STATUS_ZOMBIE and process.cmdline()[0].startswith("ray::_TrainingProcess"):
            process.kill()


def test_a_training_whose_process_is_killed_is_made_again_and_gives_the_same_student(
    cluster: Cluster, job: TrainingJob
) -> None:
    said: list[str] = []
    trainer = Trainer(gpu=cluster.gpus > 0, say=said.append)
    steps: list[int] = []

    def kill_once(step: int, loss: float) -> None:
        if step > 0 and not any(steps):
            unfinished_name(job.target, 1).mkdir()  # as a process leaves it that dies while it writes
            kill_training()
        steps.append(step)

    try:
        result = trainer.train(job, kill_once)
        assert steps[-1] == result.steps == 200
        assert len(said) == 1
        assert "the process training died and is started again" in said[0]
        undisturbed = job.model_copy(update={"target": job.target.with_name("undisturbed")})
        trainer.train(undisturbed, lambda step, loss: None)
    finally:
        trainer.close()
    assert fingerprint(job.target) == fingerprint(undisturbed.target) != fingerprint(job.start)
    assert not list(job.target.parent.glob("*.tmp"))


def test_a_training_that_is_killed_again_and_again_ends_with_a_sentence(cluster: Cluster, job: TrainingJob) -> None:
    said: list[str] = []
    trainer = Trainer(gpu=cluster.gpus > 0, say=said.append)
    with pytest.raises(TrainingError, match=r"died 4 times in this run, .*`distill\.micro_batch_size`"):
        trainer.train(job, lambda step, loss: kill_training())
    assert len(said) == MAX_RESTARTS
    assert not job.target.exists()
