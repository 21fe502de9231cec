from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import selfplay
from selfplay.verifiers.sandbox.local_sandbox import LocalSandbox
from selfplay.verifiers.sandbox.protocol import LEVELS, Execution, LevelRefused, Limits, SandboxError, Stopped


@pytest.fixture(scope="module", params=LEVELS)
def sandbox(request: pytest.FixtureRequest) -> Iterator[LocalSandbox]:
    try:
        made = LocalSandbox(lowest=request.param, levels=[request.param])
    except LevelRefused as error:
        pytest.skip(str(error))
    yield made
    made.close()


def begin(sandbox: LocalSandbox, program: str, limits: Limits | None = None) -> Execution:
    execution = sandbox.spawn("candidate", limits or Limits())
    execution.send({"mode": "calls", "programs": [program], "setup": "", "calls": [["f", ["list"], ["dict"]]] * 3})
    deadline = time.monotonic() + 10
    execution.wait_ready(deadline)
    assert execution.receive(deadline) == {"program": 0}
    return execution


def value_of(sandbox: LocalSandbox, program: str, limits: Limits | None = None) -> Any:
    with begin(sandbox, program, limits) as execution:
        return execution.receive(time.monotonic() + 10)


def test_each_execution_is_fresh(sandbox: LocalSandbox) -> None:
    program = "import builtins\nseen = hasattr(builtins, 'mark')\nbuiltins.mark = 1\ndef f(): return seen"
    for _ in range(2):
        assert value_of(sandbox, program) == {"value": False}


def test_the_environment_and_descriptors_are_empty(sandbox: LocalSandbox) -> None:
    program = """
import os
def f():
    held = []
    for number in range(256):
        try:
            os.fstat(number)
        except OSError:
            continue
        held.append(number)
    return [dict(os.environ), held]
"""
    assert value_of(sandbox, program) == {"value": ["list", ["dict"], ["list", 0, 1, 2, 3]]}


def test_the_hash_seed_and_chance_are_the_same_in_every_run(sandbox: LocalSandbox) -> None:
    program = "import random\ndef f(): return [*map(str, {'a', 'b', 'c', 'd'}), random.random()]"
    assert value_of(sandbox, program) == value_of(sandbox, program)


def test_memory_time_and_files_are_bounded(sandbox: LocalSandbox) -> None:
    told = value_of(sandbox, "def f(): return bytearray(1 << 28)[0]", Limits(memory_mb=64))
    assert told["error"]["type"] == "MemoryError"
    assert value_of(sandbox, "def f(): return bytearray(1 << 28)[0]", Limits(memory_mb=512)) == {"value": 0}
    with begin(sandbox, "def f():\n    while True: pass", Limits(cpu_seconds=0.1)) as execution:
        with pytest.raises(Stopped, match="ended"):
            execution.receive(time.monotonic() + 20)
        ending = execution.close()
    assert ending is not None
    assert (ending.code, round(ending.cpu_seconds)) == (-signal.SIGKILL, 2)
    told = value_of(sandbox, "import os\ndef f():\n    while True: os.dup(0)")
    assert "Too many open files" in told["error"]["message"]


def test_a_deadline_ends_what_sleeps(sandbox: LocalSandbox) -> None:
    began = time.monotonic()
    sleeper = begin(sandbox, "import time\ndef f(): time.sleep(60)")
    with sleeper, pytest.raises(Stopped, match="time_limit"):
        sleeper.receive(time.monotonic() + 0.2)
    assert time.monotonic() - began < 5


def test_an_ordinary_program_finds_the_standard_library(sandbox: LocalSandbox) -> None:
    names = (
        "asyncio sqlite3 ssl ctypes lzma bz2 decimal json unittest xml.etree.ElementTree zoneinfo concurrent.futures"
    )
    program = f"def f():\n    for name in {names.split()}: __import__(name)\n    return 1"
    assert value_of(sandbox, program) == {"value": 1}
    threads = """
import threading
def f():
    done = []
    thread = threading.Thread(target=done.append, args=(1,))
    thread.start()
    thread.join()
    return done
"""
    assert value_of(sandbox, threads) == {"value": ["list", 1]}


def test_installed_packages_are_not_there(sandbox: LocalSandbox) -> None:
    if sandbox.level == "process":
        pytest.skip("files can be read at this level")
    program = """
import os, sys
def f():
    import json
    folder = os.path.join(os.path.dirname(os.path.dirname(json.__file__)), "site-packages")
    try:
        return os.listdir(folder)
    except OSError:
        return []
"""
    assert value_of(sandbox, program) == {"value": ["list"]}


