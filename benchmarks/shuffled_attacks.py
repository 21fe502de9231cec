"""Every hostile program shuffled among honest ones, through `selfplay verify code` with several workers.

    python benchmarks/shuffled_attacks.py [--honest 1000] [--workers 2] [--every 1]

Passes (exit code 0) when no attack is accepted or a fault, every honest program accepted, and no process is left of
this. The honest programs are the worked solutions of the procedural source `list_functions`.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

import psutil

from selfplay.tasks import load_source
from selfplay.verifiers.audit.attack_files import attacks
from selfplay.verifiers.sandbox.kernel import linux

SECONDS = 1.0
"""CPU time of one program."""
PR_SET_CHILD_SUBREAPER = 36
"""linux/prctl.h"""
GRACE = 5.0
"""Seconds in which what was killed must be gone."""


def run(honest: int, workers: int, every: int) -> tuple[Counter[tuple[str, str]], list[str], float]:
    """Counts of (honest or attack, outcome), what went wrong, and the seconds that it took."""
    problems = islice(load_source("list_functions", {}).problems("train", 0), honest)
    rows: list[dict[str, Any]] = [
        {"id": f"honest: {problem.id}", "reference": problem.reference, "completion": problem.solution}
        for problem in problems
    ]
    rows += [
        {"id": f"attack: {attack}", "reference": attack.reference, "completion": attack.program}
        for attack in attacks()[::every]
    ]
    random.Random(0).shuffle(rows)
    with tempfile.TemporaryDirectory() as folder:
        given, judged = Path(folder, "rows.jsonl"), Path(folder, "verdicts.jsonl")
        given.write_text("".join(json.dumps(row) + "\n" for row in rows))
        command = [
            sys.executable,
            "-m",
            "selfplay",
            "verify",
            "code",
            "--input",
            str(given),
            "--output",
            str(judged),
        ]
        already = _children()
        linux.prctl(PR_SET_CHILD_SUBREAPER, 1)  # an orphan of the command becomes a child of this process
        began = time.monotonic()
        done = subprocess.run(
            [*command, "--workers", str(workers), "--timeout", str(SECONDS)], capture_output=True, text=True
        )
        seconds = time.monotonic() - began
        if done.returncode:
            return Counter(), [f"exit code {done.returncode}: {done.stderr[-2000:]}"], seconds
        verdicts = [json.loads(line) for line in judged.read_text().splitlines()]
    wrong = (
        []
        if [v["id"] for v in verdicts] == [row["id"] for row in rows]
        else ["the verdicts are not in the rows' order"]
    )
    counted: Counter[tuple[str, str]] = Counter()
    for verdict in verdicts:
        kind = verdict["id"].partition(":")[0]
        counted[kind, verdict["outcome"]] += 1
        if (verdict["outcome"] == "accepted") != (kind == "honest") or verdict["reason"] == "fault":
            wrong.append(json.dumps(verdict)[:600])
    wrong += _left_behind(already)
    linux.prctl(PR_SET_CHILD_SUBREAPER, 0)
    return counted, wrong, seconds


def _children() -> set[psutil.Process]:
    """Processes below this one."""
    return set(psutil.Process().children(recursive=True))


def _left_behind(already: set[psutil.Process]) -> list[str]:
    """What a command has left running; the kernel is given a moment to bury what was killed."""
    _, alive = psutil.wait_procs(_children() - already, timeout=GRACE)
    return [f"process {process.pid} ({process.name()}, {process.status()}) is left" for process in alive]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--honest", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--every", type=int, default=1, help="take each n-th attack only")
    wanted = parser.parse_args()
    counted, wrong, seconds = run(wanted.honest, wanted.workers, wanted.every)
    print(f"{sum(counted.values())} programs, {wanted.workers} workers, {seconds:.0f} s")
    for (kind, outcome), count in sorted(counted.items()):
        print(f"  {kind:8} {outcome:10} {count:6}")
    print("\n".join(wrong))
    raise SystemExit(bool(wrong))


if __name__ == "__main__":
    main()
