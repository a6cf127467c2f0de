"""A real Valkey (or Redis) server for the demo, the tests and developers. Not for production.

    with embedded_redis(Path(".agiza/redis")) as server:
        redis.Redis.from_url(server.url)

It listens on 127.0.0.1 only, with a password made for this data folder. Nothing is evicted when memory is full.
"""

from __future__ import annotations

import contextlib
import hashlib
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from agiza.runtime.embedded import child
from agiza.runtime.embedded import folder as folders
from agiza.runtime.embedded.binaries import EmbeddedUnavailable, RedisProgram, find_redis
from agiza.runtime.embedded.held import STOP_TIMEOUT_S, HeldServer
from agiza.runtime.embedded.ports import LOOPBACK, free_port

START_TIMEOUT_S: Final = 15
USERS_FILE: Final = "users.acl"
START_ATTEMPTS: Final = 3
POLL_S: Final = 0.01
LOG_TAIL_CHARS: Final = 1500


@dataclass(frozen=True, slots=True)
class RedisServer:
    """A running server. ``url`` is the administrator's (the user ``default``)."""

    process: HeldServer
    password: str
    version: tuple[int, ...]

    @property
    def port(self) -> int:
        """Its port on the loopback interface."""
        return self.process.port

    @property
    def pid(self) -> int:
        """Process id of the server."""
        return self.process.pid

    @property
    def url(self) -> str:
        """Administrator URL of database 0."""
        return f"redis://default:{self.password}@{LOOPBACK}:{self.port}/0"


@contextlib.contextmanager
def embedded_redis(
    keep_in: Path | None = None, *, port: int | None = None, program: RedisProgram | None = None
) -> Iterator[RedisServer]:
    """A running Valkey for the length of the context; with ``keep_in`` its data stays, else it is thrown away.

    Kept data is written to an append-only file, flushed each second. Raises :class:`EmbeddedUnavailable` with the
    reason and the end of the server's log when it cannot start.
    """
    program = program or find_redis()
    with folders.server_folder(keep_in, "redis") as folder:
        password = folders.stored_password(folder / "password")
        _forget_users(folder, password)
        launch = partial(_start, folder, program, password, durable=keep_in is not None)
        process = HeldServer(launch, signal.SIGTERM, port)
        try:
            yield RedisServer(process, password, program.version)
        finally:
            process.stop()


def _forget_users(folder: Path, password: str) -> None:
    """Begin the access list with the administrator alone. What is saved to it later outlives a crash of the server."""
    users = folder / USERS_FILE
    users.touch(mode=0o600)
    users.write_text(f"user default on #{hashlib.sha256(password.encode()).hexdigest()} ~* &* +@all\n")


def _start(
    folder: Path, program: RedisProgram, password: str, port: int | None, *, durable: bool
) -> tuple[subprocess.Popen[str], int]:
    """Start the server and wait for its first answer. A port that was taken meanwhile is chosen anew."""
    ourselves = child.Account("self", 0, 0)
    for attempt in range(1, START_ATTEMPTS + 1):
        chosen = port or free_port()
        with (folder / "server.log").open("a") as log:
            began_at = log.tell()
            process = child.start(
                [program.server, "-"],  # settings come by standard input
                ourselves,
                stdin=subprocess.PIPE,
                stdout=log.fileno(),
                death_signal=signal.SIGTERM,
            )
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError), process.stdin as settings:
            settings.write(_settings(folder, chosen, durable=durable))
        failure = _wait_for_answer(process, chosen, password)
        if failure is None:
            return process, chosen
        child.stop(process, signal.SIGTERM, timeout_s=STOP_TIMEOUT_S)
        tail = (folder / "server.log").read_text(errors="replace")[began_at:][-LOG_TAIL_CHARS:].strip()
        taken = "Address already in use" in tail or "Failed listening" in tail
        if not taken or port is not None or attempt == START_ATTEMPTS:
            raise EmbeddedUnavailable(f"Redis did not start: {failure}. Its log ends: {tail}")
    raise AssertionError("unreachable")


def _settings(folder: Path, port: int, *, durable: bool) -> str:
    return "\n".join(
        (
            f"port {port}",
            f"bind {LOOPBACK}",
            f'dir "{folder}"',
            f'aclfile "{folder / USERS_FILE}"',
            f"appendonly {'yes' if durable else 'no'}",
            "appendfsync everysec",
            "aof-timestamp-enabled yes",  # so that kept data can be cut back to a moment
            'save ""',
            "daemonize no",
            "maxmemory-policy noeviction",
            "",
        )
    )


def _wait_for_answer(process: subprocess.Popen[str], port: int, password: str) -> str | None:
    """None as soon as the server answers with our password, else why it does not."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            return f"it ended with code {process.returncode}"
        try:
            with (
                socket.create_connection((LOOPBACK, port), timeout=2) as connection,
                connection.makefile("rb") as lines,
            ):
                connection.sendall(f"AUTH {password}\r\nPING\r\n".encode())
                answer = (lines.readline(), lines.readline())
        except OSError:  # not listening yet
            answer = (b"", b"")
        if answer == (b"+OK\r\n", b"+PONG\r\n"):
            return None
        time.sleep(POLL_S)  # wrong server on a port that was taken from us, or ours is not there yet
    return f"no answer within {START_TIMEOUT_S} s"
