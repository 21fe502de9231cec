"""Two tiny models that differ, shared by the tests of all engines."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from selfplay.engines.engine import Completion, Request
from selfplay.engines.engine_settings import EngineSettings
from selfplay.engines.registry import make_engine
from selfplay.models.folders import ModelInit, create


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    init = ModelInit(hidden_size=64, layers=2, heads=2, context=128)
    root = tmp_path_factory.mktemp("engine-models")
    return create(init, root / "first", seed=0), create(init, root / "second", seed=1)


@pytest.fixture(scope="session")
def requests() -> list[Request]:
    """Prompts of very different lengths, so that batches need padding."""
    return [Request(f"r{at}", f"{'1 + ' * (at % 9)}{at} = ", seed=1000 + at) for at in range(120)]


@pytest.fixture(scope="session")
def check_logprobs(folders: tuple[Path, Path]) -> Callable[[Iterable[Completion], list[Request], float], None]:
    """check(completions, requests, tolerance): each `mean_logprob` against forward passes of the first model over the
    prompt and the completion's own tokens, the end token among them, at temperature 1."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folders[0])
    engine = make_engine(EngineSettings(kind="transformers"))
    engine.load(folders[0])

    def check(completions: Iterable[Completion], requests: list[Request], tolerance: float) -> None:
        prompts = {request.id: tokenizer(request.prompt)["input_ids"] for request in requests}
        ids: list[list[int]] = []
        drawn: list[Completion] = []
        for completion in completions:
            tokens = tokenizer(completion.text, add_special_tokens=False)["input_ids"]
            tokens += [tokenizer.eos_token_id] * (completion.finish_reason == "stop")
            if len(tokens) == completion.tokens:  # else a special token was drawn, which the text leaves out
                ids.append(prompts[completion.id] + tokens)
                drawn.append(completion)
        assert {completion.finish_reason for completion in drawn} == {"stop", "length"}
        assert len(drawn) > 20
        for completion, scored in zip(drawn, engine.measure(ids, 1).prompt_logprobs, strict=True):
            expected = sum(scored[-completion.tokens :]) / completion.tokens
            assert completion.mean_logprob == pytest.approx(expected, abs=tolerance)

    return check
