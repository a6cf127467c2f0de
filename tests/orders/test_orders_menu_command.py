"""``agiza menu`` as a process of its own beside a call that is going on."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from orders_desk import CALL, Desk, fc
from servers import Database

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.integration

Menu = Callable[..., str]


@pytest.fixture
def menu(desk: Desk, database: Database) -> Menu:
    """The command for westlands, with the login of the orders service; what it printed."""

    def run(command: str, *arguments: str) -> str:
        told = subprocess.run(
            [sys.executable, "-m", "agiza.cli.menu", command, *arguments, "--branch", "westlands"],
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(ROOT),
                "COLUMNS": "300",
                "DATABASE_URL": database.urls["agiza_orders"],
                "AGIZA_NOW": desk.clock.now().isoformat(),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert (told.returncode, told.stderr) == (0, "")
        return told.stdout

    return run


async def test_sold_out_reaches_a_call_that_is_going_on(desk: Desk, menu: Menu) -> None:
    def sold_out(*arguments: str) -> str:
        return menu("sold-out", *arguments)

    assert (await desk.ask("addItem", name="fries", modifiers=["large"]))["status"] == "ok"
    said = sold_out("fries", "--until", "18:30", "--reason", "fryer broken", "--by", "Amina")
    assert said == "westlands: fries (fries) is sold out until Fri 6 Mar 18:30\n"
    refused = await desk.ask("addItem", name="fries")
    assert (refused["code"], refused["message"]) == ("item_sold_out", "Sorry, we are out of fries today.")
    total = await desk.ask("getTotal")
    assert (total["blocked"], total["quote_id"] is not None) == ("item_sold_out", True)
    listed = menu("stock")
    assert listed == "fries  fries, until Fri 6 Mar 18:30, fryer broken (Amina, Fri 6 Mar 12:00)\n"
    assert sold_out("Fries", "--back") == "westlands: fries (fries) is on sale again\n"
    assert sold_out("fries", "--back") == "westlands: fries (fries) was on sale; nothing changed\n"
    assert "blocked" not in await desk.ask("getTotal")

    assert "burger-extra/bacon" in sold_out("bacon", "--option")
    assert (await desk.ask("addItem", name="beef burger", modifiers=["bacon"]))["code"] == "option_sold_out"
    assert (await desk.ask("addItem", name="beef burger"))["status"] == "ok"
    heard = await desk.read_back()
    sold_out("beef-burger")
    [placed] = await desk.answer(desk.event(fc("placeOrder"), heard=heard))
    assert (placed["status"], placed["code"]) == ("refused", "item_sold_out")
    assert desk.rows(f"SELECT count(*) FROM orders WHERE call_id = '{CALL}'") == [(0,)]
