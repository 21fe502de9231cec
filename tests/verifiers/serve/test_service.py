"""The service as its clients see it, over real sockets."""

from __future__ import annotations

import concurrent.futures
import json
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from selfplay.verifiers.contract.spec import VerifierSpec
from selfplay.verifiers.errors import BadSettings
from selfplay.verifiers.serve.endpoints import TOKEN_VARIABLE
from selfplay.verifiers.serve.messages import MAX_CHARACTERS, MAX_ROWS
from selfplay.verifiers.serve.request_limits import MAX_BODY
from selfplay.verifiers.serve.service import offers
from selfplay.verifiers.workers.batch import verify_file
from tests.verifiers.conftest import Running, Serve

TOKEN = "a-token-of-the-tests-0123"
ROW = {"id": "1", "reference": {}, "completion": "x"}


@pytest.fixture(scope="module")
def service(serve: Serve, moods: str) -> Iterator[Running]:
    with serve("--verifier", moods, "--verifier", "whole=math", "--set", "whole.answer=whole", "--queue", "6") as it:
        yield it


def test_verdicts_are_those_of_the_command_in_order(service: Running, tmp_path: Path) -> None:
    rows = [
        {"id": "a", "reference": {"answer": "1/2"}, "completion": "0.5"},
        {"id": "a", "reference": {"answer": "1/2"}, "completion": "0.25", "prompt": "half?", "more": 1},
        {"id": "b", "reference": {"answer": 7}, "completion": "\0\x1b[2J<script>"},
    ]
    (tmp_path / "in.jsonl").write_text("\n".join(map(json.dumps, rows)))
    spec = VerifierSpec(verifier="math", settings={"answer": "whole"})
    verify_file(spec, tmp_path / "in.jsonl", tmp_path / "out.jsonl")
    command = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    body = {"verifier": "whole", "settings": {"answer": "whole"}, "rows": rows}
    answer = service.client.post("/verify", json=body)
    assert answer.status_code == 200
    served = answer.json()["verdicts"]
    assert [list(verdict) for verdict in served] == [list(verdict) for verdict in command]
    for verdict in [*served, *command]:
        assert verdict.pop("seconds") >= 0
    assert served == command
    assert [verdict["outcome"] for verdict in served] == ["accepted", "rejected", "undecided"]


def test_the_examples_of_the_page_and_of_the_api_are_real(serve: Serve) -> None:
    page = (Path(__file__).parents[3] / "docs/serve-verifiers.md").read_text()
    asked, told = re.search(r"--json '(.*?)'", page, re.DOTALL), re.search(r"```json\n(.*?)```", page, re.DOTALL)
    assert asked is not None
    assert told is not None
    answer = json.loads(" ".join(told[1].split()))
    with serve("--verifier", "math") as service:
        given = service.client.post("/verify", json=json.loads(asked[1])).json()
        for verdict in [*given["verdicts"], *answer["verdicts"]]:
            assert 0 < verdict.pop("seconds") < 1
        assert given == answer
        schemas = service.client.get("/openapi.json").json()["components"]["schemas"]
        (verdict,) = service.client.post("/verify", json=schemas["VerifyRequest"]["example"]).json()["verdicts"]
        assert verdict["outcome"] == "accepted"


def test_a_verdict_that_is_no_unicode_costs_its_neighbours_nothing(service: Running) -> None:
    answer = service.verify("moods", "fine", "half a pair", "fine")
    assert answer.status_code == 200
    reasons = [verdict["reason"] for verdict in json.loads(answer.text)["verdicts"]]
    assert reasons == ["accepted", "a\ud800", "accepted"]


def test_what_fails_is_a_verdict(service: Running) -> None:
    answer = service.verify("moods", "fine", "raise", "die", "fine")
    assert answer.status_code == 200
    assert [(v["outcome"], v["reason"], v.get("score")) for v in answer.json()["verdicts"]] == [
        ("accepted", "accepted", 0.5),
        ("undecided", "fault", None),
        ("rejected", "kills_its_judge", None),
        ("accepted", "accepted", 0.5),
    ]
    assert service.verify("moods").json() == {"verdicts": []}


