"""The process of the service: what is offered, the socket, the signals, a shutdown that finishes requests under way."""

from __future__ import annotations

import os
import re
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import uvicorn
from pydantic import JsonValue

from selfplay.verifiers.contract.spec import VerifierSpec
from selfplay.verifiers.errors import BadSettings
from selfplay.verifiers.serve.endpoints import TOKEN_VARIABLE, application
from selfplay.verifiers.serve.request_limits import LOOPBACK
from selfplay.verifiers.serve.supervisor_pool import DEFAULT_QUEUE, SupervisorPool

SHORTEST_TOKEN = 16
MAX_CONNECTIONS = 256
GRACE_SECONDS = 30
"""How long requests under way may take to be answered after SIGTERM or Ctrl-C."""
_NAMED = re.compile(r"([A-Za-z0-9_-]+)=(.+)", re.DOTALL)


def offers(wanted: Sequence[str], settings: Mapping[str, Mapping[str, JsonValue]]) -> dict[str, VerifierSpec]:
    """What is served, by name: `math`, `path/to/file.py:name` (as `name`) or `strict=math` (as `strict`); `settings`
    are by these names. Raises BadSettings: two verifiers of one name, or settings for a name that is not offered."""
    found: dict[str, VerifierSpec] = {}
    for text in wanted:
        named = _NAMED.fullmatch(text)
        name, verifier = (named[1], named[2]) if named else (text.rpartition(":")[2], text)
        if name in found:
            raise BadSettings("two of the verifiers have one name; give one another name, as `--verifier strict=math`")
        found[name] = VerifierSpec.of(verifier, settings.get(name, {}))
    for name in settings:
        if name not in found:
            served = ", ".join(sorted(found))
            raise BadSettings(f"`--set {name}....` names no verifier that is served ({served})")
    return found


def serve(
    served: Mapping[str, VerifierSpec],
    *,
    host: str = "127.0.0.1",
    port: int = 8010,
    workers: int = 1,
    timeout: float | None = None,
    queue: int = DEFAULT_QUEUE,
    certificate: Path | None = None,
    key: Path | None = None,
) -> None:
    """Serve until SIGTERM or Ctrl-C. Raises as `Supervisor`, and BadSettings: no token where one is needed, an address
    that cannot be used, a certificate that cannot be read."""
    token = _token(host)
    with (
        _listening(host, port) as listener,
        SupervisorPool(served, workers=workers, timeout=timeout, queue=queue) as pool,
    ):
        config = uvicorn.Config(
            application(pool, token=token, local=host in LOOPBACK),
            log_level="warning",
            access_log=False,
            server_header=False,
            limit_concurrency=MAX_CONNECTIONS,
            timeout_graceful_shutdown=GRACE_SECONDS,
            ssl_certfile=certificate,
            ssl_keyfile=key,
        )
        try:
            config.load()
        except OSError as error:
            raise BadSettings(f"`--certificate` and `--key` are no PEM files of one key: {error}") from error
        server = uvicorn.Server(config)
        # after it has stopped, uvicorn raises again the signal that stopped it; these handlers keep that from ending us
        before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGTERM)}
        scheme, shown = ("https" if certificate else "http"), f"[{host}]" if ":" in host else host
        names = ", ".join(f"{name} ({s.name} {s.version})" for name, s in pool.supervisors.items())
        print(f"{names}, on {scheme}://{shown}:{listener.getsockname()[1]}, page at /docs", flush=True)
        if host not in LOOPBACK and certificate is None:
            print("without --certificate the token and all text cross the network in the clear", file=sys.stderr)
        try:
            server.run(sockets=[listener])
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
    print("ended", flush=True)


def _token(host: str) -> str | None:
    token = os.environ.pop(TOKEN_VARIABLE, "")  # a verifier's worker does not need it
    if (token and len(token) < SHORTEST_TOKEN) or (not token and host not in LOOPBACK):
        place = "" if host in LOOPBACK else f" to serve others than this machine (`--host {host}`)"
        raise BadSettings(f"set {TOKEN_VARIABLE} to a secret of at least {SHORTEST_TOKEN} characters{place}")
    return token or None


def _listening(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except (OSError, OverflowError) as error:
        raise BadSettings(f"cannot listen on `--host {host} --port {port}`: {error}") from error
