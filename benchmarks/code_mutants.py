"""Does our verdict equal that of a plain trusted run of the same tests, on every one of thousands of programs?

    SELFPLAY_DATA=... python benchmarks/code_mutants.py [--problems 164] [--mutants 12] [--workers 2]

Every HumanEval problem is given its own solution, three other problems' solutions under its name, two stubs, and
mutants of its own solution (an operator, a constant or a comparison changed; evenly spread where there are more
than asked for). The plain run is HumanEval's own way: prompt, completion, tests and `check(entry_point)` as one
script, in a bare interpreter with limits on memory and CPU time. Prints the counts as a table and every
disagreement; exit code 1 where there is one. A program that spends its time is rejected by both.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

from code_checks import Check, PlainResult, humaneval_check, plain_runs, renamed, rows

from selfplay.verifiers import Judgement, Row, Supervisor, VerifierSpec
from selfplay.verifiers.audit.mutants import mutants

TIMEOUT = 3.0
OTHERS = (1, 7, 50)
"""How much further in the file the other problems stand."""
STUBS = {"returns None": "    return None\n", "raises": "    raise NotImplementedError\n"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=int, default=164, help="evenly spread over the file")
    parser.add_argument("--mutants", type=int, default=12, help="at most so many for each problem")
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    began = time.monotonic()
    problems = rows("humaneval.jsonl")
    count = min(asked.problems, len(problems))
    chosen = [place * len(problems) // count for place in range(count)]
    given = [entry for place in chosen for entry in programs(problems, place, asked.mutants)]
    checks = [check for _, check, _ in given]
    plain = plain_runs(checks, TIMEOUT, asked.workers)
    with Supervisor(VerifierSpec(verifier="code", settings={"timeout": TIMEOUT}), workers=asked.workers) as supervisor:
        judged = list(supervisor.judge(Row(check.id, check.reference, check.completion) for check in checks))
        print(f"{len(checks)} programs for {count} HumanEval problems, sandbox level {supervisor.sandbox_level}\n")
    differing = report(given, plain, judged)
    print(f"\n{len(differing)} disagreements, {time.monotonic() - began:.0f} s with {asked.workers} workers")
    for text in differing:
        print(text)
    return 1 if differing else 0


def programs(problems: list[dict[str, Any]], place: int, most: int) -> Iterator[tuple[str, Check, str]]:
    """Kind, program and what was changed, for one problem."""
    row = problems[place]
    task, solution = row["task_id"], row["canonical_solution"]
    yield "own solution", humaneval_check(row, f"{task}/own", solution), ""
    for distance in OTHERS:
        other = problems[(place + distance) % len(problems)]
        yield (
            "another problem's",
            humaneval_check(row, f"{task}/other+{distance}", renamed(other, row)),
            other["task_id"],
        )
    for name, body in STUBS.items():
        yield f"stub that {name}", humaneval_check(row, f"{task}/stub {name}", body), ""
    prompt_lines = row["prompt"].count("\n")
    made = mutants(row["prompt"] + solution, first_line=prompt_lines + 1)
    kept = min(most, len(made))
    for number in (step * len(made) // kept for step in range(kept)):
        mutant = made[number]
        completion = mutant.text.removeprefix(row["prompt"])
        yield f"mutant: {mutant.kind}", humaneval_check(row, f"{task}/mutant {number}", completion), mutant.change


def report(given: list[tuple[str, Check, str]], plain: list[PlainResult], judged: list[Judgement]) -> list[str]:
    """Print the table; return what differs, as text."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    differing = []
    for (kind, check, change), trusted, judgement in zip(given, plain, judged, strict=True):
        verdict = judgement.verdict
        agree = verdict.outcome == ("accepted" if trusted.passed else "rejected")
        told = ["programs", f"plain {'pass' if trusted.passed else 'fail'}", verdict.outcome]
        told += ["out of time, plain"] * trusted.timed_out + ["out of time, ours"] * (verdict.reason == "time_limit")
        for key in ("all", kind):
            counts[key].update([*told, "agree"] if agree else told)
        if not agree:
            ended = "passes" if trusted.passed else "runs out of time" if trusted.timed_out else "fails"
            differing.append(f"{check.id} ({change}): a plain run {ended}, ours says {verdict}")
    columns = ["programs", "plain pass", "plain fail", "accepted", "rejected", "undecided"]
    columns += ["out of time, plain", "out of time, ours", "agree"]
    print("| program | " + " | ".join(columns) + " |\n" + "| --- " * (len(columns) + 1) + "|")
    for kind in [*(key for key in counts if key != "all"), "all"]:
        print(f"| {kind} | " + " | ".join(str(counts[kind][column]) for column in columns) + " |")
    return differing


if __name__ == "__main__":
    raise SystemExit(main())
