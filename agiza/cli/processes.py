"""Child processes of the command line: the four services and the Live simulator.

A child is ready when it has written its JSON log event ``ready`` (services) or its one JSON line (simulators).
All of a child's log lines are kept, bounded, so that a failure can be shown; listeners see each line as it comes.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import json
import os
import signal
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from agiza.cli.errors import CliError

LogListener = Callable[[str, Mapping[str, Any]], None]
"""Called with the child's name and each of its JSON log lines."""

LINES_KEPT = 400
STOP_PATIENCE_S = 10.0
_PR_SET_PDEATHSIG = 1


def die_with_parent() -> None:
    """Ask the kernel (Linux) to end this child when its parent dies, so that a kill leaves no orphan."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


class Child:
    """One child process with its log."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, log_file: IO[str] | None) -> None:
        self.name = name
        self.process = process
        self.lines: deque[str] = deque(maxlen=LINES_KEPT)
        self.ready: asyncio.Future[Mapping[str, Any]] = asyncio.get_running_loop().create_future()
        self._log_file = log_file
        self._readers: list[asyncio.Task[None]] = []

    @property
    def pid(self) -> int:
        """Process id."""
        return self.process.pid

    def follow(self, listener: LogListener | None) -> None:
        """Start reading the child's output; its first ``ready`` line resolves :attr:`ready`."""
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                self._readers.append(asyncio.create_task(self._read(stream, listener), name=f"log of {self.name}"))

    async def wait_ready(self, timeout_s: float) -> Mapping[str, Any]:
        """The fields of the ready line. Raises :class:`CliError` with the child's last words if it does not come."""
        ended = asyncio.create_task(self.process.wait())
        try:
            await asyncio.wait(
                [ended, asyncio.ensure_future(self.ready)], timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            ended.cancel()
        if self.ready.done():
            return self.ready.result()
        why = f"ended with code {self.process.returncode}" if self.process.returncode is not None else "is not ready"
        await asyncio.sleep(0.1)  # let the readers take the last lines
        raise CliError(f"{self.name} {why} after {timeout_s:.0f} s or less; its last words: {self.last_words()}")

    def last_words(self) -> str:
        """The end of the child's log in one line."""
        return " | ".join(list(self.lines)[-6:]) or "(none)"

    async def stop(self) -> int | None:
        """SIGTERM, then SIGKILL after :data:`STOP_PATIENCE_S`. Safe to call twice."""
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.terminate()
            try:
                await asyncio.wait_for(self.process.wait(), STOP_PATIENCE_S)
            except TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    self.process.kill()
                await self.process.wait()
        await asyncio.gather(*self._readers, return_exceptions=True)
        self._readers.clear()
        return self.process.returncode

    def kill(self) -> None:
        """SIGKILL, for tests of crashes."""
        self.process.kill()

    async def _read(self, stream: asyncio.StreamReader, listener: LogListener | None) -> None:
        while True:
            try:
                raw = await stream.readline()
            except ValueError:  # a line above the reader's limit: skipped, the next one is read
                continue
            if not raw:
                return
            line = raw.decode(errors="replace").rstrip()
            self.lines.append(line)
            if self._log_file is not None:
                self._log_file.write(f"{line}\n")
                self._log_file.flush()
            fields = _json_object(line)
            if fields is None:
                continue
            if not self.ready.done() and _is_ready(fields):
                self.ready.set_result(fields)
            if listener is not None:
                listener(self.name, fields)


async def start_child(
    name: str,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    *,
    log_folder: Path | None = None,
    listener: LogListener | None = None,
) -> Child:
    """Start ``python ARGUMENTS`` with exactly the environment of this process plus ``environment``."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        env={**_inherited(), **environment},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        preexec_fn=die_with_parent,
        limit=1 << 20,
    )
    log_file = (log_folder / f"{name}.log").open("a", encoding="utf-8") if log_folder else None
    child = Child(name, process, log_file)
    child.follow(listener)
    return child


def _inherited() -> dict[str, str]:
    """Our environment without settings that would reach into a service by accident; prices are facts of the outside."""
    kept = {
        key: value
        for key, value in os.environ.items()
        if (not key.startswith("AGIZA_") or key.startswith("AGIZA_PRICE_"))
        and key not in {"DATABASE_URL", "REDIS_URL", "GEMINI_API_KEY"}
    }
    # numerics libraries start a thread per core otherwise; on a small machine that only steals time
    return {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", **kept}


def _is_ready(fields: Mapping[str, Any]) -> bool:
    """A service logs the event ``ready``; a simulator prints one object with its URL."""
    return fields.get("event") == "ready" or ("url" in fields and "event" not in fields)


def _json_object(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None
