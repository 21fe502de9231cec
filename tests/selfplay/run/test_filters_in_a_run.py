"""Arms with filters in a real run: transformers engine, Ray, supervised comparisons, training, ledger and report."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from rich.console import Console

from selfplay.experiment.experiment_file import load_experiment
from selfplay.experiment.schema import Experiment
from selfplay.ledger.digest import check, digest
from selfplay.ledger.ledger import Ledger
from selfplay.report.report_page import write_report
from selfplay.report.score_tables import arms_table
from selfplay.run.directory import RunDirectory

pytestmark = pytest.mark.slow
CarryOut = Callable[[RunDirectory], str]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, carry_out: CarryOut) -> Path:
    both = "human+synthetic"
    experiment = Experiment.model_validate(
        {
            "name": "filters",
            "output": str(tmp_path_factory.mktemp("filters")),
            "generations": 2,
            "model": {"init": {"hidden_size": 32, "layers": 1, "heads": 1, "context": 64}},
            "engine": {"kind": "transformers"},
            "tasks": [{"source": "polynomials", "examples": 20, "problems": 6}],
            "verify": {"math": {"answer": "whole"}},
            "sampling": {"n": 4, "max_tokens": 20},
            "distill": {"steps": 100, "batch_size": 8, "learning_rate": 5e-3},
            "evaluate": {"problems": 4},
            "arms": [
                {"name": "likely", "data": both, "keep": {"filter": "mean_logprob", "top": 0.5}},
                {"name": "consistent", "data": both, "keep": {"filter": "self_consistency", "threshold": 0.0}},
                {"name": "agreed", "data": both, "keep": {"filter": "agreement", "with": ["likely", "consistent"]}},
            ],
        }
    )
    directory = RunDirectory.create(experiment)
    carry_out(directory)
    return directory.path


def test_training_sets_hold_what_the_filters_kept(run: Path) -> None:
    ledger = Ledger.of_run(run)
    assert check(run) == []
    chosen = ledger.rows("""
        SELECT c.arm, c.generation, s.problem_id, count(*), count(*) FILTER (c.kept), max(c.group_size)
        FROM choices c JOIN samples s ON s.id = c.sample_id GROUP BY ALL
    """)
    assert len(chosen) == 3 * 2 * 6
    assert all(row[3] == row[5] == 4 for row in chosen)
    sql = """SELECT c.generation, s.problem_id, count(*) FILTER (s.finish_reason = 'stop'), count(*) FILTER (c.kept)
             FROM choices c JOIN samples s ON s.id = c.sample_id WHERE c.arm = 'likely' GROUP BY ALL"""
    assert all(kept == min(2, ended) for _, _, ended, kept in ledger.rows(sql)), "half of four, and nothing cut off"
    assert ledger.rows("SELECT count(*) > 0 FROM choices WHERE arm = 'likely' AND kept") == [(True,)]
    differs = ledger.rows("""
        SELECT count(*) FROM choices c LEFT JOIN training_sets t USING (seed, arm, generation)
        LEFT JOIN members m ON m.training_set_id = t.id AND m.sample_id = c.sample_id
        WHERE c.kept != (m.sample_id IS NOT NULL)
    """)
    assert differs == [(0,)]
    first = ledger.rows("SELECT DISTINCT kept, reason FROM choices WHERE arm = 'agreed' AND generation = 1 AND kept")
    assert first == [], "all arms write with the start model in generation 1"
    assert ledger.rows("SELECT count(*) FROM samples WHERE model IS NOT NULL AND mean_logprob IS NULL") == [(0,)]
    assert ledger.rows("SELECT count(*) FROM samples WHERE mean_logprob > 0") == [(0,)]


def test_the_report_says_what_was_kept_and_why(run: Path) -> None:
    page = write_report(run).read_text()
    assert "What filters kept" in page
    assert "what the filter mean_logprob (top 0.5) keeps of its samples" in page
    assert "what the filter agreement (with likely and consistent) keeps of its samples" in page
    console = Console(width=200, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(arms_table(run))
    assert "likely (mean_logprob) kept " in console.export_text()


def test_a_resumed_run_chooses_nothing_anew_and_the_digest_leaves_floats_out(
    run: Path, tmp_path: Path, carry_out: CarryOut
) -> None:
    copy = Path(shutil.copytree(run, tmp_path / "copy"))
    ledger = Ledger(copy / "ledger")
    for file in ledger.files.of_table("samples"):
        rows = pq.read_table(file).to_pylist()
        file.unlink()
        ledger.record("samples", [row | {"mean_logprob": (row["mean_logprob"] or 0) + 1e-13} for row in rows])
    ledger.files.set_aside([])
    before = sorted(file.name for file in ledger.files.of_table("choices"))
    carry_out(RunDirectory.resume(copy, load_experiment(copy / "experiment.yaml")))
    assert sorted(file.name for file in ledger.files.of_table("choices")) == before
    assert digest(Ledger.of_run(copy)) == digest(Ledger.of_run(run))
