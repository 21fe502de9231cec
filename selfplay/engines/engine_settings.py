"""The engine's and the sampling's keys of an experiment. Light to import: no engine is loaded here."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, field_validator, model_validator

LOWEST_TEMPERATURE = 0.01


class SamplingSettings(BaseModel):
    """How one completion is drawn. Every value is passed to the engine, never left to a model's defaults."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)

    temperature: float = Field(default=1.0, ge=0)
    """0 is greedy; otherwise at least 0.01."""
    top_p: float = Field(default=1.0, gt=0, le=1)
    """Draw from the fewest most likely tokens whose probabilities add up to this; 1 is all."""
    top_k: int = Field(default=0, ge=0)
    """Draw from this many most likely tokens; 0 is all."""
    max_tokens: int = Field(ge=1)
    """Tokens after which a completion is cut off; its finish reason is then `length`."""

    @field_validator("temperature")
    @classmethod
    def _not_tiny(cls, value: float) -> float:
        if 0 < value < LOWEST_TEMPERATURE:
            # vLLM silently raises such a value to 0.01, other engines would not.
            raise ValueError(f"must be 0 (greedy) or at least {LOWEST_TEMPERATURE}")
        return value


class EngineSettings(BaseModel):
    """What writes completions, and what it may use."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    kind: str = "auto"
    """An engine's name (`selfplay engines list`), or `path/to/file.py:name`. `auto`: vLLM where it is installed, else
    transformers. `server`: any OpenAI-compatible endpoint."""
    options: dict[str, JsonValue] = {}
    """Keys of an engine from elsewhere, as it declares them."""
    replicas: int = Field(default=1, ge=1)
    """Engines that work side by side, one in each actor."""
    dtype: Literal["auto", "float64", "float32", "bfloat16", "float16"] = "auto"
    """`auto`: with vLLM float32 on a CPU and the model's own type on a GPU; with transformers float64 on a CPU for
    models up to 50 million parameters (so that a completion does not depend on its batch), else as vLLM."""
    max_model_len: int | None = Field(default=None, ge=2)
    """Prompt and completion together, in tokens; unset: the model's own context."""
    max_batch: int | None = Field(default=None, ge=1)
    """Completions written at the same time by one engine; unset: 256."""
    threads: int | None = Field(default=None, ge=1)
    """CPU threads of one engine; unset: one for models up to a million parameters, else all cores."""
    prove: bool = True
    """Prove after every load that the engine holds the weights of the folder."""

    tensor_parallel_size: int = Field(default=1, ge=1)
    """vllm: GPUs for one replica."""
    gpu_memory_utilization: float = Field(default=0.9, gt=0, le=1)
    """vllm on a GPU: share of its memory that the engine takes."""
    kv_cache_mb: int | None = Field(default=None, ge=16)
    """vllm on a CPU: MiB for the key-value cache; unset: what `max_batch` full contexts need, at most 1024."""
    enforce_eager: bool | None = None
    """vllm: skip compilation; unset: skip it on a CPU, compile on a GPU."""

    url: str | None = None
    """server: base address, such as http://127.0.0.1:8000/v1."""
    model: str | None = None
    """server: the model's name there; unset: the only one it serves."""
    api_key_env: str | None = None
    """server: environment variable that holds the key; unset: no key is sent."""
    concurrency: int = Field(default=32, ge=1)
    """server: requests in flight at the same time."""
    retries: int = Field(default=3, ge=0)
    """server: further attempts after a lost connection, a timeout, or status 408, 409, 429 and 5xx."""
    timeout: float = Field(default=600.0, gt=0)
    """server: seconds that one request may take."""

    @model_validator(mode="after")
    def _server_keys(self) -> Self:
        if self.kind == "server" and self.url is None:
            raise ValueError("`kind: server` needs `url`, such as http://127.0.0.1:8000/v1")
        if self.kind != "server":
            for key in ("url", "model", "api_key_env"):
                if getattr(self, key) is not None:
                    raise ValueError(f"`{key}` is for `kind: server`; this engine's kind is {self.kind}")
        if self.kind == "vllm" and self.dtype == "float64":
            raise ValueError("`dtype: float64` is for `kind: transformers`; vLLM has no float64")
        return self
