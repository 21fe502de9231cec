"""Alarms and rollback in the whole loop, on real parts."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from selfplay.experiment.schema import Experiment
from selfplay.ledger.digest import check, digest
from selfplay.ledger.ledger import Ledger
from selfplay.report.report_page import write_report
from selfplay.run.alarms import EXIT_STOPPED, exit_code
from selfplay.run.directory import RunDirectory

pytestmark = pytest.mark.slow
CarryOut = Callable[[RunDirectory], str]


@pytest.fixture
def task(tmp_path: Path) -> dict[str, Any]:
    """A task that is learned in a moment: the answer is always `a`."""
    file = tmp_path / "plugin.py"
    file.write_text(
        textwrap.dedent(f"""
            from typing import ClassVar
            from selfplay.tasks import Problem, TaskSource
            from selfplay.tasks.source import distinct_problems
            from selfplay.verifiers import Verdict, verifier

            @verifier(name="says_a", version="1")
            def says_a(reference, completion):
                return Verdict.accept() if completion == "a" else Verdict.reject("not_a")

            class Asks(TaskSource):
                name: ClassVar[str] = "asks"
                verifier: ClassVar[str] = {str(file)!r} + ":says_a"
                solution_origin: ClassVar[str] = "procedural"
                endless: ClassVar[bool] = True

                def problems(self, split, seed):
                    return distinct_problems(self.problem, split, seed)

                def problem(self, seed, index):
                    return Problem(prompt=f"{{index % 1000}}", reference={{}}, verifier=self.verifier, solution="a",
                                   solution_origin="procedural", source="asks", split="train", twin_key=f"{{index}}")
        """)
    )
    return {"source": f"{file}:Asks", "examples": 20, "problems": 40}


def test_a_generation_made_worse_is_rolled_back(
    carry_out: CarryOut, tiny: dict[str, Any], task: dict[str, Any]
) -> None:
    """Trained on nothing but its own hot samples, the model unlearns; the next generation starts from before."""
    tiny |= {
        "tasks": [task],
        "verify": {},
        "generations": 2,
        "sampling": {"n": 1, "temperature": 20.0, "max_tokens": 30},
        "distill": {"steps": 60, "batch_size": 16, "learning_rate": 1.0e-2},
        "evaluate": {"problems": 12, "validation": 16, "max_tokens": 4},
        "arms": [{"name": "hot", "data": "synthetic", "keep": "all", "start": "previous"}],
        "rollback": "best",
        "warn_when": [{"measure": "accuracy", "falling_for": 1}],
    }
    directory = RunDirectory.create(Experiment.model_validate(tiny))
    printed = carry_out(directory)
    ledger = Ledger(directory.ledger_path)
    rows = ledger.rows("SELECT generation, value FROM scores WHERE measure = 'validation_accuracy' AND task = 'all'")
    values = dict(rows)
    assert values[0] > values[1], "the hot generation is worse"
    assert "rolled back to generation 0" in printed
    parents = dict(ledger.rows("SELECT generation, parent FROM models"))
    fingerprints = dict(ledger.rows("SELECT generation, fingerprint FROM models"))
    assert parents[1] == parents[2] == fingerprints[0]
    wrote = ledger.rows("SELECT DISTINCT model FROM samples WHERE purpose = 'train' AND origin = 'synthetic'")
    assert wrote == [(fingerprints[0],)], "the best model also writes the samples"
    split = """SELECT s.purpose, list(DISTINCT p.twin_key) FROM samples s JOIN problems p ON p.id = s.problem_id
               WHERE s.model IS NOT NULL GROUP BY 1"""
    keys = {purpose: set(found) for purpose, found in ledger.rows(split)}
    assert (len(keys["evaluate"]), len(keys["validate"])) == (12, 16)
    assert not keys["evaluate"] & keys["validate"]
    assert not keys["train"] & (keys["evaluate"] | keys["validate"])
    assert any(
        words.startswith("accuracy fell")
        for (words,) in ledger.rows("SELECT words FROM alarms WHERE arm = 'hot' AND generation = 1")
    )
    assert exit_code(directory.path) == 0, "a warning is no stop"
    losses = ledger.rows("SELECT generation, isfinite(value) FROM scores WHERE measure = 'train_loss' ORDER BY 1")
    assert losses == [(0, True), (1, True), (2, True)]
    assert check(directory.path) == []


def test_a_lost_training_stops_its_arm_and_the_others_go_on(
    carry_out: CarryOut, tiny: dict[str, Any], task: dict[str, Any]
) -> None:
    tiny |= {
        "tasks": [task],
        "verify": {},
        "generations": 2,
        "model": {**tiny["model"], "generation_0": "as-is"},
        "distill": {"steps": 4, "batch_size": 8, "learning_rate": 1.0e30},
        "arms": [
            {"name": "human-only", "data": "human"},
            {"name": "verified", "data": "human+synthetic", "keep": "verified"},
        ],
        "warn_when": [{"measure": "accepted_share", "below": 0.5}],
        "stop_when": [{"measure": "train_loss", "not_finite": True}],
    }
    directory = RunDirectory.create(Experiment.model_validate(tiny))
    printed = carry_out(directory)
    assert "STOPPED the arm at seed 0, human-only, generation 1: train_loss is nan" in printed
    assert "human-only  generation 2" not in printed
    ledger = Ledger(directory.ledger_path)
    made = ledger.rows("SELECT arm, generation, outcome FROM models ORDER BY ALL")
    kept = "kept: it chose none of its new samples"
    assert made == [("start", 0, "as given"), ("verified", 1, kept), ("verified", 2, kept)]
    assert ledger.rows("SELECT count(DISTINCT fingerprint) FROM models") == [(1,)]
    assert exit_code(directory.path) == EXIT_STOPPED
    assert check(directory.path) == []
    page = write_report(directory.path).read_text()
    assert "STOPPED the arm at seed 0, human-only, generation 1: train_loss is nan" in page
    assert "verified kept its model in generation 1 of seed 0" in page
    assert "samples was accepted" in page
    assert "Not finished" not in page

    before = digest(ledger).total
    again = RunDirectory.resume(directory.path, directory.experiment)
    printed = carry_out(again)
    assert "STOPPED the arm at seed 0, human-only, generation 1" in printed, "it stays stopped"
    assert "training:" not in printed
    assert digest(ledger).total == before
    assert exit_code(directory.path) == EXIT_STOPPED
