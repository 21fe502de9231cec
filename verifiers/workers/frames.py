"""The messages between the supervisor and a worker: length-prefixed JSON over a private socket.

JSON with ASCII escapes carries any text a model can write, NUL and lone surrogates included; nothing that
comes back from a worker is ever unpickled or evaluated.
"""

from __future__ import annotations

import json
import math
import struct
from typing import Any

from pydantic import JsonValue

HEADER = struct.Struct(">I")
EXIT_MEMORY = 77
"""Exit status of a worker that ran out of memory: it says no more, since no more is sure to work."""
MAX_FRAME = 256 * 1024 * 1024
"""Bytes; a longer message from a worker is taken for rubbish."""


def pack(message: Any) -> bytes:
    """One frame. Raises ValueError or TypeError for what JSON cannot carry (NaN, objects)."""
    body = json.dumps(message, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode("ascii")
    if len(body) > MAX_FRAME:
        raise ValueError(f"a message of {len(body)} bytes is longer than the {MAX_FRAME} that fit")
    return HEADER.pack(len(body)) + body


def no_number(value: JsonValue) -> str | None:
    """Where parsed JSON holds NaN or an infinity, which Python reads and JSON does not have, as a clause; else None."""
    waiting: list[tuple[str, JsonValue]] = [("", value)]
    while waiting:
        place, inside = waiting.pop()
        if isinstance(inside, float):
            if not math.isfinite(inside):
                return f"`{place[1:200]}` is {json.dumps(inside)}, which is no JSON number"
        elif isinstance(inside, dict):
            waiting += [
                (f"{place}.{key}", item) for key, item in inside.items() if isinstance(item, dict | list | float)
            ]
        elif isinstance(inside, list):
            waiting += [
                (f"{place}.{at}", item) for at, item in enumerate(inside) if isinstance(item, dict | list | float)
            ]
    return None


class FrameReader:
    """Takes bytes as they arrive and gives whole messages back."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.spoiled = False
        """Whether bytes came that are no frame; what came before them was still given back."""

    def feed(self, data: bytes) -> list[Any]:
        """Messages that are complete with these bytes, up to the first that is none."""
        self._buffer += data
        messages = []
        while len(self._buffer) >= HEADER.size:
            (length,) = HEADER.unpack_from(self._buffer)
            if length > MAX_FRAME:
                self.spoiled = True
                break
            end = HEADER.size + length
            if len(self._buffer) < end:
                break
            body = bytes(self._buffer[HEADER.size : end])
            del self._buffer[:end]
            try:
                messages.append(json.loads(body))
            except (ValueError, RecursionError):
                self.spoiled = True
                break
        return messages
