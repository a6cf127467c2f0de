"""Subscribers as cheap as they can be, each on a port of its own, in a process of their own.

    python -m benchmarks.webhooks.receivers --secret whsec_... --well 4 --hanging 1 --ledger FOLDER

They check each signature, note what they have taken, and answer 204. A hanging one accepts, reads, and never answers.
The first line of output is JSON with the ports. At SIGTERM each writes its ledger, one line for each request.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import hmac
import json
import signal
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, cast

import msgspec
import uvloop

from agiza.runtime.standard_webhooks import key_of

ANSWER: Final = b"HTTP/1.1 204 No Content\r\n\r\n"


class Data(msgspec.Struct):
    """What the ledger needs of an event's data."""

    order_id: str


class Body(msgspec.Struct):
    """What the ledger needs of an event."""

    id: str
    branchid: str
    sequence: str
    data: Data


_body: Final = msgspec.json.Decoder(Body)


@dataclass(frozen=True, slots=True)
class Entry:
    """One request that a receiver has taken, in the order of arrival."""

    event_id: str
    branch_id: str
    sequence: int
    order_id: str
    at: float
    is_signed: bool


class Receiver:
    """One endpoint's ledger."""

    def __init__(self, key: bytes, *, hangs: bool) -> None:
        self.key = key
        self.hangs = hangs
        self.taken: list[Entry] = []
        self.left_waiting = 0

    def take(self, headers: dict[bytes, bytes], body: bytes) -> bytes:
        """Note the request; the answer to it, nothing from one that hangs."""
        if self.hangs:
            self.left_waiting += 1
            return b""
        event = _body.decode(body)
        id, sent_at = headers[b"webhook-id"], headers[b"webhook-timestamp"]
        mac = hmac.digest(self.key, b".".join((id, sent_at, body)), hashlib.sha256)
        is_signed = headers[b"webhook-signature"] == b"v1," + base64.b64encode(mac) and id.decode() == event.id
        self.taken.append(
            Entry(event.id, event.branchid, int(event.sequence), event.data.order_id, time.time(), is_signed)
        )
        return ANSWER


class Connection(asyncio.Protocol):
    """Requests with a Content-Length, one after the other: what our sender sends, and no more of HTTP."""

    def __init__(self, receiver: Receiver) -> None:
        self._receiver = receiver
        self._buffer = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one without being derived from it

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (request := self._next()) is not None:
            assert self._transport is not None
            self._transport.write(self._receiver.take(*request))

    def _next(self) -> tuple[dict[bytes, bytes], bytes] | None:
        head, ends, rest = self._buffer.partition(b"\r\n\r\n")
        if not ends:
            return None
        fields = (line.partition(b":") for line in head.split(b"\r\n")[1:])
        headers = {name.lower(): value.strip() for name, _, value in fields}
        length = int(headers[b"content-length"])
        if len(rest) < length:
            return None
        self._buffer = rest[length:]
        return headers, rest[:length]


async def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--secret", required=True)
    parser.add_argument("--well", type=int, required=True)
    parser.add_argument("--hanging", type=int, required=True)
    parser.add_argument("--ledger", type=Path, required=True)
    chosen = parser.parse_args()
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stopped.set)
    key = key_of(chosen.secret)
    receivers = [Receiver(key, hangs=place >= chosen.well) for place in range(chosen.well + chosen.hanging)]
    servers = [
        await loop.create_server(lambda receiver=receiver: Connection(receiver), "127.0.0.1", 0)  # type: ignore[misc]
        for receiver in receivers
    ]
    print(
        json.dumps({"event": "ready", "ports": [server.sockets[0].getsockname()[1] for server in servers]}), flush=True
    )
    await stopped.wait()
    for place, receiver in enumerate(receivers):
        lines = "".join(f"{json.dumps(asdict(entry))}\n" for entry in receiver.taken)
        await asyncio.to_thread((chosen.ledger / f"{place}.jsonl").write_text, lines)
    await asyncio.to_thread(
        (chosen.ledger / "left-waiting").write_text, str(sum(receiver.left_waiting for receiver in receivers))
    )


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
