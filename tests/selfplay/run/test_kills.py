"""A run that is killed at any moment and resumed gives the digest of one that nobody touched.

The moments are seen from outside, by what runs and what lies on disk; nothing in the code waits for a test. Random
moments, and what else can die, are in benchmarks/chaos.py.
"""

from __future__ import annotations

import importlib.util
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml
from ray.cluster_utils import Cluster as RayCluster
from typer.testing import CliRunner

from selfplay.cli.app import app
from selfplay.ledger.digest import check
from selfplay.ledger.ledger import Ledger

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]
HERE = Path(__file__).resolve().parents[3]
TRIES = 4
"""Runs in which a moment may be looked for."""
LOOK_EVERY = {"in the middle of a ledger write": 0.001}
"""Seconds between two looks; a write to the ledger takes a few milliseconds."""
LONG = "SELFPLAY_LONG" in os.environ


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
    """The quickstart's small sibling with fewer models, and samples enough for each step to be seen from outside."""
    data = yaml.safe_load(chaos.SMALL.read_text())
    data["generations"] = 1
    data["sampling"]["n"] = 8
    data["distill"]["steps"] = 10
    for task in data["tasks"]:
        task["problems"] = 16
    data["arms"] = [arm for arm in data["arms"] if arm["name"] != "random-filter"]
    file = tmp_path_factory.mktemp("config") / "small.yaml"
    file.write_text(yaml.safe_dump(data))
    return file