@pytest.mark.parametrize(
    ("body", "status", "why"),
    [
        ({"rows": []}, 422, "`verifier`: Field required"),
        ({"verifier": "moods", "rows": [ROW, {**ROW, "id": 7}]}, 422, "`rows.1.id`: Input should be a valid string"),
        ({"verifier": "moods", "rows": [{"id": "1", "completion": ""}]}, 422, "`rows.0.reference`: Field required"),
        ({"verifier": "moods", "rows": [{**ROW, "completion": None}]}, 422, "`rows.0.completion`"),
        ({"verifier": "moods", "rows": [{**ROW, "completion": "x" * (MAX_CHARACTERS + 1)}]}, 422, "at most 1048576"),
        ({"verifier": "moods", "rows": [ROW] * (MAX_ROWS + 1)}, 422, "`rows`: List should have at most 1024 items"),
        ({"verifier": "moods", "rows": [ROW], "timeout": 9}, 422, "`timeout`: Extra inputs are not permitted"),
        ({"verifier": "math", "rows": [ROW]}, 404, "`verifier` is one of moods, whole"),
        ({"verifier": "/tmp/evil.py:run", "rows": [ROW]}, 404, "`verifier` is one of moods, whole"),
        ({"verifier": "whole", "settings": {}, "rows": [ROW]}, 409, "`settings` of `whole` are fixed at the start"),
        ({"verifier": "moods", "settings": {"sandbox": "http://x"}, "rows": []}, 409, "are fixed at the start"),
        ([ROW], 422, "`body`: Input should be a valid"),
        (b"{", 422, "the body is not JSON: Expecting property name enclosed in double quotes, at character 1"),
        (b"[" * 100_000, 400, "the body is nested too deeply"),
        (b'{"verifier": ' + b"[" * 3000 + b"]" * 3000 + b"}", 400, "the body is nested too deeply"),
        (b'{"verifier": "\xff"}', 400, "the body is not UTF-8, from byte 14 on"),
        (b'{"verifier": ' + b"9" * 5000 + b"}", 400, "the body cannot be read: Exceeds the limit"),
        (
            {"verifier": "moods", "rows": [ROW, {**ROW, "reference": {"answer": ["1", {"high": float("nan")}]}}]},
            422,
            "`rows.1.reference`: `answer.1.high` is NaN, which is no JSON number",
        ),
        (
            b'{"verifier": "moods", "rows": [{"id": "1", "completion": "", "reference": {"answer": -1e999}}]}',
            422,
            "`rows.0.reference`: `answer` is -Infinity, which is no JSON number",
        ),
        (b"x" * (MAX_BODY + 1), 413, "send the rows in several requests"),
    ],
)
def test_bad_requests_are_told_why(service: Running, body: Any, status: int, why: str) -> None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    answer = service.client.post("/verify", content=content, headers={"Content-Type": "application/json"})
    assert (answer.status_code, list(answer.json())) == (status, ["error"]), answer.text
    assert why in answer.json()["error"]
    assert len(answer.text) < 700


def test_a_body_of_unknown_length_is_bounded_as_it_arrives(service: Running) -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield b" " * (1 << 20)

    try:
        status = httpx.post(f"{service.address}/verify", content=endless(), timeout=30).status_code
    except httpx.TransportError:
        status = 413  # it hung up while we still sent
    assert status == 413
    assert service.client.get("/health").json() == {"status": "ok", "waiting": 0, "room": 6}


def test_a_page_in_a_browser_cannot_reach_it_by_another_name(service: Running) -> None:
    for host in ("rebound.example:8010", "127.0.0.1.example", "[::1", ""):
        answer = service.client.get("/verifiers", headers={"Host": host})
        assert (answer.status_code, "localhost alone" in answer.text) == (400, True), host
    body = json.dumps({"verifier": "moods", "rows": [ROW]})
    simple = service.client.post("/verify", content=body, headers={"Content-Type": "text/plain"})
    assert simple.status_code == 422


def test_what_is_served_and_the_api_page(service: Running) -> None:
    moods, whole = service.client.get("/verifiers").json()
    assert (moods["name"], moods["verifier"], moods["version"], moods["settings"]) == ("moods", "moods", "3", {})
    assert (whole["name"], whole["verifier"], whole["settings"]) == ("whole", "math", {"answer": "whole"})
    assert service.client.get("/docs").status_code == 200
    assert {"/verify", "/verifiers", "/health"} == set(service.client.get("/openapi.json").json()["paths"])
    assert service.client.get("/none").json() == {"error": "Not Found"}
    assert service.client.get("/verify").status_code == 405


