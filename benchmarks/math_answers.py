"""The answers that the math benchmarks are run on: labelled pairs, and many short and LaTeX ones made from a seed."""

from __future__ import annotations

import json
import os
import random
from dataclasses import dataclass
from pathlib import Path

OWN_PAIRS = Path(__file__).parent.parent / "tests/verifiers/math/pairs.jsonl"


@dataclass(frozen=True)
class Pair:
    """A reference, a completion, and what an ideal verifier says of them."""

    reference: str
    completion: str
    label: str
    """accept, reject, or hostile (anything but accepted)."""
    kind: str


def data_file(name: str) -> Path:
    folder = os.environ.get("SELFPLAY_DATA")
    path = Path(folder) / name if folder else None
    if path is None or not path.is_file():
        raise SystemExit(f"SELFPLAY_DATA must name a folder that holds {name}")
    return path


def compiled_pairs() -> list[Pair]:
    """The pairs compiled for this project from public test suites and issue threads (math_cases.jsonl)."""
    rows = map(json.loads, data_file("math_cases.jsonl").read_text(encoding="utf-8").splitlines())
    return [
        Pair(row["reference"], row["answer"], row["label"].removeprefix("policy-"), row["category"]) for row in rows
    ]


def own_pairs() -> list[Pair]:
    """The pairs in tests/ that state nothing but a reference's answer and a label."""
    rows = map(json.loads, OWN_PAIRS.read_text(encoding="utf-8").splitlines())
    return [
        Pair(row["reference"]["answer"], row["completion"], row["label"], row["kind"])
        for row in rows
        if row["mode"] == "whole" and set(row["reference"]) == {"answer"} and row["label"] in ("accept", "reject")
    ]


def short_answers(seed: int, count: int) -> list[Pair]:
    """GSM8K's human solutions, with the answer boxed; every second one is another problem's."""
    rows = map(json.loads, data_file("gsm8k_test.jsonl").read_text(encoding="utf-8").splitlines())
    solutions = [row["answer"].rpartition("####") for row in rows]
    chosen = random.Random(seed).choices(solutions, k=count)
    pairs = []
    for number, (worked, _, answer) in enumerate(chosen):
        given = answer.strip() if number % 2 == 0 else str(int(answer.replace(",", "")) + 1)
        completion = f"{worked.strip()}\nThe answer is $\\boxed{{{given}}}$."
        pairs.append(
            Pair(answer.strip().replace(",", ""), completion, "accept" if number % 2 == 0 else "reject", "short")
        )
    return pairs


def latex_answers(seed: int, count: int) -> list[Pair]:
    """Boxed LaTeX answers in another form than their reference (procedural), every second one wrong."""
    dice = random.Random(seed)
    pairs = []
    for number in range(count):
        reference, same, other = _WRITERS[number % len(_WRITERS)](dice)
        right = (number // len(_WRITERS)) % 2 == 0
        completion = f"Collecting what we have,\nthe answer is $\\boxed{{{same if right else other}}}$."
        pairs.append(Pair(reference, completion, "accept" if right else "reject", "latex"))
    return pairs


Forms = tuple[str, str, str]
"""A reference, an equal form of it, and a different one."""


def _fraction(dice: random.Random) -> Forms:
    top, bottom, factor = dice.randint(1, 99), dice.randint(2, 99), dice.randint(2, 9)
    return (
        rf"\frac{{{top}}}{{{bottom}}}",
        rf"\dfrac{{{top * factor}}}{{{bottom * factor}}}",
        rf"\frac{{{top + 1}}}{{{bottom}}}",
    )


def _polynomial(dice: random.Random) -> Forms:
    a, b = dice.randint(-20, 20), dice.randint(-20, 20)
    return (rf"x^2 + {a + b}x + {a * b}", rf"(x + {a})(x + {b})", rf"(x + {a})(x + {b + 1})")


def _root(dice: random.Random) -> Forms:
    inside, factor = dice.choice([2, 3, 5, 6, 7, 10, 11, 13]), dice.randint(2, 12)
    return (rf"{factor}\sqrt{{{inside}}}", rf"\sqrt{{{inside * factor**2}}}", rf"{factor + 1}\sqrt{{{inside}}}")


def _interval(dice: random.Random) -> Forms:
    low, width = dice.randint(-50, 50), dice.randint(1, 50)
    return (
        rf"\left[{low}, {low + width}\right)",
        rf"{low} \le x < {low + width}",
        rf"\left({low}, {low + width}\right)",
    )


def _sum_of_roots(dice: random.Random) -> Forms:
    a, b = dice.randint(1, 30), dice.randint(2, 30)
    return (
        rf"\frac{{{a}+\sqrt{{{b}}}}}{{2}}",
        rf"\frac{{{a}}}{{2}}+\frac{{\sqrt{{{b}}}}}{{2}}",
        rf"\frac{{{a}-\sqrt{{{b}}}}}{{2}}",
    )


def _pair(dice: random.Random) -> Forms:
    a, b, c = dice.randint(-9, 9), dice.randint(2, 30), dice.randint(2, 9)
    return (
        rf"\left({a}, \frac{{{b}}}{{{c}}}\right)",
        rf"({a}, \tfrac{{{2 * b}}}{{{2 * c}}})",
        rf"(\frac{{{b}}}{{{c}}}, {a})",
    )


def _trigonometric(dice: random.Random) -> Forms:
    a = dice.randint(2, 30)
    return (rf"{a}\sin(2x)", rf"{2 * a}\sin x \cos x", rf"{a}\cos(2x)")


def _set(dice: random.Random) -> Forms:
    values = dice.sample(range(-50, 50), 4)
    shuffled = values[:]
    dice.shuffle(shuffled)
    return tuple(rf"\{{{', '.join(map(str, each))}\}}" for each in (values, shuffled, values[:3]))  # type: ignore[return-value]


_WRITERS = [_fraction, _polynomial, _root, _interval, _sum_of_roots, _pair, _trigonometric, _set]
