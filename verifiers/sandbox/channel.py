"""Messages between a sandboxed process and the one outside: a length, then JSON, over a socket. Both
sides."""

from __future__ import annotations

import json
import socket
import struct
from typing import Any

HEADER = struct.Struct(">I")


class ChannelClosed(EOFError):
    """The other side is gone."""


class BadFrame(ValueError):
    """Bytes that are no message."""


def pack(message: Any) -> bytes:
    """One message as bytes. Raises TypeError or ValueError for what JSON cannot carry."""
    body = json.dumps(message, ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode("ascii")
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
    """The blocking end, for the inside."""

    def __init__(self, end: socket.socket, limit: int = 1 << 28) -> None:
        self._end = end
        self._frames = Frames(limit)

    def send(self, message: Any) -> None:
        self._end.sendall(pack(message))

    def receive(self) -> Any:
        """Wait for a message. Raises ChannelClosed at the end."""
        while (message := self._frames.next()) is None:
            data = self._end.recv(1 << 16)
            if not data:
                raise ChannelClosed("the other side is gone")
            self._frames.feed(data)
        return message
