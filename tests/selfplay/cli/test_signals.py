"""Signals to a real run: a sentence, the signal's exit code, and a run directory that can be resumed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml

from selfplay.cli.signals import Interrupted, Signals
from selfplay.cluster.connection import HEAD
from selfplay.ledger.digest import check

pytestmark = pytest.mark.slow
SLOW_REPORT = """
import sys, time
import selfplay.report.report_page
from selfplay.cli.app import app

def write_report(run, write=selfplay.report.report_page.write_report):
    print("in the report", flush=True)
    time.sleep(60)
    return write(run)

selfplay.report.report_page.write_report = write_report
app()
"""
"""The command with a report that takes so long that a signal meets it."""


def _session(process: psutil.Process) -> int | None:
    try:
        return os.getsid(process.pid) if process.status() != psutil.STATUS_ZOMBIE else None
    except (psutil.NoSuchProcess, ProcessLookupError):
        return None


@pytest.mark.parametrize(
    ("number", "moment", "said"),
    [
        (signal.SIGINT, "at once", "interrupted by Ctrl-C."),
        (signal.SIGHUP, "at once", "ended by SIGHUP."),
        (signal.SIGTERM, "in the report", "ended by SIGTERM."),
    ],
)
def test_a_signal_ends_a_run_with_a_sentence_and_its_own_code(
    tiny: dict[str, Any], tmp_path: Path, number: signal.Signals, moment: str, said: str
) -> None:
    config = tmp_path / "tiny.yaml"
    tiny |= {"arms": tiny["arms"][:1], "generations": 0, "model": {**tiny["model"], "generation_0": "as-is"}}
    tiny["engine"]["prove"] = False  # so there is no training process to wait for
    config.write_text(yaml.safe_dump(tiny))
    command = [sys.executable, "-u", "-c", SLOW_REPORT, "run", str(config)]
    before = signal.signal(number, signal.SIG_DFL)  # a signal that is ignored here would be ignored there
    driver = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    signal.signal(number, before)
    try:
        assert driver.stdout is not None
        printed = driver.stdout.readline()
        assert printed.startswith("run ")
        run = Path(printed.removeprefix("run ").strip())
        while moment == "in the report" and driver.stdout.readline().strip() != moment:
            assert driver.poll() is None
        driver.send_signal(number)
        rest, complaint = driver.communicate(timeout=120)
    finally:
        driver.kill()
    assert driver.returncode == 128 + number
    heads = [process for process in psutil.process_iter(["name"]) if process.info["name"] in HEAD]
    assert not [head for head in heads if head.is_running() and _session(head) == driver.pid]
    assert complaint.strip().splitlines()[-1] == f"selfplay: {said}"
    assert "Traceback" not in complaint
    assert f"--resume {run}" in rest
    assert check(run) == []


def test_a_signal_that_was_ignored_before_stays_ignored() -> None:
    """As under `nohup`."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Signals():
            signal.raise_signal(signal.SIGHUP)
        with pytest.raises(Interrupted) as raised, Signals():
            signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGHUP, before)
    assert raised.value.exit_code == 143


def test_a_signal_that_a_library_turns_into_an_error_of_its_own_is_no_other_error() -> None:
    """As DuckDB does, whose query was interrupted in a run of benchmarks/chaos.py."""
    with pytest.raises(Interrupted) as raised, Signals():
        _after_sigterm(RuntimeError("Query interrupted"))
    assert raised.value.exit_code == 143


def test_an_error_after_a_signal_keeps_its_name() -> None:
    with pytest.raises(ZeroDivisionError), Signals():
        _after_sigterm(ZeroDivisionError())


def _after_sigterm(error: Exception) -> None:
    with suppress(KeyboardInterrupt):
        signal.raise_signal(signal.SIGTERM)
    raise error
