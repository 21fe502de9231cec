"""Whether many checks leave anything behind: memory, descriptors and processes while the code verifier works.

    python benchmarks/code_leaks.py [--checks 100000] [--workers 2] [--every 5000] [--figure leaks.png]

A mixture of asserts, check functions and scripts, right and wrong, with a program that kills itself, takes all its
memory or leaves a thread among every hundred. Each line of the table is one moment: resident memory in MB of this
process (the supervisor), of the workers and of the warm parents, open descriptors of all of them, living processes
below this one, and folders of our control groups (one for each controller).
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from selfplay.verifiers import Row, Supervisor, VerifierSpec
from selfplay.verifiers.audit.attack_files import APART, CASES, HONEST, HONEST_SCRIPT, WHOLE

HOSTILE = (
    "import os\ndef f(x): os.kill(os.getpid(), 9)",
    "def f(x): return bytearray(1 << 33)",
    "import threading, time\nthreading.Thread(target=time.sleep, args=(9,), daemon=True).start()\ndef f(x): return 0",
    "import os\nos._exit(0)",
)
COLUMNS = ("checks", "seconds", "supervisor MB", "workers MB", "parents MB", "descriptors", "processes", "groups")


def rows(count: int) -> Iterator[Row]:
    """`count` rows; the same in every run."""
    plain = [(APART, HONEST), (APART, "def f(x): return 0"), (WHOLE, HONEST), (CASES, HONEST_SCRIPT), (CASES, "1/0")]
    for number in range(count):
        reference, program = plain[number % len(plain)]
        if number % 100 == 99:
            reference, program = APART, HOSTILE[number // 100 % len(HOSTILE)]
        yield Row(str(number), reference, program)


def moment(checks: int, began: float) -> tuple[float, ...]:
    """One line of the table."""
    me = psutil.Process(os.getpid())
    families = {"workers": 0, "parents": 0}
    descriptors, processes, workers = me.num_fds(), 0, []
    for process in me.children(recursive=True):
        try:
            kind = "workers" if "selfplay.verifiers.workers.worker" in process.cmdline() else "parents"
            families[kind] += process.memory_info().rss
            descriptors += process.num_fds()
            workers += [process.pid] if kind == "workers" else []
            processes += 1
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue  # an execution that ended while it was looked at
    groups = sum(len([*Path("/sys/fs/cgroup").glob(f"**/selfplay-{pid}-*")]) for pid in workers)
    memory = [size / (1 << 20) for size in (me.memory_info().rss, families["workers"], families["parents"])]
    return (checks, time.monotonic() - began, *memory, descriptors, processes, groups)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checks", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--every", type=int, default=5_000)
    parser.add_argument("--figure", type=Path, help="a PNG of the table")
    wanted = parser.parse_args()
    table = []
    print("| " + " | ".join(COLUMNS) + " |\n|" + "--:|" * len(COLUMNS))
    began = time.monotonic()
    spec = VerifierSpec(verifier="code", settings={"timeout": 2.0, "memory_mb": 128})
    with Supervisor(spec, workers=wanted.workers) as supervisor:
        for number, judgement in enumerate(supervisor.judge(rows(wanted.checks)), start=1):
            if judgement.verdict.outcome == "undecided":
                print(f"undecided: {judgement.verdict}")
            if number % wanted.every == 0 or number == 500:
                table.append(moment(number, began))
                print("| " + " | ".join(f"{value:.0f}" for value in table[-1]) + " |", flush=True)
    if wanted.figure and table:
        draw(table, wanted.figure)


def draw(table: list[tuple[float, ...]], path: Path) -> None:
    """Every column over the number of checks, each in a panel that begins at zero."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, len(COLUMNS) - 2, figsize=(15, 2.6))
    for panel, column in zip(panels, range(2, len(COLUMNS)), strict=True):
        panel.plot([line[0] for line in table], [line[column] for line in table], marker=".")
        panel.set_title(COLUMNS[column], fontsize=9)
        panel.set_ylim(0, 1.25 * max(line[column] for line in table))
        panel.set_xticks([0, table[-1][0]], ["0", f"{table[-1][0]:,.0f}"])
        panel.tick_params(labelsize=7)
    figure.supxlabel("checks", fontsize=8)
    figure.tight_layout()
    figure.savefig(path, dpi=90)


if __name__ == "__main__":
    main()
