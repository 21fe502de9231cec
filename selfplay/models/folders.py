"""Model folders: create a small random Llama, find one on disk or on the Hub, check it, fingerprint it.

A model is always a `save_pretrained` folder: config.json, safetensors weights, tokenizer. Weights are never read from
a pickle, and code that comes with a model is not fetched unless asked for.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import shutil
import struct
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from selfplay.errors import ModelError

START = "start"
"""Name under which generation 0, shared by all arms, is recorded; no arm may take it."""
INITIAL = "initial"
"""Folder of the weights that trainings start from, beside the arms' folders."""
SPECIAL = {"pad_token": "⟨pad⟩", "bos_token": "⟨bos⟩", "eos_token": "⟨eos⟩", "unk_token": "⟨unk⟩"}
CHARACTERS = ["\n", *(chr(code) for code in range(32, 127))]
VOCABULARY = {token: index for index, token in enumerate([*SPECIAL.values(), *CHARACTERS])}
"""Of the character tokenizer. The special tokens are written with ⟨ and ⟩, which are not among its characters, so no
completion can spell one and no ASCII prompt contains one."""
HEAD_DIMS = (32, 64, 80, 96, 112, 128, 160, 192, 224, 256)
"""Head sizes that vLLM's attention has on a CPU and on a GPU."""
_HUB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*(/[A-Za-z0-9_.-]+)?")
_TOKENIZER_FILES = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model")
_TOKENIZER_EXTRAS = ("added_tokens.json", "chat_template.jinja", "merges.txt", "special_tokens_map.json")
_JSON_TOKENIZERS = ("tokenizer.json", "tokenizer_config.json", "vocab.json")
_JSON_FILES = ("config.json", "generation_config.json", "tokenizer_config.json")
_WANTED = ("*.json", "*.safetensors", "*.txt", "*.model", "*.jinja")
# Written by whichever library saved the folder last; they change no token.
_VOLATILE = frozenset({"_name_or_path", "is_local", "local_files_only", "name_or_path", "transformers_version"})


@dataclass(frozen=True)
class ModelState:
    """Weights on disk and where they stand in the run."""

    fingerprint: str
    folder: Path
    seed: int
    arm: str
    generation: int


class ModelInit(BaseModel):
    """Sizes of a small Llama that starts from random weights."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    hidden_size: int = Field(ge=8)
    """Width of the residual stream."""
    layers: int = Field(ge=1)
    heads: int = Field(ge=1)
    head_dim: int | None = None
    """Width of one head; unset: hidden_size / heads, or the next size that vLLM's attention has."""
    intermediate_size: int | None = Field(default=None, ge=8)
    """Width inside the feed-forward block; unset: 8/3 of hidden_size, rounded up to a multiple of 32."""
    context: int = Field(default=256, ge=16)
    """Prompt and completion together, in tokens."""
    rope_theta: float = Field(default=10_000.0, gt=1)
    """Base of the rotary position angles; a small one (100) suits short sequences."""
    initializer_range: float = Field(default=0.02, gt=0)
    """Standard deviation of the random weights."""
    tokenizer: Literal["characters"] = "characters"
    """`characters`: one token for each printable ASCII character and the newline."""

    @model_validator(mode="after")
    def _head_dim_exists(self) -> Self:
        if self.head_dim is not None and self.head_dim not in HEAD_DIMS:
            raise ValueError(f"`head_dim` must be one of {', '.join(map(str, HEAD_DIMS))}, not {self.head_dim}")
        if self.head_dim is None and self.hidden_size / self.heads > HEAD_DIMS[-1]:
            raise ValueError(
                f"hidden_size / heads is {self.hidden_size / self.heads:g}, more than {HEAD_DIMS[-1]}; raise `heads`"
            )
        return self

    @property
    def resolved_head_dim(self) -> int:
        return self.head_dim or next(size for size in HEAD_DIMS if size >= self.hidden_size / self.heads)

    @property
    def resolved_intermediate_size(self) -> int:
        return self.intermediate_size or 32 * math.ceil(self.hidden_size * 8 / 3 / 32)

    @property
    def parameters(self) -> int:
        """Numbers in the weights; the embeddings are tied."""
        attention = 4 * self.hidden_size * self.heads * self.resolved_head_dim
        feed_forward = 3 * self.hidden_size * self.resolved_intermediate_size
        of_a_layer = attention + feed_forward + 2 * self.hidden_size
        return len(VOCABULARY) * self.hidden_size + self.layers * of_a_layer + self.hidden_size


