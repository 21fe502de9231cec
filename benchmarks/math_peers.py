"""The math verifier beside math-verify on the same pairs, in one run on one core: verdicts, speed, hostile text.

    make bench-install
    SELFPLAY_DATA=folder .venv-bench/bin/python benchmarks/math_peers.py [--rows 2000] [--only speed]

Ours runs as users run it, with supervision: the caller and its worker process share the core. math-verify runs in
the caller with its default settings and its own timeouts. A completion counts as accepted by math-verify where
`verify(parse(reference), parse(completion))` is true; bare references are given to it between dollar signs, as its
documentation asks.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import logging
import os
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from math_answers import Pair, compiled_pairs, latex_answers, own_pairs, short_answers

from selfplay.verifiers import Row, Supervisor, VerifierSpec


@dataclass
class Result:
    """What one verifier said, and how long it took."""

    accepted: list[bool]
    seconds: float
    each: list[float]
    undecided: int = 0
    faults: int = 0
    reasons: list[str] = field(default_factory=list)


def ours(pairs: Sequence[Pair], memory_mb: int = 2048) -> Result:
    rows = [Row(str(n), {"answer": pair.reference}, pair.completion) for n, pair in enumerate(pairs)]
    with Supervisor(VerifierSpec(verifier="math", settings={"answer": "whole"}), memory_mb=memory_mb) as supervisor:
        list(supervisor.judge([Row("warm", {"answer": "x+1"}, "1+x")]))
        began = time.perf_counter()
        judged = list(supervisor.judge(rows))
        seconds = time.perf_counter() - began
    verdicts = [judgement.verdict for judgement in judged]
    return Result(
        [verdict.outcome == "accepted" for verdict in verdicts],
        seconds,
        [judgement.seconds for judgement in judged],
        sum(verdict.outcome == "undecided" for verdict in verdicts),
        sum(verdict.reason == "fault" for verdict in verdicts),
        [verdict.reason for verdict in verdicts],
    )


class _Timeouts(logging.Handler):
    count = 0

    def emit(self, record: logging.LogRecord) -> None:
        self.count += "imeout" in record.getMessage()


def math_verify(pairs: Sequence[Pair]) -> Result:
    from math_verify import parse, verify

    timeouts = _Timeouts()
    for name in ("math_verify", "math_verify.parser", "math_verify.grader"):
        logger = logging.getLogger(name)
        logger.addHandler(timeouts)
        logger.propagate = False
    verify(parse("$x+1$"), parse("$1+x$"))
    accepted, each, failed = [], [], 0
    began = time.perf_counter()
    for pair in pairs:
        start = time.perf_counter()
        try:
            accepted.append(bool(verify(parse(f"${pair.reference}$"), parse(_delimited(pair.completion)))))
        except Exception as error:  # a peer's failure is counted, whatever it is
            failed += 1
            accepted.append(False)
            logging.getLogger(__name__).debug("math-verify: %s", error)
        each.append(time.perf_counter() - start)
    return Result(accepted, time.perf_counter() - began, each, 0, timeouts.count + failed)


def _delimited(completion: str) -> str:
    """A bare formula between dollar signs; a sentence or a marked answer as it is."""
    marked = any(sign in completion for sign in ("$", "\\boxed", "\\[", "\\(", "nswer", "####"))
    return completion if marked or len(completion.split()) > 12 else f"${completion}$"


PARTS = ["verdicts", "speed", "hostile"]
PEERS: dict[str, Callable[[Sequence[Pair]], Result]] = {"ours": ours, "math-verify": math_verify}


def labelled(title: str, pairs: list[Pair], show: bool) -> None:
    counts = Counter(pair.label for pair in pairs)
    print(f"\n### {title}\n")
    print(f"| | accepted of {counts['accept']} equal | of {counts['reject']} different | undecided | of these faults |")
    print("| --- | ---: | ---: | ---: | ---: |")
    results = {name: judge(pairs) for name, judge in PEERS.items()}
    for name, result in results.items():
        right = sum(said for said, pair in zip(result.accepted, pairs, strict=True) if pair.label == "accept")
        wrong = sum(said for said, pair in zip(result.accepted, pairs, strict=True) if pair.label == "reject")
        print(f"| {name} | {right} | {wrong} | {result.undecided} | {result.faults} |")
    mine, theirs = results["ours"], results["math-verify"]
    for at, pair in enumerate(pairs):
        wanted = pair.label == "accept"
        if mine.accepted[at] != wanted and theirs.accepted[at] == wanted:
            print(
                f"\nmath-verify is right, we are not: {pair.reference!r}, {pair.completion[:80]!r} ({mine.reasons[at]})"
            )
        elif show and mine.accepted[at] != wanted:
            print(f"\nneither is right: {pair.reference!r}, {pair.completion[:80]!r} ({mine.reasons[at]})")


def speed(title: str, pairs: list[Pair]) -> None:
    print(f"\n### {title}: {len(pairs)} completions, one core\n")
    print("| | completions/s | p50 ms | p99 ms | labels agreed with |\n| --- | ---: | ---: | ---: | ---: |")
    rates = {}
    for name, judge in PEERS.items():
        result = judge(pairs)
        rates[name] = len(pairs) / result.seconds
        agreed = sum(said == (pair.label == "accept") for said, pair in zip(result.accepted, pairs, strict=True))
        middle, late = (_quantile(result.each, q) * 1000 for q in (0.5, 0.99))
        print(f"| {name} | {rates[name]:,.0f} | {middle:.2f} | {late:.2f} | {agreed} |")
    print(f"\n{rates['ours'] / rates['math-verify']:.1f} times the peer's rate.")


def hostile(pairs: list[Pair]) -> None:
    result = ours(pairs, memory_mb=512)
    accepted = sum(result.accepted)
    print(f"\n### {len(pairs)} hostile completions, workers limited to 512 MiB of address space\n")
    print(f"accepted {accepted}, slowest {max(result.each):.2f} s, reasons {dict(Counter(result.reasons))}")


def _quantile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=2000, help="completions in each speed measurement")
    parser.add_argument("--show", action="store_true", help="also print pairs that neither verifier gets right")
    parser.add_argument("--only", choices=PARTS, help="one part of the tables, the others left out")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print(f"math-verify {importlib.metadata.version('math-verify')}, sympy {importlib.metadata.version('sympy')}")
    compiled = compiled_pairs()
    parts = [given.only] if given.only else PARTS
    if "verdicts" in parts:
        labelled("Pairs compiled from public suites", [p for p in compiled if p.label != "hostile"], given.show)
        labelled("Our own pairs (tests/verifiers/math/pairs.jsonl)", own_pairs(), given.show)
    if "speed" in parts:
        speed("Short numeric answers", short_answers(given.seed, given.rows))
        speed("LaTeX expressions", latex_answers(given.seed, given.rows))
    if "hostile" in parts:
        hostile([p for p in compiled if p.label == "hostile"])


if __name__ == "__main__":
    main()
