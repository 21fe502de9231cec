"""The whole loop on real parts: Ray actors, an engine, the verifiers in their sandbox, SFTTrainer, the ledger."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from selfplay.cluster.connection import Cluster
from selfplay.distill.trainer import Trainer
from selfplay.engines.engine_settings import SamplingSettings
from selfplay.errors import RunError, WeightsMismatch
from selfplay.experiment.curriculum import Curriculum
from selfplay.experiment.experiment_file import load_experiment
from selfplay.experiment.schema import Experiment
from selfplay.ledger.ledger import Ledger
from selfplay.models import folders as models
from selfplay.models.folders import ModelState
from selfplay.report.report_page import write_report
from selfplay.run.directory import RunDirectory
from selfplay.run.sampling import Sampler
from selfplay.tasks.problem import Problem

pytestmark = pytest.mark.slow
CarryOut = Callable[[RunDirectory], str]
HERE = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def finished(carry_out: CarryOut, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A finished tiny run of all five arms on the transformers engine, and what it printed."""
    data = yaml.safe_load((HERE / "experiments/quickstart/five-arms.yaml").read_text())
    data |= {"output": str(tmp_path_factory.mktemp("runs")), "seeds": [0], "generations": 2}
    data["engine"] = {"kind": "transformers"}
    data["model"] = {"init": {"hidden_size": 32, "layers": 1, "heads": 1, "context": 128}}
    for task in data["tasks"]:
        task |= {"examples": 20, "problems": 12}
    data["sampling"] = {"n": 2, "max_tokens": 80}
    data["distill"] |= {"steps": 4, "batch_size": 8}
    data["evaluate"] = {"problems": 10}
    data["arms"][4]["keep"] = "all"  # so small a model writes nothing that is accepted
    directory = RunDirectory.create(Experiment.model_validate(data))
    return directory.path, carry_out(directory)


def test_every_model_is_made_recorded_and_loads(finished: tuple[Path, str]) -> None:
    path, _ = finished
    rows = Ledger(path / "ledger").rows("SELECT arm, generation, fingerprint, path FROM models ORDER BY ALL")
    assert len(rows) == 1 + 5 * 2
    for _, _, fingerprint, folder in rows:
        assert models.fingerprint(path / folder) == fingerprint
        models.check_folder(path / folder)


def test_every_sample_has_one_verdict_and_a_known_parent(finished: tuple[Path, str]) -> None:
    ledger = Ledger(finished[0] / "ledger")
    assert ledger.rows("SELECT count(*) - count(DISTINCT id) FROM samples") == [(0,)]
    assert ledger.rows("SELECT count(*) - count(DISTINCT sample_id) FROM verdicts") == [(0,)]
    unjudged = "SELECT count(*) FROM samples ANTI JOIN verdicts ON sample_id = id WHERE origin = 'synthetic'"
    assert ledger.rows(unjudged) == [(0,)]
    orphans = "SELECT count(*) FROM samples s ANTI JOIN models m ON m.fingerprint = s.model WHERE s.model IS NOT NULL"
    assert ledger.rows(orphans) == [(0,)]
    levels = (
        "SELECT DISTINCT sandbox FROM verdicts WHERE verifier = 'code' AND reason NOT IN ('truncated', 'no_program')"
    )
    assert {level for (level,) in ledger.rows(levels)} <= {"namespaces", "landlock", "process"}
    assert ledger.rows("SELECT count(*) > 0 FROM verdicts WHERE sandbox IS NOT NULL") == [(True,)]


