"""A small run directory, made through the real RunDirectory and Ledger with numbers of our own."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from selfplay.experiment.experiment_file import parse_experiment
from selfplay.ledger.ledger import Ledger
from selfplay.ledger.tables import Draw, Purpose, as_json, problem_row, sample_row, worked_example_row
from selfplay.measure import Drawn
from selfplay.models.folders import START, ModelState
from selfplay.run.directory import RunDirectory
from selfplay.run.scoring import Scorer
from selfplay.tasks.problem import Problem, content_hash

HOSTILE = [
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "[/] [bold]rich[/bold] {{ 7 * 7 }} {% raw %}",
    "\x1b[31mred\x1b[0m a\x00b \u202etxet\u202c \u200b\ufeff",
    "]]></svg></style></pre></details><iframe src='https://evil.example/'></iframe>",
    "Z" + "\u0301" * 5000,
]
LEVEL = {"human-only": [0.0, 0.0, 0.02], "unfiltered": [-0.02, -0.05, -0.08], "verified": [0.17, 0.29, 0.33]}
EXPERIMENT: dict[str, Any] = {
    "name": "toy",
    "generations": 3,
    "model": {"init": {"hidden_size": 64, "layers": 2, "heads": 4}},
    "tasks": [
        {"source": "fractions", "problems": 20, "examples": 8},
        {"source": "list_functions", "problems": 20, "examples": 8},
    ],
    "sampling": {"n": 2, "temperature": 1.0, "max_tokens": 64},
    "distill": {"steps": 300},
    "evaluate": {"problems": 40},
    "arms": [
        {"name": "human-only", "data": "human"},
        {"name": "unfiltered", "data": "human+synthetic", "keep": "all"},
        {"name": "verified", "data": "human+synthetic", "keep": "verified"},
    ],
}
Build = Callable[..., Path]


@pytest.fixture(scope="session")
def build_run(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """build_run(seeds=[0], models=None, **changes of the experiment) -> the run's path; equal calls share a run."""

    built: dict[str, Path] = {}

    def build(seeds: list[int] | None = None, models: int | None = None, **changes: Any) -> Path:
        key = repr((seeds, models, changes))
        if key not in built:
            built[key] = make_run(tmp_path_factory.mktemp("runs"), seeds or [0], models, **changes)
        return built[key]

    return build


def make_run(output: Path, seeds: list[int], models: int | None = None, **changes: Any) -> Path:
    """A run with its first `models` models (all by default)."""
    data = {**EXPERIMENT, "output": str(output), "seeds": seeds, **changes}
    run = RunDirectory.create(parse_experiment(data, "toy"))
    try:
        filler = _Filler(run, models)
        filler.fill()
        for table, rows in filler.later.items():
            filler.ledger.record(table, rows)
    finally:
        run.close()
    return run.path


