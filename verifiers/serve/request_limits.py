"""What is checked of every request before it is read: the host it names, the token, the size of its body.

Plain ASGI, so that a body is bounded while it arrives. The page of the API and the health check pass without a token.
"""

from __future__ import annotations

import asyncio
import hmac
from urllib.parse import urlsplit

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK = ("127.0.0.1", "::1", "localhost")
OPEN_PATHS = ("/docs", "/openapi.json", "/health")
MAX_BODY = 16 << 20
"""Bytes of one request."""
MAX_HELD = 8 * MAX_BODY
"""Bytes of all requests that are read or judged at once."""
READING_SECONDS = 30.0
"""A body must have arrived by then."""


class RequestLimits:
    """Middleware. `token`: what `Authorization: Bearer` must carry; None: none is asked. `local`: only this machine
    is served, so a page in a browser that reaches it under another host name is refused (DNS rebinding)."""

    def __init__(self, app: ASGIApp, *, token: str | None, token_variable: str, local: bool) -> None:
        self._app = app
        self._token = token
        self._token_variable = token_variable
        self._local = local
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        refusal = self._wrong_host(headers) or self._wrong_token(headers, scope["path"]) or _too_long(headers)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        body: list[bytes] = []
        try:
            async with asyncio.timeout(READING_SECONDS):
                refusal = await self._read(receive, body)
        except TimeoutError:
            refusal = _refusal(408, f"the request did not arrive within {READING_SECONDS:g} s")
        try:
            if refusal is not None:
                await refusal(scope, receive, send)
            else:
                await self._app(scope, _replayed(b"".join(body), receive), send)
        finally:
            self._held -= sum(map(len, body))

    def _wrong_host(self, headers: dict[bytes, str]) -> JSONResponse | None:
        if not self._local:
            return None
        try:
            host = urlsplit(f"//{headers.get(b'host', '')}").hostname
        except ValueError:
            host = None
        return None if host in LOOPBACK else _refusal(400, "this service answers to 127.0.0.1 and localhost alone")

    def _wrong_token(self, headers: dict[bytes, str], path: str) -> JSONResponse | None:
        if self._token is None or path in OPEN_PATHS:
            return None
        given = headers.get(b"authorization", "")
        if hmac.compare_digest(given.encode(), f"Bearer {self._token}".encode()):
            return None
        why = f"send `Authorization: Bearer` with the token that {self._token_variable} holds where the service runs"
        return _refusal(401, why, {"WWW-Authenticate": "Bearer"})

    async def _read(self, receive: Receive, body: list[bytes]) -> JSONResponse | None:
        """Take the body in; a response where it is too much. What `body` holds is counted in `_held`."""
        size = 0
        while True:
            message = await receive()
            if message["type"] != "http.request":
                return _refusal(400, "the request broke off")
            chunk = message.get("body", b"")
            size += len(chunk)
            if size > MAX_BODY:
                return _refusal(413, f"the body has more than {MAX_BODY} bytes; send the rows in several requests")
            if self._held + len(chunk) > MAX_HELD:
                return _refusal(429, "too many requests are being read; ask again", {"Retry-After": "1"})
            self._held += len(chunk)
            body.append(chunk)
            if not message.get("more_body", False):
                return None


def _too_long(headers: dict[bytes, str]) -> JSONResponse | None:
    length = headers.get(b"content-length", "0")
    if length.isdecimal() and int(length) <= MAX_BODY:
        return None
    return _refusal(413, f"the body may have {MAX_BODY} bytes; send the rows in several requests")


def _refusal(status: int, why: str, headers: dict[str, str] | None = None) -> JSONResponse:
    # otherwise the unread rest of the body would be read as the next request
    return JSONResponse({"error": why}, status, {**(headers or {}), "Connection": "close"})


def _replayed(body: bytes, receive: Receive) -> Receive:
    """The body once, then what the connection reports (such as that the client disconnected)."""
    first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return first.pop() if first else await receive()

    return replay