def create(init: ModelInit, folder: Path, seed: int) -> Path:
    """Write a Llama with random float32 weights and tied embeddings; equal arguments give equal weights.

    ModelError: the folder exists.
    """
    import torch
    from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM
    from transformers.utils import logging

    if folder.exists():
        raise ModelError(f"{folder} exists already; a model is created in a new folder")
    logging.disable_progress_bar()
    tokenizer = character_tokenizer(init.context)
    ends = {f"{name}_token_id": getattr(tokenizer, f"{name}_token_id") for name in ("pad", "bos", "eos")}
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=init.hidden_size,
        intermediate_size=init.resolved_intermediate_size,
        num_hidden_layers=init.layers,
        num_attention_heads=init.heads,
        num_key_value_heads=init.heads,
        head_dim=init.resolved_head_dim,
        max_position_embeddings=init.context,
        tie_word_embeddings=True,
        rope_parameters={"rope_type": "default", "rope_theta": init.rope_theta},
        initializer_range=init.initializer_range,
        **ends,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = LlamaForCausalLM(config).to(torch.float32)
    model.generation_config = GenerationConfig(**ends)
    folder.parent.mkdir(parents=True, exist_ok=True)
    unfinished = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        model.save_pretrained(unfinished)
        tokenizer.save_pretrained(unfinished)
        make_readable(unfinished)
        unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return folder


def character_tokenizer(context: int) -> Any:
    """A `PreTrainedTokenizerFast` of 100 tokens that loads with AutoTokenizer and in vLLM.

    One token for each printable ASCII character and the newline; any other character becomes the unknown token, and
    nothing is added to a text.
    """
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    backend = Tokenizer(models.WordLevel(VOCABULARY, unk_token=SPECIAL["unk_token"]))
    backend.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), behavior="isolated")
    backend.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(
        tokenizer_object=backend,
        model_max_length=context,
        model_input_names=["input_ids", "attention_mask"],
        padding_side="left",
        clean_up_tokenization_spaces=False,
        **SPECIAL,
    )


def make_readable(folder: Path) -> None:
    """Let everyone on the machine read a model: files 0644, folders 0755.

    tempfile makes folders for the owner alone, and safetensors its files, whatever the umask says.
    """
    for place, _, names in os.walk(folder):
        Path(place).chmod(0o755)
        for name in names:
            Path(place, name).chmod(0o644)


def resolve(path_or_hub_id: str, revision: str | None = None, *, with_code: bool = False) -> Path:
    """The folder of a model: the one named, else the Hub's, fetched into (or found in) its cache.

    Args:
        revision: branch, tag or commit on the Hub.
        with_code: fetch the model's Python files too, for `trust_remote_code`.

    Raises:
        ModelError: neither a folder nor an id that can be fetched; one sentence with the cause.
    """
    folder = Path(path_or_hub_id).expanduser()
    if folder.is_dir():
        return folder.resolve()
    if not _HUB_ID.fullmatch(path_or_hub_id):
        raise ModelError(f"`model.path` {path_or_hub_id} is neither a folder nor a Hub id such as Qwen/Qwen2.5-0.5B")
    import httpx
    from huggingface_hub import errors, snapshot_download

    named = path_or_hub_id if revision is None else f"{path_or_hub_id} at {revision}"
    patterns = [*_WANTED, "*.py"] if with_code else list(_WANTED)
    try:
        return Path(snapshot_download(path_or_hub_id, revision=revision, allow_patterns=patterns))
    except errors.HFValidationError as error:
        raise ModelError(f"`model.path` {named} is neither a folder nor a valid Hub id") from error
    except (errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled, httpx.TransportError) as error:
        raise ModelError(
            f"`model.path` {named} is no folder here, and the Hub cannot be reached; fetch it where there "
            "is a network, or give a folder"
        ) from error
    except errors.HfHubHTTPError as error:
        raise ModelError(
            f"`model.path` {named} is no folder here, and the Hub does not give it (status "
            f"{error.response.status_code}); check the id and the revision, or log in where it is gated"
        ) from error


def is_hub_id(name: str) -> bool:
    """Whether a name can be a Hub id; asks nobody."""
    return _HUB_ID.fullmatch(name) is not None


def check_folder(folder: Path) -> None:
    """Refuse (ModelError) a folder that no engine could load, or that would need a pickle to be read."""
    if not folder.is_dir():
        raise ModelError(f"{folder} is not a folder; a model is a `save_pretrained` folder")
    _read_config(folder)
    if not any((folder / name).is_file() for name in _TOKENIZER_FILES):
        raise ModelError(f"{folder} has no tokenizer (none of {', '.join(_TOKENIZER_FILES)}); save it there too")
    if not list(folder.glob("*.safetensors")):
        pickles = sorted(path.name for kind in ("*.bin", "*.pt", "*.pth", "*.ckpt") for path in folder.glob(kind))
        if pickles:
            raise ModelError(
                f"{folder} has its weights in a pickle ({pickles[0]}), which can run code when read; convert "
                "them to safetensors"
            )
        raise ModelError(f"{folder} has no *.safetensors weights")
    for name in _JSON_TOKENIZERS:
        if (folder / name).is_file():
            _json(folder / name)
    for shard, _ in _tensors_by_name(folder).values():
        if not shard.is_file():
            raise ModelError(f"{folder} lacks the weights file {shard.name}")


