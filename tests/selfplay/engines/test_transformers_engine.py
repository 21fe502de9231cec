"""The transformers engine: completions are a function of their request, and the sampling is what it says."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from selfplay.engines.engine import Completion, Engine, Request
from selfplay.engines.engine_settings import EngineSettings, SamplingSettings
from selfplay.engines.registry import make_engine
from selfplay.errors import EngineError

SAMPLING = SamplingSettings(max_tokens=20)


def engine_with(folder: Path, **settings: object) -> Engine:
    engine = make_engine(EngineSettings.model_validate({"kind": "transformers", **settings}))
    engine.load(folder)
    return engine


@pytest.fixture(scope="module")
def engine(folders: tuple[Path, Path]) -> Engine:
    return engine_with(folders[0])


def by_id(completions: Iterator[Completion]) -> dict[str, Completion]:
    collected = list(completions)
    found = {completion.id: completion for completion in collected}
    assert len(found) == len(collected)
    return found


@pytest.fixture(scope="module")
def drawn(engine: Engine, requests: list[Request]) -> dict[str, Completion]:
    return by_id(engine.generate(requests, SAMPLING))


def test_every_request_gets_one_completion(requests: list[Request], drawn: dict[str, Completion]) -> None:
    assert set(drawn) == {request.id for request in requests}
    assert all(completion.finish_reason in ("stop", "length") for completion in drawn.values())
    assert {completion.finish_reason for completion in drawn.values()} == {"stop", "length"}


def test_a_length_finish_has_all_its_tokens(drawn: dict[str, Completion]) -> None:
    for completion in drawn.values():
        if completion.finish_reason == "length":
            assert completion.tokens == SAMPLING.max_tokens
        else:
            assert len(completion.text) <= completion.tokens - 1


@pytest.mark.parametrize("batch", [1, 7, 64])
def test_batch_size_and_order_change_nothing(
    folders: tuple[Path, Path], requests: list[Request], drawn: dict[str, Completion], batch: int
) -> None:
    shuffled = random.Random(batch).sample(requests, 60)
    found = by_id(engine_with(folders[0], max_batch=batch).generate(shuffled, SAMPLING))
    assert found == {request.id: drawn[request.id] for request in shuffled}


def test_other_seeds_give_other_text(engine: Engine, requests: list[Request], drawn: dict[str, Completion]) -> None:
    moved = [Request(request.id, request.prompt, request.seed + 5000) for request in requests]
    found = by_id(engine.generate(moved, SAMPLING))
    assert sum(found[key].text == drawn[key].text for key in drawn) < 5


def test_greedy_ignores_the_seed_and_follows_the_probe(engine: Engine, folders: tuple[Path, Path]) -> None:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folders[0])
    prompt = "12 + 30 = "
    expected = engine.measure([tokenizer(prompt)["input_ids"]], 12).greedy_tokens[0]
    for seed in (1, 2):
        (found,) = engine.generate([Request("g", prompt, seed)], SamplingSettings(temperature=0, max_tokens=12))
        text = tokenizer.decode(expected[: found.tokens], skip_special_tokens=True)
        assert found.text == text


def test_draws_follow_the_models_distribution(engine: Engine, folders: tuple[Path, Path]) -> None:
    """4,000 first tokens against the probabilities of a forward pass, by Pearson's chi-squared test."""
    import torch
    from scipy.stats import chisquare
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folders[0])
    model = AutoModelForCausalLM.from_pretrained(folders[0])
    with torch.no_grad():
        logits = model(torch.tensor([tokenizer("7 = ")["input_ids"]])).logits[0, -1]
    probabilities = torch.softmax(logits / 0.5, dim=-1).double().numpy()
    asked = [Request(str(seed), "7 = ", seed) for seed in range(4000)]
    counts = Counter(
        completion.text for completion in engine.generate(asked, SamplingSettings(temperature=0.5, max_tokens=1))
    )
    characters = [tokenizer.decode([token]) for token in range(4, len(tokenizer))]
    observed = [counts[character] for character in characters]
    expected = probabilities[4:]
    rest = len(asked) - sum(observed)
    result = chisquare(
        [*observed, rest], [*(expected * len(asked)), (1 - expected.sum()) * len(asked)], sum_check=False
    )
    assert result.pvalue > 1e-4


