"""The judge in the cluster, and what a failing judge does to a run."""

from __future__ import annotations

import contextlib
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import ray

from selfplay.cluster.connection import Cluster
from selfplay.distill.trainer import Trainer
from selfplay.engines.engine import Completion
from selfplay.engines.engine_settings import SamplingSettings
from selfplay.errors import RunError
from selfplay.experiment.curriculum import Curriculum
from selfplay.experiment.schema import Experiment
from selfplay.ledger.ledger import Ledger
from selfplay.ledger.tables import Purpose
from selfplay.models import folders as models
from selfplay.models.folders import ModelState
from selfplay.run.judging import MAX_RESTARTS, Judge, JudgePool
from selfplay.run.sampling import Sampler
from selfplay.verifiers import Row
from selfplay.verifiers.contract.spec import VerifierSpec


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    """A task source and its verifier in one file; the verifier raises while a file `broken` lies beside it."""
    file = tmp_path / "plugin.py"
    file.write_text(
        textwrap.dedent(f"""
            import time
            from pathlib import Path
            from typing import ClassVar
            from selfplay.tasks import Problem, TaskSource
            from selfplay.tasks.source import distinct_problems
            from selfplay.verifiers import Verdict, verifier

            @verifier(name="echo", version="1")
            def echo(reference, completion, prompt=None):
                if Path({str(tmp_path / "slow")!r}).exists():
                    time.sleep(0.4)
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
    judge = Judge(1, 2048)
    rows = [Row("1", {}, "a", prompt="a"), Row("2", {}, "a", prompt="b"), Row("3", {}, "a", prompt="a")]
    verdicts = judge.judge(VerifierSpec(verifier=f"{plugin}:echo"), rows)
    assert [(v["sample_id"], v["outcome"]) for v in verdicts] == [
        ("1", "accepted"),
        ("2", "rejected"),
        ("3", "accepted"),
    ]


@pytest.fixture
def of_a_file(tiny: dict[str, Any], plugin: Path) -> Experiment:
    tasks = [{"source": f"{plugin}:Asks", "examples": 20, "problems": 10}]
    engine = {**tiny["engine"], "prove": False}  # which would start the training process, for nothing that is told here
    return Experiment.model_validate({**tiny, "tasks": tasks, "verify": {}, "engine": engine})


def test_a_source_from_a_file_gives_fresh_worked_examples(of_a_file: Experiment) -> None:
    assert len(Curriculum(of_a_file, 0).fresh_examples(1, {"asks": 7})) == 7


def test_two_entries_of_one_source_are_refused(of_a_file: Experiment) -> None:
    doubled = of_a_file.model_copy(update={"tasks": of_a_file.tasks * 2})
    with pytest.raises(ValueError, match="name each source once"):
        Curriculum(doubled, 0)


@pytest.mark.slow
def test_files_named_from_here_are_composed_and_judge_on_a_worker(
    of_a_file: Experiment, cluster: Cluster, plugin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ray's workers have another working directory than the driver; evaluation does not see `verify_training`."""
    monkeypatch.chdir(plugin.parent)
    inside = {"verifier": "plugin.py:echo"}
    changed = {
        "verify": {"plugin.py:echo": {"verifier": "not", "settings": {"of": inside}}},
        "verify_training": {"plugin.py:echo": {"verifier": "all_of", "settings": {"parts": [inside]}}},
    }
    court = JudgePool(of_a_file.model_copy(update=changed), spare_cpus=1)
    problem = next(Curriculum(of_a_file, 0).pool(1))
    told = {}
    purposes: tuple[Purpose, ...] = ("train", "evaluate", "validate")
    for purpose in purposes:
        completion = Completion(id=purpose, text="no echo", finish_reason="stop", tokens=2)
        ((reference, _),) = court.send([(completion, problem)], purpose)
        (row,) = ray.get(reference)
        told[purpose] = (row["verifier"], row["outcome"])
    court.close()
    assert told == {"train": ("all_of", "rejected"), "evaluate": ("not", "accepted"), "validate": ("not", "accepted")}


@pytest.mark.slow
def test_a_verifier_that_needs_a_gpu_is_refused_where_there_is_none(
    of_a_file: Experiment, cluster: Cluster, tmp_path: Path
) -> None:
    (tmp_path / "large.py").write_text(
        textwrap.dedent("""
            from selfplay.verifiers import Needs, Verdict, verifier

            @verifier(name="large", version="1", needs=Needs(gpu=64))
            def large(reference, completion):
                return Verdict.accept()
        """)
    )
    named = of_a_file.tasks[0].source.replace(":Asks", ":echo")
    changed = of_a_file.model_copy(update={"verify": {named: {"verifier": f"{tmp_path / 'large.py'}:large"}}})
    with pytest.raises(RunError, match="a verifier needs 64 GPUs beside the 1 GPU"):
        Sampler(changed, cluster, Ledger(tmp_path / "ledger"), Trainer(gpu=False))


@pytest.fixture
def draw(of_a_file: Experiment, cluster: Cluster, tmp_path: Path) -> Iterator[Callable[[], list[str]]]:
    """Draw one sample of each of ten problems into a ledger, and judge them."""
    assert of_a_file.model.init is not None
    folder = models.create(of_a_file.model.init, tmp_path / "model", 0)
    problems = list(Curriculum(of_a_file, 0).pool(1))
    trainer = Trainer(gpu=False)
    sampler = Sampler(of_a_file, cluster, Ledger(tmp_path / "ledger"), trainer)
    sampling = SamplingSettings(max_tokens=100)  # long enough for most to end
    model = ModelState("f", folder, 0, "start", 0)
    yield lambda: sampler.draw("train", model, problems, sampling, 1, on_progress=lambda done: None)
    sampler.close()
    trainer.close()


@pytest.mark.slow
def test_a_failing_judge_stops_the_run_and_its_samples_are_judged_again(
    draw: Callable[[], list[str]], plugin: Path, tmp_path: Path
) -> None:
    (plugin.parent / "broken").touch()
    with pytest.raises(RunError, match="no judge today") as stopped:
        draw()
    assert "resources.max_fault_share" in str(stopped.value)
    assert f"verifier `{plugin}:echo`" in str(stopped.value) or "verifier `echo`" in str(stopped.value)
    assert "Repair the cause" in str(stopped.value)
    (plugin.parent / "broken").unlink()
    ids = draw()
    assert len(ids) == 10
    sql = "SELECT count(*), count(DISTINCT sample_id) FROM verdicts WHERE reason NOT IN ('fault', 'no_completion')"
    assert Ledger(tmp_path / "ledger").rows(sql) == [(10, 10)]


def own_judges() -> list[psutil.Process]:
    found = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            found += [process] if process.cmdline()[:1] == ["ray::Judge.judge"] else []
    return found


def kill_the_judge_while_it_judges(times: int) -> None:
    for _ in range(times):
        end = time.monotonic() + 120
        while not (judges := own_judges()) and time.monotonic() < end:
            time.sleep(0.05)
        time.sleep(0.5)
        for judge in judges:
            judge.kill()
            judge.wait(30)


@pytest.mark.slow
@pytest.mark.parametrize(("times", "survives"), [(1, True), (MAX_RESTARTS + 1, False)])
def test_a_judge_that_dies_is_started_again_so_many_times(
    draw: Callable[[], list[str]], plugin: Path, tmp_path: Path, times: int, survives: bool
) -> None:
    (plugin.parent / "slow").touch()
    killer = threading.Thread(target=kill_the_judge_while_it_judges, args=(times,))
    killer.start()
    if survives:
        draw()
    else:
        with pytest.raises(RunError, match=r"The judge's process died more than 3 times .* resume the run"):
            draw()
        (plugin.parent / "slow").unlink()
    killer.join()
    if survives:
        found = Ledger(tmp_path / "ledger").rows("SELECT count(*), count(DISTINCT sample_id) FROM verdicts")
        assert found == [(10, 10)]
