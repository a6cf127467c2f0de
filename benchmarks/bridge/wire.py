"""Websocket frames as bytes, for a load side that shares one core between all callers and the model.

No library object per connection: frames to send are made once, frames that come are cut out of what was read.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Final

from websockets.speedups import apply_mask

TEXT: Final = 0x81
BINARY: Final = 0x82
CLOSE: Final = 0x88
PING: Final = 0x89
PONG: Final = 0x8A
MESSAGE_BYTES_MAX: Final = 1 << 20
_GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_MASK: Final = b"\x37\xfa\x21\x3d"


class Broken(Exception):
    """The peer sent what is no websocket message, or a refusal of the upgrade. Names what it was."""

    retryable = False


class Frames:
    """Cuts a byte stream into frames, masked or not. Fragments are not supported: no bridge sends any."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """First byte and payload of each frame that is complete now."""
        if self._rest:
            data = self._rest + data
        at, end = 0, len(data)
        found: list[tuple[int, bytes]] = []
        while end - at >= 2:
            size = data[at + 1] & 127
            head = at + 2
            if size == 126:
                head += 2
                if head > end:
                    break
                size = data[at + 2] << 8 | data[at + 3]
            elif size == 127:
                head += 8
                if head > end:
                    break
                size = int.from_bytes(data[at + 2 : head])
            is_masked = data[at + 1] & 128
            body = head + 4 if is_masked else head
            if size > MESSAGE_BYTES_MAX or data[at] not in (TEXT, BINARY, CLOSE, PING, PONG):
                raise Broken(f"frame of kind {data[at]:#x} with {size} bytes")
            if body + size > end:
                break
            payload = data[body : body + size]
            found.append((data[at], apply_mask(payload, data[head:body]) if is_masked else payload))
            at = body + size
        self._rest = data[at:]
        return found


def head(kind: int, size: int, *, masked: bool) -> bytes:
    """What stands before the payload; for a masked one without the key."""
    flag = 128 if masked else 0
    if size < 126:
        return bytes((kind, flag | size))
    if size < 1 << 16:
        return bytes((kind, flag | 126)) + size.to_bytes(2)
    return bytes((kind, flag | 127)) + size.to_bytes(8)


def from_server(kind: int, payload: bytes) -> bytes:
    """A frame of a server."""
    return head(kind, len(payload), masked=False) + payload


def from_client(kind: int, payload: bytes) -> bytes:
    """A frame of a client. The key is always the same: it costs the other side what any key does."""
    return head(kind, len(payload), masked=True) + _MASK + apply_mask(payload, _MASK)


def upgrade_request(host: str, path: str, subprotocol: str) -> bytes:
    """A client's handshake."""
    return (
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {base64.b64encode(b'0123456789abcdef').decode()}\r\nSec-WebSocket-Version: 13\r\n"
        f"Sec-WebSocket-Protocol: {subprotocol}\r\n\r\n"
    ).encode()


def upgrade_answer(request: bytes) -> bytes:
    """A server's answer to a complete request head. Raises :class:`Broken`."""
    for line in request.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"sec-websocket-key":
            digest = hashlib.sha1(value.strip() + _GUID, usedforsecurity=False).digest()
            return (
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n\r\n"
            )
    raise Broken("a request without Sec-WebSocket-Key")
