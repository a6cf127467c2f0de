"""A real Postgres server for the demo, the tests and developers. Not for production.

    with embedded_postgres(Path(".agiza/postgres")) as server:
        psycopg.connect(server.url)

It listens on 127.0.0.1 only, with a password made for this data folder.
"""

from __future__ import annotations

import contextlib
import logging
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import psycopg

from agiza.runtime.embedded import child
from agiza.runtime.embedded import folder as folders
from agiza.runtime.embedded.binaries import EmbeddedUnavailable, PostgresPrograms, find_postgres
from agiza.runtime.embedded.held import STOP_TIMEOUT_S, HeldServer
from agiza.runtime.embedded.ports import LOOPBACK, free_port

SUPERUSER: Final = "agiza_admin"
INIT_TIMEOUT_S: Final = 60
START_TIMEOUT_S: Final = 30
START_ATTEMPTS: Final = 3
POLL_S: Final = 0.02
LOG_TAIL_CHARS: Final = 1500

HELD_BY_ANOTHER: Final = ("lock file", "shared memory block")
"""What the log says while an earlier server, or the last sessions of one that was killed, still end."""

FAST_SETTINGS: Final = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
"""Four times the speed; a crash of the machine may cost the data. For throw-away servers only."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A running server. ``url`` is the superuser's; :meth:`url_of` gives another database of the server."""

    process: HeldServer
    password: str
    major: int
    account: child.Account

    @property
    def port(self) -> int:
        """Its port on the loopback interface."""
        return self.process.port

    @property
    def pid(self) -> int:
        """Process id of the postmaster."""
        return self.process.pid

    @property
    def url(self) -> str:
        """Superuser URL of the maintenance database."""
        return self.url_of("postgres")

    def url_of(self, database: str) -> str:
        """Superuser URL of this database."""
        return f"postgresql://{SUPERUSER}:{self.password}@{LOOPBACK}:{self.port}/{database}"


@contextlib.contextmanager
def embedded_postgres(
    keep_in: Path | None = None,
    *,
    fast: bool = False,
    port: int | None = None,
    programs: PostgresPrograms | None = None,
    account: child.Account | None = None,
    connections_max: int = 100,
) -> Iterator[PostgresServer]:
    """A running Postgres for the length of the context; with ``keep_in`` its data stays, else it is thrown away.

    Data of another major version is moved aside (``data-15``), not converted. Raises
    :class:`EmbeddedUnavailable` with the reason and the end of the server's log when it cannot start.
    """
    programs = programs or find_postgres()
    with folders.server_folder(keep_in, "postgres") as folder:
        account = account or child.choose_account(programs.postgres, folder)
        password = _prepare(folder, programs, account)
        settings = [f"max_connections={connections_max}", *(FAST_SETTINGS if fast else ())]
        launch = partial(_start, folder, programs, account, password, settings)
        process = HeldServer(launch, signal.SIGINT, port)
        try:
            yield PostgresServer(process, password, programs.major, account)
        finally:
            process.stop()


def _prepare(folder: Path, programs: PostgresPrograms, account: child.Account) -> str:
    """Make the data folder unless it is there, and hand everything to the account. Returns the password."""
    data = folder / "data"
    password_file = folder / "password"
    if data.exists() and (found := _major_of(data)) != programs.major:
        _move_aside(data, found)
    password = folders.stored_password(password_file)
    folders.hand_over(folder, account.uid, account.gid)
    if data.exists():
        return password
    done = child.run(
        [
            programs.initdb, "--pgdata", data, "--username", SUPERUSER, "--pwfile", password_file,
            "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync",
        ],
        account,
        timeout_s=INIT_TIMEOUT_S,
    )  # fmt: skip
    if done.returncode != 0:
        shutil.rmtree(data, ignore_errors=True)
        raise EmbeddedUnavailable(f"initdb failed ({done.returncode}): {done.stdout[-LOG_TAIL_CHARS:].strip()}")
    return password


def _major_of(data: Path) -> int | None:
    """Major version of the server that made this folder; None when initdb did not finish."""
    try:
        return int((data / "PG_VERSION").read_text().strip())
    except (OSError, ValueError):
        return None


def _move_aside(data: Path, major: int | None) -> None:
    if major is None:
        shutil.rmtree(data)
        return
    aside = data.with_name(f"data-{major}")
    shutil.rmtree(aside, ignore_errors=True)
    data.rename(aside)
    _log.warning("embedded_postgres_data_moved_aside folder=%s major=%s", aside, major)


def _start(
    folder: Path,
    programs: PostgresPrograms,
    account: child.Account,
    password: str,
    settings: list[str],
    port: int | None,
) -> tuple[subprocess.Popen[str], int]:
    """Start the server and wait for its first answer. A port that was taken meanwhile is chosen anew."""
    for attempt in range(1, START_ATTEMPTS + 1):
        chosen = port or free_port()
        with (folder / "server.log").open("a") as log:
            began_at = log.tell()
            process = child.start(_command(folder, programs, chosen, settings), account, stdout=log.fileno())
        failure = _wait_for_answer(process, chosen, password)
        if failure is None:
            return process, chosen
        child.stop(process, signal.SIGINT, timeout_s=STOP_TIMEOUT_S)
        tail = (folder / "server.log").read_text(errors="replace")[began_at:][-LOG_TAIL_CHARS:].strip()
        held = any(words in tail for words in HELD_BY_ANOTHER)
        passing = held or (port is None and "could not bind" in tail)
        if not passing or attempt == START_ATTEMPTS:
            raise EmbeddedUnavailable(f"Postgres did not start: {failure}. Its log ends: {tail}")
        if held:
            time.sleep(1)
    raise AssertionError("unreachable")


def _command(folder: Path, programs: PostgresPrograms, port: int, settings: list[str]) -> list[str | Path]:
    command: list[str | Path] = [programs.postgres, "-D", folder / "data", "-p", str(port), "-k", ""]
    for setting in (f"listen_addresses={LOOPBACK}", "logging_collector=off", *settings):
        command += ["-c", setting]
    return command


def _wait_for_answer(process: subprocess.Popen[str], port: int, password: str) -> str | None:
    """None as soon as the server answers a query with our password, else why it does not."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            return f"it ended with code {process.returncode}"
        try:
            with psycopg.connect(
                host=LOOPBACK, port=port, user=SUPERUSER, password=password, dbname="postgres", connect_timeout=2
            ) as connection:
                connection.execute("SELECT 1")
            return None
        except psycopg.OperationalError:
            time.sleep(POLL_S)
    return f"no answer within {START_TIMEOUT_S} s"
