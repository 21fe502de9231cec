from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import selfplay
from selfplay.verifiers import Row, Supervisor, VerifierSpec
from selfplay.verifiers.sandbox.kernel import cgroups
from selfplay.verifiers.sandbox.kernel.cgroups import Absent, ControlGroup
from selfplay.verifiers.sandbox.local_sandbox import LocalSandbox
from selfplay.verifiers.sandbox.protocol import Limits


@pytest.fixture
def group() -> Iterator[ControlGroup]:
    try:
        made = ControlGroup()
    except Absent as error:
        pytest.skip(f"no control group can be written here: {error}")
    yield made
    made.remove()
    assert not [folder for folder in made.folders if folder.exists()]


def held_by(group: ControlGroup, program: str) -> subprocess.CompletedProcess[str]:
    """A process that joins the group before it runs the program."""
    waits = subprocess.Popen([sys.executable, "-c", f"input()\n{program}"], stdin=subprocess.PIPE, stdout=-1, text=True)
    group.hold(waits.pid)
    said, _ = waits.communicate("\n", timeout=60)
    return subprocess.CompletedProcess([], waits.returncode, said)


def test_memory_is_bounded_together_with_what_the_kernel_holds(group: ControlGroup) -> None:
    if "memory" not in group.about:
        pytest.skip("the memory controller cannot be written here")
    program = "held = bytearray(b'x') * {} * (1 << 20)\nprint(len(held))"
    most = cgroups.BASE_MB
    assert held_by(group, program.format(most // 2)).stdout.strip() == str(most // 2 << 20)
    assert held_by(group, program.format(most * 2)).returncode == -9
    group.allow(1, most * 2)
    assert held_by(group, program.format(most * 2)).returncode == 0


def test_processes_are_counted(group: ControlGroup) -> None:
    if "pids" not in group.about:
        pytest.skip("the pids controller cannot be written here")
    forks = """
import os, time
made = 0
try:
    while made < 500:
        if os.fork() == 0:
            time.sleep(2)
            os._exit(0)
        made += 1
except OSError:
    pass
print(made)
"""
    assert int(held_by(group, forks).stdout) == cgroups.BASE_PIDS - 1


def test_the_sandbox_is_in_one_and_says_so(confined: LocalSandbox, outcome: Callable[..., Any]) -> None:
    assert confined.about.startswith(confined.level)
    if "no cgroup" in confined.about:
        pytest.skip(confined.about)
    assert confined._group is not None
    with confined.spawn("candidate", Limits()) as execution:
        execution.wait_ready(time.monotonic() + 10)
        for folder in confined._group.folders:
            assert len((folder / "cgroup.procs").read_text().split()) >= 2
    assert outcome(confined, "def f(): return 1") == 1


def test_it_goes_with_the_sandbox_also_when_its_maker_is_killed(group: ControlGroup) -> None:
    beside = group.folders[0].parent
    before = set(beside.glob("selfplay-*"))
    with LocalSandbox():
        assert len(set(beside.glob("selfplay-*")) - before) == 1
    assert set(beside.glob("selfplay-*")) <= before
    script = """
import time
from selfplay.verifiers.sandbox.local_sandbox import LocalSandbox
made = LocalSandbox()
print('made', flush=True)
time.sleep(60)
"""
    root = str(Path(selfplay.__file__).parent.parent)
    maker = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": root}
    )
    assert maker.stdout is not None
    assert maker.stdout.readline() == b"made\n"
    assert list(beside.glob(f"selfplay-{maker.pid}-*"))
    maker.kill()
    maker.wait()
    maker.stdout.close()
    assert gone(beside, f"selfplay-{maker.pid}-*")


def test_supervised_workers_leave_none(group: ControlGroup) -> None:
    beside = group.folders[0].parent
    before = set(beside.glob("selfplay-*"))
    rows = [Row("1", {"entry_point": "f", "tests": ["assert f(1) == 1"]}, "def f(x): return x")]
    with Supervisor(VerifierSpec(verifier="code", settings={"timeout": 5})) as supervisor:
        assert next(iter(supervisor.judge(rows))).verdict.outcome == "accepted"
        mine = set(beside.glob("selfplay-*")) - before
    deadline = time.monotonic() + 10
    while (left := [folder for folder in mine if folder.exists()]) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not left


def gone(folder: Path, pattern: str) -> bool:
    deadline = time.monotonic() + 10
    while (left := list(folder.glob(pattern))) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not left


def test_without_one_the_sandbox_works_and_says_why(
    monkeypatch: pytest.MonkeyPatch, outcome: Callable[..., Any]
) -> None:
    monkeypatch.setattr(cgroups, "CONTROLLERS", ())
    with pytest.raises(Absent):
        ControlGroup()
    with LocalSandbox(control_group=False) as sandbox:
        assert "no cgroup: not asked for" in sandbox.about
        assert outcome(sandbox, "def f(): return 1") == 1
