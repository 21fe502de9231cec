"""One door for every kind of plugin: each is listed, shown, and used from a file of one's own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from selfplay.cli.app import app
from selfplay.cli.plugin_verbs import NOUNS
from selfplay.errors import ConfigError
from selfplay.experiment.experiment_file import parse_experiment
from selfplay.experiment.schema import Experiment
from selfplay.ledger.ledger import Ledger
from selfplay.run.directory import RunDirectory

MINE = '''
from selfplay.distill.method import DistillSettings, Method, TrainingResult
from selfplay.engines.engine import NoOptions
from selfplay.engines.transformers_engine import TransformersEngine
from selfplay.measure import Score, measure


class Options(NoOptions):
    shout: bool = False


class Shouting(TransformersEngine):
    kind = "shouting"
    about = "the transformers engine, in capitals where it is asked to"
    Options = Options

    def generate(self, requests, sampling):
        from dataclasses import replace

        for completion in super().generate(requests, sampling):
            yield replace(completion, text=completion.text.upper()) if self.options.shout else completion


class Settings(DistillSettings):
    scale: float = 1.0


class Scaled(Method):
    name = "scaled"
    about = "the weights it starts from, all multiplied by one number"
    Settings = Settings

    def train(self, job, on_step):
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer

        model = AutoModelForCausalLM.from_pretrained(job.start)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.mul_(job.settings.scale)
        model.save_pretrained(job.target)
        AutoTokenizer.from_pretrained(job.start).save_pretrained(job.target)
        return TrainingResult(steps=1, rows=0, too_long=0, tokens=0, loss=0.0, seconds=0.0)


@measure(name="mean_length", of="samples", by_task=False)
def mean_length(drawn):
    """mean length of the completions, in characters"""
    lengths = [len(text) for text in drawn.texts()]
    yield Score(sum(lengths) / len(lengths), n=len(lengths))
'''


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    (tmp_path / "mine.py").write_text(MINE)
    return tmp_path / "mine.py"


@pytest.mark.parametrize("noun", NOUNS)
def test_each_kind_is_listed_and_each_of_it_shown(noun: str) -> None:
    listed = CliRunner().invoke(app, [noun, "list"])
    assert listed.exit_code == 0, listed.output
    for each in NOUNS[noun].group().listed():
        assert each.name in listed.output
        shown = CliRunner().invoke(app, [noun, "show", each.name])
        assert shown.exit_code == 0, shown.output
        assert "does not say" not in shown.output
    wrong = CliRunner().invoke(app, [noun, "show", "no_such_thing"])
    assert (wrong.exit_code, wrong.stderr.count("\n")) == (2, 1)
    assert "there is no" in wrong.stderr


def test_ones_own_are_shown_with_their_keys(mine: Path) -> None:
    for noun, name, words in (
        ("engines", "Shouting", "shout"),
        ("distill", "Scaled", "scale"),
        ("measures", "mean_length", "mean length of the completions"),
    ):
        shown = CliRunner().invoke(app, [noun, "show", f"{mine}:{name}"])
        assert words in shown.output
        wrong = CliRunner().invoke(app, [noun, "show", f"{mine}:Options"])
        assert wrong.exit_code == 2, wrong.output


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"engine": {"kind": "vlm"}}, "there is no engine `vlm`; did you mean `vllm`"),
        ({"engine": {"kind": "transformers", "options": {"shout": True}}}, "engine.options, `shout`"),
        ({"distill": {"method": "supervized", "steps": 3}}, "there is no distillation method `supervized`; did you"),
        ({"distill": {"steps": 3, "epochs": 1}}, "unknown key `distill.epochs`"),
        ({"measures": ["acuracy"]}, "there is no measure `acuracy`; did you mean `accuracy`"),
    ],
)
def test_a_config_that_names_what_is_not_there_is_one_sentence(
    tiny: dict[str, Any], keys: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        parse_experiment({**tiny, **keys}, "experiment.yaml")
    assert words in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.slow
def test_a_run_uses_an_engine_a_method_and_a_measure_of_ones_own(
    tiny: dict[str, Any], mine: Path, carry_out: Callable[[RunDirectory], str]
) -> None:
    experiment = Experiment.model_validate(
        {
            **tiny,
            "engine": {"kind": f"{mine}:Shouting", "options": {"shout": True}, "prove": False},
            "distill": {**tiny["distill"], "method": f"{mine}:Scaled", "scale": 0.5},
            "measures": [f"{mine}:mean_length"],
            "generations": 1,
            "arms": [{"name": "unfiltered", "data": "human+synthetic", "keep": "all"}],
        }
    )
    run = RunDirectory.create(experiment)
    carry_out(run)
    ledger = Ledger(run.ledger_path)
    assert ledger.rows("SELECT count(*) FROM scores WHERE measure = 'mean_length' AND value > 0") == [(1,)]
    small = "SELECT count(*) FROM samples WHERE model IS NOT NULL AND completion != upper(completion)"
    assert ledger.rows(small) == [(0,)]
    assert ledger.rows("SELECT DISTINCT value FROM scores WHERE measure = 'train_loss'") == [(0.0,)]
    mine.unlink()
    shown = CliRunner().invoke(app, ["report", str(run.path)])
    assert shown.exit_code == 0, shown.output
    assert "index.html" in shown.output