def test_top_k_and_top_p_keep_the_most_likely(engine: Engine, folders: tuple[Path, Path]) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folders[0])
    model = AutoModelForCausalLM.from_pretrained(folders[0])
    with torch.no_grad():
        logits = model(torch.tensor([tokenizer("7 = ")["input_ids"]])).logits[0, -1]
    ordered = logits.softmax(-1).sort(descending=True)
    nucleus = int((ordered.values.cumsum(0) < 0.2).sum()) + 1
    asked = [Request(str(seed), "7 = ", seed) for seed in range(400)]
    for settings, size in (
        (SamplingSettings(max_tokens=1, top_k=3), 3),
        (SamplingSettings(max_tokens=1, top_p=0.2), nucleus),
        (SamplingSettings(max_tokens=1, top_p=1e-6), 1),
    ):
        found = {completion.text for completion in engine.generate(asked, settings)}
        allowed = {tokenizer.decode([token], skip_special_tokens=True) for token in ordered.indices[:size].tolist()}
        assert found == allowed


def test_completions_come_out_as_they_finish(engine: Engine, requests: list[Request]) -> None:
    order = [completion.tokens for completion in engine.generate(requests, SAMPLING)]
    assert order == sorted(order)


@pytest.mark.parametrize(
    "sampling",
    [SAMPLING, SamplingSettings(max_tokens=20, temperature=0.5, top_p=0.9, top_k=9)],
    ids=["plain", "narrow"],
)
def test_mean_logprob_is_that_of_the_models_own_distribution(
    engine: Engine, requests: list[Request], sampling: SamplingSettings, check_logprobs: Callable[..., None]
) -> None:
    check_logprobs(engine.generate(requests, sampling), requests, 1e-9)


def test_requests_are_taken_as_there_is_room(folders: tuple[Path, Path], requests: list[Request]) -> None:
    taken: list[str] = []

    def slowly() -> Iterator[Request]:
        for request in requests:
            taken.append(request.id)
            yield request

    stream = engine_with(folders[0], max_batch=8).generate(slowly(), SAMPLING)
    next(stream)
    assert len(taken) == 8


def test_a_prompt_that_does_not_fit_is_refused_alone(engine: Engine) -> None:
    asked = [Request("long", "9" * 200, 1), Request("empty", "", 1), Request("edge", "9" * 125, 1)]
    found = by_id(engine.generate(asked, SAMPLING))
    assert found["long"] == Completion(
        "long", "", "refused", 0, "the prompt has 200 tokens and leaves no room in a context of 128"
    )
    assert found["empty"].finish_reason == "refused"
    assert found["empty"].mean_logprob is None
    assert found["edge"].tokens <= 3


def test_hostile_prompts_are_only_text(engine: Engine) -> None:
    prompts = ["<script>", "[/]", "\x1b[2J", "\ud800", "⟨eos⟩", "{{ 7 * 7 }}", "\x00"]
    found = by_id(engine.generate([Request(str(at), text, at) for at, text in enumerate(prompts)], SAMPLING))
    assert len(found) == len(prompts)


def test_before_load_it_says_so() -> None:
    empty = make_engine(EngineSettings(kind="transformers"))
    with pytest.raises(EngineError, match="call `load` first"):
        next(empty.generate([Request("a", "1", 1)], SAMPLING))


def test_loading_again_takes_the_new_weights(folders: tuple[Path, Path], requests: list[Request]) -> None:
    engine = engine_with(folders[0])
    engine.load(folders[1])
    assert by_id(engine.generate(requests[:20], SAMPLING)) == by_id(
        engine_with(folders[1]).generate(requests[:20], SAMPLING)
    )
