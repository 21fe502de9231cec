"""The transformers engine: works wherever torch does.

A completion does not depend on what is drawn beside it: each request has its own random numbers, and small models are
computed in float64 on a CPU. Larger models are computed in float32 or less, where a tie may flip a token.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

from selfplay.engines.engine import DEFAULT_BATCH, Completion, Engine, ProbeResult, Request, fitting_ids, set_threads
from selfplay.engines.engine_settings import EngineSettings, SamplingSettings
from selfplay.errors import EngineError
from selfplay.models.folders import check_folder, context_length, parameter_count
from selfplay.models.prompts import uses_chat

LARGEST_FOR_FLOAT64 = 50_000_000
"""Parameters up to which `dtype: auto` computes in float64 on a CPU."""


class TransformersEngine(Engine):
    """A causal language model and a sampling loop."""

    kind: ClassVar[str] = "transformers"
    about: ClassVar[str] = "transformers' forward pass, in float64 for small models on a CPU"

    def __init__(self, settings: EngineSettings, *, chat: bool | None, trust_remote_code: bool) -> None:
        super().__init__(settings, chat=chat, trust_remote_code=trust_remote_code)
        self._model: Any = None
        self._tokenizer: Any = None
        self._chat = False
        self._context = 0
        self._stop_ids: set[int] = set()

    def load(self, folder: Path) -> None:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
        from transformers.utils import logging

        logging.disable_progress_bar()
        self.close()
        check_folder(folder)
        set_threads(self.settings.threads, folder)
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=self._trust_remote_code)
        self._chat = uses_chat(tokenizer, self._chat_setting)
        on_gpu = torch.cuda.is_available()
        try:
            model = AutoModelForCausalLM.from_pretrained(
                folder,
                dtype=self._dtype(folder, on_gpu),
                use_safetensors=True,
                trust_remote_code=self._trust_remote_code,
            )
            self._model = model.to("cuda" if on_gpu else "cpu").eval()
        except (RuntimeError, ValueError, OSError, MemoryError) as error:
            raise EngineError(f"transformers cannot load {folder}: {error}") from error
        self._tokenizer = tokenizer
        self._context = self.settings.max_model_len or context_length(folder) or 1 << 30
        ends = model.generation_config.eos_token_id
        self._stop_ids = {token for token in (ends if isinstance(ends, list) else [ends]) if token is not None}
        if tokenizer.eos_token_id is not None:
            self._stop_ids.add(tokenizer.eos_token_id)

    def generate(self, requests: Iterable[Request], sampling: SamplingSettings) -> Iterator[Completion]:
        self._loaded()
        waiting = iter(requests)
        while batch := list(islice(waiting, self.settings.max_batch or DEFAULT_BATCH)):
            yield from self._generate_batch(batch, sampling)

    def measure(self, probe_ids: list[list[int]], new_tokens: int) -> ProbeResult:
        from selfplay.engines.forward_pass import probe

        return probe(self._loaded(), probe_ids, new_tokens)

    def close(self) -> None:
        import gc

        import torch

        self._model = None
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _generate_batch(self, batch: list[Request], sampling: SamplingSettings) -> Iterator[Completion]:
        from selfplay.engines.forward_pass import draw_batch

        served: list[tuple[Request, list[int]]] = []
        for request in batch:
            ids = fitting_ids(self._tokenizer, request, self._chat, self._context)
            if isinstance(ids, Completion):
                yield ids
            else:
                served.append((request, ids))
        if not served:
            return
        pad_id = self._tokenizer.pad_token_id
        for row, tokens, stopped, mean in draw_batch(
            self._loaded(),
            prompts=[ids for _, ids in served],
            seeds=[request.seed for request, _ in served],
            limits=[min(sampling.max_tokens, self._context - len(ids)) for _, ids in served],
            sampling=sampling,
            stop_ids=self._stop_ids,
            pad_id=0 if pad_id is None else pad_id,
        ):
            request, ids = served[row]
            text = self._text_after(ids, tokens[:-1] if stopped else tokens)
            yield Completion(request.id, text, "stop" if stopped else "length", len(tokens), mean_logprob=mean)

    def _text_after(self, prompt: list[int], tokens: list[int]) -> str:
        """What the tokens add to the prompt's text; some tokenizers drop a leading space when decoding them
        alone."""
        tail = prompt[-8:]
        head = self._tokenizer.decode(tail, skip_special_tokens=True)
        whole = self._tokenizer.decode(tail + tokens, skip_special_tokens=True)
        if whole.startswith(head):
            return str(whole[len(head) :])
        return str(self._tokenizer.decode(tokens, skip_special_tokens=True))

    def _dtype(self, folder: Path, on_gpu: bool) -> str:
        if self.settings.dtype != "auto":
            return self.settings.dtype
        if on_gpu:
            return "auto"
        return "float64" if parameter_count(folder) <= LARGEST_FOR_FLOAT64 else "float32"

    def _loaded(self) -> Any:
        if self._model is None:
            raise EngineError("the transformers engine holds no weights; call `load` first")
        return self._model
