"""The service under load, and against its own OpenAPI document."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections import Counter

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings

from selfplay.verifiers.serve.request_limits import READING_SECONDS
from tests.verifiers.conftest import Serve

CLIENTS, REQUESTS, ROWS = 24, 5, 40


@pytest.mark.slow
def test_under_load_every_row_gets_its_own_verdict(serve: Serve, moods: str) -> None:
    """24 clients at once, with more rows than may wait; some rows raise or kill their worker, some clients leave."""
    codes: Counter[int] = Counter()

    async def client(number: int, link: httpx.AsyncClient) -> None:
        chance = random.Random(number)
        for turn in range(REQUESTS):
            texts = [f"{number} {turn} {place}" for place in range(ROWS)]
            texts[chance.randrange(ROWS)] = "raise"
            if chance.random() < 0.05:
                texts[0] = "die"
            rows = [{"id": str(place), "reference": {}, "completion": text} for place, text in enumerate(texts)]
            body = {"verifier": "moods", "rows": rows}
            if chance.random() < 0.05:
                with contextlib.suppress(httpx.TimeoutException):
                    await link.post("/verify", json=body, timeout=0.001)
            while True:
                answer = await link.post("/verify", json=body)
                codes[answer.status_code] += 1
                if answer.status_code == 200:
                    break
                assert answer.status_code == 429, answer.text
                await asyncio.sleep(min(0.2, float(answer.headers["Retry-After"])) * chance.random())
            verdicts = answer.json()["verdicts"]
            assert [verdict["id"] for verdict in verdicts] == [row["id"] for row in rows]
            for text, verdict in zip(texts, verdicts, strict=True):
                expected = {"raise": "fault", "die": "kills_its_judge"}.get(text, "accepted")
                assert verdict["reason"] == expected, (text, verdict)
                if expected == "accepted":
                    assert verdict["detail"]["said"] == text

    async def all_of_them(address: str) -> None:
        async with httpx.AsyncClient(base_url=address, timeout=60) as link, asyncio.timeout(150):
            await asyncio.gather(*(client(number, link) for number in range(CLIENTS)))

    with serve("--verifier", moods, "--workers", "2", "--queue", str(4 * ROWS)) as service:
        asyncio.run(all_of_them(service.address))
        assert codes[200] == CLIENTS * REQUESTS
        assert codes[429] > 0
        assert service.client.get("/health").json()["waiting"] == 0
        assert service.end() == (0, "ended\n")


@pytest.mark.slow
def test_it_keeps_its_own_openapi_document(serve: Serve, moods: str) -> None:
    with serve("--verifier", moods, "--verifier", "math") as service:
        schema = schemathesis.openapi.from_url(f"{service.address}/openapi.json", wait_for_schema=READING_SECONDS)
        seen: Counter[str] = Counter()

        for operation in schema.get_all_operations():
            case_of = operation.ok().as_strategy()

            @settings(max_examples=25, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
            @given(case=case_of)
            def ask(case: schemathesis.Case) -> None:
                answer = case.call_and_validate()
                seen[f"{case.method} {case.path} {answer.status_code}"] += 1

            ask()
        assert {key.rpartition(" ")[0] for key in seen} == {"POST /verify", "GET /verifiers", "GET /health"}
        assert service.verify("moods", "fine").status_code == 200
