"""redis-py's connections without what their waits cost.

A command of redis-py's own connection is mostly bookkeeping: the check whether an idle socket has something to read
starts a read and cancels it, and each write is a task of its own so that it can be given up. Both are asked of the
transport here, which knows; the limits stay what they are. What is sent and how answers are read is redis-py's.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from redis import exceptions
from redis._parsers.hiredis import _AsyncHiredisParser
from redis.asyncio.connection import AbstractConnection, Connection, SSLConnection

if TYPE_CHECKING:
    _Any = AbstractConnection
else:
    _Any = object


class _Lean(_Any):
    """Goes before a connection class of redis-py."""

    async def can_read_destructive(self) -> bool:
        """Whether this idle connection is in no state to be used: closed, or with something unread. Nothing is read.

        Raises ConnectionError when the server has closed it, as far as the event loop has heard of it; what comes in
        this very moment meets the command itself.
        """
        if not isinstance(self._parser, _AsyncHiredisParser):
            return bool(await super().can_read_destructive())  # type: ignore[no-untyped-call]
        reader = self._reader
        if reader is None or reader.at_eof() or reader.exception() is not None or self._is_closing():
            raise exceptions.ConnectionError("Connection closed by server.")
        # What was left over would answer the wrong command. asyncio has no public word for "is anything buffered".
        return bool(self._parser._reader.has_data() or reader._buffer)  # type: ignore[attr-defined]

    async def send_packed_command(self, command: bytes | str | Iterable[bytes], check_health: bool = True) -> None:
        """Write a command. Raises TimeoutError and ConnectionError, and is disconnected then, as redis-py's."""
        writer = self._writer
        if writer is None or self.health_check_interval:
            await super().send_packed_command(command, check_health)
            return
        if isinstance(command, str):
            command = command.encode()
        if self._is_closing():
            await self.disconnect(nowait=True)
            raise exceptions.ConnectionError("Connection closed by server.")
        try:
            writer.writelines([command] if isinstance(command, bytes) else command)
            async with asyncio.timeout(self.socket_timeout):
                await writer.drain()
        except TimeoutError:
            await self.disconnect(nowait=True)
            raise exceptions.TimeoutError("Timeout writing to socket") from None
        except OSError as error:
            await self.disconnect(nowait=True)
            raise exceptions.ConnectionError(f"Error while writing to socket: {error}") from error
        except BaseException:
            await self.disconnect(nowait=True)
            raise

    def _is_closing(self) -> bool:
        """Whether the transport is closed while the reader has not heard of it yet. uvloop's raises RuntimeError for a
        write then, which nobody expects of a server that went away."""
        return self._writer is None or self._writer.transport.is_closing()


class LeanConnection(_Lean, Connection):
    """By TCP."""


class LeanTlsConnection(_Lean, SSLConnection):
    """By TLS."""


LEAN: Final[dict[type[AbstractConnection], type[AbstractConnection]]] = {
    Connection: LeanConnection,
    SSLConnection: LeanTlsConnection,
}
"""By redis-py's class for an address."""
