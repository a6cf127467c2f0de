"""What somebody marks as sold out is refused in calls that are going on, from the next tool call on."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from orders_desk import Desk, fc

from services.orders.catalog import MenuNotFound
from services.orders.stock import StockBook, StockChange, StockOrder, StockRefused

pytestmark = pytest.mark.integration


def book(desk: Desk) -> StockBook:
    return StockBook(desk.pool, desk.catalog, desk.clock)


async def out(desk: Desk, name: str, kind: Any = "item", **over: Any) -> StockChange:
    order = StockOrder("westlands", kind, name, **{"sold_out": True, "by": "Amina", **over})
    return await book(desk).set(order)


async def test_an_item_is_refused_in_a_running_call_and_sold_again_when_it_is_back(desk: Desk) -> None:
    assert (await desk.ask("addItem", name="samosa"))["status"] == "ok"
    assert await out(desk, "samosa", reason="oven broken") == StockChange("beef samosa", ("samosa",), True)
    refused = await desk.ask("addItem", name="samosa", quantity=2)
    assert (refused["status"], refused["code"]) == ("refused", "item_sold_out")
    assert refused["message"] == "Sorry, we are out of beef samosas today."
    assert (await out(desk, "samosa", sold_out=False)).changed
    assert (await desk.ask("addItem", name="samosa", quantity=2))["status"] == "ok"


async def test_a_cart_that_holds_it_is_told_at_the_total_and_when_it_is_placed(desk: Desk) -> None:
    await desk.ask("addItem", name="samosa")
    await desk.ask("addItem", name="tea")
    heard = await desk.read_back()
    await out(desk, "samosa")
    total = await desk.ask("getTotal")
    assert total["blocked"] == "item_sold_out"
    assert total["read_back"].endswith("Sorry, we are out of beef samosas today.")
    [placed] = await desk.answer(desk.event(fc("placeOrder"), heard=heard))
    assert (placed["status"], placed["code"]) == ("refused", "item_sold_out")
    assert desk.rows("SELECT count(*) FROM orders") == [(0,)]
    line = next(line for line in placed["cart"]["lines"] if line["item"] == "samosa")
    await desk.ask("removeItem", line=line["id"])
    assert (await desk.place())["code"] == "order_placed"


async def test_a_modifier_is_apart_from_the_items_that_may_have_it(desk: Desk) -> None:
    change = await out(desk, "extra-cheese", "option")
    assert change.entries == ("burger-extra/extra-cheese",)
    assert (await desk.ask("addItem", name="beef burger"))["status"] == "ok"
    refused = await desk.ask("addItem", name="beef burger", modifiers=["extra cheese"])
    assert (refused["status"], refused["code"]) == ("refused", "option_sold_out")
    # fries are out for combos only; the item of the same id is still sold
    assert (await out(desk, "combo-side/fries", "option")).entries == ("combo-side/fries",)
    assert (await desk.ask("addItem", name="fries"))["status"] == "ok"
    asked = await desk.ask("addItem", name="chicken burger combo")
    assert (asked["status"], asked["code"]) == ("ask", "option_sold_out")


async def test_an_option_by_its_id_is_meant_in_every_group(desk: Desk) -> None:
    assert (await out(desk, "large", "option")).entries == ("size-drink/large", "size-fries/large")
    assert (await out(desk, "size-fries/large", "option", sold_out=False)).changed
    assert [each.entry for each in await book(desk).sold_out("westlands")] == ["size-drink/large"]


async def test_it_ends_by_itself_and_says_who_and_why(desk: Desk) -> None:
    until = desk.clock.now() + timedelta(hours=2)
    assert (await out(desk, "Beef Samosa", until=until, reason="oven broken")).changed
    assert not (await out(desk, "samosa", until=until, by="Otieno")).changed, "the same again"
    [listed] = await book(desk).sold_out("westlands")
    assert (listed.entry, listed.name, listed.until, listed.set_by) == ("samosa", "beef samosa", until, "Otieno")
    desk.clock.advance(7201)
    assert list(await book(desk).sold_out("westlands")) == []
    assert (await desk.ask("addItem", name="samosa"))["status"] == "ok"
    assert not (await out(desk, "samosa", sold_out=False)).changed, "it was over already"


@pytest.mark.parametrize(
    ("over", "code", "words"),
    [
        ({"name": "samossa"}, "unknown_item", "did you mean samosa?"),
        ({"name": "quattro stagioni"}, "unknown_item", "no item 'quattro stagioni'"),
        ({"name": "samosa", "kind": "option"}, "unknown_option", "no option"),
        ({"name": "samosa", "until": timedelta(0)}, "until_past", "later time"),
        ({"name": "samosa", "until": timedelta(days=400)}, "until_too_far", "more than a year"),
        ({"name": "samosa", "reason": "x" * 201}, "text_too_long", "up to 200"),
    ],
)
async def test_what_cannot_be_is_refused_with_what_to_do(
    desk: Desk, over: dict[str, Any], code: str, words: str
) -> None:
    until = over.pop("until", None)
    with pytest.raises(StockRefused, match=words.replace("?", r"\?")) as refused:
        await out(desk, until=None if until is None else desk.clock.now() + until, **over)
    assert refused.value.code == code
    assert desk.rows("SELECT count(*) FROM stock") == [(0,)]


async def test_other_branches_go_on_selling_it(desk: Desk) -> None:
    await out(desk, "water")
    elsewhere = desk.event(fc("addItem", name="still water"), branch_id="kilimani", call_id="HD_other")
    assert (await desk.answer(elsewhere))[0]["status"] == "ok"
    with pytest.raises(MenuNotFound):
        await book(desk).set(StockOrder("nowhere", "item", "water", sold_out=True))
