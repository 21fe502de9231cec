"""Messages between a sandboxed process and the one outside: a length, then JSON, over a socket. Both
sides."""

from __future__ import annotations

import json
import os
import struct
from typing import Any

HEADER = struct.Struct(">I")
_encode = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode
_decode = json.JSONDecoder().raw_decode


class ChannelClosed(EOFError):
    """The other side is gone."""


class BadFrame(ValueError):
    """Bytes that are no message."""


def pack(message: Any) -> bytes:
    """One message as bytes. Raises TypeError or ValueError for what JSON cannot carry."""
    body = _encode(message).encode("ascii")
    return HEADER.pack(len(body)) + body


class FrameTooLong(BadFrame):
    """A message longer than is allowed."""


class Frames:
    """Cuts arriving bytes into messages; `limit` bounds one message in bytes."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._buffer = bytearray()

    def feed(self, data: bytes) -> None:
        self._buffer += data

    def next(self) -> Any | None:
        """The next whole message (always an object), or None until more bytes arrive. Raises BadFrame."""
        if len(self._buffer) < HEADER.size:
            return None
        (length,) = HEADER.unpack_from(self._buffer)
        if length > self.limit:
            raise FrameTooLong(f"a message of {length} bytes, where {self.limit} are allowed")
        end = HEADER.size + length
        if len(self._buffer) < end:
            return None
        body = bytes(self._buffer[HEADER.size : end])
        del self._buffer[:end]
        try:
            message = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise BadFrame("a message that is not JSON") from error
        if not isinstance(message, dict):
            raise BadFrame("a message that is no object")
        return message


class Channel:
    """The blocking end, for the inside: a descriptor, and as little Python as will do (see kernel/linux.py)."""

    def __init__(self, end: int) -> None:
        self._end = end

    def send(self, message: Any) -> None:
        self.send_packed(pack(message))

    def send_packed(self, frame: bytes) -> None:
        while frame:
            frame = frame[os.write(self._end, frame) :]

    def receive(self) -> Any:
        """Wait for a message. Raises ChannelClosed at the end."""
        (length,) = HEADER.unpack(self._take(HEADER.size))
        return _decode(self._take(length).decode("ascii"))[0]

    def _take(self, size: int) -> bytes:
        """Exactly so many bytes; never a larger buffer than they need."""
        data = os.read(self._end, size)
        if len(data) == size:
            return data
        parts, left = [data], size - len(data)
        while left:
            if not parts[-1]:
                raise ChannelClosed("the other side is gone")
            parts.append(os.read(self._end, left))
            left -= len(parts[-1])
        return b"".join(parts)
