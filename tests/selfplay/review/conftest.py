"""A run whose truth is known: right and wrong answers, judged by a real verifier that is wrong at a known rate."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from random import Random
from typing import Any

import pytest

from selfplay.experiment.schema import Experiment
from selfplay.ledger.ledger import Ledger
from selfplay.ledger.tables import Draw, Purpose, as_json, problem_row, sample_row
from selfplay.run.directory import RunDirectory
from selfplay.tasks.registry import load_source
from selfplay.verifiers import Row, Supervisor, VerifierSpec
from selfplay.verifiers.audit.wrong_answers import wrong_answers

NOISY = {"of": {"verifier": "math", "settings": {"answer": "whole"}}, "true_positive": 0.9, "false_positive": 0.25}
PLACES: list[tuple[str, int, float]] = [("start", 0, 0.3), ("unfiltered", 1, 0.5), ("verified", 1, 0.7)]
"""Arm, generation and the share of right answers of its model."""
EACH = 150
SANDBOX = "namespaces, seal: shared"
"""What the ledger says of verdicts on samples whose id begins with 0 to 7."""


class KnownRun:
    """A run, and what is true of its samples."""

    def __init__(self, path: Path, right: dict[str, bool]) -> None:
        self.path, self.right = path, right


@pytest.fixture(scope="session")
def known_run(tmp_path_factory: pytest.TempPathFactory) -> KnownRun:
    output = tmp_path_factory.mktemp("known")
    run = RunDirectory.create(Experiment.model_validate(experiment(output)))
    ledger, right = Ledger(run.ledger_path), {}
    problems = list(islice(load_source("polynomials", {}).problems("train", 0), EACH))
    ledger.record("problems", [problem_row(problem) for problem in problems])
    accepted: dict[str, bool] = {}
    with Supervisor(VerifierSpec(verifier="noisy", settings=NOISY)) as supervisor:
        for arm, generation, share in PLACES:
            ledger.record("models", [model_row(arm, generation)])
            purposes: tuple[Purpose, ...] = ("train", "evaluate") if arm == "start" else ("evaluate",)
            for purpose in purposes:
                texts, samples = [], []
                for problem in problems:
                    draw = Draw.of(purpose, f"model {arm}", "prompt", problem.id, 0, {}, 0)
                    dice = Random(draw.id)
                    right[draw.id] = dice.random() < share
                    wrong = next(one for one in wrong_answers(str(problem.solution), None, dice)).completion
                    text = str(problem.solution) if right[draw.id] else wrong
                    texts.append(Row(draw.id, problem.reference, text, problem.prompt))
                    samples.append(sample_row(draw, text, "stop", len(text), None))
                ledger.record("samples", samples)
                rows = [verdict_row(judgement) for judgement in supervisor.judge(texts)]
                ledger.record("verdicts", rows)
                if purpose == "train":
                    accepted = {row["sample_id"]: row["outcome"] == "accepted" for row in rows}
    for arm, generation, _ in PLACES[1:]:
        kept = [sample for sample, passed in accepted.items() if passed or arm == "unfiltered"]
        ledger.record("training_sets", [set_row(arm, generation, len(kept))])
        ledger.record("members", [member_row(arm, sample) for sample in kept])
    run.close()
    return KnownRun(run.path, right)


def experiment(output: Path) -> dict[str, Any]:
    return {
        "name": "known",
        "output": str(output),
        "generations": 1,
        "model": {"init": {"hidden_size": 32, "layers": 1, "heads": 1, "context": 128}},
        "tasks": [{"source": "polynomials", "examples": 10, "problems": EACH}],
        "distill": {"steps": 1},
        "sampling": {"n": 1, "max_tokens": 24},
        "evaluate": {"problems": EACH},
        "arms": [
            {"name": "unfiltered", "data": "synthetic", "keep": "all"},
            {"name": "verified", "data": "synthetic", "keep": "verified"},
        ],
    }


def model_row(arm: str, generation: int) -> dict[str, Any]:
    row = {"fingerprint": f"model {arm}", "path": "models", "parent": None, "training_set_id": f"set {arm}"}
    row |= {"distill": "{}", "seed": 0, "arm": arm, "generation": generation, "parameters": 1, "outcome": "trained"}
    return {**row, "depth": generation, "depth_mean": float(generation)}


def set_row(arm: str, generation: int, rows: int) -> dict[str, Any]:
    row = {"id": f"set {arm}", "seed": 0, "arm": arm, "generation": generation, "selection": "{}", "previous": None}
    return {**row, "rows": rows, "shares": as_json({"synthetic": 1.0})}


def member_row(arm: str, sample: str) -> dict[str, Any]:
    return {"training_set_id": f"set {arm}", "sample_id": sample, "weight": 1.0, "origin": "synthetic"}


def verdict_row(judgement: Any) -> dict[str, Any]:
    verdict = judgement.verdict
    return {
        "sample_id": judgement.id,
        "outcome": verdict.outcome,
        "reason": verdict.reason,
        "detail": as_json(verdict.detail),
        "score": None,
        "seconds": judgement.seconds,
        "verifier": judgement.verifier,
        "version": judgement.version,
        "settings_hash": judgement.settings_hash,
        "sandbox": SANDBOX if judgement.id < "8" else None,
    }
