"""Memory of the math verifier over 100,000 verdicts: caller and worker, as a table and a picture.

    SELFPLAY_DATA=folder python benchmarks/math_memory.py [--verdicts 100000] [--picture docs/math-memory.png]

Every verdict has a reference and an answer of its own: short numeric answers and LaTeX expressions in turn.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
from math_answers import latex_answers, short_answers

from selfplay.verifiers import Row, Supervisor, VerifierSpec

BATCH = 2_000


def rows(count: int) -> Iterator[Row]:
    number = 0
    for seed in itertools.count():
        for pair in (*short_answers(seed, BATCH // 2), *latex_answers(seed, BATCH // 2)):
            if number == count:
                return
            yield Row(str(number), {"answer": pair.reference}, pair.completion)
            number += 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--verdicts", type=int, default=100_000)
    parser.add_argument("--picture", type=Path, help="where to draw the curve")
    given = parser.parse_args()
    me = psutil.Process()
    print("| verdicts | caller MiB | worker MiB | descriptors | seconds |\n| ---: | ---: | ---: | ---: | ---: |")
    began = time.perf_counter()
    seen: list[tuple[int, float, float]] = []
    with Supervisor(VerifierSpec(verifier="math", settings={"answer": "marked"})) as supervisor:
        for number, _ in enumerate(supervisor.judge(rows(given.verdicts)), 1):
            if number % max(1, given.verdicts // 20) == 0:
                worker = sum(child.memory_info().rss for child in me.children(recursive=True)) / 2**20
                seen.append((number, me.memory_info().rss / 2**20, worker))
                print(
                    f"| {number:,} | {seen[-1][1]:.0f} | {worker:.0f} | {me.num_fds()} "
                    f"| {time.perf_counter() - began:.0f} |",
                    flush=True,
                )
    if given.picture:
        draw(seen, given.picture)


def draw(seen: list[tuple[int, float, float]], picture: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 3.2))
    axes.plot([row[0] for row in seen], [row[2] for row in seen], marker="o", label="worker")
    axes.plot([row[0] for row in seen], [row[1] for row in seen], marker="o", label="caller")
    axes.set(xlabel="verdicts", ylabel="resident memory, MiB", ylim=(0, None))
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.tight_layout()
    figure.savefig(picture, dpi=150)


if __name__ == "__main__":
    main()
