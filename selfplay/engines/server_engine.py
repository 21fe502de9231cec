"""A server that speaks the OpenAI protocol: `vllm serve`, another inference server, or a hosted service.

The server holds its own weights: `load` checks that it answers and serves the model, and the proof shows whether they
are those of the folder; only vLLM tells the log-probabilities that a proof needs. Plain models go through /completions,
chat models through /chat/completions. Seeds are sent; whether they are honoured is up to the server. A server that
refuses a request for log-probabilities is asked without.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, ClassVar

from selfplay.engines.engine import Completion, Engine, ProbeResult, Request, fitting_ids
from selfplay.engines.engine_settings import EngineSettings, SamplingSettings
from selfplay.errors import EngineError
from selfplay.hostile_text import visible
from selfplay.models.prompts import uses_chat

# Neutral values; vLLM's server takes others from the model's generation_config.json where a request leaves
# them out.
_VLLM_NEUTRAL = {"min_p": 0.0, "repetition_penalty": 1.0}


class ServerEngine(Engine):
    """Requests to one endpoint, from a bounded pool of threads."""

    kind: ClassVar[str] = "server"
    about: ClassVar[str] = "any server that speaks the OpenAI protocol; it holds its own weights"

    def __init__(self, settings: EngineSettings, *, chat: bool | None, trust_remote_code: bool) -> None:
        super().__init__(settings, chat=chat, trust_remote_code=trust_remote_code)
        self._client: Any = None
        self._tokenizer: Any = None
        self._chat = False
        self._model = ""
        self._context: int | None = None
        self._is_vllm = False
        self._tells_logprobs = True

    def load(self, folder: Path) -> None:
        import openai
        from transformers import AutoTokenizer

        self.close()
        self._tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=self._trust_remote_code)
        self._chat = uses_chat(self._tokenizer, self._chat_setting)
        self._client = openai.OpenAI(
            base_url=self.settings.url,
            api_key=self._api_key(),
            max_retries=self.settings.retries,
            timeout=self.settings.timeout,
        )
        try:
            served = {model.id: model for model in self._client.models.list().data}
            self._model = self._choose_model(list(served))
        except (openai.OpenAIError, EngineError, AttributeError, TypeError, ValueError) as error:
            self.close()
            if isinstance(error, EngineError):
                raise
            if isinstance(error, openai.OpenAIError):
                raise self._unusable(error) from error
            raise EngineError(
                f"what answers at {self.settings.url} does not speak the OpenAI protocol ({type(error).__name__}); "
                "correct `engine.url`, which mostly ends in /v1, or free the port"
            ) from error
        entry = served[self._model].model_dump()
        self._is_vllm = entry.get("owned_by") == "vllm"
        self._context = self.settings.max_model_len or entry.get("max_model_len")

    def generate(self, requests: Iterable[Request], sampling: SamplingSettings) -> Iterator[Completion]:
        self._loaded()
        waiting = iter(requests)
        pending: set[Future[Completion]] = set()
        pool = ThreadPoolExecutor(self.settings.concurrency, thread_name_prefix="completions")
        try:
            while True:
                while len(pending) < self.settings.concurrency and (request := next(waiting, None)) is not None:
                    pending.add(pool.submit(self._complete, request, sampling))
                if not pending:
                    return
                finished, pending = wait(pending, return_when=FIRST_COMPLETED)
                for future in finished:
                    yield future.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)

    def measure(self, probe_ids: list[list[int]], new_tokens: int) -> ProbeResult:
        import openai

        client = self._loaded()
        if not self._is_vllm:
            raise EngineError(
                f"the server at {self.settings.url} tells no prompt log-probabilities, so its weights "
                "cannot be proved; use `vllm serve`, or set `engine.prove: false` if you know what it serves"
            )
        prompts, tokens, logprobs, runners_up = [], [], [], []
        for ids in probe_ids:
            try:
                answer = client.completions.create(
                    model=self._model,
                    prompt=ids,
                    max_tokens=new_tokens,
                    temperature=0.0,
                    logprobs=2,
                    extra_body=_VLLM_NEUTRAL
                    | {"prompt_logprobs": 0, "ignore_eos": True, "return_tokens_as_token_ids": True},
                )
            except openai.OpenAIError as error:
                raise self._unusable(error) from error
            choice = answer.choices[0].model_dump()
            scored = choice["prompt_logprobs"]
            prompts.append([scored[at][str(ids[at])]["logprob"] for at in range(1, len(ids))])
            drawn = choice["logprobs"]
            tokens.append([int(name.removeprefix("token_id:")) for name in drawn["tokens"]])
            logprobs.append(list(drawn["token_logprobs"]))
            runners_up.append(
                [
                    max(value for name, value in step.items() if name != token)
                    for token, step in zip(drawn["tokens"], drawn["top_logprobs"], strict=True)
                ]
            )
        # The server does not tell its number format; without the user's word the widest tolerance applies.
        dtype = "bfloat16" if self.settings.dtype == "auto" else self.settings.dtype
        return ProbeResult(prompts, tokens, logprobs, runners_up, dtype)

    def close(self) -> None:
        if self._client is not None:
            self._client.close()
            self._client = None

    def _complete(self, request: Request, sampling: SamplingSettings) -> Completion:
        import openai

        ids = fitting_ids(self._tokenizer, request, self._chat, self._context)
        if isinstance(ids, Completion):
            return ids
        limit = sampling.max_tokens
        if self._context is not None:
            limit = min(limit, self._context - len(ids))
        extra: dict[str, Any] = {"top_k": sampling.top_k} if sampling.top_k or self._is_vllm else {}
        common: dict[str, Any] = {
            "model": self._model,
            "max_tokens": limit,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "seed": request.seed,
            "extra_body": {**_VLLM_NEUTRAL, **extra} if self._is_vllm else extra,
        }
        try:
            answer = self._ask(request.prompt, common)
        except (openai.BadRequestError, openai.UnprocessableEntityError) as error:
            return Completion(request.id, "", "error", 0, f"the server refused the request: {error.message}")
        except openai.OpenAIError as error:
            raise self._unusable(error) from error
        choice = answer.choices[0]
        text = choice.message.content if self._chat else choice.text
        tokens = answer.usage.completion_tokens if answer.usage else 0
        if choice.finish_reason not in ("stop", "length"):
            return Completion(request.id, "", "error", tokens, f"the server ended it: {choice.finish_reason}")
        return Completion(request.id, text or "", choice.finish_reason, tokens, mean_logprob=_mean(choice, tokens))

    def _ask(self, prompt: str, common: dict[str, Any]) -> Any:
        """The server's answer, with log-probabilities unless it refuses requests because of them."""
        import openai

        if self._chat:
            create = self._loaded().chat.completions.create
            asked = {"messages": [{"role": "user", "content": prompt}], **common}
        else:
            create, asked = self._loaded().completions.create, {"prompt": prompt, **common}
        if self._tells_logprobs:
            try:
                return create(**asked, logprobs=True if self._chat else 0)
            except (openai.BadRequestError, openai.UnprocessableEntityError):
                answer = create(**asked)
                self._tells_logprobs = False
                return answer
        return create(**asked)

    def _choose_model(self, served: list[str]) -> str:
        wanted = self.settings.model
        if wanted is not None and wanted not in served:
            raise EngineError(
                f"the server at {self.settings.url} does not serve `engine.model` {wanted}; it serves "
                f"{', '.join(served[:5]) or 'nothing'}"
            )
        if wanted is None and len(served) != 1:
            raise EngineError(
                f"the server at {self.settings.url} serves {len(served)} models; name one in `engine.model`"
            )
        return wanted or served[0]

    def _api_key(self) -> str:
        name = self.settings.api_key_env
        if name is None:
            return "none"
        if not os.environ.get(name):
            raise EngineError(f"`engine.api_key_env` names {name}, which is not set; export the key under that name")
        return os.environ[name]

    def _unusable(self, error: Exception) -> EngineError:
        import openai

        url, attempts = self.settings.url, self.settings.retries + 1
        if isinstance(error, openai.APIStatusError):
            said = " ".join(visible(error.message).split())[:300]
            return EngineError(
                f"the server at {url} answered with status {error.status_code} ({said}); correct `engine.url`, which "
                "mostly ends in /v1, or look at the server's log"
            )
        if isinstance(error, openai.APITimeoutError):
            return EngineError(
                f"the server at {url} did not answer within {self.settings.timeout:g} s, {attempts} times; "
                "raise `engine.timeout` or lower `engine.concurrency`"
            )
        return EngineError(
            f"the server at {url} cannot be reached after {attempts} attempts; start it, or correct `engine.url`"
        )

    def _loaded(self) -> Any:
        if self._client is None:
            raise EngineError("the server engine is not connected; call `load` first")
        return self._client


def _mean(choice: Any, tokens: int) -> float | None:
    """Mean log-probability of a choice's tokens; None where the server tells none, or not of every token drawn."""
    told = choice.logprobs
    if told is None:
        return None
    values = getattr(told, "token_logprobs", None) or [entry.logprob for entry in getattr(told, "content", None) or ()]
    if not values or len(values) != tokens or not all(isinstance(value, int | float) for value in values):
        return None
    return float(sum(values)) / tokens
