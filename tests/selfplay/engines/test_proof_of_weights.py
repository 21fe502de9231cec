"""The weights proof passes on right weights and fails on others, with the transformers engine."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import pytest

from selfplay.engines.engine_settings import EngineSettings
from selfplay.engines.proof_of_weights import Reference, prove, reference
from selfplay.engines.registry import make_engine
from selfplay.errors import EngineError, WeightsMismatch
from selfplay.models.folders import ModelInit, create


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    root = tmp_path_factory.mktemp("proved")
    init = ModelInit(hidden_size=64, layers=2, heads=2)
    return create(init, root / "first", seed=0), create(init, root / "second", seed=1)


@pytest.fixture(scope="module")
def expected(folders: tuple[Path, Path]) -> Reference:
    return reference(folders[0])


def engine_with(folder: Path, dtype: str) -> Any:
    engine = make_engine(EngineSettings.model_validate({"kind": "transformers", "dtype": dtype}))
    engine.load(folder)
    return engine


@pytest.mark.parametrize("dtype", ["auto", "float32", "bfloat16"])
def test_right_weights_pass(folders: tuple[Path, Path], expected: Reference, dtype: str) -> None:
    difference = prove(engine_with(folders[0], dtype), expected)
    assert difference < (0.05 if dtype == "bfloat16" else 1e-5)


@pytest.mark.parametrize("dtype", ["auto", "float32", "bfloat16"])
def test_another_folder_fails(folders: tuple[Path, Path], expected: Reference, dtype: str) -> None:
    with pytest.raises(WeightsMismatch):
        prove(engine_with(folders[1], dtype), expected)


def test_weights_loaded_behind_the_engines_back_fail(folders: tuple[Path, Path], expected: Reference) -> None:
    from transformers import AutoModelForCausalLM

    engine = engine_with(folders[0], "auto")
    prove(engine, expected)
    engine._model.load_state_dict(AutoModelForCausalLM.from_pretrained(folders[1]).state_dict())
    with pytest.raises(WeightsMismatch) as raised:
        prove(engine, expected)
    message = str(raised.value)
    wanted = expected.result.prompt_logprobs[0][0]
    assert str(folders[0]) in message
    assert "token 2 of probe 1" in message
    assert f"{wanted:.4f}" in message
    assert "fresh engine" in message
    assert "\n" not in message


def test_one_stale_layer_fails(folders: tuple[Path, Path], expected: Reference) -> None:
    from transformers import AutoModelForCausalLM

    engine = engine_with(folders[0], "auto")
    other = AutoModelForCausalLM.from_pretrained(folders[1])
    engine._model.model.layers[1].mlp.load_state_dict(other.model.layers[1].mlp.state_dict())
    with pytest.raises(WeightsMismatch):
        prove(engine, expected)


def test_not_a_number_fails(folders: tuple[Path, Path], expected: Reference) -> None:
    import torch

    engine = engine_with(folders[0], "float32")
    with torch.no_grad():
        engine._model.model.norm.weight.fill_(float("nan"))
    with pytest.raises(WeightsMismatch, match="nan"):
        prove(engine, expected)


def test_a_wrong_position_encoding_fails(folders: tuple[Path, Path], expected: Reference) -> None:
    engine = engine_with(folders[0], "float32")
    engine._model.model.rotary_emb.inv_freq.mul_(0.5)
    with pytest.raises(WeightsMismatch):
        prove(engine, expected)


def test_the_error_survives_pickling() -> None:
    error = pickle.loads(pickle.dumps(WeightsMismatch("the vllm engine does not hold the weights of x")))
    assert isinstance(error, EngineError)
    assert str(error) == "the vllm engine does not hold the weights of x"


def test_a_short_context_is_probed_as_far_as_it_goes(tmp_path: Path) -> None:
    folder = create(ModelInit(hidden_size=32, layers=1, heads=1, context=16), tmp_path / "short", seed=0)
    expected = reference(folder)
    assert {len(ids) for ids in expected.probe_ids} == {8}
    prove(engine_with(folder, "auto"), expected)
