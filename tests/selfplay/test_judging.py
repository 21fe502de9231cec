"""The judge in the cluster, and what a failing judge does to a run."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest

from selfplay import models
from selfplay.cluster import Cluster
from selfplay.config import Experiment
from selfplay.curriculum import Curriculum
from selfplay.distill.trainer import Trainer
from selfplay.engines.settings import SamplingSettings
from selfplay.errors import RunError
from selfplay.judging import Judge
from selfplay.ledger import Ledger
from selfplay.model_state import ModelState
from selfplay.sampling import Sampler
from selfplay.selection import Selector
from verifiers import Row


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    """A task source and its verifier in one file; the verifier raises while a file `broken` lies beside it."""
    file = tmp_path / "plugin.py"
    file.write_text(
        textwrap.dedent(f"""
            from pathlib import Path
            from typing import ClassVar
            from tasks import Problem, TaskSource
            from tasks.source import distinct_problems
            from verifiers import Verdict, verifier

            @verifier(name="echo", version="1")
            def echo(reference, completion, prompt=None):
                if Path({str(tmp_path / "broken")!r}).exists():
                    raise RuntimeError("no judge today")
                return Verdict.accept() if completion == prompt else Verdict.reject("no_echo")

            class Asks(TaskSource):
                name: ClassVar[str] = "asks"
                verifier: ClassVar[str] = {str(file)!r} + ":echo"
                solution_origin: ClassVar[str] = "procedural"
                endless: ClassVar[bool] = True

                def problems(self, split, seed):
                    return distinct_problems(self.problem, split, seed)

                def problem(self, seed, index):
                    return Problem(prompt=f"{{seed}} {{index}}", reference={{}}, verifier=self.verifier, solution="a",
                                   solution_origin="procedural", source="asks", split="train", twin_key=f"{{index}}")
        """)
    )
    return file


def test_equal_completions_of_different_prompts_are_judged_apart(plugin: Path) -> None:
    judge = Judge({}, 1, 2048)
    rows = [Row("1", {}, "a", prompt="a"), Row("2", {}, "a", prompt="b"), Row("3", {}, "a", prompt="a")]
    verdicts = judge.judge(f"{plugin}:echo", rows)
    assert [(v["sample_id"], v["outcome"]) for v in verdicts] == [
        ("1", "accepted"),
        ("2", "rejected"),
        ("3", "accepted"),
    ]


@pytest.fixture
def of_a_file(tiny: dict[str, Any], plugin: Path) -> Experiment:
    tasks = [{"source": f"{plugin}:Asks", "examples": 20, "problems": 10}]
    return Experiment.model_validate({**tiny, "tasks": tasks, "verify": {}})


def test_a_source_from_a_file_gives_fresh_worked_examples(of_a_file: Experiment) -> None:
    assert len(Curriculum(of_a_file, 0).fresh_examples(1, {"asks": 7})) == 7


def test_two_entries_of_one_source_are_refused(of_a_file: Experiment) -> None:
    doubled = of_a_file.model_copy(update={"tasks": of_a_file.tasks * 2})
    with pytest.raises(ValueError, match="name each source once"):
        Curriculum(doubled, 0)


@pytest.mark.slow
def test_a_failing_judge_stops_the_run_and_its_samples_are_judged_again(
    of_a_file: Experiment, plugin: Path, tmp_path: Path
) -> None:
    assert of_a_file.model.init is not None
    folder = models.create(of_a_file.model.init, tmp_path / "model", 0)
    model = ModelState("f", folder, 0, "start", 0)
    ledger = Ledger(tmp_path / "ledger")
    problems = list(Curriculum(of_a_file, 0).pool(1))
    Selector(ledger, Curriculum(of_a_file, 0), 0)

    def draw() -> list[str]:
        with Cluster() as cluster:
            trainer = Trainer(gpu=False)
            sampler = Sampler(of_a_file, cluster, ledger, trainer)
            sampling = SamplingSettings(max_tokens=100)  # long enough for most to end
            try:
                return sampler.draw("train", model, problems, sampling, 1, on_progress=lambda done: None)
            finally:
                sampler.close()
                trainer.close()

    (plugin.parent / "broken").touch()
    with pytest.raises(RunError, match="no judge today") as stopped:
        draw()
    assert "resources.max_fault_share" in str(stopped.value)
    (plugin.parent / "broken").unlink()
    ids = draw()
    assert len(ids) == 10
    sql = "SELECT count(*), count(DISTINCT sample_id) FROM verdicts WHERE reason NOT IN ('fault', 'no_completion')"
    assert ledger.rows(sql) == [(10, 10)]