def test_arms_share_the_draws_of_generation_0_and_the_evaluation(finished: tuple[Path, str]) -> None:
    ledger = Ledger(finished[0] / "ledger")
    start = ledger.rows("SELECT fingerprint FROM models WHERE generation = 0")[0][0]
    drawn = ledger.rows("SELECT count(*) FROM samples WHERE model = ? AND purpose = 'train'", [start])
    kept = ledger.rows("SELECT count(*) > 0 FROM models WHERE generation = 1 AND starts_with(outcome, 'kept')")[0][0]
    pools = 1 + kept  # an arm that kept the start model writes with it again, for the next pool
    assert drawn == [(24 * 2 * pools,)], "four arms train on samples of generation 0, which were drawn once"
    evaluated = ledger.rows(
        "SELECT model, list(problem_id ORDER BY problem_id), list(draw_seed ORDER BY problem_id) "
        "FROM samples WHERE purpose = 'evaluate' GROUP BY 1"
    )
    assert len({(tuple(problems), tuple(seeds)) for _, problems, seeds in evaluated}) == 1


def test_what_was_cut_off_is_never_accepted(finished: tuple[Path, str]) -> None:
    sql = """SELECT s.finish_reason, v.reason = 'truncated', count(*) FROM samples s
             JOIN verdicts v ON v.sample_id = s.id GROUP BY ALL ORDER BY ALL"""
    assert {row[:2] for row in Ledger(finished[0] / "ledger").rows(sql)} <= {("length", True), ("stop", False)}


def test_no_evaluation_problem_is_trained_on(finished: tuple[Path, str]) -> None:
    sql = """SELECT count(*) FROM members m JOIN samples s ON s.id = m.sample_id JOIN problems p ON p.id = s.problem_id
             WHERE p.twin_key IN (SELECT twin_key FROM problems WHERE split = 'evaluate')"""
    assert Ledger(finished[0] / "ledger").rows(sql) == [(0,)]


def test_training_sets_are_what_their_arms_say(finished: tuple[Path, str]) -> None:
    ledger = Ledger(finished[0] / "ledger")
    sql = """SELECT t.arm, t.generation, count(*) FILTER (m.origin = 'procedural'),
                    count(*) FILTER (m.origin = 'synthetic'), count(*) FILTER (v.outcome = 'accepted')
             FROM training_sets t JOIN members m ON m.training_set_id = t.id
             LEFT JOIN verdicts v ON v.sample_id = m.sample_id GROUP BY ALL"""
    made = {(arm, generation): counts for arm, generation, *counts in ledger.rows(sql)}
    for generation in (1, 2):
        assert made["human-only", generation][:2] == [40, 0]
        assert made["unfiltered", generation][:2] == [40, 48]
        verified = made.get(("verified", generation), [0, 0, 0])  # so small a model may write nothing that is accepted
        assert verified[1] == verified[2], "only accepted samples"
        assert made.get(("random-filter", generation), [0, 0])[1] == verified[1]


def test_a_second_pass_makes_nothing_new(finished: tuple[Path, str], carry_out: CarryOut) -> None:
    path, _ = finished
    before = {file.name for file in (path / "ledger").glob("*.parquet") if not file.name.startswith("steps-")}
    carry_out(RunDirectory.resume(path, load_experiment(path / "experiment.yaml")))
    after = {file.name for file in (path / "ledger").glob("*.parquet") if not file.name.startswith("steps-")}
    assert after == before


def test_resume_draws_only_what_is_missing(finished: tuple[Path, str], carry_out: CarryOut) -> None:
    path, _ = finished
    ledger = Ledger(path / "ledger")
    count = "SELECT count(*), count(DISTINCT id) FROM samples"
    everything = ledger.rows(count)
    for table in ("samples", "verdicts"):
        sorted((path / "ledger").glob(f"{table}-*.parquet"))[0].unlink()
    carry_out(RunDirectory.resume(path, load_experiment(path / "experiment.yaml")))
    assert ledger.rows(count) == everything
    assert ledger.rows("SELECT count(*) FROM samples ANTI JOIN verdicts ON sample_id = id WHERE model IS NOT NULL") == [
        (0,)
    ]


def test_resume_refuses_another_config(finished: tuple[Path, str]) -> None:
    path, _ = finished
    changed = load_experiment(path / "experiment.yaml", ["distill.steps=5"])
    with pytest.raises(RunError, match=r"`distill\.steps` was 4 and is now 5"):
        RunDirectory.resume(path, changed)


