"""What an engine is: something that holds weights and writes completions.

One request is one sample with its own seed, so a sample does not depend on which others are asked for beside it. A
request that cannot be served becomes a completion whose finish reason is `refused`. An engine that dies raises
`EngineError`; the caller starts another.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import psutil
from pydantic import BaseModel, ConfigDict

from selfplay.engines.engine_settings import EngineSettings, SamplingSettings
from selfplay.models.folders import parameter_count
from selfplay.models.prompts import prompt_ids

DEFAULT_BATCH = 256
"""Completions written at the same time where the settings name no number."""
LARGEST_FOR_ONE_THREAD = 1_000_000
"""Parameters up to which one CPU thread is the default: threads wait for each other by spinning, after every small
operation, and with two on a busy machine a tiny model was 40 times slower than with one (measured)."""
FinishReason = Literal["stop", "length", "refused", "error"]


@dataclass(frozen=True, slots=True)
class Request:
    """One sample to draw."""

    id: str
    """Given back with the completion; distinct within one `generate`."""
    prompt: str
    """Before any chat template."""
    seed: int
    """0 to 2**63 - 1; determines the draw together with prompt, weights and sampling."""


@dataclass(frozen=True, slots=True)
class Completion:
    """What was written for one request."""

    id: str
    text: str
    """Without special tokens; empty on `refused` and `error`."""
    finish_reason: FinishReason
    """`stop`: the model ended it. `length`: cut off at `max_tokens` or the end of the context. `refused`: the prompt
    is empty or does not fit, whichever engine is asked. `error`: the engine failed at it. For both see `error`."""
    tokens: int
    """Tokens drawn, the end token among them."""
    error: str | None = None
    mean_logprob: float | None = field(default=None, compare=False)
    """Mean natural log-probability of the tokens drawn, the end token among them, in the model's own distribution:
    at temperature 1 and without top_p or top_k, whatever the draw used. None where nothing was drawn or the engine
    cannot tell. No part of equality: its last bits hang on the batch."""


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What a model answers to fixed token sequences: the evidence of a weights proof. All lists run over the probes."""

    prompt_logprobs: list[list[float]]
    """Natural log-probability of each prompt token given those before it; from the second token on."""
    greedy_tokens: list[list[int]]
    """The most likely token at each step after the prompt."""
    greedy_logprobs: list[list[float]]
    """Their log-probabilities."""
    runner_up_logprobs: list[list[float]]
    """Log-probability of the second most likely token at each of those steps."""
    dtype: str
    """Number format it was computed in, such as `float32`; the comparison's tolerance follows from it."""


class NoOptions(BaseModel):
    """The options of an engine that has none beside the keys of `engine`."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Engine(ABC):
    """The one interface of all engines. Libraries are imported when one is made, not with its class.

    Args:
        settings: the `engine` section; its `options` are there as `self.options`, of the type `Options`.
        chat: use the tokenizer's chat template; None: exactly when it has one.
        trust_remote_code: run Python code that comes with the model.
    """

    kind: ClassVar[str]
    """Its name, such as `vllm`."""
    about: ClassVar[str] = ""
    """What it is, in one line."""
    Options: ClassVar[type[BaseModel]] = NoOptions
    """What `engine.options` may hold."""

    def __init__(self, settings: EngineSettings, *, chat: bool | None, trust_remote_code: bool) -> None:
        self.settings = settings
        self.options = type(self).Options.model_validate(settings.options)
        self._chat_setting = chat
        self._trust_remote_code = trust_remote_code

    @abstractmethod
    def load(self, folder: Path) -> None:
        """Take the weights of a `save_pretrained` folder in place of any held so far.

        Raises EngineError: it cannot start; one sentence with the cause.
        """

    @abstractmethod
    def generate(self, requests: Iterable[Request], sampling: SamplingSettings) -> Iterator[Completion]:
        """Completions in the order in which they finish, one for each request.

        Requests are taken from the iterable as there is room for them, so it may be long or slow.
        """

    @abstractmethod
    def measure(self, probe_ids: list[list[int]], new_tokens: int) -> ProbeResult:
        """Greedy continuations by `new_tokens` tokens (past an end token too) and log-probabilities.

        Raises EngineError: the engine cannot tell log-probabilities.
        """

    @abstractmethod
    def close(self) -> None:
        """Give memory back; further use needs `load`."""


def fitting_ids(tokenizer: Any, request: Request, chat: bool, context: int | None) -> list[int] | Completion:
    """Token ids of the prompt, or the refusal of a request that cannot be served.

    `context` is prompt and completion together, in tokens; None: not known, so nothing is too long.
    """
    try:
        request.prompt.encode("utf-8")
    except UnicodeEncodeError as error:
        return _refused(request, f"the prompt has a lone surrogate at character {error.start}")
    ids = prompt_ids(tokenizer, request.prompt, chat)
    if not ids:
        return _refused(request, "the prompt is empty")
    if context is not None and len(ids) >= context:
        return _refused(request, f"the prompt has {len(ids)} tokens and leaves no room in a context of {context}")
    return ids


def _refused(request: Request, why: str) -> Completion:
    return Completion(request.id, "", "refused", 0, why)


def set_threads(wanted: int | None, folder: Path) -> None:
    """Set torch's threads in this process: as many as wanted, else one for a tiny model and all cores for others.

    Ray sets OMP_NUM_THREADS to 1 for a small actor, so torch's own default will not do.
    """
    import torch

    if wanted is None:
        wanted = 1 if parameter_count(folder) <= LARGEST_FOR_ONE_THREAD else psutil.cpu_count() or 1
    torch.set_num_threads(wanted)
