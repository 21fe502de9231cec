"""Proof that an engine holds the weights of the folder it was told to load.

    expected = reference(folder)
    engine.load(folder)
    prove(engine, expected)        # raises WeightsMismatch

Some engines have loaded without an error and kept old or mixed weights, and what they wrote was plausible. So a few
fixed texts are scored by the engine, and by transformers from the folder; log-probabilities and greedy tokens must
agree. A difference below the rounding of the engine's number format, such as one tiny training step, is not seen.
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
    """Score the probe with transformers on the CPU, in float32; ModelError: the folder cannot be used."""
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
    """Compare the engine's answers with the reference; returns the largest difference of log-probabilities, in nats.

    Raises:
        WeightsMismatch: they differ by more than rounding; names the first position.
        EngineError: the engine cannot tell log-probabilities.
    """
    measured, ours = engine.measure(expected.probe_ids, NEW_TOKENS), expected.result
    tolerance = TOLERANCES[measured.dtype]
    differences: list[float] = []

    def compare(found: float, wanted: float, what: str) -> None:
        differences.append(abs(found - wanted))
        if not differences[-1] <= tolerance.largest:  # so that NaN fails too
            raise _mismatch(engine, expected, what.format(f"log-probability {found:.4f}"), f"{wanted:.4f}")

    for at, scores in enumerate(zip(measured.prompt_logprobs, ours.prompt_logprobs, strict=True)):
        for position, (found, wanted) in enumerate(zip(*scores, strict=True), start=2):
            compare(found, wanted, f"token {position} of probe {at + 1} {{}}")
        # Along a greedy continuation only as far as both agree on it; near a tie they need not.
        for step, (token, right) in enumerate(zip(measured.greedy_tokens[at], ours.greedy_tokens[at], strict=True)):
            if token != right:
                gap = ours.greedy_logprobs[at][step] - ours.runner_up_logprobs[at][step]
                if gap <= 2 * tolerance.largest:
                    break
                place = f"at step {step + 1} after probe {at + 1}"
                raise _mismatch(engine, expected, f"token {token} {place}", f"token {right}")
            place = f"{{}} at step {step + 1} after probe {at + 1}"
            compare(measured.greedy_logprobs[at][step], ours.greedy_logprobs[at][step], place)
    if fmean(differences) > tolerance.mean:
        raise _mismatch(
            engine,
            expected,
            f"{len(differences)} log-probabilities that are {fmean(differences):.2g} nats off on average",
            f"ones within {tolerance.mean:g} in {measured.dtype}",
        )
    return max(differences)


def _mismatch(engine: Engine, expected: Reference, found: str, wanted: str) -> WeightsMismatch:
    fresh = "load it into a fresh engine in a new process"
    remedy = "restart the server with this folder" if engine.kind == "server" else fresh
    return WeightsMismatch(
        f"the {engine.kind} engine does not hold the weights of {expected.folder}: it gives {found}, and "
        f"transformers computes {wanted} from that folder; {remedy}"
    )
