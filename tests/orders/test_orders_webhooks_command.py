"""``agiza webhooks`` over the real API: each command, what it prints, and the one line of each refusal."""

from __future__ import annotations

import io
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from orders_api import Api
from rich.console import Console
from typer.testing import CliRunner

from agiza.cli import webhooks
from agiza.cli.errors import CliError
from agiza.cli.main import app
from agiza.cli.orders_client import ApiAccess, OrdersClient, open_orders
from agiza.cli.up_note import note_orders
from agiza.cli.webhooks import Screen
from agiza.cli.webhooks_commands import access_of

URL = "https://pos.example.co.ke/agiza"
KEY = {"AGIZA_API_KEY": "agz_key", "AGIZA_API_URL": "http://127.0.0.1:9"}


class Terminal:
    """A command's client and screen; what it printed is taken away each time."""

    def __init__(self, orders: OrdersClient) -> None:
        self._orders = orders
        self.notes = ""

    async def __call__(
        self, command: Callable[..., Awaitable[int]], *args: Any, as_json: bool = False, **more: Any
    ) -> str:
        out, notes = (Console(record=True, width=300, file=io.StringIO()) for _ in range(2))
        self.code = await command(self._orders, Screen(out, notes, as_json), *args, **more)
        self.notes = notes.export_text()
        return out.export_text().strip()


@pytest.fixture
async def terminal(api: Api) -> AsyncIterator[Terminal]:
    key = await api.key("westlands")
    access = ApiAccess("http://orders", key.token)
    async with open_orders(access, transport=httpx.ASGITransport(api.app)) as orders:
        yield Terminal(orders)


async def made(terminal: Terminal) -> str:
    told = await terminal(webhooks.create, URL, ["westlands"], ["agiza.order.placed"], "till 1")
    return told.split()[0]


@pytest.mark.integration
async def test_a_webhook_from_its_making_to_its_end(api: Api, terminal: Terminal) -> None:
    assert await terminal(webhooks.show_list, None) == "there are no webhooks: agiza webhooks create"
    told = await terminal(webhooks.create, URL, ["westlands"], ["agiza.order.placed"], "till 1")
    id, secret = told.split()
    assert (id[:4], secret[:6]) == ("whe_", "whsec_")
    assert "once" in terminal.notes
    assert secret not in terminal.notes
    listed = await terminal(webhooks.show_list, "westlands")
    assert all(part in listed for part in (id, "active", "westlands", "order.placed", URL, "till 1"))
    assert secret not in await terminal(webhooks.show_one, id)
    assert "is paused" in await terminal(webhooks.pause, id)
    assert "paused" in await terminal(webhooks.show_list, None)
    assert await terminal(webhooks.resume, id) == f"{id} is active"
    rotated = await terminal(webhooks.rotate, id, 2, False)
    assert rotated.startswith("whsec_")
    assert rotated != secret
    with pytest.raises(CliError, match="drop_former"):
        await terminal(webhooks.rotate, id, 2, False)
    assert (await terminal(webhooks.rotate, id, 0, True)).startswith("whsec_")
    api.desk.run("UPDATE webhook_endpoints SET failing_since = now(), failures = 3")
    assert "failing since" in await terminal(webhooks.show_list, None)
    assert "is deleted" in await terminal(webhooks.delete, id)
    with pytest.raises(CliError, match=rf"there is no webhook {id}: look at the id") as refused:
        await terminal(webhooks.show_one, id)
    assert "\n" not in str(refused.value)


@pytest.mark.integration
@pytest.mark.parametrize(("status", "error", "code"), [(204, None, 0), (500, "status", 1), (None, "timeout", 1)])
async def test_a_ping_waits_for_its_outcome(
    api: Api, terminal: Terminal, status: int | None, error: str | None, code: int
) -> None:
    id, slept = await made(terminal), 0

    async def sleep(seconds: float) -> None:
        nonlocal slept
        slept += 1
        if slept == 3:  # the engine, a moment later
            api.desk.run(
                "INSERT INTO webhook_attempts (endpoint_id, event_id, attempt, at, status, error, duration_ms)"
                f" SELECT endpoint_id, event_id, 1, now(), {status or 'NULL'}, {repr(error) if error else 'NULL'}, 12"
                " FROM webhook_deliveries"
            )

    told = await terminal(webhooks.ping, id, 30.0, sleep=sleep, now=lambda: slept * webhooks.POLL_S)
    assert (terminal.code, slept) == (code, 3)
    words = [str(part) for part in (status, error) if part is not None]
    assert told == f"{' '.join(words)} after 12 ms"
    assert words[0] in await terminal(webhooks.show_attempts, id, None, 20)


