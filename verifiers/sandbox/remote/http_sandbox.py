"""A sandbox on another machine, or in a virtual machine on this one, asked over HTTP (wire_format.py has the format).

    verify: {code: {sandbox: "https://sandbox.example:9000"}}
    SELFPLAY_SANDBOX_TOKEN=... selfplay run ...

`python -m selfplay.verifiers.sandbox.remote.sandbox_service` is such a service. What is covered: a token with every
request, TLS with the system's certificates (or those of SSL_CERT_FILE) for every address that is not this machine, time
and size of every answer bounded, a start that fails tried again. A service that fails is a SandboxError and so a fault,
never a rejection. What is not covered: trust in the service, which sees programs and tests and could lie about both;
speed, as every call of a test that needs two processes is two requests.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
import time
from dataclasses import asdict
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from selfplay.verifiers.sandbox.protocol import Ending, LevelRefused, Limits, Role, SandboxError, Stopped
from selfplay.verifiers.sandbox.remote.wire_format import LONGEST_WAIT, LOOPBACK, PROTOCOL, TOKEN_VARIABLE

ANSWER_SECONDS = 15.0
"""What an answer may take beside the wait that it was asked for."""
TRIES = 3
PAUSE_SECONDS = 0.3
SMALL_ANSWER = 1 << 16


class HttpSandbox:
    """Executions behind an address, over one connection; belongs to one thread.

    Raises:
        LevelRefused: no service answers there, or not one to be trusted; names the remedy.
    """

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        host, self._path = parts.hostname or "", parts.path.rstrip("/")
        if parts.scheme == "http" and host not in LOOPBACK:
            raise LevelRefused(f"the sandbox {address} is not on this machine; use https:// or a tunnel")
        self._token = os.environ.get(TOKEN_VARIABLE, "")
        if not self._token:
            raise LevelRefused(f"set {TOKEN_VARIABLE} to the token of the sandbox at {address}")
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        self._link = kind(host, parts.port, timeout=ANSWER_SECONDS)
        try:
            told = self.ask("GET", "/", tries=TRIES)
        except SandboxError as error:
            self.close()
            raise LevelRefused(f"{error}; start the service, or correct `sandbox` or {TOKEN_VARIABLE}") from error
        level = str(told.get("level"))[:40]
        if told.get("protocol") != PROTOCOL or level == "process":
            self.close()
            why = "isolates no file" if level == "process" else f"does not speak protocol {PROTOCOL}"
            raise LevelRefused(f"the sandbox at {address} {why}; start a better one there")
        self.level = f"remote:{level}"
        self.about = f"{self.level} at {host}; there: {str(told.get('about'))[:500]}"

    def spawn(self, role: Role, limits: Limits, *, standard_input: bytes | None = None) -> HttpExecution:
        """A new confined process there. Raises SandboxError."""
        stdin = None if standard_input is None else base64.b64encode(standard_input).decode()
        order = {"role": role, "limits": asdict(limits), "stdin": stdin}
        made = self.ask("POST", "/executions", order, tries=TRIES)
        if not isinstance(made.get("id"), str):
            raise SandboxError("the remote sandbox gave no execution")
        return HttpExecution(self, made["id"], limits)

    def ask(
        self,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        wait: float = 0.0,
        longest: int = SMALL_ANSWER,
        tries: int = 1,
    ) -> dict[str, Any]:
        """One request and its answer.

        Args:
            wait: seconds that the service may take on purpose.
            longest: bytes of the answer.
            tries: more than 1 only for what may happen twice; a process that was made in vain is ended there.

        Raises:
            SandboxError: no answer, or none that can be used.
        """
        try:
            status, data = self._exchange(method, path, body, wait, longest)
            failed = f"status {status}: {data[:300].decode(errors='replace')}" if status != 200 else ""
        except (OSError, HTTPException) as error:
            self._link.close()
            status, data, failed = 503, b"", f"{type(error).__name__}: {error}"
        if failed and status == 503 and tries > 1:
            time.sleep(PAUSE_SECONDS)
            return self.ask(method, path, body, wait=wait, longest=longest, tries=tries - 1)
        if failed:
            raise SandboxError(f"the remote sandbox at {self._link.host} failed ({failed})")
        try:
            answer = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise SandboxError("the remote sandbox answered what is not JSON") from error
        if not isinstance(answer, dict):
            raise SandboxError("the remote sandbox answered no object")
        return answer

    def close(self) -> None:
        self._link.close()

    def _exchange(
        self, method: str, path: str, body: dict[str, Any] | None, wait: float, longest: int
    ) -> tuple[int, bytes]:
        if self._link.sock is None:
            self._link.connect()
        self._link.sock.settimeout(wait + ANSWER_SECONDS)
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        self._link.request(method, self._path + path, None if body is None else json.dumps(body), headers)
        response = self._link.getresponse()
        data = response.read(longest + 1)
        if len(data) > longest:
            raise HTTPException(f"an answer of more than {longest} bytes")
        return response.status, data


class HttpExecution:
    """One confined process on the other side; ready when it is made."""

    def __init__(self, sandbox: HttpSandbox, number: str, limits: Limits) -> None:
        self._sandbox, self._path = sandbox, f"/executions/{number}"
        # messages in a batch, each with the overhead of JSON in JSON at its worst, and base64 of the output
        self._longest = 2 * ((limits.message_kb << 10) + (limits.output_kb << 10)) + (1 << 20)
        self._output_limit = limits.output_kb << 10
        self._unsent: list[Any] = []
        self._messages: list[dict[str, Any]] = []
        self._stopped: str | None = None
        self._open = True
        self.output = bytearray()
        self.ending: Ending | None = None

    def send(self, message: Any) -> None:
        self._unsent.append(message)

    def wait_ready(self, deadline: float) -> None:
        """It has been ready since it was made."""

    def receive(self, deadline: float) -> dict[str, Any]:
        while not self._messages:
            if self._stopped is not None:
                raise Stopped(self._stopped)
            reason = self._advance("message", deadline)
            self._stopped = None if reason == "time_limit" else reason
        return self._messages.pop(0)

    def drain(self, deadline: float) -> None:
        while (reason := self._advance("output", deadline)) != "ended":
            if reason not in (None, "time_limit"):
                raise Stopped(reason)

    def cpu_seconds(self) -> float:
        told = self._sandbox.ask("POST", self._path, {"send": [], "want": "cpu", "wait": 0})
        seconds = told.get("cpu_seconds")
        if not isinstance(seconds, (int, float)):
            raise SandboxError("the remote sandbox told no CPU time")
        return float(seconds)

    def close(self) -> Ending | None:
        if self._open:
            self._open = False
            told = self._sandbox.ask("DELETE", self._path).get("ending")
            try:
                if told is not None:
                    self.ending = Ending(int(told["code"]), float(told["cpu_seconds"]), int(told["peak_kb"]))
            except (KeyError, TypeError, ValueError) as error:
                raise SandboxError("the remote sandbox told no ending") from error
        return self.ending

    def __enter__(self) -> HttpExecution:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _advance(self, want: str, deadline: float) -> str | None:
        """Ask once, and tell why it stopped, if it did. Raises Stopped when the time is over."""
        wait = min(LONGEST_WAIT, deadline - time.monotonic())
        if wait <= 0:
            raise Stopped("time_limit")
        order = {"send": self._unsent, "want": want, "wait": wait}
        told = self._sandbox.ask("POST", self._path, order, wait=wait, longest=self._longest)
        self._unsent = []
        self._take(told)
        reason = told.get("stopped")
        if reason not in (None, "time_limit", "ended", "output_limit", "unreadable_result"):
            raise SandboxError("the remote sandbox stopped for no known reason")
        return str(reason) if reason else None

    def _take(self, told: dict[str, Any]) -> None:
        messages, output = told.get("messages"), told.get("output")
        if not isinstance(messages, list) or not all(isinstance(message, dict) for message in messages):
            raise SandboxError("the remote sandbox gave messages that are none")
        self._messages += messages
        try:
            self.output += base64.b64decode(output or "", validate=True)
        except (TypeError, ValueError, binascii.Error) as error:
            raise SandboxError("the remote sandbox gave output that is none") from error
        if len(self.output) > self._output_limit:
            raise SandboxError("the remote sandbox gave more output than is allowed")
