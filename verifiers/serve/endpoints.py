"""The paths of the service: POST /verify, GET /verifiers, GET /health, and the API's page at /docs."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from selfplay.verifiers.contract.verdict import Judgement, Row
from selfplay.verifiers.errors import BrokenVerifier
from selfplay.verifiers.serve.messages import Answer, Health, Refusal, Served, VerifyRequest
from selfplay.verifiers.serve.request_limits import RequestLimits
from selfplay.verifiers.serve.supervisor_pool import Full, SupervisorPool
from selfplay.verifiers.workers.batch import verdict_line

TOKEN_VARIABLE = "SELFPLAY_SERVE_TOKEN"
ABOUT = "Verdicts on what language models write: accepted, rejected or undecided, with reason and evidence."


def _refusals(*codes: int) -> dict[int | str, dict[str, Any]]:
    words = {
        400: "Unreadable, or for another host", 401: "The token is missing or wrong", 404: "No such verifier",
        408: "The body took too long", 409: "Other settings than those it is served with", 413: "Too long",
        422: "A key is missing or wrong", 429: "Too much waits; ask again after `Retry-After` seconds",
        503: "A verifier's workers no longer start",
    }  # fmt: skip
    return {code: {"model": Refusal, "description": words[code]} for code in codes}


def application(pool: SupervisorPool, *, token: str | None, local: bool) -> FastAPI:
    """The ASGI application over a pool that is running. `token`: None asks for none; `local`: see request_limits.py."""
    app = FastAPI(title="selfplay verifiers", version="1", description=ABOUT, redoc_url=None)
    app.add_middleware(RequestLimits, token=token, token_variable=TOKEN_VARIABLE, local=local)
    app.add_exception_handler(RequestValidationError, _unreadable)
    app.add_exception_handler(HTTPException, _refused)

    @app.post("/verify", response_model=Answer, responses=_refusals(400, 401, 404, 408, 409, 413, 422, 429, 503))
    async def verify(asked: VerifyRequest, request: Request) -> Response:
        """Judge a batch. Every row gets a verdict, in order; a fault of the judge is `undecided`, reason `fault`."""
        spec = pool.offers.get(asked.verifier)
        if spec is None:
            raise HTTPException(
                404, f"`verifier` is one of {', '.join(pool.offers)}; which are served is fixed at the start"
            )
        if asked.settings is not None and asked.settings != spec.settings:
            raise HTTPException(
                409,
                f"`settings` of `{asked.verifier}` are fixed at the start (GET /verifiers shows them), and differ from "
                "those asked for; leave the key out, or serve the verifier a second time under another name",
            )
        began = time.monotonic()
        try:
            with pool.admitted(len(asked.rows)):
                judgements = await _judged(pool, asked, request)
        except Full as full:
            why = f"{pool.waiting} rows wait, of {pool.queue} that may; ask again"
            raise HTTPException(429, why, {"Retry-After": str(full.seconds)}) from None
        except BrokenVerifier as error:
            pool.broken = error
            raise HTTPException(503, str(error)) from None
        pool.note_speed(len(judgements), time.monotonic() - began)
        # ASCII, as `selfplay verify` writes: a plugin's verdict may hold half a surrogate pair, which is no UTF-8
        lines = json.dumps({"verdicts": [verdict_line(judgement) for judgement in judgements]})
        return Response(lines, media_type="application/json")

    @app.get("/verifiers", responses=_refusals(400, 401, 413))
    async def verifiers() -> list[Served]:
        """What is served, in which version and with which settings."""
        return [
            Served(
                name=name,
                verifier=supervisor.name,
                version=supervisor.version,
                settings=pool.offers[name].settings,
                settings_hash=supervisor.settings_hash,
                sandbox_level=supervisor.sandbox_level,
            )
            for name, supervisor in pool.supervisors.items()
        ]

    @app.get("/health", responses=_refusals(400, 413, 503))
    async def health() -> Health:
        """Whether rows can be judged, and how many wait."""
        if pool.broken is not None:
            raise HTTPException(503, str(pool.broken))
        return Health(status="ok", waiting=pool.waiting, room=pool.queue - pool.waiting)

    return app


async def _judged(pool: SupervisorPool, asked: VerifyRequest, request: Request) -> list[Judgement]:
    """The judgements in order. When the client disconnects, its rows are cancelled."""
    supervisor = pool.supervisors[asked.verifier]
    futures: list[Future[Judgement]] = []
    try:
        for row in asked.rows:
            futures.append(supervisor.submit(Row(row.id, row.reference, row.completion, row.prompt)))
        all_of_them = asyncio.gather(*map(asyncio.wrap_future, futures))
        gone = asyncio.create_task(_gone(request))
        awaited: set[asyncio.Future[Any]] = {all_of_them, gone}
        try:
            await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
        if not all_of_them.done():
            all_of_them.cancel()
            await asyncio.wait(awaited)
            if not all_of_them.cancelled():
                all_of_them.exception()  # else asyncio reports an exception that was never retrieved
            raise HTTPException(400, "the client has gone")
        return all_of_them.result()
    finally:
        for future in futures:
            future.cancel()


async def _gone(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _unreadable(request: Request, error: Exception) -> JSONResponse:
    """The first complaint as `key: what is wrong`, without the hostile input itself."""
    assert isinstance(error, RequestValidationError)
    first: Mapping[str, Any] = error.errors()[0]
    if first["type"] == "json_invalid":
        why = f"the body is not JSON: {first['ctx']['error']}, at character {first['loc'][-1]}"
        return JSONResponse({"error": why[:500]}, 422)
    place = ".".join(str(part) for part in first["loc"] if part != "body")[:200]
    return JSONResponse({"error": f"`{place or 'body'}`: {first['msg']}"[:500]}, 422)


async def _refused(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if isinstance(error.__cause__, RecursionError):
        return JSONResponse({"error": "the body is nested too deeply; send objects and lists less deep"}, 400)
    if isinstance(error.__cause__, UnicodeDecodeError):
        return JSONResponse({"error": f"the body is not UTF-8, from byte {error.__cause__.start} on"}, 400)
    if isinstance(error.__cause__, ValueError):
        return JSONResponse({"error": f"the body cannot be read: {error.__cause__}"[:500]}, 400)
    return JSONResponse({"error": str(error.detail)}, error.status_code, error.headers)
