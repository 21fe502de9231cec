"""This machine's sandbox as a service for http_sandbox.py (wire_format.py has the format).

    SELFPLAY_SANDBOX_TOKEN=... python -m selfplay.verifiers.sandbox.remote.sandbox_service [--port 9000] [--lowest
    landlock]

It listens on this machine alone; `--host` with `--certificate` and `--key` opens it to others, over TLS only. Run
it in a virtual machine to put that boundary around programs as well. What is covered: the
token is asked first, the length of every request, the limits that can be asked for, and the number of executions
are bounded, one that is left alone is ended. What is not covered: clients are not kept apart from each other by
more than the secrecy of an execution's id.
"""

from __future__ import annotations

import argparse
import base64
import dataclasses
import hmac
import json
import os
import secrets
import ssl
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from selfplay.verifiers.sandbox.local_sandbox import LocalSandbox
from selfplay.verifiers.sandbox.protocol import LEVELS, Execution, Limits, SandboxError, Stopped
from selfplay.verifiers.sandbox.remote.wire_format import (
    BATCH_BYTES,
    LONGEST_WAIT,
    LOOPBACK,
    MAX_BODY,
    PROTOCOL,
    SHORTEST_TOKEN,
    TOKEN_VARIABLE,
)

START_SECONDS = 10.0
ALONE_SECONDS = 60.0
MAX_EXECUTIONS = 64
MOST = Limits(cpu_seconds=600, memory_mb=8192, scratch_mb=1024, output_kb=1 << 14, message_kb=1 << 16)
QUIET_SECONDS = 300.0
"""A connection without a request is closed."""


class Refused(Exception):
    """A request that is answered with a status and a sentence."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


@dataclasses.dataclass
class Held:
    """An execution, who may use it now, and since when nobody has."""

    execution: Execution
    limits: Limits
    told: int = 0
    """Bytes of its output that the client has."""
    used: float = dataclasses.field(default_factory=time.monotonic)
    lock: threading.Lock = dataclasses.field(default_factory=threading.Lock)


class Service(ThreadingHTTPServer):
    """Listens; its own thread, which must be that of `serve_forever`, holds the sandbox."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], token: str, lowest: str = "landlock") -> None:
        self._lowest = lowest
        self.sandbox = LocalSandbox(lowest=lowest)
        self.token = token
        self.held: dict[str, Held] = {}
        self.broken = False
        self._room = threading.Lock()
        super().__init__(address, Conversation)

    def begin(self, order: dict[str, Any]) -> dict[str, Any]:
        """Raises Refused, SandboxError."""
        role, stdin = order.get("role"), order.get("stdin")
        if role not in ("candidate", "tester"):
            raise Refused(400, "`role` is candidate or tester")
        limits = _limits(order.get("limits"))
        given = None if stdin is None else base64.b64decode(stdin, validate=True)
        number = secrets.token_urlsafe(16)
        with self._room:
            if self.broken or len(self.held) >= MAX_EXECUTIONS:
                raise Refused(503, "the sandbox is full, or starts again")
            held = self.held[number] = Held(self.sandbox.spawn(role, limits, standard_input=given), limits)
        try:
            held.execution.wait_ready(time.monotonic() + START_SECONDS)
        except SandboxError:
            self.end(number)
            raise
        return {"id": number}

    def go_on(self, number: str, order: dict[str, Any]) -> dict[str, Any]:
        """Raises Refused, SandboxError."""
        held = self.held.get(number)
        if held is None:
            raise Refused(404, "there is no such execution")
        with held.lock:
            try:
                return _advance(held, order)
            finally:
                held.used = time.monotonic()

    def end(self, number: str) -> dict[str, Any]:
        held = self.held.pop(number, None)
        if held is None:
            raise Refused(404, "there is no such execution")
        with held.lock:
            ending = held.execution.close()
        return {"ending": dataclasses.asdict(ending) if ending else None}

    def service_actions(self) -> None:
        """Now and then, in the thread that holds the sandbox: end what is left alone, replace what failed."""
        late = time.monotonic() - ALONE_SECONDS
        for number in [number for number, held in self.held.items() if held.used < late and not held.lock.locked()]:
            try:
                self.end(number)
            except Refused:
                continue  # its client ended it just now
            except SandboxError:
                self.broken = True
        if not self.broken:
            return
        self.sandbox.close()
        self.held.clear()
        try:
            self.sandbox = LocalSandbox(lowest=self._lowest)
            self.broken = False
        except SandboxError as error:
            print(f"the sandbox does not start again, and is tried further: {error}", file=sys.stderr, flush=True)

    def server_close(self) -> None:
        super().server_close()
        self.sandbox.close()