class _Filler:
    """Writes what the loop would write, with verdicts drawn at each arm's level."""

    def __init__(self, run: RunDirectory, models: int | None) -> None:
        self.run, self.ledger, self.left = run, Ledger(run.ledger_path), models
        self.later: dict[str, list[dict[str, Any]]] = {t: [] for t in ("training_sets", "members", "models", "steps")}
        self.experiment = run.experiment
        per_task = self.experiment.evaluate.problems // len(self.experiment.tasks)
        self.held_out = [p for task in self.experiment.tasks for p in problems(task.source, "evaluate", 0, per_task)]
        self.ledger.record("problems", [problem_row(problem) for problem in self.held_out])
        worked = [p for task in self.experiment.tasks for p in problems(task.source, "train", 99, task.examples or 0)]
        self.ledger.record("problems", [problem_row(problem) for problem in worked])
        rows = [worked_example_row(problem) for problem in worked]
        self.ledger.record("samples", rows)
        self.worked = [(row["id"], row["origin"]) for row in rows]

    def fill(self) -> None:
        for seed in self.experiment.seeds:
            start = self.model(seed, START, 0, self.worked, [], 0.5)
            for arm in self.experiment.arms:
                previous = start
                for generation in range(1, self.experiment.generations + 1):
                    if self.left == 0 or previous is None:
                        return
                    drawn = self.samples(previous, generation) if arm.uses_samples else []
                    members = self.worked if arm.data != "synthetic" else []
                    members = members + [(i, "synthetic") for i, ok in drawn if arm.keep == "all" or ok]
                    levels = LEVEL.get(arm.name, LEVEL["verified"])
                    level = 0.5 + levels[min(generation, len(levels)) - 1]
                    previous = self.model(seed, arm.name, generation, members, [i for i, _ in drawn], level, previous)

    def model(
        self,
        seed: int,
        arm: str,
        generation: int,
        members: list[Any],
        drawn: list[str],
        level: float,
        previous: ModelState | None = None,
    ) -> ModelState:
        set_id = content_hash([list(member) for member in members], seed, arm, generation)
        origins = [origin for _, origin in members]
        shares = {origin: origins.count(origin) / len(members) for origin in sorted(set(origins))}
        row = {"id": set_id, "seed": seed, "arm": arm, "generation": generation, "selection": "{}", "previous": None}
        self.later["training_sets"].append({**row, "rows": len(members), "shares": as_json(shares)})
        members_rows = [{"training_set_id": set_id, "sample_id": i, "weight": 1.0, "origin": o} for i, o in members]
        self.later["members"].extend(members_rows)
        print_ = content_hash(seed, arm, generation) if members or previous is None else previous.fingerprint
        model = ModelState(print_, self.run.model_folder(seed, arm, generation), seed, arm, generation)
        outcome = "trained" if members else "kept: the training set was empty"
        row = {"fingerprint": print_, "path": "models", "parent": None, "training_set_id": set_id, "distill": "{}"}
        row |= {"seed": seed, "arm": arm, "generation": generation, "parameters": 113_000, "outcome": outcome}
        row["depth"] = row["depth_mean"] = generation if "synthetic" in origins else 0
        self.later["models"].append(row)
        self.step(model, "distill", 18.2 + seed, 300)
        scorer = Scorer(self.experiment, self.ledger)
        if drawn:
            scorer.score("samples", model, Drawn(self.ledger, drawn))
        evaluated = self.draw("evaluate", model, self.held_out, 1, level)
        scorer.score("held_out", model, Drawn(self.ledger, [sample_id for sample_id, _ in evaluated]))
        self.left = None if self.left is None else self.left - 1
        return model

    def samples(self, model: ModelState, generation: int) -> list[tuple[str, bool]]:
        pool = [p for t in self.experiment.tasks for p in problems(t.source, "train", generation, t.problems)]
        self.ledger.record("problems", [problem_row(problem) for problem in pool])
        ordered = LEVEL.get(model.arm, [0.0])
        level = 0.4 + (ordered[min(model.generation, len(ordered)) - 1] if model.generation else 0.0)
        return self.draw("train", model, pool, self.experiment.sampling.n, level)

    def draw(
        self, purpose: Purpose, model: ModelState, pool: list[Problem], n: int, level: float
    ) -> list[tuple[str, bool]]:
        found, texts, verdicts = [], [], []
        for problem in pool:
            for index in range(n):
                place = (purpose, model.fingerprint, "prompt", problem.id, index)
                draw = Draw.of(*place, {"temperature": 1.0}, model.seed, own_prompt=True)
                random_ = random.Random(draw.id)
                outcome, reason, text = completion(problem, random_, level)
                finish = "length" if reason == "no_answer" else "stop"
                texts.append(sample_row(draw, text, finish, len(text), None))
                verdicts.append(
                    {
                        "sample_id": draw.id,
                        "outcome": outcome,
                        "reason": reason,
                        "detail": as_json({"read": text[:60], "expected": "5/6"}),
                        "score": None,
                        "seconds": 0.003,
                        "verifier": problem.verifier,
                        "version": "1",
                        "settings_hash": "abc",
                        "sandbox": "landlock" if problem.verifier == "code" else None,
                    }
                )
                found.append((draw.id, outcome == "accepted"))
        known = self.ledger.which_exist("samples", "id", [row["id"] for row in texts])
        self.ledger.record("samples", [row for row in texts if row["id"] not in known])
        self.ledger.record("verdicts", [row for row in verdicts if row["sample_id"] not in known])
        self.step(model, f"sample and verify ({purpose})", 6.4, len(texts))
        return found

    def step(self, model: ModelState, name: str, seconds: float, count: int) -> None:
        row = {"seed": model.seed, "arm": model.arm, "generation": model.generation, "step": name}
        self.later["steps"].append({**row, "seconds": seconds, "count": count, "detail": "{}"})


def completion(problem: Problem, random_: random.Random, level: float) -> tuple[str, str, str]:
    """(outcome, reason, text)."""
    chance = random_.random()
    if chance < level:
        reason = "all_tests_passed" if problem.verifier == "code" else random_.choice(["equal_text", "equal_value"])
        return "accepted", reason, problem.solution or ""
    if chance > 0.985:
        return "undecided", "open", random_.choice(HOSTILE)
    if chance > 0.94:
        return "rejected", "unreadable_answer", random_.choice(HOSTILE)
    if chance > 0.92:
        return "rejected", "too_large", "x" * 200_000
    if chance > 0.85:
        return "rejected", "no_answer", "((" * 32
    text = f"{random_.randrange(9)}/{random_.randrange(2, 9)} {random_.random():.6f}"
    return "rejected", "wrong_answer", text


def problems(source: str, split: Any, generation: int, count: int) -> list[Problem]:
    code = "function" in source
    found = []
    for index in range(count):
        a, b = 1 + index % 7, 2 + index % 11
        place = f"# {generation}.{split}.{index}\n"
        prompt = f"def f(xs): adds {a} to every {b}th entry {place}" if code else f"{a}/{b} + {b}/{a + 1} = {place}"
        solution = f"    return [x + {a} if i % {b} == 0 else x for i, x in enumerate(xs)]\n" if code else f"{a}/{b}"
        reference = {"tests": ["assert f([1]) == [2]"]} if code else {"answer": "5/6"}
        found.append(
            Problem(
                prompt=prompt,
                reference=reference,
                verifier="code" if code else "math",
                solution=solution,  # type: ignore[arg-type]
                solution_origin="procedural",
                source=source,
                split=split,
                twin_key=prompt,
            )
        )
    return found
