"""Model folders: made from a seed, loadable, fingerprinted, and refused where they cannot be used."""

from __future__ import annotations

import json
import os
import shutil
import string
from pathlib import Path

import pytest
from pydantic import ValidationError

from selfplay.errors import ModelError
from selfplay.models.folders import (
    ModelInit,
    check_folder,
    context_length,
    create,
    fingerprint,
    parameter_count,
    resolve,
)

TINY = ModelInit(hidden_size=32, layers=1, heads=2, context=64)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return create(TINY, tmp_path_factory.mktemp("models") / "tiny", seed=0)


@pytest.fixture
def copy(folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "copy"))


def test_equal_seeds_give_equal_weights_and_other_seeds_others(folder: Path, tmp_path: Path) -> None:
    same, other = create(TINY, tmp_path / "same", seed=0), create(TINY, tmp_path / "other", seed=1)
    assert fingerprint(same) == fingerprint(folder)
    assert fingerprint(other) != fingerprint(folder)


def test_everyone_may_read_a_new_model(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        made = create(TINY, tmp_path / "model", seed=0)
    finally:
        os.umask(before)
    assert made.stat().st_mode & 0o777 == 0o755
    assert {path.stat().st_mode & 0o777 for path in made.iterdir()} == {0o644}


def test_creating_leaves_the_global_generator_alone(tmp_path: Path) -> None:
    import torch

    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    create(TINY, tmp_path / "model", seed=9)
    assert torch.equal(torch.rand(1), expected)


def test_an_existing_folder_is_not_overwritten(copy: Path) -> None:
    before = fingerprint(copy)
    with pytest.raises(ModelError, match="exists already"):
        create(TINY, copy, seed=1)
    assert fingerprint(copy) == before


def test_no_unfinished_folder_stays_behind(tmp_path: Path) -> None:
    create(TINY, tmp_path / "deep" / "model", seed=0)
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["model"]


def test_it_is_a_float32_llama_with_tied_embeddings(folder: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(folder)
    assert type(model).__name__ == "LlamaForCausalLM"
    assert model.dtype == torch.float32
    assert model.get_input_embeddings().weight is model.get_output_embeddings().weight
    assert parameter_count(folder) == sum(weight.numel() for weight in model.parameters())
    assert context_length(folder) == 64


def test_the_tokenizer_round_trips_every_character(folder: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    text = "\n".join(string.printable[:95]) + "  a\n\n  b  <pad> <eos> </s>\n"
    ids = tokenizer(text)["input_ids"]
    assert len(ids) == len(text)
    assert tokenizer.decode(ids) == text
    assert not set(ids) & set(tokenizer.all_special_ids)


def test_an_unknown_character_becomes_the_unknown_token(folder: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    ids = tokenizer("a\tbé😀")["input_ids"]
    unknown = tokenizer.unk_token_id
    assert ids[1] == unknown
    assert ids[3:] == [unknown, unknown]
    assert tokenizer.decode(ids, skip_special_tokens=True) == "ab"


def test_the_special_tokens_agree_everywhere(folder: Path) -> None:
    from transformers import AutoConfig, AutoTokenizer, GenerationConfig

    tokenizer = AutoTokenizer.from_pretrained(folder)
    config, generation = AutoConfig.from_pretrained(folder), GenerationConfig.from_pretrained(folder)
    assert config.vocab_size == len(tokenizer) == 100
    assert tokenizer.eos_token_id == config.eos_token_id == generation.eos_token_id
    assert tokenizer.pad_token_id == config.pad_token_id == generation.pad_token_id
    assert len({tokenizer.pad_token_id, tokenizer.bos_token_id, tokenizer.eos_token_id}) == 3


def test_the_fingerprint_survives_moving_and_saving_again(folder: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    again = tmp_path / "again"
    AutoModelForCausalLM.from_pretrained(folder).save_pretrained(again)
    AutoTokenizer.from_pretrained(folder).save_pretrained(again)
    assert fingerprint(again) == fingerprint(folder)


def test_the_fingerprint_ignores_sharding(folder: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    sharded = Path(shutil.copytree(folder, tmp_path / "sharded"))
    (sharded / "model.safetensors").unlink()
    AutoModelForCausalLM.from_pretrained(folder).save_pretrained(sharded, max_shard_size="20KB")
    assert len(list(sharded.glob("*.safetensors"))) > 1
    assert fingerprint(sharded) == fingerprint(folder)
    assert parameter_count(sharded) == parameter_count(folder)


def test_the_fingerprint_sees_one_changed_bit(folder: Path, copy: Path) -> None:
    weights = bytearray((copy / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (copy / "model.safetensors").write_bytes(weights)
    assert fingerprint(copy) != fingerprint(folder)


@pytest.mark.parametrize(
    ("name", "key", "value"),
    [
        ("config.json", "rms_norm_eps", 1e-3),
        ("tokenizer_config.json", "eos_token", "⟨pad⟩"),
        ("generation_config.json", "eos_token_id", 7),
    ],
)
def test_the_fingerprint_sees_a_changed_setting(folder: Path, copy: Path, name: str, key: str, value: object) -> None:
    content = json.loads((copy / name).read_text())
    (copy / name).write_text(json.dumps({**content, key: value}))
    assert fingerprint(copy) != fingerprint(folder)


def test_a_good_folder_passes(folder: Path) -> None:
    check_folder(folder)


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        ("config.json", "no config.json"),
        ("tokenizer.json", "no tokenizer"),
        ("model.safetensors", r"no \*\.safetensors"),
    ],
)
def test_a_folder_with_something_missing_is_refused(copy: Path, missing: str, message: str) -> None:
    (copy / missing).unlink()
    with pytest.raises(ModelError, match=message):
        check_folder(copy)


def test_a_pickle_checkpoint_is_refused(copy: Path) -> None:
    (copy / "model.safetensors").rename(copy / "pytorch_model.bin")
    with pytest.raises(ModelError, match=r"pickle \(pytorch_model.bin\).*convert them to safetensors"):
        check_folder(copy)


def test_a_missing_shard_is_named(folder: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForCausalLM

    sharded = Path(shutil.copytree(folder, tmp_path / "sharded"))
    (sharded / "model.safetensors").unlink()
    AutoModelForCausalLM.from_pretrained(folder).save_pretrained(sharded, max_shard_size="20KB")
    lost = sorted(sharded.glob("*.safetensors"))[0]
    lost.unlink()
    with pytest.raises(ModelError, match=lost.name):
        check_folder(sharded)


def test_cut_off_weights_are_refused(copy: Path) -> None:
    whole = (copy / "model.safetensors").read_bytes()
    (copy / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match="cut off"):
        fingerprint(copy)
    (copy / "model.safetensors").write_bytes(whole[:100])
    with pytest.raises(ModelError, match="cut off"):
        check_folder(copy)


@pytest.mark.parametrize(
    "content",
    [
        b"not safetensors at all, but long enough for a header",
        (20).to_bytes(8, "little") + b"this is no JSON here",
        (2).to_bytes(8, "little") + b"[]",
        (13).to_bytes(8, "little") + b'{"w": {"a":1}}',
        (14).to_bytes(8, "little") + b'{"w": {"a":1}}',
    ],
    ids=["text", "no JSON", "a list", "cut JSON", "no offsets"],
)
def test_weights_that_are_no_safetensors_are_refused(copy: Path, content: bytes) -> None:
    (copy / "model.safetensors").write_bytes(content)
    with pytest.raises(ModelError, match="write or fetch it again"):
        check_folder(copy)


def test_weights_shorter_than_their_header_says_are_refused_before_a_run(copy: Path) -> None:
    whole = (copy / "model.safetensors").read_bytes()
    (copy / "model.safetensors").write_bytes(whole[:-4])
    with pytest.raises(ModelError, match="cut off"):
        check_folder(copy)


@pytest.mark.parametrize("name", ["tokenizer.json", "tokenizer_config.json", "config.json"])
def test_a_torn_json_file_is_named(copy: Path, name: str) -> None:
    (copy / name).write_text((copy / name).read_text()[:-10])
    with pytest.raises(ModelError, match=f"{name} is not JSON"):
        check_folder(copy)


def test_the_parameters_of_an_init_are_counted_without_making_it(folder: Path) -> None:
    assert TINY.parameters == parameter_count(folder)


def test_resolve_gives_a_folder_as_it_is(folder: Path) -> None:
    assert resolve(str(folder)) == folder.resolve()


def test_resolve_refuses_what_is_neither_folder_nor_id() -> None:
    with pytest.raises(ModelError, match="neither a folder nor a Hub id"):
        resolve("/no/such/folder/anywhere")


def test_resolve_says_when_the_hub_cannot_be_reached(monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(ModelError, match="the Hub cannot be reached") as raised:
        resolve("selfplay-tests/not-in-any-cache", revision="abc")
    assert str(raised.value).count("\n") == 0


def test_small_heads_are_raised_to_what_vllm_has() -> None:
    assert ModelInit(hidden_size=64, layers=1, heads=4).resolved_head_dim == 32
    assert ModelInit(hidden_size=256, layers=1, heads=4).resolved_head_dim == 64


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"head_dim": 16}, "`head_dim` must be one of 32, 64"),
        ({"hidden_size": 1024, "heads": 1}, "raise `heads`"),
        ({"tokenizer": "words"}, "characters"),
        ({"depth": 3}, "Extra inputs"),
    ],
)
def test_impossible_sizes_are_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ModelInit.model_validate({"hidden_size": 64, "layers": 1, "heads": 2, **change})
