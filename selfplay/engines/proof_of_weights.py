"""Proof that an engine holds the weights of the folder it was told to load.

Loads that succeed and leave old or mixed weights behind are on record for several engines, and the text they
write is plausible. So before the first sample counts, a few fixed texts are scored by the engine, and by
transformers from the folder itself; log-probabilities and greedy tokens must agree.

    expected = reference(folder)
    engine.load(folder)
    prove(engine, expected)        # raises WeightsMismatch

What is covered: other weights, stale layers, a wrong tokenizer length, a wrong position encoding. What is not
covered: a difference smaller than the rounding of the engine's number format, such as one tiny training step
seen in bfloat16.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from selfplay.engines.engine import Engine, ProbeResult, set_threads
from selfplay.errors import ModelError, WeightsMismatch
from selfplay.models.folders import check_folder, context_length

PROBE_TEXTS = (
    "The sum of 12 and 35 is",
    "def area(width, height):\n    return",
    "Question: 7 - (3 - 9) / 2 = ?\nAnswer:",
    "It was the best of times, it was the worst of times",
)
NEW_TOKENS = 8


class Tolerance(NamedTuple):
    """Largest difference of log-probabilities that rounding explains, at one position and on average."""

    largest: float
    mean: float


TOLERANCES = {
    "float64": Tolerance(2e-3, 2e-4),
    "float32": Tolerance(5e-3, 5e-4),
    "float16": Tolerance(0.1, 0.02),
    "bfloat16": Tolerance(0.5, 0.06),
}
"""By the engine's number format; the reference is computed in float32, and on a GPU float32 may use TF32."""


@dataclass(frozen=True)
class Reference:
    """What transformers computes from a folder."""

    folder: Path
    probe_ids: list[list[int]]
    result: ProbeResult


def reference(folder: Path, *, trust_remote_code: bool = False) -> Reference:
    """Score the probe with transformers on the CPU, in float32.

    Raises:
        ModelError: the folder cannot be used.
    """
    check_folder(folder)
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    from selfplay.engines.forward_pass import probe

    logging.disable_progress_bar()
    set_threads(None, folder)
    tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=trust_remote_code)
    longest = (context_length(folder) or 1 << 30) - NEW_TOKENS
    probe_ids = [ids for ids in (tokenizer(text)["input_ids"][:longest] for text in PROBE_TEXTS) if len(ids) > 1]
    if not probe_ids:
        raise ModelError(f"the tokenizer or context of {folder} leaves nothing of the probe texts to score")
    model = AutoModelForCausalLM.from_pretrained(
        folder, dtype="float32", use_safetensors=True, trust_remote_code=trust_remote_code
    ).eval()
    return Reference(folder, probe_ids, probe(model, probe_ids, NEW_TOKENS))


def prove(engine: Engine, expected: Reference) -> float:
    """Compare the engine's answers with the reference.

    Returns:
        The largest difference of log-probabilities found, in nats.

    Raises:
        WeightsMismatch: they differ by more than rounding; names the first position.
        EngineError: the engine cannot tell log-probabilities.
    """
    measured = engine.measure(expected.probe_ids, NEW_TOKENS)
    tolerance = TOLERANCES[measured.dtype]
    differences: list[float] = []
    for number, (theirs, ours) in enumerate(
        zip(measured.prompt_logprobs, expected.result.prompt_logprobs, strict=True), start=1
    ):
        for position, (found, wanted) in enumerate(zip(theirs, ours, strict=True), start=2):
            differences.append(abs(found - wanted))
            # Written so that NaN fails too.
            if not differences[-1] <= tolerance.largest:
                raise _mismatch(
                    engine,
                    expected,
                    f"token {position} of probe {number} log-probability {found:.4f}",
                    f"{wanted:.4f}",
                )
        differences += _compare_greedy(engine, expected, measured, number - 1, tolerance)
    if fmean(differences) > tolerance.mean:
        raise _mismatch(
            engine,
            expected,
            f"{len(differences)} log-probabilities that are {fmean(differences):.2g} nats off on average",
            f"ones within {tolerance.mean:g} in {measured.dtype}",
        )
    return max(differences)


def _compare_greedy(
    engine: Engine, expected: Reference, measured: ProbeResult, at: int, tolerance: Tolerance
) -> list[float]:
    """Differences along one greedy continuation, as far as both agree on it."""
    ours = expected.result
    differences: list[float] = []
    steps = zip(measured.greedy_tokens[at], ours.greedy_tokens[at], strict=True)
    for step, (found, wanted) in enumerate(steps):
        if found != wanted:
            gap = ours.greedy_logprobs[at][step] - ours.runner_up_logprobs[at][step]
            if gap <= 2 * tolerance.largest:
                return differences
            raise _mismatch(
                engine, expected, f"token {found} at step {step + 1} after probe {at + 1}", f"token {wanted}"
            )
        difference = abs(measured.greedy_logprobs[at][step] - ours.greedy_logprobs[at][step])
        if not difference <= tolerance.largest:
            raise _mismatch(
                engine,
                expected,
                f"log-probability {measured.greedy_logprobs[at][step]:.4f} at step {step + 1} after probe {at + 1}",
                f"{ours.greedy_logprobs[at][step]:.4f}",
            )
        differences.append(difference)
    return differences


def _mismatch(engine: Engine, expected: Reference, found: str, wanted: str) -> WeightsMismatch:
    remedy = (
        "restart the server with this folder"
        if engine.kind == "server"
        else "load it into a fresh engine in a new process"
    )
    return WeightsMismatch(
        f"the {engine.kind} engine does not hold the weights of {expected.folder}: it gives {found}, and "
        f"transformers computes {wanted} from that folder; {remedy}"
    )
