"""What the sample POS does about numbers that it does not have: fetches them, or shows that they are lost for good."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import httpx
from pydantic import SecretStr

from agiza.cli.pos.feed_api import KitApi, kit_app
from agiza.cli.pos.making import EventMaker, Made
from agiza.domain.orders import OrderState
from benchmarks.pos_habits import API_KEY, NOON, SECRET
from simulators.pos.ledger import Ledger
from simulators.pos.messages import message_of
from simulators.pos.pos import Pos
from simulators.pos.printer import FilePrinter
from simulators.pos.settings import PosSettings, Reading, Waits
from simulators.pos.workers import running

BRANCH = "westlands"


async def test_what_the_sender_has_forgotten_is_shown_as_lost_and_passed_over(tmp_path: Path) -> None:
    api = served(first=5)
    for _ in range(3):
        place(api)
    ledger = Ledger(tmp_path / "ledger")
    pos = await until(tmp_path, ledger, api, "pull", lambda pos: pos.whole_to(BRANCH) == 7)
    assert ledger.lost() == [(BRANCH, 1, 4)]
    assert [page.after for page in api.pulled if page.status == 410] == [0], "it is not asked for again"
    assert pos.digest(BRANCH, 5, 7).hex == api.maker.digest()
    ledger.close()
    reopened = Ledger(tmp_path / "ledger")
    assert Pos(settings(tmp_path, "pull"), reopened).whole_to(BRANCH) == 7
    reopened.close()


async def test_webhooks_that_did_not_come_are_fetched_and_none_before_the_first(tmp_path: Path) -> None:
    api = served(first=1)
    made = [place(api) for _ in range(6)]
    ledger = Ledger(tmp_path / "ledger")
    pos = Pos(settings(tmp_path, "webhooks"), ledger)
    for number in (3, 6):  # the POS was connected at number 3
        event = made[number - 1]
        pos.take(message_of(event.item.event_id, event.item.body))
    await until(tmp_path, ledger, api, "webhooks", lambda pos: not pos.holds(BRANCH).gaps(), pos)
    assert (pos.holds(BRANCH).first, pos.holds(BRANCH).last) == (3, 6)
    assert all(page.after >= 3 for page in api.pulled), "what was before it is not printed"
    ledger.close()


async def test_numbers_before_ours_are_not_asked_for(tmp_path: Path) -> None:
    api = served(first=1)
    for _ in range(5):
        place(api)
    ledger = Ledger(tmp_path / "ledger")
    await until(tmp_path, ledger, api, "pull", lambda pos: pos.whole_to(BRANCH) == 5, first_number=4)
    assert ledger.counts() == {"agiza.order.placed": 2}
    assert [order.number for order in ledger.orders(10)] == [5, 4]
    ledger.close()


def served(first: int) -> KitApi:
    """An API whose feed begins at this number."""
    return KitApi(EventMaker(BRANCH, first, lambda: NOON), SecretStr(API_KEY))


def place(api: KitApi) -> Made:
    """One more order."""
    made = api.maker.placed()
    assert made.order_id is not None
    api.states[made.order_id] = OrderState.PLACED
    return made


def settings(folder: Path, reading: Reading, first_number: int | None = None) -> PosSettings:
    """A POS of one branch that does not wait long."""
    return PosSettings(
        secrets=(SECRET,),
        ledger=folder / "ledger",
        printer=folder / "slips",
        api="http://orders",
        key=API_KEY,
        branch=BRANCH,
        reading=reading,
        first_number=first_number,
        waits=Waits(gap_s=0.01, poll_s=0.05, retry_s=0.01, retry_max_s=0.05),
    )


async def until(
    folder: Path,
    ledger: Ledger,
    api: KitApi,
    reading: Reading,
    is_so: Callable[[Pos], bool],
    pos: Pos | None = None,
    first_number: int | None = None,
) -> Pos:
    """Run a POS until it is so, and everything it owes is done."""
    pos = pos or Pos(settings(folder, reading, first_number), ledger)
    printer = FilePrinter(folder / "slips")
    async with running(pos, printer, transport=httpx.ASGITransport(kit_app(api))), asyncio.timeout(30):
        while not is_so(pos) or ledger.words_owed(1) or ledger.slips_owed():  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    printer.close()
    return pos
