"""``agiza keys``: made, shown once, listed and revoked, on a real database."""

from __future__ import annotations

import io

import psycopg
import pytest
from rich.console import Console
from servers import Database
from typer.testing import CliRunner

from agiza.cli import keys
from agiza.cli.errors import CliError
from agiza.cli.keys import KeyOptions
from agiza.cli.main import app
from services.orders.public_api.keys import holder_of

pytestmark = pytest.mark.integration

TILL = KeyOptions("till 1", ("westlands",), False, ("orders:read", "orders:write"), 30)


@pytest.fixture
def console() -> Console:
    return Console(record=True, width=200, file=io.StringIO())


@pytest.fixture
def branches(database: Database) -> Database:
    with psycopg.connect(database.url) as connection:
        connection.execute("INSERT INTO branches VALUES ('westlands', '+254709000001', 'Westlands', 1)")
    return database


def printed(console: Console) -> str:
    return console.export_text(clear=True).strip()


@pytest.mark.parametrize("role", ["agiza_orders", "owner"])
async def test_a_key_is_shown_once_and_opens_until_it_is_revoked(
    branches: Database, console: Console, role: str
) -> None:
    url, notes = branches.urls.get(role, branches.url), Console(record=True, width=300, file=io.StringIO())
    assert await keys.create(TILL, url, console, notes) == 0
    token = printed(console)
    assert token.startswith("agz_")
    assert token not in printed(notes)
    async with await psycopg.AsyncConnection.connect(url) as conn:
        holder = await holder_of(conn, token)
    assert holder is not None
    assert holder.branches == ("westlands",)
    await keys.show(url, console)
    listed = printed(console)
    assert token not in listed
    assert holder.key_id in listed
    assert "till 1" in listed
    for _ in range(2):
        assert await keys.revoke(holder.key_id, url, console) == 0
    async with await psycopg.AsyncConnection.connect(url) as conn:
        assert await holder_of(conn, token) is None
    printed(console)
    await keys.show(url, console)
    assert "revoked" in printed(console)


async def test_what_cannot_be_done_says_what_to_do(branches: Database, console: Console) -> None:
    url = branches.urls["agiza_orders"]
    for options, message in (
        (KeyOptions("till", ("westland",), False, ("orders:read",), None), "there are: westlands"),
        (KeyOptions("till", ("westlands",), True, ("orders:read",), None), "give one of them"),
        (KeyOptions("till", (), False, ("orders:read",), None), "at least one branch"),
        (KeyOptions("till", ("westlands",), False, ("everything",), None), "rights are menus:read"),
    ):
        with pytest.raises(CliError, match=message):
            await keys.create(options, url, console, console)
    with pytest.raises(CliError, match="agiza keys list"):
        await keys.revoke("nokey", url, console)
    with pytest.raises(CliError, match="set DATABASE_URL"):
        await keys.show(None, console)
    with pytest.raises(CliError, match="does not answer"):
        await keys.show("postgresql://127.0.0.1:1/none", console)
    with pytest.raises(CliError, match="may not see keys"):
        await keys.show(branches.urls["agiza_webhook"], console)
    await keys.show(url, console)
    assert "no keys yet" in printed(console)


def test_words_of_the_command_line(branches: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", branches.urls["agiza_orders"])
    made = CliRunner().invoke(app, ["keys", "create", "--name", "all of them", "--all-branches", "--days", "7"])
    assert made.exit_code == 0, made.output
    token = made.stdout.strip()
    listed = CliRunner().invoke(app, ["keys", "list"])
    assert "every branch" in listed.stdout
    revoked = CliRunner().invoke(app, ["keys", "revoke", token.split("_")[1]])
    assert "opens nothing any more" in revoked.stdout
