"""The level `process`, which root is refused: harmless programs and limits, run as another user where we are root."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from selfplay.verifiers.sandbox.local_sandbox import PACKAGE

NOBODY = 65534
SCRIPT = """
import json, sys, time, types
package = types.ModuleType("verifiers")
package.__path__ = [sys.argv[1]]
sys.modules["verifiers"] = package
from selfplay.verifiers.sandbox.local_sandbox import LocalSandbox
from selfplay.verifiers.sandbox.protocol import Limits, Stopped

def outcome(program, limits):
    order = {"mode": "calls", "programs": [program], "setup": "", "calls": [["f", ["list"], ["dict"]]]}
    with sandbox.spawn("candidate", limits) as execution:
        execution.send(order)
        execution.wait_ready(time.monotonic() + 20)
        try:
            execution.receive(time.monotonic() + 20)
            answer = execution.receive(time.monotonic() + 20)
        except Stopped as stop:
            return stop.reason
    return answer.get("value", answer)

with LocalSandbox(lowest="process", levels=["process"]) as sandbox:
    print(json.dumps({
        "level": sandbox.level,
        "about": sandbox.about,
        "value": outcome("def f(): return 1", Limits()),
        "environment": outcome("import os\\ndef f(): return dict(os.environ)", Limits()),
        "memory": outcome("def f(): return bytearray(1 << 28)[0]", Limits(memory_mb=64)),
        "cpu": outcome("def f():\\n    while True: pass", Limits(cpu_seconds=0.5)),
        "files": outcome("import os\\ndef f():\\n    while True: os.dup(0)", Limits()),
        "output": outcome("def f():\\n    while True: print('x' * 1000)", Limits(output_kb=8)),
        "fork": outcome("import os\\ndef f(): os.fork()", Limits()),
        "network": outcome("import socket\\ndef f(): socket.socket()", Limits()),
    }))
"""


def test_limits_hold_for_a_user_that_is_not_root(tmp_path: Path) -> None:
    user = {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}
    command = [sys.executable, "-s", "-S", "-P", "-c"]
    try:
        # as another user everything on the way to the interpreter and to this package must be readable
        reads = subprocess.run(
            [*command, f"import os; os.listdir({str(PACKAGE)!r})"], capture_output=True, cwd="/", **user
        )
    except PermissionError as error:
        pytest.skip(f"user {NOBODY} cannot start the interpreter {sys.executable} ({error.strerror})")
    if reads.returncode:
        pytest.skip(f"user {NOBODY} cannot read the interpreter or this checkout")
    done = subprocess.run(
        [*command, SCRIPT, str(PACKAGE)], capture_output=True, text=True, cwd="/", timeout=120, **user
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["level"] == "process"
    assert "no cgroup" in told["about"] or "cgroup v2" in told["about"]
    assert (told["value"], told["environment"]) == (1, ["dict"])
    assert told["memory"]["error"]["type"] == "MemoryError"
    assert (told["cpu"], told["output"]) == ("ended", "output_limit")
    assert "Too many open files" in told["files"]["error"]["message"]
    assert told["fork"]["error"]["type"] == told["network"]["error"]["type"] == "PermissionError"
