"""vLLM, in this process.

Every load starts a fresh engine: on a CPU vLLM packs linear weights when it loads them, and `reload_weights` leaves the
packed ones old without an error. On a GPU memory comes back for certain only when the process ends, so there the caller
ends it (sampling.py). Each request has its own seed, and a prompt that does not fit is refused. Text is not identical
to the bit whatever is drawn beside it: a tie in floating point may flip a token.
"""

from __future__ import annotations

import gc
import os
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any, ClassVar

from selfplay.engines.engine import DEFAULT_BATCH, Completion, Engine, ProbeResult, Request, fitting_ids, set_threads
from selfplay.engines.engine_settings import EngineSettings, SamplingSettings
from selfplay.errors import EngineError
from selfplay.models.folders import check_folder, context_length
from selfplay.models.prompts import uses_chat

LARGEST_DEFAULT_CACHE_MB = 1024


class VllmEngine(Engine):
    """An `LLMEngine` stepped by hand, so that completions come out as they finish."""

    kind: ClassVar[str] = "vllm"
    about: ClassVar[str] = "vLLM in the actor's own process, on GPUs or on a CPU"

    def __init__(self, settings: EngineSettings, *, chat: bool | None, trust_remote_code: bool) -> None:
        super().__init__(settings, chat=chat, trust_remote_code=trust_remote_code)
        self._engine: Any = None
        self._tokenizer: Any = None
        self._chat = False
        self._context = 0
        self._serial = count(1)
        _quiet_and_in_process()
        from vllm.platforms import current_platform

        self._on_cpu = bool(current_platform.is_cpu())

    def load(self, folder: Path) -> None:
        from transformers import AutoTokenizer
        from vllm.engine.arg_utils import EngineArgs
        from vllm.v1.engine.llm_engine import LLMEngine

        self.close()
        check_folder(folder)
        # For the life of the process: vLLM puts torch.set_num_threads out of use when it starts.
        set_threads(self.settings.threads, folder)
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=self._trust_remote_code)
        self._chat = uses_chat(tokenizer, self._chat_setting)
        arguments = EngineArgs(**self._engine_arguments(folder))
        # An engine's start and end collect garbage many times; what is alive now need not be visited again.
        gc.freeze()
        try:
            with _environment_kept(), warnings.catch_warnings():
                warnings.filterwarnings("ignore", category=FutureWarning, module=r"vllm\.")
                self._engine = LLMEngine.from_engine_args(arguments)
        except (RuntimeError, ValueError, OSError, MemoryError) as error:
            self.close()
            raise EngineError(f"vLLM cannot load {folder}: {_first_line(error)}") from error
        self._tokenizer = tokenizer
        self._context = int(self._engine.model_config.max_model_len)

    def generate(self, requests: Iterable[Request], sampling: SamplingSettings) -> Iterator[Completion]:
        engine = self._loaded()
        # Twice the batch keeps the scheduler supplied while the consumer holds a completion.
        room = 2 * (self.settings.max_batch or DEFAULT_BATCH)
        waiting = iter(requests)
        in_flight: dict[str, Request] = {}
        exhausted = False
        try:
            while True:
                while not exhausted and len(in_flight) < room:
                    request = next(waiting, None)
                    if request is None:
                        exhausted = True
                        break
                    refused = self._add(request, sampling, in_flight)
                    if refused is not None:
                        yield refused
                if not in_flight:
                    return
                for output in self._step(engine):
                    if output.finished and output.request_id in in_flight:
                        yield _completion(in_flight.pop(output.request_id).id, output.outputs[0])
        finally:
            if in_flight and self._engine is engine:
                engine.abort_request(list(in_flight))

    def measure(self, probe_ids: list[list[int]], new_tokens: int) -> ProbeResult:
        from vllm import SamplingParams
        from vllm.inputs import tokens_input

        engine = self._loaded()
        parameters = SamplingParams(
            temperature=0.0, max_tokens=new_tokens, ignore_eos=True, prompt_logprobs=0, logprobs=2, detokenize=False
        )
        names = [f"probe-{next(self._serial)}" for _ in probe_ids]
        for name, ids in zip(names, probe_ids, strict=True):
            engine.add_request(name, tokens_input(ids), parameters)
        finished: dict[str, Any] = {}
        while len(finished) < len(names):
            finished.update((output.request_id, output) for output in self._step(engine) if output.finished)
        prompts, tokens, logprobs, runners_up = [], [], [], []
        for name, ids in zip(names, probe_ids, strict=True):
            output = finished[name]
            prompts.append([output.prompt_logprobs[at][ids[at]].logprob for at in range(1, len(ids))])
            drawn = output.outputs[0]
            tokens.append(list(drawn.token_ids))
            steps = list(zip(drawn.token_ids, drawn.logprobs, strict=True))
            logprobs.append([step[token].logprob for token, step in steps])
            runners_up.append(
                [max(entry.logprob for other, entry in step.items() if other != token) for token, step in steps]
            )
        dtype = str(engine.model_config.dtype).removeprefix("torch.")
        return ProbeResult(prompts, tokens, logprobs, runners_up, dtype)

    def close(self) -> None:
        if self._engine is None:
            return
        engine, self._engine = self._engine, None
        engine.engine_core.shutdown()
        engine.renderer.shutdown()
        del engine
        gc.collect()

    def _engine_arguments(self, folder: Path) -> dict[str, Any]:
        settings = self.settings
        batch = settings.max_batch or DEFAULT_BATCH
        arguments: dict[str, Any] = {
            "model": str(folder),
            "tokenizer": str(folder),
            "load_format": "safetensors",
            "generation_config": "vllm",
            "trust_remote_code": self._trust_remote_code,
            "dtype": settings.dtype,
            "max_num_seqs": batch,
            "max_model_len": settings.max_model_len,
            "tensor_parallel_size": settings.tensor_parallel_size,
            "enforce_eager": self._on_cpu if settings.enforce_eager is None else settings.enforce_eager,
            "logprobs_mode": "raw_logprobs",
            "disable_log_stats": True,
            "use_tqdm_on_load": False,
            "seed": 0,
        }
        if self._on_cpu:
            context = settings.max_model_len or context_length(folder) or 2048
            arguments |= {
                "dtype": "float32" if settings.dtype == "auto" else settings.dtype,
                "kv_cache_memory_bytes": _cache_bytes(folder, settings, batch, context),
                "enable_prefix_caching": False,
                # vLLM 0.32 dies when it splits the prefill of a seeded request on a CPU: "CPU Generator does
                # not use offset".
                "enable_chunked_prefill": False,
                "max_num_batched_tokens": max(2048, context),
            }
        else:
            arguments["gpu_memory_utilization"] = settings.gpu_memory_utilization
        return arguments

    def _add(self, request: Request, sampling: SamplingSettings, in_flight: dict[str, Request]) -> Completion | None:
        """Queue a request; a completion comes back at once where it cannot be served."""
        from vllm import SamplingParams
        from vllm.inputs import tokens_input
        from vllm.sampling_params import RequestOutputKind

        ids = fitting_ids(self._tokenizer, request, self._chat, self._context)
        if isinstance(ids, Completion):
            return ids
        parameters = SamplingParams(
            temperature=sampling.temperature,
            top_p=sampling.top_p,
            top_k=sampling.top_k,
            max_tokens=min(sampling.max_tokens, self._context - len(ids)),
            seed=request.seed,
            # the drawn token's own; vLLM tells them before temperature, top_p and top_k (logprobs_mode raw_logprobs)
            logprobs=0,
            flat_logprobs=True,
            output_kind=RequestOutputKind.FINAL_ONLY,
        )
        name = str(next(self._serial))
        self._engine.add_request(name, tokens_input(ids), parameters)
        in_flight[name] = request
        return None

    def _step(self, engine: Any) -> list[Any]:
        try:
            return list(engine.step())
        except RuntimeError as error:
            raise EngineError(f"vLLM died while writing: {_first_line(error)}") from error

    def _loaded(self) -> Any:
        if self._engine is None:
            raise EngineError("the vLLM engine holds no weights; call `load` first")
        return self._engine