def test_progress_names_seed_arm_and_generation(finished: tuple[Path, str]) -> None:
    printed = finished[1]
    assert "seed 0  verified  generation 2  (model 7 of 11" in printed
    assert "training: 4 steps in" in printed


def test_report_and_scores(finished: tuple[Path, str]) -> None:
    path, _ = finished
    page = write_report(path)
    assert page == path / "report" / "index.html"
    with (path / "report" / "scores.csv").open() as file:
        rows = list(csv.DictReader(file))
    accuracies = [r for r in rows if r["measure"] == "accuracy" and r["task"] == "all"]
    assert len(accuracies) == 11
    assert all(float(r["low"]) <= float(r["value"]) <= float(r["high"]) for r in accuracies)


def test_other_weights_than_the_folders_stop_the_run(cluster: Cluster, experiment: Experiment, tmp_path: Path) -> None:
    """The engine loads one folder, the proof expects another: no sample is drawn."""
    assert experiment.model.init is not None
    loaded, expected = (models.create(experiment.model.init, tmp_path / name, seed) for seed, name in enumerate("ab"))

    class Misled(Trainer):
        def reference(self, folder: Path, trust_remote_code: bool) -> Any:
            return super().reference(expected, trust_remote_code)

    ledger, trainer = Ledger(tmp_path / "ledger"), Misled(gpu=False)
    sampler = Sampler(experiment, cluster, ledger, trainer)
    try:
        with pytest.raises(WeightsMismatch):
            sampler.draw(
                "evaluate",
                ModelState("f", loaded, 0, "start", 0),
                Curriculum(experiment, 0).held_out(),
                SamplingSettings(max_tokens=8),
                1,
                on_progress=lambda done: None,
            )
    finally:
        sampler.close()
        trainer.close()
    assert ledger.rows("SELECT count(*) FROM samples") == [(0,)]


def test_a_dead_engine_is_replaced_and_every_sample_is_there_once(
    cluster: Cluster, experiment: Experiment, tmp_path: Path
) -> None:
    assert experiment.model.init is not None
    folder = models.create(experiment.model.init, tmp_path / "model", 0)
    model = ModelState(models.fingerprint(folder), folder, 0, "start", 0)
    curriculum, ledger = Curriculum(experiment, 0), Ledger(tmp_path / "ledger")
    trainer = Trainer(gpu=False)
    sampler = Sampler(experiment, cluster, ledger, trainer)

    def draw(problems: list[Problem], n: int) -> list[str]:
        return sampler.draw("train", model, problems, SamplingSettings(max_tokens=8), n, on_progress=lambda done: None)

    try:
        draw(curriculum.held_out()[:2], 1)
        below = psutil.Process().children(recursive=True)  # never the engine of another run on this machine
        engines = [p for p in below if p.status() != psutil.STATUS_ZOMBIE and p.cmdline()[0].startswith("ray::Replica")]
        assert engines
        for process in engines:
            process.kill()
        ids = draw(list(curriculum.pool(1)), 3)
    finally:
        sampler.close()
        trainer.close()
    assert len(set(ids)) == 24 * 3
    sql = "SELECT count(*), count(DISTINCT s.id) FROM samples s JOIN verdicts v ON v.sample_id = s.id"
    assert ledger.rows(sql) == [(24 * 3 + 2, 24 * 3 + 2)]


def test_more_engines_than_the_cluster_holds_are_refused(
    cluster: Cluster, experiment: Experiment, tmp_path: Path
) -> None:
    engine = experiment.engine.model_copy(update={"replicas": cluster.cpus})
    crowded = experiment.model_copy(update={"engine": engine})
    with pytest.raises(RunError, match=r"`engine\.replicas`"):
        Sampler(crowded, cluster, Ledger(tmp_path), Trainer(gpu=False))