@pytest.fixture(scope="module")
def calm(config: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A run that nobody disturbs, and its digest. It is on two nodes: with one CPU on each the engine and the judge
    cannot share one. The runs that are killed are on one."""
    nodes = RayCluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        nodes.add_node(num_cpus=1)
        driver = chaos.finished(config, tmp_path_factory.mktemp("calm"), extra=("--ray-address", nodes.address))
    finally:
        nodes.shutdown()
    return driver.run, chaos.total(driver.run)


def does(title: str) -> Callable[[Any], bool]:
    return lambda driver: driver.does(title)


def writes_the_ledger(driver: Any) -> bool:
    """A killed driver may have left a file behind; this one's own lies on disk for milliseconds."""
    for file in (driver.run / "ledger").glob("*.tmp") if driver.run else ():
        with suppress(FileNotFoundError):
            if file.stat().st_mtime > driver.began:
                return True
    return False


def reports(driver: Any) -> bool:
    return driver.run is not None and (driver.run / "report").exists()


def holds_the_run(driver: Any) -> bool:
    return bool(driver.said().startswith("run "))


MOMENTS: list[tuple[str, Callable[[Any], bool], Callable[[Any], bool], int]] = [
    ("in training", does("ray::_TrainingProcess.train"), chaos.Driver.kill_driver, -signal.SIGKILL),
    ("in verification", does("ray::Judge.judge"), chaos.Driver.kill_head, 2),
    ("in sampling", does("ray::Replica.generate"), chaos.Driver.kill_group, -signal.SIGKILL),
    ("in the middle of a ledger write", writes_the_ledger, chaos.Driver.kill_driver, -signal.SIGKILL),
    ("at a random moment", holds_the_run, chaos.Driver.terminate, 143),
    ("in the report", reports, chaos.Driver.kill_group, -signal.SIGKILL),
]
"""(name, whether it is that moment, what is done, the exit code of it); in the order in which a run comes to them."""
ALWAYS = ("in verification", "in the middle of a ledger write")
"""The others too in `make test-long`. Besides: in sampling below, in training in distill/test_trainer.py, and a signal
in the report in cli/test_signals.py."""


def test_killed_and_resumed_on_one_node_gives_the_digest_of_a_calm_run_on_two(
    config: Path, calm: tuple[Path, str], tmp_path: Path
) -> None:
    run: Path | None = None
    draw = random.Random(0)
    for name, moment, strike, code in (one for one in MOMENTS if LONG or one[0] in ALWAYS):
        driver = _caught(name, moment, config, tmp_path, run)
        if name == "in verification":
            _second_driver_is_refused(config, driver)
        if name == "at a random moment":
            time.sleep(draw.uniform(0, 4))  # a run that goes on needs longer than that to start Ray
        assert strike(driver)
        assert driver.wait(60) == code, f"{name}: {driver.said()}"
        if code > 0:
            assert "--resume" in driver.said()
            assert "\nselfplay: " in driver.said()
            assert "Traceback" not in driver.said()
        run = driver.run
        driver.close()
    chaos.finished(config, tmp_path, resume=run)
    assert chaos.total(run) == calm[1]


def _caught(
    name: str, moment: Callable[[Any], bool], config: Path, folder: Path, run: Path | None, extra: tuple[str, ...] = ()
) -> Any:
    """A driver at the named moment. A short moment can pass unseen until the run is done; another run has it again."""
    for _ in range(TRIES):
        driver = chaos.Driver(config, folder, resume=run, extra=extra)
        if driver.wait_until(moment, every=LOOK_EVERY.get(name, 0.01)):
            return driver
        driver.close()
        assert driver.wait() == 0 or driver.was_too_busy(), driver.said()
        run = driver.run if driver.was_too_busy() else None
    pytest.fail(f"{name}: {TRIES} runs ended before it was seen")


def _second_driver_is_refused(config: Path, first: Any) -> None:
    """The first one stands still meanwhile, or it might be done before the second has looked."""
    first.process.send_signal(signal.SIGSTOP)
    try:
        assert f"Another process is writing {first.run}" in _refused(config, first.run)
    except BaseException:
        first.kill_group()
        raise
    first.process.send_signal(signal.SIGCONT)
    assert not first.ended()


def _refused(config: Path, run: Path, *extra: str) -> str:
    """The one line that a second driver says; it is refused before anything is started, so it needs no process."""
    asked = ["run", str(config), "--set", f"output={run.parent.parent}", "--resume", str(run), *extra]
    done = CliRunner().invoke(app, asked)
    assert done.exit_code == 2, done.output
    (said,) = done.output.strip().splitlines()
    return said


@pytest.mark.skipif(not LONG, reason="SELFPLAY_LONG is not set; a run that was killed is compared as well")
def test_two_nodes_give_the_digest_of_one(config: Path, calm: tuple[Path, str], tmp_path: Path) -> None:
    assert chaos.total(chaos.finished(config, tmp_path).run) == calm[1]


def test_another_config_is_refused_with_its_key_and_both_values(config: Path, calm: tuple[Path, str]) -> None:
    said = _refused(config, calm[0], "--set", "warn_when=[]")
    assert "`warn_when` was [" in said
    assert "and is now []" in said


def test_killed_with_vllm_every_key_is_there_once_and_no_row_changes(config: Path, tmp_path: Path) -> None:
    pytest.importorskip("vllm")
    arms = "arms=[{name: unfiltered, data: human+synthetic, keep: all}]"
    extra = ("--set", "engine.kind=vllm", "--set", arms, "--set", "model.generation_0=as-is")

    def samples() -> dict[str, tuple[Any, ...]]:
        rows = Ledger(run / "ledger").rows(
            "SELECT id, completion, finish_reason, outcome FROM samples LEFT JOIN verdicts ON sample_id = id"
        )
        return {row[0]: row[1:] for row in rows}

    def writes_more(driver: Any) -> bool:
        return bool(driver.run and driver.does("ray::Replica.generate") and any(driver.run.glob("ledger/verdicts-*")))

    driver = _caught("in sampling, with rows that are durable", writes_more, config, tmp_path, None, extra)
    assert driver.kill_group()
    run = driver.run
    durable = samples()
    assert durable
    chaos.finished(config, tmp_path, resume=run, extra=extra)
    assert check(run) == []
    after = samples()
    assert {key: after[key] for key in durable} == durable
    assert len(after) > len(durable)