def test_a_full_queue_sends_away_and_recovers(service: Running) -> None:
    slow = ["sleep 0.3"] * 4
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: service.verify("moods", *slow), range(4)))
    taken = [answer for answer in answers if answer.status_code == 200]
    away = [answer for answer in answers if answer.status_code == 429]
    assert (len(taken), len(away)) == (1, 3)
    assert all(len(answer.json()["verdicts"]) == 4 for answer in taken)
    for answer in away:
        assert "4 rows wait, of 6 that may" in answer.json()["error"]
        assert 1 <= int(answer.headers["Retry-After"]) <= 60
    assert service.verify("moods", "fine").status_code == 200
    assert service.verify("moods", *["fine"] * 7).status_code == 200  # more than the queue, and alone


def test_a_client_that_goes_away_takes_its_rows_with_it(service: Running) -> None:
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(
            f"{service.address}/verify",
            json={"verifier": "moods", "rows": [{**ROW, "completion": "sleep 1"}] * 6},
            timeout=0.3,
        )
    deadline = time.monotonic() + 3
    while service.client.get("/health").json()["waiting"]:
        assert time.monotonic() < deadline, "6 rows would take 6 s"
        time.sleep(0.05)


def test_it_answers_what_it_has_taken_and_leaves_nothing(serve: Serve, moods: str) -> None:
    with serve("--verifier", moods, "--workers", "2") as service:
        workers = psutil.Process(service.process.pid).children(recursive=True)
        assert len(workers) >= 2
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            asked = pool.submit(service.verify, "moods", "sleep 1", "sleep 1")
            while not service.client.get("/health").json()["waiting"]:
                time.sleep(0.02)
            status, said = service.end()
            assert asked.result().status_code == 200
        assert (status, said) == (0, "ended\n")
        assert not any(worker.is_running() for worker in workers)


def test_others_need_a_token(serve: Serve, moods: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN_VARIABLE, TOKEN)
    with serve("--verifier", moods, "--host", "0.0.0.0") as service:
        assert service.verify("moods", "fine").status_code == 200
        assert service.client.get("/verifiers", headers={"Host": "judges.example"}).status_code == 200
        for given in (None, "", "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer \xe9"):
            headers = {} if given is None else {"Authorization": given.encode("latin-1")}
            answer = httpx.post(f"{service.address}/verify", json={}, headers=headers)  # type: ignore[arg-type]
            assert (answer.status_code, f"that {TOKEN_VARIABLE} holds" in answer.text) == (401, True), given
            assert answer.headers["WWW-Authenticate"] == "Bearer"
        for path in ("/health", "/docs", "/openapi.json"):
            assert httpx.get(f"{service.address}{path}").status_code == 200
        assert service.end() == (
            0,
            "without --certificate the token and all text cross the network in the clear\nended\n",
        )


@pytest.mark.parametrize(
    ("arguments", "token", "why"),
    [
        (["--host", "0.0.0.0"], "", "to serve others than this machine"),
        (["--host", "0.0.0.0"], "short", "secret of at least 16 characters"),
        ([], "short", "secret of at least 16 characters"),
        (["--verifier", "maths"], "", "maths"),
        (["--set", "math.answr=whole"], "", "`answr`"),
        (["--set", "code.timeout=3"], "", "`--set code....` names no verifier that is served (math)"),
        (["--set", "math=3"], "", "write `--set math.KEY=VALUE`"),
        (["--verifier", "math", "--verifier", "math"], "", "give one another name"),
        (["--certificate", "none.pem"], "", "are no PEM files of one key"),
        (["--host", "host.invalid"], TOKEN, "cannot listen on `--host host.invalid"),
    ],
)
def test_what_cannot_be_served_is_one_sentence(arguments: list[str], token: str, why: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "selfplay", "serve-verifiers", "--port", "0", *arguments]
    env = {**os.environ, TOKEN_VARIABLE: token}
    ran = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=120)
    assert (ran.returncode, ran.stdout) == (2, ""), ran.stderr
    assert ran.stderr.startswith("selfplay: ")
    assert why in ran.stderr
    assert ran.stderr.count("\n") == 1


def test_a_port_that_is_taken_is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        command = [sys.executable, "-m", "selfplay", "serve-verifiers", "--port", str(taken.getsockname()[1])]
        ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert (ran.returncode, "cannot listen on `--host 127.0.0.1 --port" in ran.stderr) == (2, True)


def test_names_of_what_is_served() -> None:
    found = offers(["math", "strict=math", "a/b=c.py:mine"], {"strict": {"answer": "whole"}})
    assert [(name, spec.verifier, spec.settings) for name, spec in found.items()] == [
        ("math", "math", {}),
        ("strict", "math", {"answer": "whole"}),
        ("mine", "a/b=c.py:mine", {}),
    ]
    with pytest.raises(BadSettings, match="names no verifier that is served"):
        offers(["math"], {"strict": {}})
