"""The sample POS loses nothing and does nothing twice, wherever it is killed."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from agiza.cli.pos.course import tries_until
from agiza.cli.pos.feed_api import KitApi, kit_app
from agiza.cli.pos.making import EventMaker, Made
from agiza.cli.pos.sending import Sender
from agiza.domain.orders import OrderState
from agiza.runtime.clock import Clock
from agiza.runtime.http import HttpServer
from benchmarks.pos_habits import API_KEY, FORMER, NOON, SECRET, free_port
from simulators.pos.digest import digest_of
from simulators.pos.errors import LedgerInUse
from simulators.pos.ledger import Ledger, OwedSlip
from simulators.pos.messages import message_of
from simulators.pos.pos import Pos
from simulators.pos.printer import FilePrinter
from simulators.pos.settings import PosSettings


class Died(BaseException):
    """The process was killed here."""


class MortalLedger(Ledger):
    """Dies before its nth write, or, if that is a commit, right behind it."""

    def __init__(self, path: Path, lives: Iterator[int]) -> None:
        super().__init__(path)
        self._lives = lives

    def _do(self, statement: str, *values: object) -> None:
        if next(self._lives) == 0:
            raise Died
        super()._do(statement, *values)


class MortalPrinter(FilePrinter):
    """Dies with half a slip on the paper, or with all of it and nobody told."""

    def __init__(self, path: Path, lives: Iterator[int]) -> None:
        super().__init__(path)
        self._lives = lives

    def print(self, slip: OwedSlip) -> None:
        if next(self._lives) == 0:
            self._file.write(slip.text.encode()[: len(slip.text) // 2])
            self._file.flush()
            raise Died
        super().print(slip)
        if next(self._lives) == 0:
            raise Died


def one_life(settings: PosSettings, made: list[Made], lives: int) -> bool:
    """Take and print everything, with so many writes to live. Whether it lived to the end."""
    countdown = iter(range(lives, -1_000_000, -1))
    ledger = MortalLedger(settings.ledger, countdown)
    assert settings.printer is not None
    printer = MortalPrinter(settings.printer, countdown)
    try:
        pos = Pos(settings, ledger)
        for each in made:
            pos.take(message_of(each.item.event_id, each.item.body))
        for slip in ledger.slips_owed():
            ledger.slip_is(slip.slip, "begun")
            printer.print(slip)
            ledger.slip_is(slip.slip, "printed")
    except Died:
        return False
    finally:
        printer.close()
        ledger.close()
    return True


def test_killed_at_every_single_write_it_prints_each_ticket_once(tmp_path: Path) -> None:
    maker = EventMaker("westlands", 1, lambda: NOON)
    first, second = maker.placed(), maker.placed()
    made = [first, second, maker.cancel_requested(first)]
    deaths = 0
    for lives in range(200):
        folder = tmp_path / str(lives)
        folder.mkdir()
        settings = PosSettings(secrets=(SECRET,), ledger=folder / "ledger", printer=folder / "slips")
        lived = one_life(settings, made, lives)
        deaths += not lived
        assert one_life(settings, made, 1_000_000), "the sender sends again what was not answered"
        slips = (folder / "slips").read_text()
        assert slips.count("=== ticket 1 ") == slips.count("=== ticket 2 ") == slips.count("=== STOP ticket 1 ") == 1
        ledger = Ledger(settings.ledger)
        assert digest(ledger, "westlands", 1, 3) == maker.digest()
        words = [(word.order_id, word.body["state"]) for word in ledger.words_owed(10)]
        assert words == [(first.order_id, "received"), (second.order_id, "received")]
        assert ledger.outcomes() == {"owed": 5}
        ledger.close()
        if lived:
            break
    assert deaths > 20, "each write was a death once"


def test_a_ledger_has_one_process(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger")
    with pytest.raises(LedgerInUse):
        Ledger(tmp_path / "ledger")
    ledger.close()


def digest(ledger: Ledger, branch: str, first: int, last: int) -> str:
    """The chain over what the ledger holds."""
    return digest_of(ledger.bodies(branch, first, last)).hex


async def test_kill_9_of_the_real_process_under_deliveries(tmp_path: Path) -> None:
    """Deliveries come on while the process is killed again and again; each is sent until it is answered with 2xx."""
    maker = EventMaker("westlands", 1, Clock().now)
    api = KitApi(maker, SecretStr(API_KEY))
    server = HttpServer(kit_app(api), host="127.0.0.1", port=0)
    stopping, chance = asyncio.Event(), random.Random(5)
    serving = asyncio.create_task(server.run(stopping))
    till = Till(tmp_path, server.port)
    async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
        sender = Sender(client, f"http://127.0.0.1:{till.port}/webhooks", SECRET, Clock())

        async def send() -> None:
            for number in range(20):
                made = maker.placed()
                assert made.order_id is not None
                api.states[made.order_id] = OrderState.PLACED
                if number % 10 != 5:  # and some are never sent: they are fetched

                    async def is_taken(made: Made = made) -> bool:
                        return (await sender.deliver("kill", made)).is_taken

                    assert await tries_until(is_taken, 60, 0.02)
                await asyncio.sleep(0.02)

        await till.start()
        sending = asyncio.create_task(send())
        for _ in range(2):
            await asyncio.sleep(chance.uniform(0.05, 0.25))
            till.kill()
            await till.start()
        await sending
        assert await tries_until(lambda: all_is_said(api), 60, 0.05)
        mine = (await client.get(f"http://127.0.0.1:{till.port}/digest?branch=westlands&from=1&to=20")).json()
    till.kill()
    stopping.set()
    await serving
    assert (mine["complete"], mine["digest"]) == (True, maker.digest())
    slips = (tmp_path / "slips").read_text()
    assert [slips.count(f"=== ticket {number} ") for number in range(1, 21)] == [1] * 20
    for order_id in api.states:
        keys = {(said.state, said.key) for said in api.said if said.order_id == order_id}
        assert len(keys) == 2, "received and accepted, each under one key however often it was said"


async def all_is_said(api: KitApi) -> bool:
    return all(state is OrderState.ACCEPTED for state in api.states.values())


class Till:
    """The sample POS as a process of its own."""

    def __init__(self, folder: Path, api_port: int) -> None:
        self.port = free_port()
        self._arguments = [
            *("--port", str(self.port), "--former-secret", FORMER, "--api", f"http://127.0.0.1:{api_port}"),
            *("--ledger", str(folder / "ledger"), "--printer", str(folder / "slips")),
            *("--gap-s", "0.05", "--poll-s", "0.5"),
        ]
        self._environment = os.environ | {"POS_SECRET": SECRET, "POS_KEY": API_KEY}
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Up when this returns."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "simulators.pos", *self._arguments),
            env=self._environment,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        assert self._process.stdout is not None
        ready: dict[str, Any] = json.loads(await self._process.stdout.readline())
        assert ready["webhooks_url"].endswith(f":{self.port}/webhooks")

    def kill(self) -> None:
        """kill -9."""
        assert self._process is not None
        os.kill(self._process.pid, signal.SIGKILL)
