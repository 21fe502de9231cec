"""A run that is killed at any moment and resumed gives the digest of one that nobody touched.

The moments are seen from outside, by what runs and what lies on disk; nothing in the code waits for a test. Random
moments, and what else can die, are in benchmarks/chaos.py.
"""

from __future__ import annotations

import importlib.util
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from ray.cluster_utils import Cluster as RayCluster

from selfplay.digest import check
from selfplay.ledger import Ledger

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
HERE = Path(__file__).resolve().parent.parent.parent
TRIES = 4
"""Runs in which a moment may be looked for."""


def _load_chaos() -> Any:
    spec = importlib.util.spec_from_file_location("chaos", HERE / "benchmarks/chaos.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["chaos"] = module
    spec.loader.exec_module(module)
    return module


chaos = _load_chaos()


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The quickstart's small sibling, with fewer models and so many samples that each step can be seen from outside."""
    data = yaml.safe_load(chaos.SMALL.read_text())
    data["generations"] = 1
    data["sampling"]["n"] = 16
    data["arms"] = [arm for arm in data["arms"] if arm["name"] != "random-filter"]
    file = tmp_path_factory.mktemp("config") / "small.yaml"
    file.write_text(yaml.safe_dump(data))
    return file


@pytest.fixture(scope="module")
def calm(config: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A run that nobody disturbs, and its digest."""
    driver = chaos.Driver(config, tmp_path_factory.mktemp("calm"))
    assert driver.wait() == 0, driver.said()
    assert driver.run is not None
    return driver.run, chaos.total(driver.run)


def has(title: str) -> Callable[[Any], bool]:
    return lambda driver: bool(driver.parts(title))


def lies(name: str) -> Callable[[Any], bool]:
    return lambda driver: driver.run is not None and (driver.run / name).exists()


MOMENTS: list[tuple[str, Callable[[Any], bool], float, Callable[[Any], bool]]] = [
    ("in training", has("ray::_TrainingProcess.train"), 0.05, chaos.Driver.kill_driver),
    ("in sampling", has("ray::Replica.generate"), 0.05, chaos.Driver.kill_group),
    ("in verification", has("ray::Judge.judge"), 0.05, chaos.Driver.kill_head),
    ("in the middle of a ledger write", lies("ledger/verdicts.tmp"), 0.0002, chaos.Driver.kill_driver),
    ("in the report", lies("report"), 0.0002, chaos.Driver.kill_group),
]


def test_killed_at_every_named_moment_and_at_random(config: Path, calm: tuple[Path, str], tmp_path: Path) -> None:
    run: Path | None = None
    draw = random.Random(0)
    for name, moment, every, kill in MOMENTS:
        if name == "in the report":
            driver = chaos.Driver(config, tmp_path, resume=run)
            time.sleep(draw.uniform(5, 20))
            driver.kill_group()
        driver = _caught(name, moment, every, config, tmp_path, run)
        if name == "in training":
            _second_driver_is_refused(config, driver, tmp_path)
        assert kill(driver)
        code = driver.wait(60)
        assert code != 0, f"{name}: it was done already"
        if kill is chaos.Driver.kill_head:
            assert code == 2, driver.said()
            assert "Ray's head at" in driver.said() or "--resume" in driver.said()
        run = driver.run
        driver.close()
    driver = chaos.Driver(config, tmp_path, resume=run)
    assert driver.wait() == 0, driver.said()
    assert chaos.total(run) == calm[1]


def _caught(
    name: str, moment: Callable[[Any], bool], every: float, config: Path, folder: Path, run: Path | None
) -> Any:
    """A driver at the named moment. A short moment can pass unseen until the run is done; another run has it again."""
    for _ in range(TRIES):
        driver = chaos.Driver(config, folder, resume=run)
        if driver.wait_until(moment, every=every):
            return driver
        assert driver.wait() == 0, driver.said()
        driver.close()
        run = None
    pytest.fail(f"{name}: {TRIES} runs ended before it was seen")


def _second_driver_is_refused(config: Path, first: Any, folder: Path) -> None:
    second = chaos.Driver(config, folder, resume=first.run)
    assert second.wait(120) == 2
    assert f"Another process is writing {first.run}" in second.said()
    assert not first.ended()


def test_two_nodes_give_the_digest_of_one(config: Path, calm: tuple[Path, str], tmp_path: Path) -> None:
    """With one CPU on each node the engine and the judge cannot share one."""
    nodes = RayCluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        nodes.add_node(num_cpus=1)
        driver = chaos.Driver(config, tmp_path, extra=("--ray-address", nodes.address))
        assert driver.wait() == 0, driver.said()
    finally:
        nodes.shutdown()
    assert chaos.total(driver.run) == calm[1]


def test_another_config_is_refused_with_its_key_and_both_values(config: Path, calm: tuple[Path, str]) -> None:
    run = calm[0]
    driver = chaos.Driver(config, run.parent.parent, resume=run, extra=("--set", "warn_when=[]"))
    assert driver.wait(120) == 2
    said = driver.said().strip().splitlines()
    assert len(said) == 1
    assert "`warn_when` was [" in said[0]
    assert "and is now []" in said[0]


def test_killed_with_vllm_every_key_is_there_once_and_no_row_changes(config: Path, tmp_path: Path) -> None:
    pytest.importorskip("vllm")
    extra = ("--set", "engine.kind=vllm", "--set", "arms=[{name: unfiltered, data: human+synthetic, keep: all}]")

    def samples() -> dict[str, tuple[Any, ...]]:
        rows = Ledger(run / "ledger").rows(
            "SELECT id, completion, finish_reason, outcome FROM samples LEFT JOIN verdicts ON sample_id = id"
        )
        return {row[0]: row[1:] for row in rows}

    driver = chaos.Driver(config, tmp_path, extra=extra)
    generating = has("ray::Replica.generate")
    assert driver.wait_until(lambda d: any((d.run / "ledger").glob("verdicts-*")) and generating(d) if d.run else False)
    driver.kill_group()
    run = driver.run
    durable = samples()
    assert durable
    driver = chaos.Driver(config, tmp_path, resume=run, extra=extra)
    assert driver.wait() == 0, driver.said()
    assert check(run) == []
    after = samples()
    assert {key: after[key] for key in durable} == durable
    assert len(after) > len(durable)
