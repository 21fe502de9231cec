"""The `calculation` verifier on the human solutions of GSM8K, and on the same solutions with one result changed.

    SELFPLAY_DATA=folder python benchmarks/calculation_gsm8k.py [--wrong]

A changed solution has the result of one annotation, and of the text beside it, raised by one: a step that is false.
`--wrong` prints the human steps that it rejects.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import time
from collections import Counter
from pathlib import Path
from random import Random

from selfplay.verifiers import load

ANNOTATION = re.compile(r"<<([^<>]*=)(\d+)>>(\d+)")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--wrong", action="store_true")
    wanted = parser.parse_args()
    loaded = load("calculation")
    for part in ("train", "test"):
        file = Path(os.environ["SELFPLAY_DATA"]) / f"gsm8k_{part}.jsonl"
        answers = [json.loads(line)["answer"] for line in file.read_text(encoding="utf-8").splitlines()]
        human: Counter[str] = Counter()
        changed: Counter[str] = Counter()
        steps = unread = 0
        began = time.process_time()
        for number, answer in enumerate(answers):
            verdict = loaded.verify({}, answer)
            human[verdict.outcome] += 1
            steps += int(str(verdict.detail.get("steps", 0)))
            unread += int(str(verdict.detail.get("unread", 0)))
            if wanted.wrong and verdict.outcome == "rejected":
                print(f"  row {number + 1}: {verdict.detail['step']}")
        seconds = time.process_time() - began
        for number, answer in enumerate(answers):
            if wrong := with_a_false_step(answer, Random(number)):
                changed[loaded.verify({}, wrong).outcome] += 1
        print(f"{part}: {len(answers)} human solutions {dict(human)}, {steps} true steps, {unread} unread")
        print(
            f"{part}: {changed.total()} with one false step {dict(changed)}; {1e3 * seconds / len(answers):.1f} ms each"
        )


def with_a_false_step(answer: str, random: Random) -> str | None:
    """The solution with one whole result raised by one; None where no annotation has a whole result."""
    found = list(ANNOTATION.finditer(answer))
    if not found:
        return None
    one = random.choice(found)
    value = int(one[2]) + 1
    return f"{answer[: one.start()]}<<{one[1]}{value}>>{value}{answer[one.end() :]}"


if __name__ == "__main__":
    main()