def fingerprint(folder: Path) -> str:
    """Identity of what the folder computes: SHA-256 over weights, config and tokenizer, as 16 hex digits.

    Path, times, sharding and the library version that saved the folder do not enter.
    """
    digest = hashlib.sha256()
    for name, (shard, entry) in sorted(_tensors_by_name(folder).items()):
        digest.update(json.dumps([name, entry["dtype"], entry["shape"]]).encode())
        with shard.open("rb") as file:
            start, end = entry["data_offsets"]
            file.seek(8 + _header_length(file.read(8), shard) + start)
            for chunk in _chunks(file, end - start, shard):
                digest.update(chunk)
    for name in _JSON_FILES:
        if (folder / name).is_file():
            content = {key: value for key, value in _json(folder / name).items() if key not in _VOLATILE}
            digest.update(json.dumps([name, content], sort_keys=True).encode())
    for name in (*_TOKENIZER_FILES, *_TOKENIZER_EXTRAS):
        if (folder / name).is_file():
            digest.update(json.dumps([name, (folder / name).stat().st_size]).encode())
            digest.update((folder / name).read_bytes())
    return digest.hexdigest()[:16]


def parameter_count(folder: Path) -> int:
    """Numbers in the weights; tied embeddings count once."""
    return sum(math.prod(entry["shape"]) for _, entry in _tensors_by_name(folder).values())


def context_length(folder: Path) -> int | None:
    """Longest prompt and completion together, in tokens; None where the config does not say."""
    config = _read_config(folder)
    value = config.get("max_position_embeddings", config.get("text_config", {}).get("max_position_embeddings"))
    return int(value) if value is not None else None


def _read_config(folder: Path) -> dict[str, Any]:
    if not (folder / "config.json").is_file():
        raise ModelError(f"{folder} has no config.json; a model is a `save_pretrained` folder")
    return _json(folder / "config.json")


def _json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ModelError(f"{path} is not JSON: {error}") from error
    if not isinstance(content, dict):
        raise ModelError(f"{path} is not a JSON object")
    return content


def _tensors_by_name(folder: Path) -> dict[str, tuple[Path, dict[str, Any]]]:
    """Each tensor's file and header entry (dtype, shape, data_offsets), as the safetensors format defines them."""
    tensors: dict[str, tuple[Path, dict[str, Any]]] = {}
    for shard in sorted(folder.glob("*.safetensors")):
        with shard.open("rb") as file:
            length = _header_length(file.read(8), shard)
            tensors.update(_entries(file.read(length), shard, 8 + length))
    index = folder / "model.safetensors.index.json"
    if index.is_file():
        shards = _json(index).get("weight_map")
        if not isinstance(shards, dict):
            raise ModelError(f"{index} has no `weight_map`; write or fetch it again")
        for name, shard_name in shards.items():
            tensors.setdefault(name, (folder / shard_name, {"dtype": "", "shape": [0], "data_offsets": [0, 0]}))
    return tensors


def _entries(header: bytes, shard: Path, begin: int) -> dict[str, tuple[Path, dict[str, Any]]]:
    """The tensors that a header lists; refused where it is no header, or the file is too short for them."""
    try:
        listed = {name: entry for name, entry in json.loads(header).items() if name != "__metadata__"}
        last = max((entry["data_offsets"][1] for entry in listed.values()), default=0)
        readable = all(entry["dtype"] and math.prod(entry["shape"]) >= 0 for entry in listed.values())
    except (ValueError, LookupError, TypeError, AttributeError):
        readable = False
    if not readable:
        raise ModelError(f"{shard} is no safetensors file: its header cannot be read; write or fetch it again")
    if begin + last > shard.stat().st_size:
        raise ModelError(f"{shard} is cut off; write or fetch it again")
    return {name: (shard, entry) for name, entry in listed.items()}


def _header_length(prefix: bytes, shard: Path) -> int:
    if len(prefix) != 8:
        raise ModelError(f"{shard} is cut off; write or fetch it again")
    length: int = struct.unpack("<Q", prefix)[0]
    if length > shard.stat().st_size - 8:
        raise ModelError(f"{shard} is cut off or no safetensors file; write or fetch it again")
    return length


def _chunks(file: Any, remaining: int, shard: Path, size: int = 1 << 22) -> Iterator[bytes]:
    while remaining:
        chunk = file.read(min(size, remaining))
        if not chunk:
            raise ModelError(f"{shard} is cut off; write or fetch it again")
        remaining -= len(chunk)
        yield chunk
