"""A task source whose own code fails ends every command that takes its problems with one sentence and exit code 2."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from selfplay.cli.app import app

SOURCE = """
from typing import ClassVar
from selfplay.tasks import ProceduralFamily

class Family(ProceduralFamily):
    "Numbers."
    name: ClassVar[str] = "family"
    verifier: ClassVar[str] = "exact"

    def problem(self, seed, index):
        if index < 3:
            return self.asked(prompt=str(index), reference={"answer": "1"}, solution="1", twin_key=str(index))
"""
EXPERIMENT = """
name: mine
seeds: [0]
generations: 1
model: {{init: {{hidden_size: 32, layers: 1, heads: 2, tokenizer: characters}}}}
sampling: {{n: 1, max_tokens: 8}}
distill: {{method: supervised, steps: 1}}
tasks: [{{source: "{name}", examples: 5, problems: 5}}]
arms: [{{name: verified, data: human+synthetic, keep: verified}}]
"""


@pytest.mark.parametrize(
    "arguments", [["tasks", "check"], ["tasks", "show", "-n", "9"], ["run"], ["run", "--dry-run"]], ids=" ".join
)
def test_every_command_that_takes_problems_says_it_and_ends_with_2(
    tmp_path: Path, arguments: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine.py").write_text(SOURCE)
    name = f"{tmp_path}/mine.py:Family"
    if "run" in arguments:
        (tmp_path / "mine.yaml").write_text(EXPERIMENT.format(name=name))
        name = str(tmp_path / "mine.yaml")
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, [*arguments, name])
    assert done.exit_code == 2, done.stderr
    assert isinstance(done.exception, SystemExit)
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert "source `family`, split train, seed " in done.stderr
    assert "index 3: `problem` gave NoneType where a Problem is due; repair the source" in done.stderr
