"""Hostile programs: none may be accepted, the next honest one in the same worker must be, and nothing is left.

The programs are in verifiers/audit/attacks/programs. `python benchmarks/attacks.py` writes the table of how they ended.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from selfplay.verifiers.audit.attack_files import APART, HONEST, SETTINGS, Attack, attacks
from selfplay.verifiers.code import CodeVerifier
from selfplay.verifiers.contract.verifier import Asked
from selfplay.verifiers.sandbox.local_sandbox import LocalSandbox
from selfplay.verifiers.sandbox.protocol import LevelRefused

ATTACKS = attacks()
LEAST_MEMORY_KB = 30_000
"""What the worker may grow by over all attacks together: allocators keep some of what they once had."""


@pytest.fixture(scope="module", params=["namespaces", "landlock"])
def sandbox(request: pytest.FixtureRequest) -> Iterator[LocalSandbox]:
    try:
        made = LocalSandbox(lowest=request.param, levels=[request.param])
    except LevelRefused as error:
        pytest.skip(str(error))
    yield made
    made.close()


@pytest.fixture(scope="module")
def verifier(sandbox: LocalSandbox) -> CodeVerifier:
    return CodeVerifier(CodeVerifier.Settings.model_validate(SETTINGS), sandbox)


SHARED = ("/", "/tmp", "/dev/shm", "/usr", "/var/tmp", "/etc/cron.d", "~", os.path.dirname(os.__file__))
MARKS = (
    "selfplay-note",
    "selfplay-cache",
    "*owned*",
    "probe-by-attack",
    "sitecustomize.py",
    "cheat.pth",
    "conftest.py",
    "elsewhere",
    "core*",
)
WATCHED = [
    path for path in (os.__file__, json.__file__, os.path.expanduser("~/.bashrc"), "/dev/null") if os.path.exists(path)
]


def surroundings() -> dict[str, object]:
    """What an attack could leave behind: descendants of this process, descriptors, mounts, files in shared places."""
    return {
        "processes": descendants(os.getpid()),
        "descriptors": len(os.listdir("/proc/self/fd")),
        "mounts": mounts(),
        "marks": [str(place) for folder in SHARED for mark in MARKS for place in Path(folder).expanduser().glob(mark)],
        "files": [(*os.stat(path)[:4], os.stat(path).st_size) for path in WATCHED],
        "shared memory": [Path(f"/proc/sysvipc/{kind}").read_text() for kind in ("shm", "msg", "sem")],
        "host name": os.uname().nodename,
    }


def mounts() -> list[str]:
    """Mounts, without those of tests that run beside this one and fill a disk of their own."""
    lines = Path("/proc/self/mountinfo").read_text().splitlines()
    return [line for line in lines if "/pytest-of-" not in line]


def descendants(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += [int(child), *descendants(int(child))]
    return found


def memory_kb() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE") // 1024


@pytest.mark.parametrize("attack", ATTACKS, ids=str)
def test_no_attack_is_accepted_and_the_next_program_is_judged_right(
    sandbox: LocalSandbox, verifier: CodeVerifier, attack: Attack
) -> None:
    reference = CodeVerifier.Reference.model_validate(attack.reference)
    before, began = surroundings(), time.monotonic()
    verdict = verifier.verify(Asked(reference, attack.program))
    assert verdict.outcome == "rejected" or (verdict.reason == "open" and attack.form == "whole"), verdict
    assert time.monotonic() - began < 20
    honest = verifier.verify(Asked(reference, attack.honest))
    assert honest.outcome == "accepted", honest
    sandbox.clear()
    assert surroundings() == before


def test_a_program_with_a_nul_is_no_program(verifier: CodeVerifier) -> None:
    reference = CodeVerifier.Reference.model_validate(APART)
    assert verifier.verify(Asked(reference, "def f(x): return 31\0")).outcome == "rejected"


def test_memory_is_given_back(verifier: CodeVerifier) -> None:
    reference = CodeVerifier.Reference.model_validate(APART)
    floods = [
        attack.program for attack in ATTACKS if attack.group in ("channel", "exhaustion") and attack.form == "apart"
    ]
    quick = [text for text in floods if "C61" in text or "'x' * 5" in text or "1 << 400" in text] + [HONEST]
    for program in quick:
        verifier.verify(Asked(reference, program))
    before = memory_kb()
    for _ in range(3):
        for program in quick:
            verifier.verify(Asked(reference, program))
    assert memory_kb() - before < LEAST_MEMORY_KB


def test_every_published_attack_is_written_down() -> None:
    folder = os.environ.get("SELFPLAY_DATA")
    if not folder:
        pytest.skip("set SELFPLAY_DATA to the folder that holds code_attacks.jsonl")
    listed = [json.loads(line)["id"] for line in (Path(folder) / "code_attacks.jsonl").read_text().splitlines()]
    assert len(listed) == 40
    assert not [number for number in listed if not any(attack.name.startswith(f"{number} ") for attack in ATTACKS)]
    assert len({attack.name for attack in ATTACKS if not attack.name.startswith("C")}) > 60
