"""The sandbox over HTTP, with a real service in this process and the code verifier as its user."""

from __future__ import annotations

import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

import selfplay
from selfplay.verifiers.code import CodeVerifier
from selfplay.verifiers.contract.verifier import Asked
from selfplay.verifiers.errors import BrokenVerifier
from selfplay.verifiers.sandbox.open_sandbox import open_sandbox
from selfplay.verifiers.sandbox.protocol import LevelRefused, Limits, SandboxError
from selfplay.verifiers.sandbox.remote import sandbox_service as serve
from selfplay.verifiers.sandbox.remote.http_sandbox import HttpSandbox
from selfplay.verifiers.sandbox.remote.wire_format import MAX_BODY, TOKEN_VARIABLE

TOKEN = "a-token-of-the-tests-0123"
APART = {"entry_point": "f", "tests": ["assert f(3) == 31", "assert f([4]) == [44]"]}
WHOLE = {"entry_point": "f", "tests": "def check(candidate):\n    for n in range(4): assert candidate(n) == n * 10 + 1"}
CASES = {"cases": [{"stdin": "3\n", "stdout": "31\n"}]}
RIGHT = "def f(x): return [y * 11 for y in x] if isinstance(x, list) else x * 10 + 1"


@pytest.fixture(scope="module")
def service() -> Iterator[serve.Service]:
    # the sandbox dies with the thread that made it, so that one serves
    made: list[serve.Service] = []
    there = threading.Event()

    def run() -> None:
        with serve.Service(("127.0.0.1", 0), TOKEN) as service:
            made.append(service)
            there.set()
            service.serve_forever(poll_interval=0.05)

    thread = threading.Thread(target=run)
    thread.start()
    assert there.wait(30)
    yield made[0]
    made[0].shutdown()
    thread.join()


@pytest.fixture
def address(service: serve.Service, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv(TOKEN_VARIABLE, TOKEN)
    return f"http://127.0.0.1:{service.server_port}"


@pytest.fixture
def verifier(address: str) -> Iterator[CodeVerifier]:
    made = CodeVerifier(CodeVerifier.Settings.model_validate({"timeout": 1.0, "sandbox": address, "output_kb": 16}))
    yield made
    made.close()


@pytest.mark.parametrize(
    ("reference", "program", "reason"),
    [
        (APART, RIGHT, "tests_passed"),
        (APART, "def f(x): return 0", "wrong_answer"),
        (APART, "import os\nos._exit(0)", "ended_early"),
        (APART, "def f(x):\n    while True: pass", "time_limit"),
        (APART, "def f(x): return 'x' * (1 << 21)", "output_limit"),
        (WHOLE, RIGHT, "tests_passed"),
        (WHOLE, "def f(x): return 31", "wrong_answer"),
        (CASES, "print(int(input()) * 10 + 1)", "tests_passed"),
        (CASES, "import os\nos.write(1, b'31\\n')\nos._exit(0)", "tests_passed"),
        (CASES, "import os\nos.write(1, b'31\\n')\nos._exit(1)", "exit_code"),
        (CASES, "while True: print(1)", "output_limit"),
    ],
)  # fmt: skip
def test_verdicts_are_those_of_a_sandbox_here(
    verifier: CodeVerifier, service: serve.Service, reference: dict[str, Any], program: str, reason: str
) -> None:
    verdict = verifier.verify(Asked(CodeVerifier.Reference.model_validate(reference), program))
    assert verdict.reason == reason, verdict
    assert verifier.sandbox_level == f"remote:{service.sandbox.level}"
    assert verdict.detail["sandbox"] == verifier.sandbox_level
    assert not service.held


def test_a_service_that_fails_is_a_fault_and_comes_back(verifier: CodeVerifier, service: serve.Service) -> None:
    reference = CodeVerifier.Reference.model_validate(APART)
    assert verifier.verify(Asked(reference, RIGHT)).outcome == "accepted"
    parent = service.sandbox._parent
    assert parent is not None
    parent.kill()
    verdicts = [verifier.verify(Asked(reference, "def f(x): return 0")) for _ in range(2)]
    assert all(verdict.reason in ("fault", "wrong_answer") for verdict in verdicts), verdicts
    deadline = time.monotonic() + 20
    while verifier.verify(Asked(reference, RIGHT)).outcome != "accepted":
        assert time.monotonic() < deadline


def test_a_wrong_token_is_refused_with_the_remedy(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN_VARIABLE, "wrong")
    with pytest.raises(LevelRefused, match="the token is wrong"):
        HttpSandbox(address)
    monkeypatch.delenv(TOKEN_VARIABLE)
    with pytest.raises(LevelRefused, match=f"set {TOKEN_VARIABLE}"):
        HttpSandbox(address)


def test_nothing_there_and_plain_text_abroad_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN_VARIABLE, TOKEN)
    with pytest.raises(LevelRefused, match="start the service"):
        HttpSandbox("http://127.0.0.1:9")
    with pytest.raises(LevelRefused, match="use https"):
        HttpSandbox("http://sandbox.example:9000")
    made = CodeVerifier(CodeVerifier.Settings.model_validate({"sandbox": "http://127.0.0.1:9"}))
    with pytest.raises(BrokenVerifier, match="start the service"):
        made.warm()


