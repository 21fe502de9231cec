"""How far reasoning-gym's own scorers can be trusted: for each family that is offered, what is accepted.

    python benchmarks/reasoning_gym_scorers.py [--entries 5]

Columns: the entry's own answer; another entry's; a fixed word; three answers at once ("A or B or C"); the own answer in
a sentence ("The answer is A"). Only the first should be accepted everywhere; the last is a matter of taste.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import warnings
from itertools import islice

from selfplay.tasks import load_source
from selfplay.tasks.reasoning_gym import REFUSED
from selfplay.verifiers import load

KINDS = ("own", "another's", "a word", "three at once", "in a sentence")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--entries", type=int, default=5, help="entries of each family")
    entries = parser.parse_args().entries
    from reasoning_gym.factory import DATASETS

    verifier = load("reasoning_gym")
    print(f"{'family':28}", *(f"{kind:>14}" for kind in KINDS))
    offered = 0
    for family in sorted(DATASETS):
        if family in REFUSED:
            print(f"{family:28} not offered: {REFUSED[family]}")
            continue
        problems = list(islice(load_source(f"reasoning_gym:{family}", {}).problems("train", 0), entries))
        offered += 1
        counts = dict.fromkeys(KINDS, 0)
        asked = dict.fromkeys(KINDS, 0)
        answers = [problem.solution for problem in problems]
        for place, problem in enumerate(problems):
            own, other, third = (answers[(place + step) % len(answers)] for step in (0, 1, 2))
            tried = {"a word": "banana"}
            if own is not None:
                tried |= {"own": own, "in a sentence": f"The answer is {own}"}
                if other not in (own, None):
                    tried |= {"another's": str(other), "three at once": f"{own} or {other} or {third}"}
            for kind, answer in tried.items():
                with contextlib.redirect_stdout(io.StringIO()):  # some scorers print
                    verdict = verifier.verify(problem.reference, answer)
                asked[kind] += 1
                counts[kind] += verdict.outcome == "accepted"
        print(f"{family:28}", *(f"{f'{counts[kind]} of {asked[kind]}':>14}" for kind in KINDS), flush=True)
    print(f"{offered} of {len(DATASETS)} families are offered")


if __name__ == "__main__":
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # sympy's deprecations in their code
        main()
