"""The benchmark under faults: a short run in which everything breaks once, and a comparison that can fail."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import redis

from agiza.runtime.embedded import embedded_redis
from benchmarks.bridge.report import into_page
from benchmarks.faults import aof
from benchmarks.faults.__main__ import PAGE
from benchmarks.faults.ledger import Books, Confirmed, FeedRow, Flaw, OrderRow, Told, compare
from benchmarks.faults.plan import FORMS, plan
from benchmarks.faults.proxy import LOOPBACK, Proxy
from benchmarks.faults.report import BEGIN, END, page_part
from benchmarks.faults.run import Options, run

DAY = "2026-03-06"
FRIES = (("fries", 2),)


def ledger() -> tuple[list[Told], Books]:
    """Two callers and the books as they must be: one was told everything, the other never heard the answer."""
    orders = [
        OrderRow("ord-1", "HD_1", "westlands", DAY, 1, 50_000, FRIES),
        OrderRow("ord-2", "HD_2", "westlands", DAY, 2, 50_000, FRIES),
    ]
    feed = [FeedRow(f"evt-{n}", "westlands", "agiza.order.placed", f"ord-{n}", 50_000, n) for n in (1, 2)]
    known = [Confirmed(row.call_id, "westlands", row.number, 50_000, FRIES) for row in orders]
    empty = {"version": 4, "lines": []}
    told = [Told("HD_1", confirmed=[known[0]], cart=empty), Told("HD_2", unheard=[known[1]], cart=empty)]
    books = Books(
        orders=orders,
        outbox=feed,
        last_numbers={("westlands", DAY): 2},
        carts={"HD_1": empty, "HD_2": empty},
        streams={"westlands": list(feed)},
        kitchens={"westlands": frozenset({"evt-1", "evt-2"})},
    )
    return told, books


def test_books_that_fit_have_no_problem() -> None:
    assert compare(*ledger()) == []


def without_order(books: Books) -> Books:
    return replace(
        books,
        orders=books.orders[:1],
        outbox=books.outbox[:1],
        streams={"westlands": books.outbox[:1]},
        last_numbers={("westlands", DAY): 1},
    )


def with_order_twice(books: Books) -> Books:
    again = replace(books.orders[1], order_id="ord-3", number=3)
    ticket = replace(books.outbox[1], event_id="evt-3", order_id="ord-3", sequence=3)
    return replace(
        books,
        orders=[*books.orders, again],
        outbox=[*books.outbox, ticket],
        streams={"westlands": [*books.outbox, ticket]},
        last_numbers={("westlands", DAY): 3},
        kitchens={"westlands": frozenset({"evt-1", "evt-2", "evt-3"})},
    )


def with_second(books: Books, **change: object) -> Books:
    return replace(books, orders=[books.orders[0], replace(books.orders[1], **change)])  # type: ignore[arg-type]


HARMS: list[tuple[str, Callable[[Books], Books], set[Flaw]]] = [
    ("order lost", without_order, {"lost"}),
    ("order doubled", with_order_twice, {"doubled"}),
    ("wrong total", lambda books: with_second(books, total_minor=49_000), {"total", "ticket"}),
    ("wrong content", lambda books: with_second(books, lines=(("fries", 4),)), {"lines"}),
    ("hole in the numbers", lambda books: with_second(books, number=3), {"number", "lost", "doubled"}),
    ("a number never used", lambda books: replace(books, last_numbers={("westlands", DAY): 3}), {"number"}),
    ("no ticket", lambda books: replace(books, outbox=books.outbox[:1]), {"ticket", "feed"}),
    ("two tickets", lambda books: replace(books, outbox=[*books.outbox, books.outbox[1]]), {"ticket", "feed"}),
    ("a ticket for nothing", lambda books: replace(books, orders=books.orders[:1]), {"ticket", "lost", "number"}),
    ("stream cut off", lambda books: replace(books, streams={"westlands": books.outbox[:1]}), {"feed"}),
    ("stream empty", lambda books: replace(books, streams={}), {"feed"}),
    ("stream in another order", lambda books: replace(books, streams={"westlands": books.outbox[::-1]}), {"feed"}),
    ("an event without a number", lambda books: _unnumbered(books), {"feed"}),
    ("kitchen went without", lambda books: replace(books, kitchens={"westlands": frozenset({"evt-1"})}), {"kitchen"}),
    ("another cart", lambda books: replace(books, carts=books.carts | {"HD_1": {"version": 5, "lines": []}}), {"cart"}),
    ("no cart", lambda books: replace(books, carts={"HD_1": books.carts["HD_1"]}), {"cart"}),
]


def _unnumbered(books: Books) -> Books:
    rows = [books.outbox[0], replace(books.outbox[1], sequence=None)]
    return replace(books, outbox=rows, streams={"westlands": rows})


@pytest.mark.parametrize(("harm", "flaws"), [harm[1:] for harm in HARMS], ids=[harm[0] for harm in HARMS])
def test_harm_is_noticed(harm: Callable[[Books], Books], flaws: set[Flaw]) -> None:
    told, books = ledger()
    assert {problem.flaw for problem in compare(told, harm(books))} == flaws


def test_two_orders_that_were_told_as_one_number_are_noticed() -> None:
    told, books = ledger()
    twice = replace(told[0], confirmed=[told[0].confirmed[0]] * 2)
    assert [problem.flaw for problem in compare([twice, told[1]], books)] == ["lost"]


def test_order_that_nobody_was_told_of_is_noticed() -> None:
    told, books = ledger()
    assert [problem.flaw for problem in compare([told[0], replace(told[1], unheard=[])], books)] == ["doubled"]


def test_dish_that_was_added_twice_is_noticed_although_the_caller_was_shown_it() -> None:
    told, books = ledger()
    cart = {"version": 4, "lines": [{"item": "tea", "quantity": 4}]}
    told[0] = replace(told[0], cart=cart, wanted={"tea": 2})
    assert [problem.flaw for problem in compare(told, replace(books, carts=books.carts | {"HD_1": cart}))] == ["cart"]


def test_untrue_answer_is_a_problem() -> None:
    told, books = ledger()
    assert [problem.flaw for problem in compare([replace(told[0], untrue=["said no"]), told[1]], books)] == ["answer"]


def test_plan_repeats_and_has_all_kinds_in_turn_and_in_all_forms() -> None:
    faults = plan(7, 500, 100)
    assert faults == plan(7, 500, 100) != plan(8, 500, 100)
    assert [fault.kind for fault in faults[:6]] == [*FORMS, "replica"]
    assert {(fault.kind, fault.form) for fault in faults} == {(kind, form) for kind in FORMS for form in FORMS[kind]}
    assert [fault.at_call for fault in faults] == sorted(fault.at_call for fault in faults)


def command(*words: str) -> bytes:
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word.encode()) for word in words)


def test_file_is_cut_before_the_first_command_of_a_second_that_was_not_over() -> None:
    parts = [b"#TS:100\r\n" + command("SET", "a", "#TS:999\r\n"), b"#TS:103\r\n" + command("SET", "b", "2")]
    written = b"".join(parts)
    assert aof.cut_point(written, until=104.0) == len(written)
    assert aof.cut_point(written, until=103.9) == len(parts[0])
    assert aof.cut_point(written, until=100.5) == 0
    assert aof.cut_point(written + command("SET", "c", "3")[:-4], until=200.0) == len(written)
    with pytest.raises(aof.NotAnAof):
        aof.cut_point(b"REDIS0011", until=200.0)


@pytest.mark.integration
def test_redis_starts_again_without_its_end_and_then_without_anything(tmp_path: Path) -> None:
    with (
        embedded_redis(tmp_path / "redis") as server,
        redis.Redis.from_url(server.url, decode_responses=True) as client,
    ):
        client.set("old", "1")
        second = int(time.time())
        while int(time.time()) < second + 1:  # the file knows whole seconds
            time.sleep(0.02)
        client.set("new", "1")
        server.process.kill()
        assert aof.cut_tail(tmp_path / "redis", second + 1.0) > 0
        server.process.start_again()
        assert (client.get("old"), client.get("new")) == ("1", None)
        server.process.kill()
        aof.remove(tmp_path / "redis")
        server.process.start_again()
        assert client.keys() == []


async def test_proxy_does_the_work_loses_the_answer_and_cuts_the_line() -> None:
    asked: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            asked.append(line)
            writer.write(b"done " + line)
        writer.close()

    server = await asyncio.start_server(answer, LOOPBACK, 0)
    port = server.sockets[0].getsockname()[1]
    async with Proxy(lambda: [port]).open() as proxy:
        reader, writer = await asyncio.open_connection(LOOPBACK, proxy.port)
        writer.write(b"one\n")
        assert await reader.readline() == b"done one\n"
        swallowing = asyncio.create_task(proxy.swallow(0.1))
        await asyncio.sleep(0)
        writer.write(b"two\n")
        assert await reader.read() == b""
        await swallowing
        assert (asked, proxy.swallowed) == ([b"one\n", b"two\n"], 1)
        writer.close()
        reader, writer = await asyncio.open_connection(LOOPBACK, proxy.port)
        writer.write(b"three\n")
        assert await reader.readline() == b"done three\n"
        writer.close()
    server.close()


@pytest.mark.alone
@pytest.mark.integration
async def test_every_order_becomes_one_ticket_while_everything_breaks_once(tmp_path: Path) -> None:
    """Twenty calls, one fault of each kind. What is measured is not judged, only what came of it."""
    options = Options(calls=20, faults=5, seed=4, mends_feeds=True, live=14, quiet_s=0.0)
    result = await run(tmp_path, options, print)
    assert result.problems == []
    assert result.is_good
    assert len(result.accounts) == 20
    assert sum(len(account.confirmed) for account in result.accounts) > 0
    assert "| orders lost; doubled; with a wrong total or content | 0; 0; 0 |" in page_part(result, "now")
    harmed = replace(result.books, orders=result.books.orders[1:])
    assert compare([], harmed)
    assert "0; 0; 0" in into_page(PAGE.read_text(), page_part(result, "now"), BEGIN, END)
