"""Verdicts a second through one supervised worker process, on the quickstart's two task families.

    python benchmarks/verdicts.py [--rows 1000]

Half of the completions are worked solutions, half are the solution of another problem.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from itertools import islice, pairwise

from selfplay.tasks import load_source
from selfplay.verifiers import Row, Supervisor, VerifierSpec

CASES = {"polynomials": ("math", {"answer": "whole"}), "list_functions": ("code", {"timeout": 2.0})}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1000, help="completions of each family")
    wanted = parser.parse_args().rows
    for source, (verifier, settings) in CASES.items():
        problems = list(islice(load_source(source, {}).problems("train", 0), wanted // 2 + 1))
        pairs = [*zip(problems, problems, strict=True), *pairwise(problems)]
        rows = [Row(str(n), asked.reference, solved.solution or "") for n, (asked, solved) in enumerate(pairs)]
        with Supervisor(VerifierSpec(verifier=verifier, settings=settings)) as supervisor:
            list(supervisor.judge(rows[:10]))
            began = time.perf_counter()
            outcomes = Counter(judgement.verdict.outcome for judgement in supervisor.judge(rows))
            seconds = time.perf_counter() - began
        print(f"{source:16} {len(rows) / seconds:8.0f} verdicts/s  {dict(outcomes)}  {supervisor.sandbox_level or ''}")


if __name__ == "__main__":
    main()
