from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from selfplay.verifiers.sandbox.local_sandbox import LocalSandbox
from selfplay.verifiers.sandbox.protocol import LevelRefused, Limits, Stopped


@pytest.fixture(scope="module", params=["namespaces", "landlock"])
def confined(request: pytest.FixtureRequest) -> Iterator[LocalSandbox]:
    """A sandbox of each level that isolates files."""
    try:
        made = LocalSandbox(lowest=request.param, levels=[request.param])
    except LevelRefused as error:
        pytest.skip(str(error))
    yield made
    made.close()


@pytest.fixture(scope="session")
def outcome() -> Callable[..., Any]:
    """outcome(sandbox, program, limits, seconds): what its `f()` returned, the message in its place, or how it
    stopped."""

    def ask(sandbox: Any, program: str, limits: Limits | None = None, seconds: float = 20.0) -> Any:
        order = {"mode": "calls", "programs": [program], "setup": "", "calls": [["f", ["list"], ["dict"]]]}
        with sandbox.spawn("candidate", limits or Limits()) as execution:
            execution.send(order)
            execution.wait_ready(time.monotonic() + 20)
            deadline = time.monotonic() + seconds
            try:
                first = execution.receive(deadline)
                answer = execution.receive(deadline) if first == {"program": 0} else first
            except Stopped as stop:
                return stop.reason
        return answer.get("value", answer)

    return ask
