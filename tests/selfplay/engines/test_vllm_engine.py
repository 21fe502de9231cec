"""vLLM in this process, on a tiny model: streaming, seeds, fresh weights, and the proof of the weights."""

from __future__ import annotations

import importlib.util
import os
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from selfplay.engines.engine import Completion, Request
from selfplay.engines.engine_settings import EngineSettings, SamplingSettings
from selfplay.engines.proof_of_weights import Reference, prove, reference
from selfplay.engines.registry import make_engine
from selfplay.errors import EngineError, WeightsMismatch

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("vllm") is None, reason="vLLM is not installed here"),
]

SAMPLING = SamplingSettings(max_tokens=20)


@pytest.fixture(scope="module")
def references(folders: tuple[Path, Path]) -> tuple[Reference, Reference]:
    return reference(folders[0]), reference(folders[1])


@pytest.fixture(scope="module")
def engine(folders: tuple[Path, Path]) -> Iterator[Any]:
    engine = make_engine(EngineSettings(kind="vllm"))
    engine.load(folders[0])
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def drawn(engine: Any, requests: list[Request]) -> dict[str, Completion]:
    return {completion.id: completion for completion in engine.generate(requests, SAMPLING)}


def test_the_right_weights_are_proved(engine: Any, references: tuple[Reference, Reference]) -> None:
    assert prove(engine, references[0]) < 1e-4


def test_every_request_gets_one_completion(requests: list[Request], drawn: dict[str, Completion]) -> None:
    assert set(drawn) == {request.id for request in requests}
    assert {completion.finish_reason for completion in drawn.values()} == {"stop", "length"}
    for completion in drawn.values():
        if completion.finish_reason == "length":
            assert completion.tokens == SAMPLING.max_tokens
        assert "⟨" not in completion.text


def test_order_and_neighbours_hardly_matter(engine: Any, requests: list[Request], drawn: dict[str, Completion]) -> None:
    shuffled = random.Random(3).sample(requests, 60)
    again = {completion.id: completion for completion in engine.generate(shuffled, SAMPLING)}
    # A tie in floating point may flip a token.
    assert sum(again[request.id] == drawn[request.id] for request in shuffled) >= 58


def test_other_seeds_give_other_text(engine: Any, requests: list[Request], drawn: dict[str, Completion]) -> None:
    moved = [Request(request.id, request.prompt, request.seed + 5000) for request in requests]
    again = {completion.id: completion for completion in engine.generate(moved, SAMPLING)}
    assert sum(again[key].text == drawn[key].text for key in drawn) < 5


def test_greedy_text_is_that_of_the_transformers_engine(
    engine: Any, folders: tuple[Path, Path], requests: list[Request]
) -> None:
    greedy = SamplingSettings(temperature=0, max_tokens=20)
    other = make_engine(EngineSettings(kind="transformers"))
    other.load(folders[0])
    wanted = {completion.id: completion for completion in other.generate(requests[:40], greedy)}
    found = {completion.id: completion for completion in engine.generate(requests[:40], greedy)}
    assert sum(found[key] == wanted[key] for key in wanted) >= 38


@pytest.mark.parametrize(
    "sampling",
    [SAMPLING, SamplingSettings(max_tokens=20, temperature=0.5, top_p=0.9, top_k=9)],
    ids=["plain", "narrow"],
)
def test_mean_logprob_is_that_of_transformers_for_the_same_completion(
    engine: Any, requests: list[Request], sampling: SamplingSettings, check_logprobs: Callable[..., None]
) -> None:
    check_logprobs(engine.generate(requests, sampling), requests, 1e-4)


def test_more_prompts_than_one_step_can_read(engine: Any) -> None:
    """Prompts that add up to more than the tokens of a step; to split one with a seed kills vLLM 0.32."""
    asked = [Request(str(at), "1 + " * 20, at) for at in range(200)]
    found = list(engine.generate(asked, SamplingSettings(max_tokens=2)))
    assert len(found) == 200
    assert {completion.finish_reason for completion in found} <= {"stop", "length"}


def test_completions_stream_while_requests_still_come(folders: tuple[Path, Path], engine: Any) -> None:
    taken: list[int] = []

    def endless() -> Iterator[Request]:
        while True:
            taken.append(len(taken))
            yield Request(f"s{len(taken)}", "5 = ", len(taken))

    stream = engine.generate(endless(), SamplingSettings(max_tokens=4))
    for _ in range(1000):
        next(stream)
    assert len(taken) < 2000
    stream.close()
    (alone,) = engine.generate([Request("after", "5 = ", 1)], SamplingSettings(max_tokens=4))
    assert alone.id == "after"


def test_a_prompt_that_does_not_fit_is_an_error_completion(engine: Any) -> None:
    asked = [
        Request("long", "9" * 200, 1),
        Request("empty", "", 1),
        Request("surrogate", "\ud800", 1),
        Request("edge", "9" * 125, 1),
    ]
    found = {completion.id: completion for completion in engine.generate(asked, SAMPLING)}
    assert [found[key].finish_reason for key in ("long", "empty", "surrogate")] == ["refused"] * 3
    assert "200 tokens" in (found["long"].error or "")
    assert 1 <= found["edge"].tokens <= 3


def test_the_environment_of_child_processes_is_kept(engine: Any) -> None:
    assert "libgomp" not in os.environ.get("LD_PRELOAD", "")


def test_a_folder_that_vllm_cannot_load_is_one_sentence(tmp_path: Path, folders: tuple[Path, Path]) -> None:
    import json
    import shutil

    broken = Path(shutil.copytree(folders[0], tmp_path / "broken"))
    config = json.loads((broken / "config.json").read_text())
    (broken / "config.json").write_text(json.dumps({**config, "architectures": ["NoSuchModel"]}))
    with pytest.raises(EngineError, match=r"vLLM cannot load .*broken") as raised:
        make_engine(EngineSettings(kind="vllm")).load(broken)
    assert "\n" not in str(raised.value)


def test_new_weights_are_proved_after_a_load(
    engine: Any, folders: tuple[Path, Path], references: tuple[Reference, Reference]
) -> None:
    engine.load(folders[1])
    prove(engine, references[1])
    with pytest.raises(WeightsMismatch, match="the vllm engine does not hold the weights of"):
        prove(engine, references[0])


def test_weights_reloaded_behind_the_engines_back_fail(
    engine: Any, folders: tuple[Path, Path], references: tuple[Reference, Reference]
) -> None:
    """On a CPU vLLM's own `reload_weights` reports success and leaves a mixture of two models."""
    engine.load(folders[0])
    prove(engine, references[0])
    engine._engine.collective_rpc("reload_weights", kwargs={"weights_path": str(folders[1])})
    with pytest.raises(WeightsMismatch):
        prove(engine, references[0])
    if engine._on_cpu:
        with pytest.raises(WeightsMismatch):
            prove(engine, references[1])