def test_scratch_space_is_there_and_bounded(sandbox: LocalSandbox) -> None:
    if sandbox.level != "namespaces":
        pytest.skip("only the level `namespaces` has a place to write")
    program = """
def f():
    with open("a.txt", "w") as file: file.write("kept")
    try:
        for number in range(100):
            with open(f"{number}", "wb") as file: file.write(b"x" * (1 << 20))
    except OSError as error:
        return [error.strerror, number, open("a.txt").read()]
"""
    answer = value_of(sandbox, program, Limits(scratch_mb=8))
    assert answer == {"value": ["list", "No space left on device", 7, "kept"]}
    assert value_of(sandbox, "import os\ndef f(): return os.listdir('.')") == {"value": ["list"]}


def test_nothing_of_the_machine_is_in_sight(sandbox: LocalSandbox) -> None:
    if sandbox.level != "namespaces":
        pytest.skip("only the level `namespaces` has a root of its own")
    program = f"import os\ndef f(): return [os.getpid(), os.path.exists({__file__!r}), os.path.exists('/proc/self')]"
    assert value_of(sandbox, program) == {"value": ["list", 1, False, False]}


def test_many_executions_leave_nothing_behind(sandbox: LocalSandbox) -> None:
    def state() -> tuple[int, int, int]:
        memory = int(Path("/proc/self/statm").read_text().split()[1])
        children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
        return len(os.listdir("/proc/self/fd")), len(children), memory

    for _ in range(50):
        value_of(sandbox, "def f(): return 1")
    before = state()
    for _ in range(200):
        value_of(sandbox, "def f(): return 1")
    after = state()
    assert after[:2] == before[:2]
    assert after[2] - before[2] < 500


def test_it_dies_with_the_process_that_made_it(sandbox: LocalSandbox) -> None:
    script = f"""
import sys, time
from selfplay.verifiers.sandbox.protocol import Limits
from selfplay.verifiers.sandbox.local_sandbox import LocalSandbox
made = LocalSandbox(lowest={sandbox.level!r}, levels=[{sandbox.level!r}])
run = made.spawn("candidate", Limits(cpu_seconds=100))
run.send({{"mode": "calls", "programs": ["while True: pass"], "setup": "", "calls": []}})
run.wait_ready(time.monotonic() + 10)
run.receive(time.monotonic() + 10)
print("running", flush=True)
time.sleep(100)
"""
    root = str(Path(selfplay.__file__).parent.parent)
    maker = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": root}
    )
    assert maker.stdout is not None
    assert maker.stdout.readline() == b"running\n"
    family = descendants(maker.pid)
    assert len(family) >= 2
    maker.kill()
    maker.wait()
    maker.stdout.close()
    deadline = time.monotonic() + 10
    while (
        left := [pid for pid in family if Path(f"/proc/{pid}").exists() and not zombie(pid)]
    ) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not left


def descendants(pid: int) -> list[int]:
    found = []
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        found += [int(child), *descendants(int(child))]
    return found


def zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_a_warm_parent_that_dies_is_an_error_of_the_sandbox(sandbox: LocalSandbox) -> None:
    with LocalSandbox(lowest=sandbox.level, levels=[sandbox.level]) as another:
        assert another._parent is not None
        another._parent.kill()
        another._parent.wait()
        with pytest.raises(SandboxError):
            another.spawn("candidate", Limits())
    with pytest.raises(SandboxError, match="closed"):
        another.spawn("candidate", Limits())


@pytest.mark.skipif(os.geteuid() != 0, reason="this is about root alone")
def test_root_is_refused_the_level_that_protects_no_file() -> None:
    with pytest.raises(LevelRefused, match="as root it would leave every file of the machine writable"):
        LocalSandbox(lowest="process", levels=["process"])


def test_a_level_that_cannot_be_had_is_refused_in_words() -> None:
    script = """
from selfplay.verifiers.sandbox import local_sandbox, protocol
from selfplay.verifiers.sandbox.kernel import linux, seccomp
# a filter like that of a container: neither namespaces nor Landlock
seccomp.ALLOWED[linux.machine] = {str(n): n for n in range(470) if n not in (272, 97, 444, 445, 446, 308, 268)}
guards = {key: value for key, value in seccomp.GUARDED[linux.machine].items() if key == "none"}
seccomp.GUARDED[linux.machine] = guards
seccomp._guards = lambda pid: {}
linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
linux.walk([seccomp.step(seccomp.build(1))])
try:
    local_sandbox.LocalSandbox()
except protocol.LevelRefused as error:
    print(error)
try:
    print(local_sandbox.LocalSandbox(lowest="process").level)
except protocol.LevelRefused as error:
    print(error)
"""
    root = str(Path(selfplay.__file__).parent.parent)
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": root},
        timeout=60,
    )
    said = done.stdout.splitlines()
    assert "no sandbox of level `landlock` or better" in said[0], done.stderr
    assert "namespaces: " in said[0]
    assert "landlock: " in said[0]
    assert "set `sandbox` to a lower level" in said[0]
    assert "process: as root" in said[1] if os.geteuid() == 0 else said[1] == "process"