def _completion(request_id: str, drawn: Any) -> Completion:
    if drawn.finish_reason not in ("stop", "length"):
        return Completion(request_id, "", "error", 0, f"vLLM ended the request: {drawn.finish_reason}")
    tokens = len(drawn.token_ids)
    mean = drawn.cumulative_logprob / tokens if tokens and drawn.cumulative_logprob is not None else None
    return Completion(request_id, drawn.text, drawn.finish_reason, tokens, mean_logprob=mean)


def _quiet_and_in_process() -> None:
    """Set before vLLM is imported. What the user has set stays."""
    os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")


@contextmanager
def _environment_kept() -> Iterator[None]:
    """vLLM changes LD_PRELOAD and more for its own workers; verifiers started later must not inherit that."""
    before = dict(os.environ)
    try:
        yield
    finally:
        for name in set(os.environ) - set(before):
            del os.environ[name]
        os.environ.update(before)


def _cache_bytes(folder: Path, settings: EngineSettings, batch: int, context: int) -> int:
    """Room for a full batch of full contexts, at most a gibibyte; at least one full context."""
    from transformers import AutoConfig

    if settings.kv_cache_mb is not None:
        return settings.kv_cache_mb << 20
    config = AutoConfig.from_pretrained(folder).get_text_config()
    heads = getattr(config, "num_key_value_heads", None) or config.num_attention_heads
    head_dim = getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads
    blocks = -(-context // 128) + 1
    one_context: int = config.num_hidden_layers * heads * head_dim * 2 * 4 * 128 * blocks
    return max(one_context * 2, min(one_context * (batch + 1), LARGEST_DEFAULT_CACHE_MB << 20), 16 << 20)


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
