"""A local Ray whose head dies while this process still connects to it: a sentence, where Ray itself would just end."""

from __future__ import annotations

import re
import subprocess
import sys
import time

import psutil
import pytest

from selfplay.cluster.connection import _Watch

pytestmark = pytest.mark.slow
CONNECT = """
import sys
from selfplay.cluster.connection import Cluster
from selfplay.errors import RunError
try:
    with Cluster():
        print("connected", flush=True)
        sys.stdin.read()
except RunError as error:
    print(f"selfplay: {error}", file=sys.stderr)
    sys.exit(2)
"""


@pytest.mark.parametrize("part", ["gcs_server", "raylet"])
def test_a_head_that_dies_while_ray_connects_is_one_sentence(part: str) -> None:
    for _ in range(4):
        code, complaint = _killed_while_connecting(part)
        # where Ray's core asks the raylet just then, it ends the process itself, before anything in Python can
        if code != 1 or "Worker will terminate" not in complaint:
            break
    assert code == 2, complaint
    # the watch's own words, or Ray's where the watch had not seen the part yet on a busy machine
    assert re.search("head of the local Ray cluster has died|Cannot reach a local Ray cluster", complaint), complaint
    assert "Traceback" not in complaint


def _killed_while_connecting(part: str) -> tuple[int, str]:
    """How a driver ends, and what it says, when this part of its local head is killed while it connects."""
    pipe = subprocess.PIPE
    driver = subprocess.Popen([sys.executable, "-c", CONNECT], stdin=pipe, stdout=pipe, stderr=pipe, text=True)
    try:
        killed = None
        while killed is None:
            assert driver.poll() is None, "it ended before Ray was started"
            children = psutil.Process(driver.pid).children()
            killed = next((child for child in children if child.name() == part), None)
            time.sleep(0.01)
        time.sleep(1)  # the watch looks every 0.25 s
        killed.kill()
        complaint = driver.communicate(timeout=120)[1]
        return driver.returncode, complaint
    finally:
        driver.kill()


def test_only_the_head_that_did_not_come_up_is_ended() -> None:
    """Not what a child from before started in the meantime, such as a verifier's worker."""
    tree = ["sh", "-c", "sleep 60 & read line; sleep 60 & wait"]
    before = subprocess.Popen(tree, stdin=subprocess.PIPE)
    watch = _Watch(None)
    head = subprocess.Popen(tree, stdin=subprocess.PIPE)
    try:
        for process in (before, head):
            assert process.stdin is not None
            process.stdin.write(b"\n")
            process.stdin.flush()
        while any(len(psutil.Process(process.pid).children()) < 2 for process in (before, head)):
            time.sleep(0.01)
        of_before, of_head = (psutil.Process(process.pid).children() for process in (before, head))
        watch.end_what_was_started()
        head.wait(10)  # killed, or at its end because its children were
        psutil.wait_procs(of_head, timeout=10)
        assert not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in of_head)
        assert before.poll() is None
        assert all(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in of_before)
    finally:
        for process in (before, head):
            for child in psutil.Process(process.pid).children() if process.poll() is None else []:
                child.kill()
            process.kill()
            process.wait()
