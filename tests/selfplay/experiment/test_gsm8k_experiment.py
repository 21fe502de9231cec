"""experiments/gsm8k/experiment.yaml as it is, with a tiny model in place of the large one, on real GSM8K rows."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from selfplay.experiment.experiment_file import load_experiment
from selfplay.experiment.run_plan import check
from selfplay.ledger.ledger import Ledger
from selfplay.models.folders import ModelInit, create
from selfplay.run.directory import RunDirectory

pytestmark = pytest.mark.slow
EXPERIMENT = Path(__file__).resolve().parents[3] / "experiments/gsm8k/experiment.yaml"


@pytest.mark.skipif("SELFPLAY_DATA" not in os.environ, reason="SELFPLAY_DATA names no folder with gsm8k_train.jsonl")
def test_the_gpu_config_runs_with_a_tiny_model(tmp_path: Path, carry_out: Callable[[RunDirectory], str]) -> None:
    folder = create(ModelInit(hidden_size=32, layers=1, heads=1, context=1536), tmp_path / "tiny", 0)
    overrides = [
        f"output={tmp_path}",
        f"model.path={folder}",
        "seeds=[0]",
        "generations=1",
        "engine={kind: vllm}",
        f"tasks[0].folder={os.environ['SELFPLAY_DATA']}",
        "tasks[0].limit=24",
        "tasks[0].problems=6",
        "sampling={n: 2, temperature: 0.8, max_tokens: 12}",
        "distill={steps: 2, batch_size: 4}",
        "evaluate.problems=6",
    ]
    experiment = load_experiment(EXPERIMENT, overrides)
    assert check(experiment, offline=True) == []
    directory = RunDirectory.create(experiment)
    carry_out(directory)
    ledger = Ledger(directory.ledger_path)
    assert ledger.rows("SELECT DISTINCT origin FROM members WHERE origin != 'synthetic'") == [("human",)]
    assert ledger.rows("SELECT count(*) FROM verdicts WHERE outcome = 'undecided'") == [(0,)]
    kept = ledger.rows("SELECT arm, generation, outcome FROM models WHERE outcome != 'trained' ORDER BY ALL")
    assert ("start", 0, "as given") in kept
    engines = ledger.rows("SELECT count(*) FROM samples WHERE purpose = 'train'")
    assert engines[0][0] == 24 + 12, "24 human solutions, 12 samples of the start model shared by four arms"
