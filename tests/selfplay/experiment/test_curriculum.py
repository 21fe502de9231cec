"""Which problems are used where: never one of the evaluation's in training, twins included."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from selfplay.errors import ConfigError
from selfplay.experiment.curriculum import Curriculum
from selfplay.experiment.schema import Experiment


def keys(problems: Any) -> set[str]:
    return {problem.twin_key for problem in problems}


def test_training_and_evaluation_never_meet(experiment: Experiment) -> None:
    curriculum = Curriculum(experiment, 3)
    held_out = keys(curriculum.held_out())
    trained = keys(curriculum.worked_examples()) | keys(curriculum.fresh_examples(1, {"polynomials": 50}))
    for generation in (1, 2, 3):
        trained |= keys(curriculum.pool(generation))
    assert len(held_out) == 10
    assert not held_out & trained


def test_generations_get_new_problems_and_seeds_other_ones(experiment: Experiment) -> None:
    curriculum = Curriculum(experiment, 3)
    first, second = keys(curriculum.pool(1)), keys(curriculum.pool(2))
    assert len(first) == len(second) == 24
    assert not first & second
    assert not first & keys(curriculum.worked_examples())
    assert first != keys(Curriculum(experiment, 4).pool(1))
    assert first == keys(Curriculum(experiment, 3).pool(1))


def test_fresh_examples_differ_from_the_worked_ones_and_by_generation(experiment: Experiment) -> None:
    curriculum = Curriculum(experiment, 3)
    counts = {"polynomials": 10, "list_functions": 5}
    one, two = keys(curriculum.fresh_examples(1, counts)), keys(curriculum.fresh_examples(2, counts))
    assert len(one) == len(two) == 15
    assert not one & two
    assert not one & keys(curriculum.worked_examples())


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    for part, count in (("train", 7), ("test", 4)):
        lines = [json.dumps({"question": f"{part} {i} + 1?", "answer": f"It is.\n#### {i + 1}"}) for i in range(count)]
        (tmp_path / f"gsm8k_{part}.jsonl").write_text("\n".join(lines))
    return tmp_path


def finite(tiny: dict[str, Any], rows: Path, held_out: int = 4, **task: int) -> Experiment:
    tasks = [{"source": "gsm8k", "folder": str(rows), "problems": 5, **task}]
    return Experiment.model_validate({**tiny, "tasks": tasks, "evaluate": {"problems": held_out}})


def test_a_finite_source_is_dealt_out_and_begins_again(tiny: dict[str, Any], rows: Path) -> None:
    curriculum = Curriculum(finite(tiny, rows), 0)
    dealt = [p.id for generation in (1, 2, 3) for p in curriculum.pool(generation)]
    assert len(set(dealt[:7])) == 7
    assert dealt[7:14] == dealt[:7]
    assert len(curriculum.worked_examples()) == 7


def test_asking_for_more_than_there_is_names_the_key(tiny: dict[str, Any], rows: Path) -> None:
    with pytest.raises(ConfigError, match="lower its `examples`"):
        Curriculum(finite(tiny, rows, examples=8), 0).worked_examples()
    with pytest.raises(ConfigError, match="lower its `problems`"):
        list(Curriculum(finite(tiny, rows, problems=8), 0).pool(1))
    with pytest.raises(ConfigError, match=r"lower `evaluate\.problems`"):
        Curriculum(finite(tiny, rows, held_out=5), 0).held_out()


def test_validation_problems_come_after_the_test_problems_and_change_none_of_them(tiny: dict[str, Any]) -> None:
    alone = Curriculum(Experiment.model_validate(tiny), 0)
    with_validation = Curriculum(Experiment.model_validate({**tiny, "evaluate": {"problems": 10, "validation": 5}}), 0)
    assert with_validation.held_out() == alone.held_out()
    assert alone.validation() == []
    validation = with_validation.validation()
    assert [problem.source for problem in validation] == ["polynomials"] * 3 + ["list_functions"] * 2
    held_out = {problem.twin_key for problem in with_validation.held_out()}
    assert held_out.isdisjoint(problem.twin_key for problem in validation)
    trained_on = {problem.twin_key for problem in [*with_validation.worked_examples(), *with_validation.pool(1)]}
    assert trained_on.isdisjoint(problem.twin_key for problem in validation)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"evaluate": {"problems": 200_000}}, r"`polynomials` has fewer than 13,787 .* split `evaluate` .*100,000"),
        ({"generations": 200_000}, r"split `train` .*lower its `examples` or `problems`"),
    ],
)
def test_more_than_a_family_can_have_is_refused_without_making_it(
    tiny: dict[str, Any], changes: dict[str, Any], sentence: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("selfplay.tasks.source.MOST_REPEATS", 10**9)  # nobody counts: it would not come back
    with pytest.raises(ConfigError, match=sentence):
        Curriculum(Experiment.model_validate({**tiny, **changes}), 0).check()


def test_a_task_can_be_evaluated_only(tiny: dict[str, Any], tmp_path: Path) -> None:
    row = {"task_id": "x", "prompt": "def f():\n", "entry_point": "f", "canonical_solution": "    return 1\n"}
    row["test"] = "def check(f):\n    assert f() == 1\n"
    (tmp_path / "humaneval.jsonl").write_text(json.dumps(row))
    held_out = {"source": "humaneval", "folder": str(tmp_path), "problems": 0}
    polynomials = {"source": "polynomials", "examples": 4, "problems": 6}
    both = {**tiny, "tasks": [polynomials, held_out], "evaluate": {"problems": 2}}
    curriculum = Curriculum(Experiment.model_validate(both), 0)
    curriculum.check()
    assert [problem.source for problem in curriculum.held_out()] == ["polynomials", "humaneval"]
    for problems in (curriculum.pool(1), curriculum.worked_examples()):
        assert {problem.source for problem in problems} == {"polynomials"}
    with pytest.raises(ValueError, match="gives the model no problems"):
        Experiment.model_validate({**both, "tasks": [held_out]})
    trained = {**both, "tasks": [polynomials, {**held_out, "problems": 1}]}
    with pytest.raises(ConfigError, match="`humaneval` has 0 training problems; lower its `problems` from 1"):
        Curriculum(Experiment.model_validate(trained), 0).check()
