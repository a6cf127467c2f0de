"""The carrier's REST interface as we use it, against a real socket that answers what a test tells it to."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agiza.carrier.rest import (
    ATTEMPTS_MAX,
    CarrierApi,
    CarrierApiError,
    RateLimited,
    Refused,
    Unreachable,
    Waiting,
    WalletEmpty,
    normalise_key,
)

CUSTOMER = "+254711000001"
NUMBER = "+254709000002"
CALLBACK = "https://orders.example.co.ke/carrier/secret-path/outbound/ref"
PLACED = (201, {}, '{"call_id": "5f3c", "session_id": "HD_77", "status": "ringing"}')
FAILED = (500, {}, '{"error": {"code": "internal_error", "message": "for +254711000001"}}')

Scripted = tuple[int, dict[str, str], str] | None
"""Status, headers, body; None hangs up without an answer."""


@dataclass
class Clock:
    now_s: float = 0.0
    pauses: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.now_s += seconds


@dataclass
class Desk:
    """The other side: answers from `script` in order, the last one for ever."""

    script: list[Scripted] = field(default_factory=list)
    heads: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    clock: Clock = field(default_factory=Clock)
    port: int = 0
    limit_s: float = 8.0

    def api(self, key: str = "key") -> CarrierApi:
        waiting = Waiting(now=lambda: self.clock.now_s, sleep=self.clock.sleep, jitter=lambda: 0.5)
        return CarrierApi(f"http://127.0.0.1:{self.port}/", key, limit_s=self.limit_s, waiting=waiting)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            fields = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head.splitlines())}
            self.heads.append(head)
            self.bodies.append(await reader.readexactly(int(fields.get("content-length", "0"))))
            answer = self.script.pop(0) if len(self.script) > 1 else self.script[0]
            if answer is not None:
                status, headers, body = answer
                lines = [f"{name}: {value}\r\n" for name, value in headers.items()]
                writer.write(
                    f"HTTP/1.1 {status} X\r\n{''.join(lines)}Connection: close\r\nContent-Length: {len(body)}\r\n\r\n"
                    f"{body}".encode()
                )
                await writer.drain()
        writer.close()


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    desk = Desk()
    server = await asyncio.start_server(desk.serve, "127.0.0.1", 0)
    desk.port = server.sockets[0].getsockname()[1]
    yield desk
    server.close()
    await server.wait_closed()


async def place(api: CarrierApi) -> tuple[str | None, str | None]:
    placed = await api.place_call(
        from_number=NUMBER, to_number=CUSTOMER, callback_url=CALLBACK, request_id="out-0123456789"
    )
    return placed.call_id, placed.session_id


async def test_a_call_is_placed_under_one_id(desk: Desk) -> None:
    desk.script = [PLACED]
    async with desk.api('AGIZA_CARRIER_API_KEY="Bearer eyJhbGci.abc_-1"\n') as api:
        assert await place(api) == ("5f3c", "HD_77")
    assert desk.heads[0].startswith("POST /v1/calls HTTP/1.1")
    assert "authorization: bearer eyjhbgci.abc_-1\r\n" in desk.heads[0].lower()
    assert "idempotency-key: out-0123456789\r\n" in desk.heads[0].lower()
    assert json.loads(desk.bodies[0]) == {
        "from": NUMBER,
        "to": [CUSTOMER],
        "voice_callback_url": CALLBACK,
        "client_request_id": "out-0123456789",
    }


async def test_a_failure_is_asked_again_with_the_same_key_and_body(desk: Desk) -> None:
    desk.script = [FAILED, None, PLACED]
    async with desk.api() as api:
        assert await place(api) == ("5f3c", "HD_77")
    assert len(desk.heads) == 3
    assert len(set(desk.bodies)) == 1
    assert all("idempotency-key: out-0123456789\r\n" in head.lower() for head in desk.heads)
    assert desk.clock.pauses == [0.25, 0.5]


async def test_repeats_are_bounded_in_number_and_in_time(desk: Desk) -> None:
    desk.script = [FAILED]
    async with desk.api() as api:
        with pytest.raises(Unreachable) as caught:
            await place(api)
    assert (caught.value.status, caught.value.code, caught.value.retryable) == (500, "internal_error", True)
    assert len(desk.heads) == ATTEMPTS_MAX
    desk.heads.clear()
    desk.clock, desk.limit_s = Clock(), 0.6
    async with desk.api() as api:
        with pytest.raises(Unreachable):
            await place(api)
    assert len(desk.heads) == 2
    assert desk.clock.now_s <= 0.6


@pytest.mark.parametrize(
    ("answer", "error", "code"),
    [
        ((402, {}, '{"error": {"code": "wallet.insufficient_funds"}}'), WalletEmpty, "wallet.insufficient_funds"),
        ((401, {}, '{"code": "api_key.invalid", "reason": "x"}'), Refused, "api_key.invalid"),
        ((409, {}, '{"error": {"code": "idempotency.conflict"}}'), Refused, "idempotency.conflict"),
        ((400, {}, '{"error": {"code": "no call to +254711000001"}}'), Refused, "http_400"),
        ((422, {}, "<html>+254711000001</html>"), Refused, "http_422"),
        ((302, {"Location": "http://127.0.0.1:1/"}, ""), Refused, "http_302"),
    ],
)
async def test_a_refusal_is_final_and_tells_nothing_personal(
    desk: Desk, answer: Scripted, error: type[CarrierApiError], code: str
) -> None:
    desk.script = [answer]
    async with desk.api() as api:
        with pytest.raises(error) as caught:
            await place(api)
    assert type(caught.value) is error
    assert (caught.value.code, caught.value.retryable) == (code, False)
    assert len(desk.heads) == 1
    assert "+254" not in f"{caught.value!r}{caught.value}"
    assert caught.value.__cause__ is None


async def test_a_rate_limit_is_waited_out_as_long_as_it_says(desk: Desk) -> None:
    desk.script = [(429, {"Retry-After": "3"}, "{}"), PLACED]
    async with desk.api() as api:
        assert await place(api) == ("5f3c", "HD_77")
    assert desk.clock.pauses == [3.0]


async def test_a_rate_limit_longer_than_our_time_is_told_at_once(desk: Desk) -> None:
    dated = {"Date": "Wed, 01 Jul 2026 09:00:00 GMT", "Retry-After": "Wed, 01 Jul 2026 09:01:30 GMT"}
    for headers, said in (({"Retry-After": "60"}, 60.0), (dated, 90.0)):
        desk.script = [(429, headers, "{}")]
        async with desk.api() as api:
            with pytest.raises(RateLimited) as caught:
                await place(api)
        assert (caught.value.retry_after_s, caught.value.retryable) == (said, True)
    assert desk.clock.pauses == []


async def test_nobody_listening_is_told_as_unreachable() -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    clock = Clock()
    async with CarrierApi(f"http://127.0.0.1:{port}", "k", waiting=Waiting(sleep=clock.sleep)) as api:
        with pytest.raises(Unreachable) as caught:
            await api.wallet()
    assert caught.value.code == "not_connected"
    assert len(clock.pauses) == ATTEMPTS_MAX - 1


async def test_a_slow_carrier_is_given_up(desk: Desk) -> None:
    async def dripping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await reader.read()
        writer.close()

    server = await asyncio.start_server(dripping, "127.0.0.1", 0)
    async with CarrierApi(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", "k", limit_s=0.1) as api:
        with pytest.raises(Unreachable) as caught:
            await api.wallet()
    assert caught.value.code == "timeout"
    server.close()
    await server.wait_closed()


async def test_hanging_up_a_call_that_is_gone_is_no_error(desk: Desk) -> None:
    desk.script = [
        (200, {}, '{"call_id": "5f3c", "status": "hung_up"}'),
        (404, {}, '{"error": {"code": "calls.not_found"}}'),
    ]
    async with desk.api() as api:
        assert await api.hang_up("HD_7c21e04ab9f3")
        assert not await api.hang_up("HD_7c21e04ab9f3")
    assert desk.heads[0].startswith("POST /v1/calls/HD_7c21e04ab9f3/hangup ")


@pytest.mark.parametrize("call_id", ["", "a/../../wallet", "HD_1?x=1", "HD 77", "x" * 65])
async def test_an_id_that_is_none_never_reaches_the_network(desk: Desk, call_id: str) -> None:
    async with desk.api() as api:
        with pytest.raises(ValueError, match="no id of a call"):
            await api.hang_up(call_id)
    assert desk.heads == []


async def test_a_call_is_looked_at(desk: Desk) -> None:
    desk.script = [
        (200, {}, '{"call": {"id": "5f3c", "session_id": "HD_77", "status": "answered", "ended_at": null}}'),
        (200, {}, '{"call": {"id": "5f3c", "status": "odd", "ended_at": "2026-07-01", "duration_seconds": 31}}'),
        (404, {}, "{}"),
    ]
    async with desk.api() as api:
        running, over, unknown = [await api.get_call("5f3c") for _ in range(3)]
    assert running is not None
    assert over is not None
    assert (running.session_id, running.is_over, running.duration_s) == ("HD_77", False, None)
    assert (over.is_over, over.duration_s) == (True, 31)
    assert unknown is None


async def test_the_wallet_is_read_or_nothing_is_claimed(desk: Desk) -> None:
    desk.script = [
        (200, {}, '{"balance_minor": 1250, "currency": "KES"}'),
        (200, {}, '{"wallet": {"balance_minor": 7}}'),
        (200, {}, '{"balance_minor": "much"}'),
    ]
    async with desk.api() as api:
        assert (await api.wallet()).balance_minor == 1250
        assert (await api.wallet()).balance_minor == 7
        with pytest.raises(Unreachable, match="unreadable_answer"):
            await api.wallet()


async def test_a_placed_call_whose_answer_is_unreadable_counts_as_placed(desk: Desk) -> None:
    desk.script = [(201, {}, "")]
    async with desk.api() as api:
        assert await place(api) == (None, None)
    assert len(desk.heads) == 1


# --- keys ------------------------------------------------------------------------------------------------------------


@given(
    key=st.from_regex(r"eyJ[A-Za-z0-9_-]{4,40}(\.[A-Za-z0-9_-]{4,40}){2}", fullmatch=True),
    named=st.sampled_from(["", "SAUTIKIT_API_KEY=", "export KEY = "]),
    bearer=st.sampled_from(["", "Bearer ", "bearer  "]),
    quote=st.sampled_from(["", '"', "'"]),
    blank=st.sampled_from(["", " ", "\n", "\t"]),
)
def test_a_key_is_found_in_what_people_paste(key: str, named: str, bearer: str, quote: str, blank: str) -> None:
    assert normalise_key(f"{blank}{named}{quote}{bearer}{key}{quote}{blank}") == key
    assert normalise_key(f"{blank}{named}{bearer}{quote}{key}{quote}{blank}") == key


@pytest.mark.parametrize("key", ["", " ", '""', "Bearer ", "abc def", "abc\ndef", "ключ"])
def test_a_key_that_is_none_is_refused_without_being_repeated(key: str) -> None:
    with pytest.raises(ValueError, match="the carrier's API key is empty or has") as caught:
        CarrierApi("https://api.example", key)
    assert not key.strip() or key not in str(caught.value)


@pytest.mark.parametrize("url", ["", "api.example", "ftp://api.example", "https://"])
def test_a_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="https://"):
        CarrierApi(url, "key")
