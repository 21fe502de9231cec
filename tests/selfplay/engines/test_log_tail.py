"""What is left of an engine that died: the end of its log, in the error that a person reads."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from selfplay.cluster.connection import Cluster
from selfplay.distill.trainer import Trainer
from selfplay.engines.engine_settings import SamplingSettings
from selfplay.engines.log_tail import LINES, LONGEST_LINE, log_tail
from selfplay.engines.pool import MAX_RESTARTS
from selfplay.errors import EngineError, SelfplayError
from selfplay.experiment.curriculum import Curriculum
from selfplay.experiment.schema import Experiment
from selfplay.ledger.ledger import Ledger
from selfplay.models import folders as models
from selfplay.models.folders import ModelState
from selfplay.run.sampling import Sampler


def test_the_last_lines_are_shown_cut_and_escaped(tmp_path: Path) -> None:
    log = tmp_path / "engine.log"
    hostile = [b"\x1b[2J cleared \xff\x00", "\u202eback".encode(), b"y" * 100_000]
    log.write_bytes(b"\n".join([f"line {at}".encode() for at in range(100)] + hostile))
    words = log_tail(log).splitlines()[2:]
    assert len(words) == LINES
    assert words[-2].strip() == "\\u202eback"
    assert "\\x1b[2J cleared" in words[-3]
    assert max(map(len, words)) <= LONGEST_LINE + 2


def test_a_log_that_is_not_there_adds_nothing(tmp_path: Path) -> None:
    assert log_tail(tmp_path / "none.log") == ""
    (tmp_path / "empty.log").touch()
    assert log_tail(tmp_path / "empty.log") == ""


def test_a_process_that_crashes_leaves_its_stack(tmp_path: Path) -> None:
    """Native output and a crash's stack reach the log, not only what Python prints."""
    script = (
        "import os, sys; from pathlib import Path; from selfplay.engines.log_tail import keep_log\n"
        "keep_log(Path(sys.argv[1])); print('said before', flush=True); os.system('echo by a child')\n"
        "def the_culprit(): os.kill(os.getpid(), 11)\n"
        "the_culprit()"
    )
    log = tmp_path / "logs" / "engine-0.log"
    done = subprocess.run([sys.executable, "-c", script, str(log)], capture_output=True, timeout=60, check=False)
    assert done.returncode == -signal.SIGSEGV
    words = log_tail(log)
    assert "said before" in words
    assert "by a child" in words
    assert "Segmentation fault" in words
    assert "the_culprit" in words


class Drawing:
    """A sampler over a tiny model; nothing is proved of its weights, which would start the training process."""

    def __init__(self, experiment: Experiment, cluster: Cluster, folder: Path, run: Path) -> None:
        engine = experiment.engine.model_copy(update={"prove": False})
        experiment = experiment.model_copy(update={"engine": engine})
        self.model = ModelState("a fingerprint", folder, 0, "start", 0)
        self.problems = Curriculum(experiment, 0).held_out()
        self.trainer = Trainer(gpu=False)
        self.sampler = Sampler(experiment, cluster, Ledger(run / "ledger"), self.trainer)

    def draw(self, on_progress: Any = lambda done: None) -> list[str]:
        settings = SamplingSettings(max_tokens=8)
        return self.sampler.draw("evaluate", self.model, self.problems, settings, 1, on_progress=on_progress)

    def close(self) -> None:
        self.sampler.close()
        self.trainer.close()


def engines() -> list[psutil.Process]:
    """Engine processes of this test's own cluster."""
    ours = psutil.Process().children(recursive=True)
    return [process for process in ours if "ray::Replica" in " ".join(process.cmdline())]


@pytest.mark.slow
def test_an_engine_killed_again_and_again_ends_with_the_tail_of_its_log(
    cluster: Cluster, experiment: Experiment, tmp_path: Path
) -> None:
    assert experiment.model.init is not None
    drawing = Drawing(experiment, cluster, models.create(experiment.model.init, tmp_path / "model", 0), tmp_path)
    try:
        drawing.draw()
        (log,) = (tmp_path / "logs").iterdir()
        with log.open("a") as file:
            file.write("the last thing it said \x1b[2J\n")
        drawing.sampler._engines._restarts = MAX_RESTARTS
        drawing.model = ModelState("a fingerprint", drawing.model.folder, 1, "start", 0)
        for process in engines():
            os.kill(process.pid, signal.SIGKILL)
        with pytest.raises(EngineError, match="died") as raised:
            drawing.draw()
    finally:
        drawing.close()
    assert "the last thing it said \\x1b[2J" in str(raised.value)
    assert str(log) in str(raised.value)


@pytest.mark.slow
def test_an_engine_that_cannot_load_names_the_folder(cluster: Cluster, experiment: Experiment, tmp_path: Path) -> None:
    """Whole to look at, and no engine can hold it: a tensor has another shape than the config says."""
    from safetensors.torch import load_file, save_file

    assert experiment.model.init is not None
    folder = models.create(experiment.model.init, tmp_path / "model", 0)
    tensors = load_file(folder / "model.safetensors")
    name = next(name for name in tensors if "q_proj" in name)
    tensors[name] = tensors[name][:5].clone()
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    drawing = Drawing(experiment, cluster, folder, tmp_path)
    try:
        with pytest.raises(SelfplayError, match="cannot load") as raised:
            drawing.draw()
    finally:
        drawing.close()
    assert str(folder) in str(raised.value)


@pytest.mark.slow
def test_a_prompt_longer_than_the_context_is_an_error_row_and_not_the_end(
    cluster: Cluster, experiment: Experiment, tmp_path: Path
) -> None:
    assert experiment.model.init is not None
    drawing = Drawing(experiment, cluster, models.create(experiment.model.init, tmp_path / "model", 0), tmp_path)
    long = drawing.problems[0].model_copy(update={"prompt": "9" * 500})
    drawing.problems = [long.model_validate({**long.model_dump(exclude={"id"})}), *drawing.problems[1:]]
    try:
        ids = drawing.draw()
    finally:
        drawing.close()
    ledger = Ledger(tmp_path / "ledger")
    sql = """SELECT s.finish_reason, v.outcome, v.reason, s.error, v.detail FROM samples s
             JOIN verdicts v ON v.sample_id = s.id WHERE s.finish_reason = 'refused'"""
    ((finish, outcome, reason, error, detail),) = ledger.rows(sql)
    assert (finish, outcome, reason) == ("refused", "undecided", "prompt_refused")
    assert "the prompt has 500 tokens" in error
    assert "the prompt has 500 tokens" in detail
    assert ledger.rows("SELECT count(*) FROM verdicts") == [(len(ids),)]
