"""Training for real: what it learns from, what it refuses, and that it never reports work it did not do."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from selfplay.distill.method import DistillSettings, TrainingJob
from selfplay.errors import TrainingError
from selfplay.models.folders import ModelInit, create, fingerprint

pytestmark = pytest.mark.slow


@pytest.fixture
def job(tmp_path: Path) -> TrainingJob:
    start = create(ModelInit(hidden_size=32, layers=1, heads=1, context=64), tmp_path / "start", 0)
    rows = [{"prompt": f"{n}+{n}=", "completion": str(2 * n)} for n in range(10, 30)]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "rows.parquet")
    settings = DistillSettings(steps=3, batch_size=4)
    return TrainingJob(
        start=start, rows=tmp_path / "rows.parquet", target=tmp_path / "out", settings=settings, chat=None, seed=1
    )


def train(job: TrainingJob, **changes: Any) -> Any:
    from selfplay.distill.sft import Supervised

    steps: list[tuple[int, float]] = []
    settings = job.settings.model_copy(update=changes)
    changed = job.model_copy(update={"settings": settings})
    return Supervised().train(changed, lambda step, loss: steps.append((step, loss))), steps


def test_equal_jobs_give_equal_students_and_every_step_is_reported(job: TrainingJob) -> None:
    result, steps = train(job)
    first = fingerprint(job.target)
    assert [step for step, _ in steps] == [1, 2, 3]
    assert (result.steps, result.rows, result.too_long) == (3, 20, 0)
    assert math.isfinite(result.loss)
    assert {path.stat().st_mode & 0o777 for path in job.target.iterdir()} == {0o644}
    assert job.target.stat().st_mode & 0o777 == 0o755
    train(job)
    assert fingerprint(job.target) == first != fingerprint(job.start)


def test_rows_that_are_too_long_are_left_out_and_counted(job: TrainingJob) -> None:
    rows = [{"prompt": "1+1=", "completion": "2"}, {"prompt": "1+1=", "completion": "2" * 100}]
    pq.write_table(pa.Table.from_pylist(rows), job.rows)
    result, _ = train(job)
    assert (result.rows, result.too_long) == (1, 1)
    with pytest.raises(TrainingError, match="nothing to train on"):
        train(job, max_length=3)


def test_a_training_that_diverges_is_an_error_and_writes_no_model(job: TrainingJob) -> None:
    with pytest.raises(TrainingError, match="not finite"):
        train(job, learning_rate=1e30, steps=6)
    assert not job.target.exists()


def test_a_training_that_moves_nothing_is_an_error(job: TrainingJob) -> None:
    with pytest.raises(TrainingError, match="changed no weight"):
        train(job, learning_rate=1e-30)
    assert not job.target.exists()
