"""The same verdicts wherever the judge runs: threads, asyncio, forked and spawned processes, Ray actors."""

from __future__ import annotations

import asyncio
import multiprocessing
from concurrent.futures import ThreadPoolExecutor

import pytest

from selfplay.verifiers import Row, Supervisor, VerifierSpec
from selfplay.verifiers.math import equivalent

PAIRS = [
    ("\\frac{1}{2}", "0.5"),
    ("x^2-1", "(x-1)(x+1)"),
    ("\\sqrt{x^2}", "x"),
    ("\\cos(2x)", "1-2\\sin^2 x"),
    ("[0,1)", "0 \\le x < 1"),
    ("5 \\text{ km}", "5000 \\text{ m}"),
    ("17", "9**9**9"),
    ("17", "17 or 18"),
    ("\\lim_{x\\to 0} x", "0"),
]


def verdicts() -> list[tuple[str, str]]:
    return [(verdict.outcome, verdict.reason) for verdict in (equivalent(*pair) for pair in PAIRS)]


def _send(connection: object) -> None:
    connection.send(verdicts())  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def here() -> list[tuple[str, str]]:
    return verdicts()


def test_the_expected_verdicts_are_there(here: list[tuple[str, str]]) -> None:
    outcomes = [outcome for outcome, _ in here]
    assert outcomes == ["accepted", "accepted", "rejected", *["accepted"] * 3, "rejected", "rejected", "undecided"]


def test_threads(here: list[tuple[str, str]]) -> None:
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: verdicts(), range(8))) == [here] * 8


def test_asyncio(here: list[tuple[str, str]]) -> None:
    async def judged() -> list[list[tuple[str, str]]]:
        return await asyncio.gather(*(asyncio.to_thread(verdicts) for _ in range(3)))

    assert asyncio.run(judged()) == [here] * 3


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes(here: list[tuple[str, str]], method: str) -> None:
    context = multiprocessing.get_context(method)
    ours, theirs = context.Pipe()
    process = context.Process(target=_send, args=(theirs,))
    process.start()
    assert ours.poll(60)
    assert ours.recv() == here
    process.join(10)


def test_supervised_workers(here: list[tuple[str, str]]) -> None:
    rows = [Row(str(n), {"answer": reference}, answer) for n, (reference, answer) in enumerate(PAIRS)]
    with Supervisor(VerifierSpec(verifier="math", settings={"answer": "whole"}), workers=2) as supervisor:
        judged = [judgement.verdict for judgement in supervisor.judge(rows)]
    assert [(verdict.outcome, verdict.reason) for verdict in judged] == here


@pytest.mark.slow
def test_ray_actors(here: list[tuple[str, str]]) -> None:
    import ray

    class Judge:
        def verdicts(self, pairs: list[tuple[str, str]]) -> list[tuple[str, str]]:
            return [(verdict.outcome, verdict.reason) for verdict in (equivalent(*pair) for pair in pairs)]

    ray.init(address="local", num_cpus=1, include_dashboard=False, log_to_driver=False)
    try:
        actors = [ray.remote(num_cpus=0.1)(Judge).remote() for _ in range(2)]
        assert ray.get([actor.verdicts.remote(PAIRS) for actor in actors]) == [here] * 2
    finally:
        ray.shutdown()
