"""``agiza dead``: what could not be handled is found, shown without words, sent again or thrown away."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest
from redis.asyncio import Redis
from rich.console import Console
from typer.testing import CliRunner

from agiza.cli import dead
from agiza.cli.errors import CliError
from agiza.cli.main import app
from agiza.contracts import streams
from agiza.contracts.envelope import Stamp, decode, encode
from agiza.contracts.events import FunctionCall, ToolCalled
from agiza.runtime.clock import Clock
from agiza.runtime.stream_group import Entry, StreamGroup
from agiza.runtime.traces import Trace

pytestmark = pytest.mark.integration

CALL = "HD_1"
STREAM = streams.tools_stream(CALL)
SHORT = dead.short_name(STREAM)
WORDS = "no onions please"


@pytest.fixture
def console() -> Console:
    return Console(record=True, width=240)


async def bury(admin: Redis, number: int, reason: str = "RuntimeError") -> str:
    """Let one tool call die as the consumer would; returns the letter's id."""
    event = ToolCalled(
        branch_id="westlands", call_id=CALL, menu_version=1, leg_epoch=1, deadline_ms=1000,
        calls=(FunctionCall(id=f"f{number}", name="addItem", args={"note": WORDS}),),
        reply_to=streams.replies_channel("b1"),
    )  # fmt: skip
    body = encode(event, Stamp(f"event-{number}", "/test", Clock().now(), str(Trace.new()))).decode()
    return await bury_body(admin, body, reason)


async def bury_body(admin: Redis, body: str, reason: str = "RuntimeError") -> str:
    group = StreamGroup(admin, admin, stream=STREAM, group="orders", consumer="c")
    await group.create()
    await admin.xadd(STREAM, {"event": body})
    [entry] = await group.read(count=1, block_ms=100)
    await group.bury(Entry(entry.id, entry.fields, 5), reason)
    [(letter, _)] = await admin.xrevrange(streams.dead_stream(STREAM), count=1)
    return str(letter)


async def test_list_names_each_letter_and_no_words(redis_url: str, admin: Redis, console: Console) -> None:
    await dead.show_list(redis_url, console, stream=None, limit=20, as_json=False)
    assert "no dead letters" in console.export_text(clear=True)
    first = await bury(admin, 1)
    second = await bury_body(admin, "{not json", "no event")
    assert await dead.show_list(redis_url, console, stream=None, limit=20, as_json=False) == 0
    shown = console.export_text(clear=True)
    assert first in shown
    assert second in shown
    assert all(
        word in shown for word in (SHORT, "agiza.tool.called", CALL, "RuntimeError", "no event", "2 dead letters")
    )
    assert WORDS not in shown
    await dead.show_list(redis_url, console, stream=SHORT, limit=1, as_json=False)
    assert "2 dead letters, 1 shown" in console.export_text()


async def test_show_hides_words_until_asked(redis_url: str, admin: Redis, console: Console) -> None:
    letter = await bury(admin, 1)
    await dead.show_one(redis_url, console, SHORT, letter, with_pii=False)
    shown = json.loads(console.export_text(clear=True))
    assert (shown["event_id"], shown["deliveries"], shown["group"]) == ("event-1", 5, "orders")
    assert shown["event"]["data"]["calls"][0] == {"id": "f1", "name": "addItem", "args": dead.HIDDEN}
    await dead.show_one(redis_url, console, SHORT, letter, with_pii=True)
    assert WORDS in console.export_text(clear=True)
    broken = await bury_body(admin, WORDS)
    await dead.show_one(redis_url, console, SHORT, broken, with_pii=False)
    assert WORDS not in console.export_text()


async def test_replay_sends_the_same_event_and_takes_the_letter_away(
    redis_url: str, admin: Redis, console: Console
) -> None:
    letters = [await bury(admin, number) for number in range(3)]
    [sent_before] = [fields["event"] for _, fields in await admin.xrange(streams.dead_stream(STREAM), count=1)]
    await dead.replay(redis_url, console, SHORT, letters[:1], everything=False)
    assert await admin.xlen(streams.dead_stream(STREAM)) == 2
    [(_, fields)] = await admin.xrevrange(STREAM, count=1)
    assert fields == {"event": sent_before, "replays": "1"}
    await dead.replay(redis_url, console, SHORT, [], everything=True)
    assert await admin.xlen(streams.dead_stream(STREAM)) == 0
    sent = [decode(fields["event"]).envelope.id for _, fields in await admin.xrange(STREAM)][-3:]
    assert sent == ["event-0", "event-1", "event-2"]
    assert "0 left" in console.export_text()


async def test_replay_that_dies_again_is_counted(redis_url: str, admin: Redis, console: Console) -> None:
    await dead.replay(redis_url, console, SHORT, [await bury(admin, 1)], everything=False)
    group = StreamGroup(admin, admin, stream=STREAM, group="orders", consumer="c")
    [entry] = await group.read(count=5, block_ms=100)
    await group.bury(entry, "RuntimeError")
    [(letter, _)] = await admin.xrange(streams.dead_stream(STREAM))
    await dead.show_one(redis_url, console, SHORT, letter, with_pii=False)
    assert '"replays": 1' in console.export_text()


async def test_drop_throws_away(redis_url: str, admin: Redis, console: Console) -> None:
    letters = [await bury(admin, number) for number in range(2)]
    before = await admin.xlen(STREAM)
    await dead.drop(redis_url, console, SHORT, letters[:1], everything=False)
    assert [id for id, _ in await admin.xrange(streams.dead_stream(STREAM))] == letters[1:]
    assert await admin.xlen(STREAM) == before, "nothing was sent"


async def test_each_mistake_is_said(
    redis_url: str, redis_urls: Mapping[str, str], admin: Redis, console: Console
) -> None:
    letter = await bury(admin, 1)
    with pytest.raises(CliError, match="no service reads"):
        await dead.show_list(redis_url, console, stream="tools:16", limit=1, as_json=False)
    with pytest.raises(CliError, match="is not the id of a letter"):
        await dead.show_one(redis_url, console, SHORT, "yesterday", with_pii=False)
    with pytest.raises(CliError, match="was replayed, dropped or is too old"):
        await dead.replay(redis_url, console, SHORT, ["1-1"], everything=False)
    with pytest.raises(CliError, match="name the letters"):
        await dead.replay(redis_url, console, SHORT, [], everything=False)
    with pytest.raises(CliError, match="either"):
        await dead.drop(redis_url, console, SHORT, [letter], everything=True)
    with pytest.raises(CliError, match="must be an administrator's"):
        await dead.drop(redis_urls["orders"], console, SHORT, [letter], everything=False)
    with pytest.raises(CliError, match="does not answer"):
        await dead.drop("redis://127.0.0.1:1/0", console, SHORT, [letter], everything=False)


async def test_dead_letters_are_limited(admin: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agiza.runtime.stream_group.DEAD_ENTRIES_MAX", 100)
    for number in range(350):
        await bury(admin, number)
    assert 100 <= await admin.xlen(streams.dead_stream(STREAM)) < 350


def test_commands_are_typed_like_this(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", redis_url)
    runner = CliRunner()
    listed = runner.invoke(app, ["dead", "list", "--json"])
    assert (listed.exit_code, json.loads(listed.output)) == (0, {"count": 0, "letters": []})
    assert runner.invoke(app, ["dead", "replay", "calls", "--all"]).exit_code == 0
    assert runner.invoke(app, ["dead", "drop", "handoffs", "--all", "--yes"]).exit_code == 0
    unsure = runner.invoke(app, ["dead", "drop", "handoffs", "--all"])
    assert isinstance(unsure.exception, CliError)
