"""A TCP proxy that can lose answers: it goes on carrying requests, swallows what comes back, then cuts the lines.

So what was asked for is done and its asker never hears of it, the hardest of all faults.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Final

from agiza.runtime.tasks import end

LOOPBACK: Final = "127.0.0.1"
CHUNK_BYTES: Final = 64 * 1024

Targets = Callable[[], Sequence[int]]
"""The ports behind the proxy at this moment, the one to try first at the front."""


class Proxy:
    """Brings each connection to the first target that takes it."""

    def __init__(self, targets: Targets) -> None:
        self.port = 0
        self.swallowed = 0
        """How many pieces of answers were dropped so far."""
        self._targets = targets
        self._is_deaf = False
        self._lines: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[Proxy]:
        """Serve on a free port of the loopback interface."""
        server = await asyncio.start_server(self._enter, LOOPBACK, 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            await self._cut()

    async def swallow(self, seconds: float) -> None:
        """Drop all answers for so long, then cut every line that there is. Returns when that is done."""
        self._is_deaf = True
        try:
            await asyncio.sleep(seconds)
        finally:
            self._is_deaf = False
            await self._cut()

    async def _cut(self) -> None:
        await end(tuple(self._lines))

    def _enter(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # A task of our own: the server's would be lost sight of.
        line = asyncio.get_running_loop().create_task(self._carry(reader, writer), name="line of a proxy")
        self._lines.add(line)
        line.add_done_callback(self._lines.discard)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there: asyncio.StreamWriter | None = None
        ways: list[asyncio.Task[None]] = []
        try:
            for port in self._targets():
                with contextlib.suppress(OSError):
                    answers, there = await asyncio.open_connection(LOOPBACK, port)
                    break
            else:
                return
            assert there is not None
            ways = [
                asyncio.create_task(self._requests(reader, there), name="requests"),
                asyncio.create_task(self._answers(answers, writer), name="answers"),
            ]
            # Whoever closes first closes both, also by dying.
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for side in (writer, there):
                if side is not None:
                    side.transport.abort()
            await end(ways)

    async def _requests(self, reader: asyncio.StreamReader, there: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(CHUNK_BYTES):
                there.write(chunk)
                await there.drain()

    async def _answers(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        has_lost = False  # what comes after a lost piece would be taken for the answer to something else
        with contextlib.suppress(OSError):
            while chunk := await reader.read(CHUNK_BYTES):
                if self._is_deaf or has_lost:
                    has_lost = True
                    self.swallowed += 1
                    continue
                writer.write(chunk)
                await writer.drain()
            # All that was answered before the end is still brought home.
            writer.close()
            await writer.wait_closed()