@pytest.mark.integration
async def test_a_ping_without_an_outcome_says_where_it_will_be(api: Api, terminal: Terminal) -> None:
    id, time_s = await made(terminal), 0.0

    async def sleep(seconds: float) -> None:
        nonlocal time_s
        time_s += seconds

    told = await terminal(webhooks.ping, id, 2.0, sleep=sleep, now=lambda: time_s)
    assert terminal.code == 1
    ((event,),) = api.desk.rows("SELECT event_id FROM webhook_deliveries")
    assert told == f"no outcome yet: agiza webhooks attempts {id} --event {event}"
    only_sent = json.loads(await terminal(webhooks.ping, id, 0.0, as_json=True))
    assert (terminal.code, only_sent["attempt"], only_sent["webhook_id"]) == (0, None, id)


@pytest.mark.integration
async def test_a_range_is_sent_again_and_what_became_of_it_shown(api: Api, terminal: Terminal) -> None:
    id = await made(terminal)
    api.desk.run(
        "INSERT INTO outbox (event_id, branch_id, type, version, pii_event, sequence)"
        " SELECT 'e' || n, 'westlands', 'agiza.order.' || CASE n % 2 WHEN 0 THEN 'placed' ELSE 'ready' END, 1, '{}', n"
        " FROM generate_series(1, 500) AS n"
    )
    told = await terminal(webhooks.replay, id, "westlands", 1, 500)
    assert told == ("westlands 1 to 500: 500 events, 250 go out again, 0 were on their way, 250 are not subscribed to")
    found = json.loads(await terminal(webhooks.show_deliveries, id, None, 240, as_json=True))
    assert len({each["event_id"] for each in found["deliveries"]}) == 240, "more than a page"
    assert await terminal(webhooks.show_deliveries, id, "expired", 20) == "there are no such deliveries"
    shown = await terminal(webhooks.show_deliveries, id, "pending", 2)
    assert len(shown.splitlines()) == 3
    with pytest.raises(CliError, match="at most 1000 numbers"):
        await terminal(webhooks.replay, id, "westlands", 1, 1001)


async def test_what_is_no_orders_api_is_told_in_one_line() -> None:
    def page(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200 if "html" in request.url.path else 502, text="<html>\n</html>")

    async with open_orders(ApiAccess("http://orders", "k"), transport=httpx.MockTransport(page)) as orders:
        for path in ("/html", "/gateway"):
            with pytest.raises(CliError, match="is no orders API: look at --url"):
                await orders.ask("GET", path)
    with pytest.raises(CliError, match="cannot be read"):
        async with open_orders(ApiAccess("http://[", "k")):
            pass


def test_where_and_with_which_key_comes_from_options_environment_or_the_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CliError, match=r"--url, or AGIZA_API_URL, or the folder"):
        access_of(None, "k")
    note_orders({"DATABASE_URL": "postgresql://x", "AGIZA_ORDERS_URL": "http://127.0.0.1:8083"})
    assert access_of(None, "k") == ApiAccess("http://127.0.0.1:8083", "k")
    assert access_of("https://orders.example/", "k") == ApiAccess("https://orders.example", "k")
    for url, key, word in (
        ("orders.example", "k", "https://"),
        (None, None, "--key, or AGIZA_API_KEY"),
        (None, "", "--key"),
        (None, "a key", "no key"),
    ):
        with pytest.raises(CliError, match=word):
            access_of(url, key)


@pytest.mark.parametrize(
    ("typed", "word"),
    [
        (["show", "whe_1"], "does not answer (ConnectError)"),
        (["list", "--json"], "does not answer (ConnectError)"),
        (["show", "../keys"], "no webhook's id"),
        (["create", URL], "--branch or --all-branches"),
        (["create", URL, "--branch", "a", "--all-branches"], "--branch or --all-branches"),
        (["delete", "whe_1"], "say --yes"),
        (["replay", "whe_1", "--branch", "a", "--from", "1", "--to", "2", "--key", " "], "no key"),
    ],
)
def test_what_is_typed_wrongly_is_told_in_one_line(typed: list[str], word: str) -> None:
    told = CliRunner().invoke(app, ["webhooks", *typed], env=KEY)
    assert isinstance(told.exception, CliError)
    assert word in str(told.exception)
    assert "agz_key" not in str(told.exception)