def test_the_setting_names_a_level_or_an_address() -> None:
    for wanted in ("strong", "carrier-pigeon://loft", "http:127.0.0.1"):
        with pytest.raises(
            ValidationError, match=r"name a level \(namespaces, landlock, process\) or an address \(http://"
        ):
            CodeVerifier.Settings.model_validate({"sandbox": wanted})
    with open_sandbox("landlock") as sandbox:  # type: ignore[attr-defined]
        assert sandbox.level in ("namespaces", "landlock")


def request(service: serve.Service, method: str, path: str, body: bytes | None, length: int | None = None) -> Any:
    link = http.client.HTTPConnection("127.0.0.1", service.server_port, timeout=10)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    if length is not None:
        headers["Content-Length"] = str(length)
    link.request(method, path, body, headers)
    answer = link.getresponse()
    said = answer.status, json.loads(answer.read())
    link.close()
    return said


def test_requests_that_are_none_are_refused(service: serve.Service) -> None:
    limits = {"cpu_seconds": 1.0, "memory_mb": 64}
    for body, status in (
        (b"[]", 400), (b"{", 400), (b"{}", 400), (b'{"role": "judge", "limits": {}}', 400),
        (json.dumps({"role": "candidate", "limits": {"memory_mb": 10**9}}).encode(), 400),
        (json.dumps({"role": "candidate", "limits": {"files": 1}}).encode(), 400),
        (json.dumps({"role": "candidate", "limits": limits, "stdin": "no base64!"}).encode(), 400),
    ):  # fmt: skip
        assert request(service, "POST", "/executions", body)[0] == status, body
    assert request(service, "POST", "/executions/unknown", b'{"send": [], "want": "cpu", "wait": 0}')[0] == 404
    assert request(service, "DELETE", "/executions/unknown", None)[0] == 404
    assert request(service, "POST", "/executions", b"", MAX_BODY + 1)[0] == 413
    assert not service.held


def test_what_is_left_alone_is_ended(service: serve.Service, address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve, "ALONE_SECONDS", 0.2)
    sandbox = HttpSandbox(address)
    execution = sandbox.spawn("candidate", Limits())
    deadline = time.monotonic() + 10
    while service.held and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not service.held
    with pytest.raises(SandboxError, match="404"):
        execution.receive(time.monotonic() + 1)
    sandbox.close()


class Rubbish(BaseHTTPRequestHandler):
    """A service that is none."""

    body = b""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(type(self).body)

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing."""


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"<html>", "not JSON"), (b"[1]", "no object"), (b'{"protocol": 1, "level": "namespaces"}', "does not speak"),
        (b'{"protocol": 2, "level": "process"}', "isolates no file"), (b'"' + b"x" * (1 << 17) + b'"', "more than"),
    ],
)  # fmt: skip
def test_rubbish_is_refused(body: bytes, why: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN_VARIABLE, TOKEN)
    kind = type("Kind", (Rubbish,), {"body": body})
    with HTTPServer(("127.0.0.1", 0), kind) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        with pytest.raises(LevelRefused, match=why):
            HttpSandbox(f"http://127.0.0.1:{server.server_port}")
        server.shutdown()
        thread.join()


def test_the_command_serves_and_wants_a_token(outcome: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    command = [sys.executable, "-m", "selfplay.verifiers.sandbox.remote.sandbox_service", "--port", "0"]
    bare = {**os.environ, "PYTHONPATH": str(Path(selfplay.__file__).parent.parent)}
    bare.pop(TOKEN_VARIABLE, None)
    refused = subprocess.run(command, env=bare, capture_output=True, text=True)
    assert (refused.returncode, f"set {TOKEN_VARIABLE}" in refused.stderr) == (2, True)
    abroad = subprocess.run(
        [*command, "--host", "0.0.0.0"], env={**bare, TOKEN_VARIABLE: TOKEN}, capture_output=True, text=True
    )
    assert (abroad.returncode, "TLS only" in abroad.stderr) == (2, True)
    served = subprocess.Popen(command, env={**bare, TOKEN_VARIABLE: TOKEN}, stdout=subprocess.PIPE, text=True)
    assert served.stdout is not None
    port = served.stdout.readline().rpartition(":")[2].strip()
    monkeypatch.setenv(TOKEN_VARIABLE, TOKEN)
    sandbox = HttpSandbox(f"http://localhost:{port}")
    assert outcome(sandbox, "import os\ndef f(): return dict(os.environ)") == ["dict"]
    sandbox.close()
    served.terminate()
    served.wait()
    served.stdout.close()