class Conversation(BaseHTTPRequestHandler):
    """One client's connection."""

    server: Service
    protocol_version = "HTTP/1.1"
    timeout = QUIET_SECONDS
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        sandbox = self.server.sandbox
        self._answer(lambda _: {"protocol": PROTOCOL, "level": sandbox.level, "about": sandbox.about})

    def do_POST(self) -> None:
        number = self._number()
        self._answer(lambda order: self.server.go_on(number, order) if number else self.server.begin(order))

    def do_DELETE(self) -> None:
        self._answer(lambda _: self.server.end(self._number()))

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing: a line for each request of each program says nothing to anyone."""

    def _number(self) -> str:
        return self.path.partition("/executions")[2].strip("/")

    def _answer(self, reply: Any) -> None:
        status, told = 200, {}
        try:
            order = self._read()
            told = reply(order)
        except Refused as error:
            status, told = error.status, {"error": str(error)}
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            status, told = 400, {"error": f"a request that cannot be read ({type(error).__name__})"}
        except SandboxError as error:
            self.server.broken = True
            status, told = 503, {"error": str(error)}
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if status in (401, 413):
            self.close_connection = True  # what follows was not read
        self.end_headers()
        self.wfile.write(body)

    def _read(self) -> dict[str, Any]:
        given = self.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self.server.token}".encode()):
            raise Refused(401, f"the token is wrong; it is what {TOKEN_VARIABLE} holds on the side of the service")
        length = int(self.headers.get("Content-Length") or 0)
        if not 0 <= length <= MAX_BODY:
            raise Refused(413, f"at most {MAX_BODY} bytes")
        if length == 0:
            return {}
        order = json.loads(self.rfile.read(length))
        if not isinstance(order, dict):
            raise Refused(400, "a request is a JSON object")
        return order


def _advance(held: Held, order: dict[str, Any]) -> dict[str, Any]:
    execution = held.execution
    for message in order["send"]:
        execution.send(message)
    deadline = time.monotonic() + min(float(order["wait"]), LONGEST_WAIT)
    told: dict[str, Any] = {"messages": [], "stopped": None}
    try:
        if order["want"] == "cpu":
            told["cpu_seconds"] = execution.cpu_seconds()
        elif order["want"] == "output":
            execution.drain(deadline)
            told["stopped"] = "ended"
        else:
            size = 0
            while size < BATCH_BYTES:
                message = execution.receive(deadline)
                told["messages"].append(message)
                size += len(json.dumps(message))
                deadline = time.monotonic() + 0.0005  # what else is there already
    except Stopped as stop:
        told["stopped"] = stop.reason
    told["output"] = base64.b64encode(bytes(execution.output[held.told :])).decode()
    held.told = len(execution.output)
    return told


def _limits(asked: Any) -> Limits:
    wanted = Limits(**asked)
    for field in dataclasses.fields(Limits):
        value, most = getattr(wanted, field.name), getattr(MOST, field.name)
        if not isinstance(value, (int, float)) or not 0 < value <= most:
            raise Refused(400, f"`{field.name}` is more than 0 and at most {most}")
    return wanted


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9000)
    parser.add_argument("--lowest", choices=LEVELS[:2], default="landlock", help="the lowest isolation to offer")
    parser.add_argument("--certificate", help="PEM file, for TLS")
    parser.add_argument("--key", help="PEM file of its key")
    wanted = parser.parse_args()
    token = os.environ.pop(TOKEN_VARIABLE, "")
    if len(token) < SHORTEST_TOKEN:
        parser.error(f"set {TOKEN_VARIABLE} to a secret of at least {SHORTEST_TOKEN} characters, on both sides")
    if wanted.host not in LOOPBACK and not wanted.certificate:
        parser.error("outside this machine it is served over TLS only; give --certificate and --key")
    try:
        service = Service((wanted.host, wanted.port), token, wanted.lowest)
    except SandboxError as error:
        parser.error(str(error))
    if wanted.certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(wanted.certificate, wanted.key)
        service.socket = context.wrap_socket(service.socket, server_side=True)
    print(f"{service.sandbox.about}, on {wanted.host}:{service.server_port}", flush=True)
    with service:
        try:
            service.serve_forever()
        except KeyboardInterrupt:
            print("ended", flush=True)


if __name__ == "__main__":
    main()
