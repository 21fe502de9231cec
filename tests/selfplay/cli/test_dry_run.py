"""The plan, its estimate of time and disk, and what is left of a run that was begun."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from selfplay.cli.app import app
from selfplay.errors import RunError
from selfplay.experiment import cost_estimate
from selfplay.experiment.cost_estimate import (
    Speeds,
    check_room,
    needed_bytes,
    shown_bytes,
    shown_seconds,
    times,
    why_not_measured,
)
from selfplay.experiment.curriculum import Curriculum
from selfplay.experiment.run_plan import Done, plan
from selfplay.experiment.schema import Experiment
from selfplay.ledger.ledger import Ledger
from selfplay.run.directory import RunDirectory
from selfplay.run.speed_probe import judge_speeds

SPEEDS = Speeds(
    cluster_start=8,
    actor_start=1,
    engine_start=5,
    load=2,
    tokens=100,
    verdicts={"math": 10, "code": 5},
    judge_start=2,
    training_start=3,
    training_overhead=1,
    step=0.5,
    prompts=10,
    prompts_too_long=0,
)


@pytest.fixture
def config(tiny: dict[str, Any], tmp_path: Path) -> Path:
    file = tmp_path / "tiny.yaml"
    file.write_text(yaml.safe_dump(tiny))
    return file


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 64 kB."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(place)], capture_output=True)
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def dry_run(config: Path, *more: str) -> Result:
    return CliRunner().invoke(app, ["run", str(config), "--dry-run", *more])


def test_the_estimate_adds_up(experiment: Experiment) -> None:
    size = plan(experiment)
    parts = times(size, experiment, SPEEDS)
    assert size.models == 6
    assert parts["start"] == 8 + 3 * 1 + 5 + 2 + 3
    assert parts["load models"] == 6 * 2
    assert parts["write"] == size.generated_tokens / 100
    assert parts["train"] == size.trainings * 1 + size.training_steps * 0.5
    judged = size.training_samples + size.evaluation_samples
    assert parts["judge"] == pytest.approx(judged / 2 / 10 + judged / 2 / 5)


def test_what_is_done_is_not_estimated_again(experiment: Experiment) -> None:
    whole = plan(experiment)
    rest = plan(experiment, Done(models=4, trainings=4, training_samples=48, evaluation_samples=40))
    assert (whole.models - rest.models, whole.trainings - rest.trainings) == (4, 4)
    assert whole.training_samples - rest.training_samples == 48
    assert rest.training_steps == rest.trainings * experiment.distill.steps
    finished = plan(experiment, Done(99, 99, 9999, 9999))
    assert sum(times(finished, experiment, SPEEDS).values()) == 0


def test_disk_grows_with_the_models(experiment: Experiment) -> None:
    assert experiment.model.init is not None
    of_models, of_ledger = needed_bytes(plan(experiment), experiment)
    assert of_models > 7 * 4 * experiment.model.init.parameters
    assert of_ledger > 0


def test_sizes_and_times_are_readable() -> None:
    assert [shown_bytes(size) for size in (999, 5_200_000, 3e13)] == ["999 B", "5.2 MB", "30.0 TB"]
    assert [shown_seconds(seconds) for seconds in (59.2, 300, 7200)] == ["60 s", "5 min", "2.0 h"]


def test_a_disk_without_room_is_said_before_anything_starts(
    tiny: dict[str, Any], small_disk: Path, tmp_path: Path
) -> None:
    tiny |= {"output": str(small_disk / "runs")}
    with pytest.raises(RunError, match=r"The models of this run need .* has .* free; make room, set `output`"):
        check_room(plan(Experiment.model_validate(tiny)), Experiment.model_validate(tiny))
    config = tmp_path / "full.yaml"
    config.write_text(yaml.safe_dump(tiny))
    for arguments in (["run", str(config)], ["run", str(config), "--dry-run", "--no-probe"]):
        done = CliRunner().invoke(app, arguments)
        assert done.exit_code == 2
        assert "make room" in done.stderr
        assert not list(small_disk.iterdir())


def test_without_a_probe_it_says_that_speed_was_not_measured(config: Path, tmp_path: Path) -> None:
    done = dry_run(config, "--no-probe")
    assert done.exit_code == 0, done.output
    assert "not checked             speed: --no-probe" in done.stdout
    assert "not checked             Ray" in done.stdout
    assert "disk" in done.stdout
    assert [file.name for file in tmp_path.iterdir()] == ["tiny.yaml"]


def test_a_server_is_not_measured(tiny: dict[str, Any]) -> None:
    tiny["engine"] = {"kind": "server", "url": "http://127.0.0.1:1/v1"}
    assert "server" in (why_not_measured(Experiment.model_validate(tiny)) or "")


@pytest.mark.slow
def test_a_probe_that_fails_or_hangs_is_said_and_ends(experiment: Experiment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cost_estimate, "PROBE_SECONDS", 0.05)
    assert "did not end within" in str(cost_estimate.measure(experiment))
    monkeypatch.undo()
    wrong = experiment.model_copy(update={"generations": -1})  # which the probe refuses as it begins
    assert "the probe failed" in str(cost_estimate.measure(wrong))


def test_resume_shows_what_is_left_and_writes_nothing(config: Path, experiment: Experiment) -> None:
    run = RunDirectory.create(experiment)
    run.close()
    row = {"model": "m", "arm": "start", "generation": 0, "seed": 0, "value": 0.5, "low": 0.1, "high": 0.9, "n": 10}
    Ledger(run.ledger_path).record("scores", [row | {"task": "all", "measure": "accuracy"}])
    before = {file: file.stat().st_mtime_ns for file in run.path.rglob("*")}
    done = dry_run(config, "--no-probe", "--resume", str(run.path))
    assert done.exit_code == 0, done.output
    assert "models left             5," in done.stdout
    assert {file: file.stat().st_mtime_ns for file in run.path.rglob("*")} == before
    refused = dry_run(config, "--no-probe", "--resume", str(run.path), "--set", "distill.steps=5")
    assert refused.exit_code == 2
    assert "`distill.steps` was 4 and is now 5" in refused.stderr


def test_composed_judges_and_those_of_training_are_timed(tiny: dict[str, Any]) -> None:
    """The probe asks the same lookup as the run: it took settings of `verify` for those of the named verifier."""
    whole = {"verifier": "math", "settings": {"answer": "whole"}}
    tiny["verify"] = {"math": {"verifier": "all_of", "settings": {"parts": [whole]}}}
    tiny["verify_training"] = {"math": {"verifier": "noisy", "settings": {"of": whole, "false_positive": 0.1}}}
    experiment = Experiment.model_validate(tiny)
    examples = [p for p in Curriculum(experiment, 0).worked_examples() if p.verifier == "math"]
    _, speeds = judge_speeds(experiment, examples[:4])
    assert set(speeds) == {"math for evaluation", "math for training"}
    size = plan(experiment)
    told = SPEEDS.model_copy(update={"verdicts": {**SPEEDS.verdicts, **dict.fromkeys(speeds, 1.0)}})
    fewer = told.model_copy(update={"verdicts": {**told.verdicts, "math for training": 2.0}})
    saved = times(size, experiment, told)["judge"] - times(size, experiment, fewer)["judge"]
    assert saved == pytest.approx(size.training_samples / 2 / 2)


@pytest.mark.slow
def test_the_probe_measures_every_part(config: Path) -> None:
    done = dry_run(config)
    assert done.exit_code == 0, done.output
    assert "measured here" in done.stdout, done.stdout
    assert "An estimate" in done.stdout
    assert all(part in done.stdout for part in ("load models", "write", "judge", "train"))
