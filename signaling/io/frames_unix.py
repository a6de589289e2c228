"""Frames on the control socket: a 4-byte big-endian length, then one msgpack message of a union."""

from __future__ import annotations

import asyncio
from typing import Generic, TypeVar

import msgspec

from signaling.errors import ProtocolError

MAX_FRAME = 4 << 20  # bytes: a list of every open peer of a large evening is about 1 MB
_HEADER = 4

Message = TypeVar("Message")


class Frames(Generic[Message]):
    """Writes any message, reads messages of one union. Not for several tasks at once."""

    def __init__(self, union: object) -> None:
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder: msgspec.msgpack.Decoder[Message] = msgspec.msgpack.Decoder(union)

    def encode(self, message: object) -> bytes:
        body = self._encoder.encode(message)
        return len(body).to_bytes(_HEADER, "big") + body

    async def read(self, reader: asyncio.StreamReader) -> Message | None:
        """The next message; None at the end of the stream. Raises `ProtocolError`."""
        try:
            body = await reader.readexactly(_size(await reader.readexactly(_HEADER)))
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        return self._decode(body)

    def take(self, buffer: bytearray) -> Message | None:
        """The first message of what was read so far, taken off; None until it is whole. Raises `ProtocolError`."""
        if len(buffer) < _HEADER:
            return None
        end = _HEADER + _size(buffer[:_HEADER])
        if len(buffer) < end:
            return None
        body = bytes(buffer[_HEADER:end])
        del buffer[:end]
        return self._decode(body)

    def _decode(self, body: bytes) -> Message:
        try:
            return self._decoder.decode(body)
        except msgspec.MsgspecError as error:
            raise ProtocolError(f"a control message that cannot be read: {error}") from error


def _size(header: bytes | bytearray) -> int:
    size = int.from_bytes(header, "big")
    if size > MAX_FRAME:
        raise ProtocolError(f"a control frame of {size} bytes")
    return size
