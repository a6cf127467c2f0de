"""The certification kit against the sample POS and each of its bad habits: what fails must be what is bad, and no more.

    .venv/bin/python -m benchmarks.pos_habits [HABIT ...]

Everything in one process and at a standstill of time, so that 20 s of slowness cost nothing. Ends with 1 when a habit
fails elsewhere than where it is bad.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import logging
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agiza.cli.pos.certify import CertifyOptions, run_checks
from agiza.cli.pos.course import Patience
from agiza.cli.pos.report import Report
from agiza.runtime.clock import StoppedClock
from simulators.pos.serving import OpenPos, open_pos
from simulators.pos.settings import PosSettings, Waits
from simulators.pos.sloppy import GOOD, Parts, SloppyWaits, sloppy_parts

NOON = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
SECRET = "whsec_" + base64.b64encode(b"the secret of a sample POS, 1st one").decode()
FORMER = "whsec_" + base64.b64encode(b"the secret of a sample POS, 2nd one").decode()
API_KEY = "the-key-of-a-till"
QUICK = Waits(gap_s=0.05, retry_s=0.02, retry_max_s=0.1)
PATIENCE = Patience(answer_s=15.0, words_s=2.0, quiet_s=0.3, quiet_max_s=10.0, restart_s=10.0)


def free_port() -> int:
    """A port that nobody has at this moment."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


FAILS: Mapping[str, frozenset[str]] = {
    "no-signature-check": frozenset(
        {
            "signature.wrong-secret",
            "signature.tampered",
            "signature.missing",
            "signature.unknown-version",
            "raw-bytes",
        }
    ),
    "reserialised": frozenset({"raw-bytes"}),
    "ignores-timestamp": frozenset({"timestamp.old", "timestamp.future"}),
    "first-signature-only": frozenset({"signature.several", "rotation.both"}),
    "one-secret": frozenset({"rotation.new-only"}),
    "no-dedupe": frozenset({"duplicates"}),
    "older-over-newer": frozenset({"disorder"}),
    "ignores-cancel": frozenset({"disorder", "words.cancel"}),
    "answers-before-storing": frozenset({"crash"}),
    "slow": frozenset({"speed"}),
    "redirects": frozenset({"answers.success"}),
    "big-response": frozenset({"answers.small"}),
    "closes-connections": frozenset(),
    "refuses-large": frozenset({"large"}),
    "unknown-500": frozenset({"unknown.type"}),
    "busy": frozenset({"concurrent"}),
    "fresh-keys": frozenset({"words.idempotent"}),
    "gap-blind": frozenset({"gap", "digest"}),
}
"""Habit -> the checks that must fail, and no others. One is only warned of."""

MAY_FAIL: Mapping[str, frozenset[str]] = {"answers-before-storing": frozenset({"digest"})}
"""What the habit loses besides the ticket that is looked for shows in the digest, unless it was stored in time."""


@dataclass
class RunningPos:
    """A POS that can be killed, and comes back at the same address with the same ledger."""

    settings: PosSettings
    parts: Parts
    clock: StoppedClock
    port: int = field(default_factory=free_port)
    opened: OpenPos | None = None
    _stack: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)

    async def start(self) -> None:
        """Open it."""
        now = lambda: self.clock.now().timestamp()  # noqa: E731
        self.opened = await self._stack.enter_async_context(
            open_pos(self.settings, parts=self.parts, port=self.port, now=now)
        )

    async def stop(self) -> None:
        """Close it. What it has put off is lost, as with its process."""
        for task in asyncio.all_tasks():
            coroutine: Any = task.get_coro()
            if getattr(coroutine, "__qualname__", "") == "AnswersBeforeStoring._store":
                task.cancel()
        await self._stack.aclose()
        self._stack = contextlib.AsyncExitStack()

    async def crash(self) -> None:
        """Gone, and there again."""
        await self.stop()
        await self.start()

    async def digest(self, first: int, last: int) -> dict[str, Any] | str:
        """Its own digest."""
        assert self.opened is not None
        (branch,) = self.opened.pos.branches()
        found = self.opened.pos.digest(branch, first, last)
        return {"digest": found.hex, "count": found.count}


@contextlib.asynccontextmanager
async def running_pos(settings: PosSettings, clock: StoppedClock, parts: Parts = GOOD) -> AsyncIterator[RunningPos]:
    """Such a POS, for the length of the context."""
    pos = RunningPos(settings, parts, clock)
    await pos.start()
    try:
        yield pos
    finally:
        await pos.stop()


def main() -> int:
    """Each habit on its own, and none."""
    logging.disable(logging.CRITICAL)
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        for habit in sys.argv[1:] or ["", *FAILS]:
            began = time.process_time()
            report = asyncio.run(certified(Path(folder) / (habit or "good"), *filter(None, [habit])))
            required = FAILS.get(habit, frozenset())
            is_right = required <= set(report.failed) <= required | MAY_FAIL.get(habit, frozenset())
            wrong += not is_right
            failed = ", ".join(report.failed) or "nothing"
            cpu_s = time.process_time() - began
            print(
                f"{'right' if is_right else 'WRONG'}  {habit or 'the good one'} fails {failed} ({cpu_s:.1f} s CPU)",
                flush=True,
            )
    return 1 if wrong else 0


async def certified(folder: Path, *kinds: str, **over: Any) -> Report:
    """The report about a POS with these habits."""
    folder.mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240 - a temporary folder
    clock = StoppedClock(NOON)

    async def passes(seconds: float) -> None:
        clock.advance(seconds)

    api_port = free_port()
    settings = PosSettings(
        secrets=(SECRET, FORMER),
        ledger=folder / "ledger.sqlite",
        printer=folder / "slips.txt",
        api=f"http://127.0.0.1:{api_port}",
        key=API_KEY,
        waits=QUICK,
    )
    # Slow habits pass the kit's own time, so that 20 s cost nothing and a loaded machine is not taken for slow.
    waits = SloppyWaits(store_s=0.3, busy_s=0.05)
    slow = SloppyWaits(slow_s=20.0, sleep=passes)
    parts = sloppy_parts(kinds, slow if {"slow", "all"} & set(kinds) else waits) if kinds else GOOD
    async with running_pos(settings, clock, parts) as pos:
        assert pos.opened is not None
        options = CertifyOptions(
            url=pos.opened.webhooks_url,
            secret=FORMER,
            new_secret=SECRET,
            api_listen=("127.0.0.1", api_port),
            api_key=API_KEY,
            patience=PATIENCE,
        )
        return await run_checks(
            replace(options, **over), clock=clock, crash=pos.crash, read_digest=pos.digest
        )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
