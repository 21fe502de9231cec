"""The experiment's schema: what is refused, and in which words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from selfplay.errors import ConfigError
from selfplay.experiment.experiment_file import (
    apply_override,
    experiment_file,
    load_experiment,
    parse_experiment,
    shipped,
)
from selfplay.experiment.run_plan import check
from selfplay.experiment.schema import Experiment

ROOT = Path(__file__).resolve().parents[3]


def minimal() -> dict[str, Any]:
    return {
        "name": "small",
        "model": {"init": {"hidden_size": 64, "layers": 2, "heads": 2}},
        "tasks": [{"source": "fractions", "examples": 10, "problems": 20}],
        "sampling": {"max_tokens": 32},
        "distill": {"steps": 10},
        "arms": [
            {"name": "human-only", "data": "human"},
            {"name": "verified", "data": "human+synthetic", "keep": "verified"},
        ],
    }


def refused(data: dict[str, Any]) -> str:
    with pytest.raises(ConfigError) as caught:
        parse_experiment(data, "experiment.yaml")
    return str(caught.value)


def test_defaults_are_filled_in() -> None:
    experiment = parse_experiment(minimal(), "x")
    assert experiment.seeds == [0]
    assert experiment.arms[0].pool == "replace"
    assert experiment.model.trains_first


def test_unknown_key_is_named_with_its_neighbour() -> None:
    data = minimal()
    data["distill"]["stepz"] = 5
    assert "unknown key `distill.stepz`; did you mean `distill.steps`?" in refused(data)


def test_wrong_type_names_key_and_value() -> None:
    data = minimal()
    data["distill"]["steps"] = "many"
    message = refused(data)
    assert "`distill.steps`" in message
    assert "'many'" in message


def test_impossible_value_is_refused() -> None:
    data = minimal()
    data["sampling"]["n"] = 0
    assert "`sampling.n`" in refused(data)


def test_missing_key_is_named() -> None:
    data = minimal()
    del data["distill"]
    assert "`distill` is missing" in refused(data)


def test_model_needs_exactly_one_origin() -> None:
    data = minimal()
    data["model"]["path"] = "somewhere"
    assert "exactly one of `init`" in refused(data)


def test_random_subset_needs_an_earlier_arm() -> None:
    data = minimal()
    data["arms"].insert(0, {"name": "r", "data": "human+synthetic", "keep": {"random_as_many_as": "verified"}})
    assert "listed before it" in refused(data)


@pytest.mark.parametrize(
    "arm",
    [
        {"name": "a", "data": "human", "keep": "verified"},
        {"name": "a", "data": "synthetic", "human": {"share": 0.5}},
        {"name": "start", "data": "human"},
        {"name": "../a", "data": "human"},
    ],
)
def test_arms_that_make_no_sense_are_refused(arm: dict[str, Any]) -> None:
    data = minimal()
    data["arms"] = [arm]
    assert "arms[0]" in refused(data)


def test_two_arms_of_one_name_are_refused() -> None:
    data = minimal()
    data["arms"] = data["arms"][:1] * 2
    assert "`human-only` twice" in refused(data)


def test_overrides_reach_into_lists_and_are_read_as_yaml(tmp_path: Path) -> None:
    file = tmp_path / "experiment.yaml"
    file.write_text(yaml.safe_dump(minimal()))
    overrides = [
        "seeds=[3, 4]",
        "tasks[0].problems=7",
        "tasks.0.examples=5",
        "arms[1].keep=all",
        "engine.kind=vllm",
    ]
    experiment = load_experiment(file, overrides)
    assert experiment.seeds == [3, 4]
    assert (experiment.tasks[0].problems, experiment.tasks[0].examples) == (7, 5)
    assert experiment.arms[1].keep == "all"
    assert experiment.engine.kind == "vllm"


@pytest.mark.parametrize("override", ["distill.steps", "=3", "tasks[9].problems=1", "name.x=1", "a: b=[}"])
def test_bad_overrides_are_named(override: str) -> None:
    with pytest.raises(ConfigError, match="--set"):
        apply_override(minimal(), override)


def test_missing_file_and_bad_yaml(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No file"):
        load_experiment(tmp_path / "none.yaml")
    bad = tmp_path / "bad.yaml"
    bad.write_text("a: [1,")
    with pytest.raises(ConfigError, match="not valid YAML"):
        load_experiment(bad)


def test_a_dumped_experiment_reads_back_the_same() -> None:
    experiment = parse_experiment(minimal(), "x")
    again = Experiment.model_validate(yaml.safe_load(yaml.safe_dump(experiment.model_dump(mode="json"))))
    assert again == experiment


def test_schema_describes_every_key_of_an_arm() -> None:
    arm = Experiment.model_json_schema()["$defs"]["Arm"]["properties"]
    assert {"name", "data", "keep", "human", "pool", "start"} <= set(arm)
    assert all("description" in arm[key] for key in ("data", "keep", "human", "pool", "start"))


@pytest.mark.parametrize("name", ["quickstart", "five-arms", "small", "group_filters"])
def test_the_experiments_that_need_no_data_are_whole(name: str) -> None:
    check(load_experiment(experiment_file(Path(name))), offline=True)


def test_every_experiment_has_a_name_of_its_own() -> None:
    files = [path.resolve() for path in shipped().values()]
    assert sorted(files) == sorted((ROOT / "experiments").glob("*/*.yaml"))


def test_a_file_that_is_there_comes_before_the_shipped_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gsm8k").mkdir()
    assert experiment_file(Path("gsm8k")).resolve() == ROOT / "experiments/gsm8k/experiment.yaml"
    (tmp_path / "quickstart").write_text("name: mine\n")
    for path in (Path("quickstart"), Path("folder/quickstart"), Path("quickstart.yaml")):
        assert experiment_file(path) == path
    with pytest.raises(ConfigError, match=r"No experiment `quick`; .* five-arms, .*quickstart"):
        experiment_file(Path("quick"))
