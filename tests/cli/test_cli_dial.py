"""``agiza dial``: the switch, thrown on a real Redis, and who may throw it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
import redis.asyncio
from rich.console import Console

from agiza.cli.call import Line
from agiza.cli.dial import switch
from agiza.cli.errors import CliError
from agiza.cli.result import Endpoints
from agiza.cli.running import write_line
from agiza.contracts.streams import DIAL_SWITCH

pytestmark = pytest.mark.integration


@pytest.fixture
def console() -> Console:
    return Console(record=True, width=200, quiet=False)


async def _stored(redis_url: str) -> str | None:
    async with redis.asyncio.Redis.from_url(redis_url, decode_responses=True) as client:
        value: str | None = await client.get(DIAL_SWITCH)
        return value


async def test_off_is_what_the_webhook_looks_for_and_on_takes_it_away(redis_url: str, console: Console) -> None:
    for _ in range(2):
        assert await switch("off", redis_url, console) == 0
        assert await _stored(redis_url) == "off"
    await switch("status", redis_url, console)
    assert console.export_text(clear=True).count("dialling is off") == 3
    assert await switch("on", redis_url, console) == 0
    assert await _stored(redis_url) is None
    await switch("status", redis_url, console)
    assert console.export_text().count("dialling is on") == 2


async def test_a_service_may_look_but_not_throw_it(
    redis_url: str, redis_urls: Mapping[str, str], console: Console
) -> None:
    await switch("off", redis_url, console)
    assert await switch("status", redis_urls["webhook"], console) == 0
    assert "dialling is off" in console.export_text()
    with pytest.raises(CliError, match="must be an administrator's"):
        await switch("on", redis_urls["webhook"], console)
    assert await _stored(redis_url) == "off"
    await switch("on", redis_url, console)


async def test_the_stack_of_this_folder_is_found(
    redis_url: str, console: Console, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CliError, match="set REDIS_URL, or run this where"):
        await switch("off", None, console)
    write_line(Line("http://127.0.0.1:1/voice", Endpoints("", "", "", ""), redis_url))
    assert await switch("off", None, console) == 0
    assert await _stored(redis_url) == "off"
    await switch("on", None, console)


@pytest.mark.parametrize(
    ("url", "says"), [("redis://127.0.0.1:9", "does not answer"), ("redis://127.0.0.1:port", "not a Redis URL")]
)
async def test_a_redis_that_is_not_there_is_said_so(url: str, says: str, console: Console) -> None:
    with pytest.raises(CliError, match=says):
        await switch("off", url, console)
