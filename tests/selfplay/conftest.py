"""A tiny experiment that runs for real in seconds."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from selfplay.experiment.schema import Experiment
from selfplay.run.directory import RunDirectory
from selfplay.run.progress import RunView

if TYPE_CHECKING:
    from selfplay.cluster.connection import Cluster  # imports Ray


@pytest.fixture
def tiny(tmp_path: Path) -> dict[str, Any]:
    """A small quickstart as plain data: both task families, transformers engine, two arms, one generation."""
    return {
        "name": "tiny",
        "output": str(tmp_path / "runs"),
        "generations": 1,
        "model": {"init": {"hidden_size": 32, "layers": 1, "heads": 1, "context": 128}},
        "engine": {"kind": "transformers"},
        "tasks": [
            {"source": "polynomials", "examples": 20, "problems": 12},
            {"source": "list_functions", "examples": 20, "problems": 12},
        ],
        "verify": {"math": {"answer": "whole"}, "code": {"timeout": 2}},
        "sampling": {"n": 2, "max_tokens": 24},
        "distill": {"steps": 4, "batch_size": 8},
        "evaluate": {"problems": 10},
        "arms": [
            {"name": "human-only", "data": "human"},
            {"name": "unfiltered", "data": "human+synthetic", "keep": "all"},
            {"name": "verified", "data": "human+synthetic", "keep": "verified"},
            {"name": "random-filter", "data": "human+synthetic", "keep": {"random_as_many_as": "unfiltered"}},
            {"name": "mixed", "data": "human+synthetic", "keep": "all", "human": {"share": 0.25}},
        ],
    }


@pytest.fixture
def experiment(tiny: dict[str, Any]) -> Experiment:
    return Experiment.model_validate(tiny)


def small_experiment(output: Path) -> Experiment:
    """Three generations in which data piles up, training goes on from the last model, and one arm keeps its model."""
    return Experiment.model_validate(
        {
            "name": "small",
            "output": str(output),
            "generations": 3,
            "model": {"init": {"hidden_size": 32, "layers": 1, "heads": 1, "context": 128}},
            "engine": {"kind": "transformers"},
            "tasks": [
                {"source": "polynomials", "examples": 10, "problems": 4},
                {"source": "list_functions", "examples": 10, "problems": 4},
            ],
            "sampling": {"n": 2, "max_tokens": 8},
            "distill": {"steps": 2, "batch_size": 4},
            "evaluate": {"problems": 4},
            "arms": [
                {"name": "unfiltered", "data": "human+synthetic", "keep": "all", "pool": "accumulate"},
                {"name": "continued", "data": "human+synthetic", "keep": "all", "start": "previous"},
                {"name": "own", "data": "synthetic", "keep": "verified"},
            ],
        }
    )


@pytest.fixture(scope="session")
def carry_out(connect: Callable[[], Cluster]) -> Iterator[Callable[[RunDirectory], str]]:
    """carry_out(directory): run it to its end on the shared cluster and close it; returns what was printed.

    The training process stays warm from run to run, as it does from training to training on a CPU.
    """
    import ray
    from ray.exceptions import RayError

    from selfplay.distill.trainer import Trainer
    from selfplay.run import loop

    kept: dict[Cluster, Any] = {}

    class Warm(Trainer):
        def __init__(self, **settings: Any) -> None:
            super().__init__(**settings)
            with contextlib.suppress(KeyError, RayError):
                ray.get(kept[connect()].progress.remote())
                self._process = kept[connect()]

        def close(self) -> None:
            if self._gpu:  # which the next run's engine needs
                super().close()
            else:
                kept[connect()], self._process = self._process, None

    def carry(directory: RunDirectory) -> str:
        printed = io.StringIO()
        models = 1 + len(directory.experiment.arms) * directory.experiment.generations
        try:
            with RunView(Console(file=printed, width=200), models) as view:
                loop.run_experiment(directory, connect(), view)
        finally:
            directory.close()
        return printed.getvalue()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "Trainer", Warm)
        yield carry


@pytest.fixture(scope="session")
def small_run(tmp_path_factory: pytest.TempPathFactory, carry_out: Callable[[RunDirectory], str]) -> Path:
    """A finished run of `small_experiment`; copy it before changing it."""
    directory = RunDirectory.create(small_experiment(tmp_path_factory.mktemp("small")))
    carry_out(directory)
    return directory.path
