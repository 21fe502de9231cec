"""One verifier process, started and killed by the supervisor. process.START calls `main`; the last two arguments are
the socket's descriptor and the parent's process id.

It loads one verifier, says hello, then answers one row after another over its private socket. What a plugin prints goes
to the supervisor's log of this worker, never into the answers. Not covered: a malicious plugin. It runs here with the
user's rights; only what a verifier puts in a sandbox is isolated.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue

from selfplay.tasks.errors import error_text
from selfplay.verifiers.contract.spec import LoadedVerifier, VerifierSpec
from selfplay.verifiers.contract.verdict import Verdict
from selfplay.verifiers.contract.verifier import Asked
from selfplay.verifiers.errors import BadReference, VerifierError
from selfplay.verifiers.sandbox.channel import Frames, pack
from selfplay.verifiers.workers import EXIT_MEMORY, MAX_MESSAGE

DETAIL_BYTES = 4096
PR_SET_PDEATHSIG = 1


def main() -> None:
    channel = socket.socket(fileno=int(sys.argv[3]))
    channel.set_inheritable(False)
    os.register_at_fork(after_in_child=channel.close)
    _die_with(int(sys.argv[4]))
    frames = Frames(MAX_MESSAGE)
    start = _received(channel, frames)
    _limit_memory(start["memory_mb"])
    sys.path.extend(path for path in start["sys_path"] if path not in sys.path)
    sys.path.remove(sys.argv[2])
    sys.path.append(sys.argv[2])  # behind all others; see process.START
    try:
        loaded = VerifierSpec.model_validate(start["spec"]).load()
        channel.sendall(pack({"loaded": True}))
        loaded.plugin.warm()
    except Exception as error:
        kind = type(error).__name__ if isinstance(error, VerifierError) else None
        text = str(error) if kind else error_text(error)
        channel.sendall(pack({"error": text, "kind": kind}))
        raise
    plugin = loaded.plugin
    about = {
        "verifier": plugin.name,
        "version": plugin.version,
        "settings_hash": loaded.settings_hash,
        "sandbox_level": plugin.sandbox_level,
    }
    hello = {"about": about, "timeout": plugin.timeout, "budgets": plugin.budgets, "batch": loaded.batch}
    channel.sendall(pack(hello))
    while True:
        channel.sendall(_answers(loaded, _received(channel, frames)["rows"]))


def _received(channel: socket.socket, frames: Frames) -> Any:
    while (message := frames.next()) is None:
        data = channel.recv(1 << 18)
        if not data:
            # the supervisor has ended or closed this worker; skip atexit hooks, in which a plugin could hang
            os._exit(0)
        frames.feed(data)
    return message


def _answers(loaded: LoadedVerifier, rows: list[list[Any]]) -> bytes:
    """One frame for each row of a message; several rows are for the batch form."""
    began = time.perf_counter()
    try:
        verdicts = [_one(loaded, rows[0])] if len(rows) == 1 else _many(loaded, rows)
    except MemoryError:
        os._exit(EXIT_MEMORY)
    seconds = (time.perf_counter() - began) / len(rows)
    return b"".join(_packed(loaded, row[0], verdict, seconds) for row, verdict in zip(rows, verdicts, strict=True))


def _one(loaded: LoadedVerifier, row: list[Any]) -> Verdict:
    _, reference, completion, prompt, timeout = row
    try:
        return loaded.verify(reference, completion, prompt=prompt, timeout=timeout)
    except BaseException as error:
        return _raised(loaded, error)


def _many(loaded: LoadedVerifier, rows: list[list[Any]]) -> list[Verdict]:
    """By the batch form; a reference that does not fit is a fault of its row alone."""
    verdicts: dict[int, Verdict] = {}
    asked: dict[int, Asked] = {}
    for number, reference, completion, prompt, timeout in rows:
        try:
            asked[number] = Asked(loaded.read_reference(reference), completion, prompt, timeout)
        except BaseException as error:
            verdicts[number] = _raised(loaded, error)
    try:
        found = loaded.judge_many(list(asked.values())) if asked else []
        verdicts |= dict(zip(asked, found, strict=True))
    except BaseException as error:
        verdicts |= {number: _raised(loaded, error) for number in asked}
    return [verdicts[row[0]] for row in rows]


def _raised(loaded: LoadedVerifier, error: BaseException) -> Verdict:
    """Also for SystemExit: a plugin that calls sys.exit() has failed to judge, and its worker still can. Raises a
    MemoryError again."""
    if isinstance(error, MemoryError):
        raise error
    words = error_text(error)
    if isinstance(error, BadReference):
        return Verdict.fault(words.removeprefix(f"{type(error).__name__}: ")[:1000])
    return Verdict.fault(f"{loaded.name} raised {words}"[:1000])


def _packed(loaded: LoadedVerifier, number: int, verdict: Verdict, seconds: float) -> bytes:
    try:
        detail = capped(verdict.detail)
        return pack({"answer": [number, verdict.outcome, verdict.reason, detail, verdict.score, seconds]})
    except (TypeError, ValueError) as error:
        fault = Verdict.fault(f"{loaded.name} gave a verdict that JSON cannot carry: {error}"[:1000])
        return pack({"answer": [number, fault.outcome, fault.reason, fault.detail, None, seconds]})


def capped(detail: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """The evidence cut to 4 kB of JSON: long strings first, then whole keys, with `truncated: true`."""
    if len(json.dumps(detail)) <= DETAIL_BYTES:
        return dict(detail)
    kept: dict[str, JsonValue] = {"truncated": True}
    for key, value in detail.items():
        text = value if isinstance(value, str) else json.dumps(value)
        short: JsonValue = value if len(json.dumps(value)) <= 600 else text[:500] + "…"
        longer = {**kept, key[:100]: short}
        if len(json.dumps(longer)) > DETAIL_BYTES:
            break
        kept = longer
    return kept


def _limit_memory(memory_mb: int) -> None:
    size = memory_mb * 1024 * 1024
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    wanted = size if hard == resource.RLIM_INFINITY else min(size, hard)
    resource.setrlimit(resource.RLIMIT_AS, (wanted, wanted))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _die_with(parent: int) -> None:
    # a worker stuck in a row does not notice that its socket was closed; on Linux the kernel ends it
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(0)


if __name__ == "__main__":
    main()
