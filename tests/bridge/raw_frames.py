"""WebSocket frames by hand, right and wrong ones, and a client that knows nothing of any library."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import os
import struct
from dataclasses import dataclass, field
from urllib.parse import urlsplit

CONT, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA


def frame(
    opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0, masked: bool = True, wide: int | None = None
) -> bytes:
    """One frame. ``wide`` (2 or 8) writes the length in more bytes than it needs."""
    size = len(payload)
    first = bytes([fin << 7 | rsv << 4 | opcode])
    mask_bit = masked << 7
    wide = wide or (0 if size < 126 else 2 if size < 1 << 16 else 8)
    match wide:
        case 0:
            head = first + bytes([mask_bit | size])
        case 2:
            head = first + struct.pack("!BH", mask_bit | 126, size)
        case _:
            head = first + struct.pack("!BQ", mask_bit | 127, size)
    if not masked:
        return head + payload
    mask = b"\x37\xfa\x21\x3d"
    return head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


def close_frame(code: int | None = None, reason: bytes = b"") -> bytes:
    """A masked close frame."""
    return frame(CLOSE, b"" if code is None else struct.pack("!H", code) + reason)


@dataclass
class RawClient:
    """A client after the handshake. Frames of the server are read until it closes."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    pongs: list[bytes] = field(default_factory=list)
    close_code: int | None = None
    """Of the server's close frame; 1005 for one without a code."""
    is_ended: bool = False

    async def send(self, segments: list[bytes]) -> None:
        for segment in segments:
            self.writer.write(segment)
            await self.writer.drain()
            await asyncio.sleep(0.001)  # so that each one is read by itself, mostly

    async def read_until_pong(self, payload: bytes) -> None:
        while payload not in self.pongs and not self.is_ended:
            await self._read_frame()

    async def read_until_end(self) -> None:
        while not self.is_ended:
            await self._read_frame()

    async def leave(self) -> None:
        self.writer.transport.abort()
        with contextlib.suppress(OSError):
            await self.writer.wait_closed()

    async def _read_frame(self) -> None:
        try:
            first, second = await self.reader.readexactly(2)
            assert not second & 0x80, "a server must not mask"
            size = second & 0x7F
            if size >= 126:
                size = int.from_bytes(await self.reader.readexactly(2 if size == 126 else 8), "big")
            payload = await self.reader.readexactly(size)
        except (asyncio.IncompleteReadError, ConnectionError):
            self.is_ended = True
            return
        assert self.close_code is None, "nothing may follow a close frame"
        match first & 0x0F:
            case 0xA:
                self.pongs.append(payload)
            case 0x8:
                self.close_code = int.from_bytes(payload[:2], "big") if payload else 1005


def upgrade_request(url: str, path: str, subprotocol: str = "audio.drachtio.org") -> bytes:
    """The handshake of a media socket."""
    key = base64.b64encode(os.urandom(16)).decode()
    lines = (
        f"GET {path} HTTP/1.1", f"Host: {urlsplit(url).netloc}", "Upgrade: websocket", "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Protocol: {subprotocol}",
    )  # fmt: skip
    return "\r\n".join((*lines, "", "")).encode()


async def connect_raw(url: str, path: str, *, hurried: bytes = b"") -> RawClient:
    """A client whose handshake was accepted. ``hurried`` is sent in the same segment as the request."""
    address = urlsplit(url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(upgrade_request(url, path) + hurried)
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101 "), head
    return RawClient(reader, writer)
