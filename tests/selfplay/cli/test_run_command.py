"""`selfplay run` as a newcomer types it, on an existing Ray cluster, with vLLM where it is installed."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from ray.cluster_utils import Cluster as RayCluster

from selfplay.ledger.ledger import Ledger

pytestmark = pytest.mark.slow


def test_run_on_an_existing_cluster_from_config_to_report(tiny: dict[str, Any], tmp_path: Path) -> None:
    tiny["engine"] = {"kind": "auto"}
    tiny["arms"] = tiny["arms"][1:2]
    config = tmp_path / "tiny.yaml"
    config.write_text(yaml.safe_dump(tiny))
    nodes = RayCluster(initialize_head=True, head_node_args={"num_cpus": 2})
    try:
        command = [sys.executable, "-m", "selfplay", "run", str(config), "--ray-address", nodes.address]
        done = subprocess.run(command, capture_output=True, text=True, timeout=400, check=False)
    finally:
        nodes.shutdown()
    assert done.returncode == 0, done.stdout + done.stderr
    assert "seed 0  unfiltered  generation 1" in done.stdout
    page = Path(done.stdout.strip().splitlines()[-1].removeprefix("report "))
    assert page.read_text().startswith("<!")
    environment = json.loads((page.parent.parent / "environment.json").read_text())
    assert environment["packages"]["ray"]
    shown = "SELECT count(*) FROM verdicts WHERE outcome = 'undecided'"
    assert Ledger(page.parent.parent / "ledger").rows(shown) == [(0,)]
