"""A verifier as a reward of PrimeIntellect's `verifiers` (0.4), over the HTTP service.

Their package and ours have one import name, so both cannot be in one environment. This file imports nothing of ours:
copy it into the environment of theirs, under any name, and start `selfplay serve-verifiers` beside it.

    import verifiers.v1 as vf
    from selfplay_reward import reward_function      # the copy of this file

    right = reward_function("math", url="http://127.0.0.1:8010")

A task's `@vf.reward` method awaits `right(task, trace)`; or, without a line of code, give
`--env.taskset.task.rewards.right.fn path/to/file.py:right`. An undecided verdict raises, so that the rollout counts as
failed and not as wrong. What is not covered: rollouts of one group are sent one by one.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Literal

import httpx

TOKEN_VARIABLE = "SELFPLAY_SERVE_TOKEN"
BUSY = (429, 503)


class Undecided(RuntimeError):
    """The completion was neither proved right nor shown wrong."""


class Refused(RuntimeError):
    """The service does not judge this: the request, the token or the service itself is at fault."""


def reward_function(
    verifier: str,
    *,
    url: str = "http://127.0.0.1:8010",
    reference: str | Mapping[str, str] = "reference",
    reward: Literal["outcome", "score"] = "outcome",
    patience: float = 300.0,
) -> Callable[[Any, Any], Awaitable[float]]:
    """The coroutine function `(task, trace) -> float`; `task` is the task's data, `trace` the rollout.

    Args:
        verifier: a name that the service lists.
        url: of the service; its token is read from SELFPLAY_SERVE_TOKEN.
        reference: the field of the task's data that holds the reference, or a field for each of its keys.
        reward: `outcome`: 1.0 for accepted, 0.0 for rejected; `score`: the verdict's score where it has one.
        patience: seconds for a verdict, a full or starting service included.

    The function raises Undecided, or Refused with the service's own sentence.
    """

    async def judged(task: Any, trace: Any) -> float:
        if isinstance(reference, str):
            wanted = getattr(task, reference)
        else:
            wanted = {key: getattr(task, field) for key, field in reference.items()}
        row = {"id": str(task.idx), "reference": wanted, "completion": trace.last_reply}
        if isinstance(task.prompt, str):
            row["prompt"] = task.prompt
        async with asyncio.timeout(patience):
            (verdict,) = await ask(url, {"verifier": verifier, "rows": [row]})
        if verdict["outcome"] == "undecided":
            raise Undecided(f"{verifier}: {verdict['reason']} {verdict['detail']}"[:500])
        if reward == "score" and verdict.get("score") is not None:
            return float(verdict["score"])
        return 1.0 if verdict["outcome"] == "accepted" else 0.0

    return judged


async def ask(url: str, batch: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The verdicts of one batch; asks again for as long as the service is full or not there yet.

    Raises:
        Refused: the service will not judge this batch.
    """
    token = os.environ.get(TOKEN_VARIABLE)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx.AsyncClient(timeout=None, headers=headers) as client:
        while True:
            try:
                answer = await client.post(f"{url.rstrip('/')}/verify", json=batch)
            except httpx.TransportError:
                await asyncio.sleep(1)
                continue
            if answer.status_code == 200:
                verdicts: list[dict[str, Any]] = answer.json()["verdicts"]
                return verdicts
            if answer.status_code not in BUSY:
                raise Refused(f"{url} answered {answer.status_code}: {answer.text[:500]}")
            await asyncio.sleep(float(answer.headers.get("Retry-After", 1)))
