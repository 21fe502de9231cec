"""The forward passes of the transformers engine: batched drawing, and log-probabilities of a probe.

Drawing is by inverse cumulative distribution: request `i` takes at step `t` the first token, in the order of token ids,
whose cumulative probability exceeds u(seed_i, t), with u from NumPy's PCG64. So only rounding depends on the batch,
which in float64 is about 1e-15.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from selfplay.engines.engine import ProbeResult

if TYPE_CHECKING:
    from selfplay.engines.engine_settings import SamplingSettings


@torch.inference_mode()
def probe(model: Any, probe_ids: list[list[int]], new_tokens: int) -> ProbeResult:
    """Log-probabilities of each probe and of its greedy continuation, one probe at a time, without
    padding."""
    prompts, tokens, logprobs, runners_up = [], [], [], []
    for ids in probe_ids:
        step = torch.tensor([ids], device=model.device)
        output = model(input_ids=step, use_cache=True)
        scores = torch.log_softmax(output.logits[0].double(), dim=-1)
        prompts.append(scores[:-1].gather(1, step[0, 1:, None]).squeeze(1).tolist())
        drawn, drawn_scores, second_scores = [], [], []
        for at in range(new_tokens):
            best = torch.topk(scores[-1], 2)
            drawn.append(int(best.indices[0]))
            drawn_scores.append(float(best.values[0]))
            second_scores.append(float(best.values[1]))
            if at + 1 < new_tokens:
                token = best.indices[:1].unsqueeze(0)
                output = model(input_ids=token, past_key_values=output.past_key_values, use_cache=True)
                scores = torch.log_softmax(output.logits[0].double(), dim=-1)
        tokens.append(drawn)
        logprobs.append(drawn_scores)
        runners_up.append(second_scores)
    return ProbeResult(prompts, tokens, logprobs, runners_up, str(model.dtype).removeprefix("torch."))


def draw_batch(
    model: Any,
    prompts: list[list[int]],
    seeds: list[int],
    limits: list[int],
    sampling: SamplingSettings,
    stop_ids: set[int],
    pad_id: int,
) -> Iterator[tuple[int, list[int], bool, float]]:
    """Draw one continuation for each prompt; yields (row, token ids, ended by a stop token, mean log-probability of the
    tokens in the model's own distribution) as each finishes.

    Args:
        prompts: token ids, of any lengths.
        seeds: one for each prompt.
        limits: tokens after which each is cut off.
        stop_ids: tokens that end a continuation; the token is the last of those yielded.
    """
    device = model.device
    width = max(map(len, prompts))
    step = torch.tensor([[pad_id] * (width - len(ids)) + ids for ids in prompts], device=device)
    mask = torch.tensor([[0] * (width - len(ids)) + [1] * len(ids) for ids in prompts], device=device)
    positions = (mask.cumsum(dim=1) - 1).clamp(min=0)
    uniform = np.stack([np.random.default_rng(seed).random(max(limits)) for seed in seeds])
    drawn: list[list[int]] = [[] for _ in prompts]
    total = [0.0] * len(prompts)
    rows = list(range(len(prompts)))
    open_rows = set(rows)
    cache = None
    for at in range(max(limits)):
        with torch.inference_mode():
            output = model(
                input_ids=step,
                attention_mask=mask,
                position_ids=positions,
                past_key_values=cache,
                use_cache=True,
                logits_to_keep=1,
            )
            cache = output.past_key_values
            logits = output.logits[:, -1, :].double()
            tokens = _choose(logits, sampling, torch.from_numpy(uniform[rows, at]).to(device))
            logprobs = logits.gather(-1, tokens.unsqueeze(-1)).squeeze(-1) - logits.logsumexp(dim=-1)
        for row, token, logprob in zip(rows, tokens.tolist(), logprobs.tolist(), strict=True):
            if row not in open_rows:
                continue
            drawn[row].append(token)
            total[row] += logprob
            if token in stop_ids or len(drawn[row]) == limits[row]:
                open_rows.discard(row)
                yield row, drawn[row], token in stop_ids, total[row] / len(drawn[row])
        if not open_rows:
            return
        with torch.inference_mode():
            if 4 * len(open_rows) <= 3 * len(rows):
                kept = torch.tensor([at for at, row in enumerate(rows) if row in open_rows], device=device)
                rows = [row for row in rows if row in open_rows]
                cache.batch_select_indices(kept)
                tokens, mask, positions = tokens[kept], mask[kept], positions[kept]
            step = tokens.unsqueeze(1)
            mask = torch.cat([mask, mask.new_ones(len(rows), 1)], dim=1)
            positions = positions[:, -1:] + 1


def _choose(logits: torch.Tensor, sampling: SamplingSettings, uniform: torch.Tensor) -> torch.Tensor:
    """The next token of each row; logits are [rows, vocabulary] in float64, uniform is [rows] in [0, 1)."""
    if sampling.temperature == 0:
        return logits.argmax(dim=-1)
    probabilities = torch.softmax(logits / sampling.temperature, dim=-1)
    if 0 < sampling.top_k < probabilities.shape[-1]:
        smallest_kept = torch.topk(probabilities, sampling.top_k, dim=-1).values[:, -1:]
        probabilities = probabilities.masked_fill(probabilities < smallest_kept, 0.0)
        probabilities /= probabilities.sum(dim=-1, keepdim=True)
    if sampling.top_p < 1:
        # Nucleus sampling (Holtzman et al., 2020): a token stays while those more likely than it hold less
        # than top_p.
        ordered, order = probabilities.sort(dim=-1, descending=True, stable=True)
        beyond = ordered.cumsum(dim=-1) - ordered >= sampling.top_p
        probabilities = probabilities.masked_fill(beyond.gather(-1, order.argsort(dim=-1)), 0.0)
    cumulative = probabilities.cumsum(dim=-1)
    total = cumulative[:, -1:]
    found = torch.searchsorted(cumulative, uniform.unsqueeze(1) * total, right=True).squeeze(1)
    # Rounding can put the target at the very end, past the last token that has any probability.
    last = (probabilities > 0).long().cumsum(dim=-1).argmax(dim=-1)
    return torch.minimum(found, last)
