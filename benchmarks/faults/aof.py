"""Cutting off the end of Redis' append-only file, as a machine that stops loses what was not flushed to disk.

The file is a sequence of commands in the protocol of Redis. With ``aof-timestamp-enabled`` a line ``#TS:`` and a Unix
time in seconds stands before the first command of each second.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Final

FOLDER: Final = "appendonlydir"
STAMP: Final = b"#TS:"


class NotAnAof(Exception):
    """What stands there is no append-only file that we can read."""

    retryable = False


def cut_tail(data: Path, until: float) -> int:
    """Remove every command of a second that was not over at ``until`` (Unix time); returns how many bytes went.

    ``data`` is the folder of a server that is stopped. What is older than ``until`` by a second or more stays.
    """
    parts = sorted((data / FOLDER).glob("*.incr.aof"), key=lambda path: int(path.name.split(".")[-3]))
    if not parts:
        raise NotAnAof(f"there is no append-only file in {data / FOLDER}")
    written = parts[-1].read_bytes()
    kept = cut_point(written, until)
    os.truncate(parts[-1], kept)
    return len(written) - kept


def remove(data: Path) -> None:
    """Remove all that a stopped server has kept, but its users."""
    shutil.rmtree(data / FOLDER)
    (data / "dump.rdb").unlink(missing_ok=True)


def cut_point(written: bytes, until: float) -> int:
    """Where the first command begins that is not surely older than ``until``; the end of the last whole command where
    all are. Raises :class:`NotAnAof`."""
    at = 0
    while at < len(written):
        if written.startswith(STAMP, at):
            end = written.find(b"\r\n", at)
            if end < 0 or int(written[at + len(STAMP) : end]) + 1 > until:
                return at
            at = end + 2
            continue
        after = _after_command(written, at)
        if after is None:  # its end was never written
            return at
        at = after
    return at


def _after_command(written: bytes, at: int) -> int | None:
    """Where the command that begins here ends; None where the file ends before it does."""
    if written[at : at + 1] != b"*":
        raise NotAnAof(f"no command begins at byte {at}")
    end = written.find(b"\r\n", at)
    if end < 0:
        return None
    count = int(written[at + 1 : end])
    at = end + 2
    for _ in range(count):
        end = written.find(b"\r\n", at)
        if end < 0:
            return None
        at = end + 2 + int(written[at + 1 : end]) + 2
        if at > len(written):
            return None
    return at
