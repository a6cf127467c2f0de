"""One attempt at a server: what counts as success, where no connection is opened to, what no answer may do to us."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Sequence

import pytest
from aiohttp import web
from orders_webhooks import HERE, Got, Receiver, receiving
from yarl import URL

from services.orders.webhooks.addresses import AllowList
from services.orders.webhooks.sending import READ_BYTES_MAX, Answer, Lookup, open_sender


@pytest.fixture
async def till() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


async def send(
    url: str, *, allow: AllowList = HERE, lookup: Lookup | None = None, timeout_s: float = 5, times: int = 1
) -> list[Answer]:
    """So many attempts by one sender."""
    async with open_sender(allow, lookup=lookup, timeout_s=timeout_s) as sender:
        return [await sender.send(URL(url, encoded=True), {"webhook-id": "1"}, b"{}") for _ in range(times)]


def names(*answers: Sequence[str]) -> Lookup:
    """A resolver that gives these addresses, one answer after the other; the last for ever."""
    left = list(answers)

    def lookup(host: str, port: int) -> list[tuple[int, str]]:
        found = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET6 if ":" in each else socket.AF_INET, each) for each in found]

    return lookup


@pytest.mark.parametrize(
    ("status", "word"),
    [(200, None), (202, None), (204, None), (299, None), (300, "redirect"), (304, "redirect"), (404, "status"),
     (410, "gone"), (429, "status"), (500, "status"), (503, "status")],
)  # fmt: skip
async def test_only_2xx_is_success(till: Receiver, status: int, word: str | None) -> None:
    till.says(status)
    [answer] = await send(till.url)
    assert (answer.status, answer.error, answer.is_success) == (status, word, word is None)


async def test_a_redirect_is_not_followed(till: Receiver) -> None:
    async def answer(got: Got) -> web.Response:
        return web.Response(status=307, headers={"location": f"{till.url}/elsewhere"})

    till.answer = answer
    [answer_] = await send(f"{till.url}/hook")
    assert answer_.error == "redirect"
    assert [got.path for got in till.got] == ["/hook"]


async def test_no_cookie_comes_back_and_nothing_says_who_we_are_besides_our_name(till: Receiver) -> None:
    async def answer(_: Got) -> web.Response:
        return web.Response(status=200, headers={"set-cookie": "a=b"})

    till.answer = answer
    await send(till.url, times=2)
    assert all("cookie" not in got.headers for got in till.got)
    assert {got.headers["user-agent"] for got in till.got} == {"Agiza-Webhooks/1"}
    assert {got.headers["accept-encoding"] for got in till.got} == {"identity"}


async def test_proxies_of_the_environment_are_not_asked(till: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    [answer] = await send(till.url)
    assert answer.is_success


async def test_a_private_address_is_not_connected_to(till: Receiver) -> None:
    [literal] = await send(till.url, allow=AllowList())
    assert (literal.status, literal.error) == (None, "url-not-allowed")
    port = URL(till.url).port
    for address in ("127.0.0.1", "::ffff:127.0.0.1", "::1", "169.254.169.254", "10.0.0.1"):
        allow = AllowList.parse(f"192.0.2.0/24:{port}")  # allows the port, not the address
        [answer] = await send(f"https://pos.example.com:{port}/", allow=allow, lookup=names([address]))
        assert (answer.status, answer.error) == (None, "address-not-allowed"), address
    [https] = await send("https://pos.example.com/", allow=AllowList(), lookup=names(["127.0.0.1", "10.1.1.1"]))
    assert https.error == "address-not-allowed"
    assert till.got == []


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "017700000001", "[::ffff:127.0.0.1]", "[::1]", "localhost"])
async def test_an_odd_form_of_a_private_address_is_not_connected_to(till: Receiver, host: str) -> None:
    [answer] = await send(f"https://{host}/", allow=AllowList())
    assert answer.error in ("url-not-allowed", "address-not-allowed")
    assert answer.status is None


async def test_a_name_that_points_elsewhere_after_it_was_checked_leads_nowhere(till: Receiver) -> None:
    """DNS rebinding: the name is asked anew for a new connection, and the address that is connected to is judged."""
    port = URL(till.url).port
    allow = AllowList.parse(f"127.0.0.1:{port}")  # stands for what is public
    url = f"https://pos.example.com:{port}/"
    lookup = names(["127.0.0.1"], ["127.0.0.2"])
    async with open_sender(allow, lookup=lookup) as sender:
        sender._session.connector._use_dns_cache = False  # type: ignore[union-attr]
        first = await sender.send(URL(url), {}, b"{}")
        second = await sender.send(URL(url), {}, b"{}")
    assert first.error == "tls"  # it was connected to; nobody speaks TLS there
    assert second.error == "address-not-allowed"


async def test_a_name_of_the_operator_may_be_inside(till: Receiver) -> None:
    port = URL(till.url).port
    lookup = names(["127.0.0.1"])
    [named] = await send(f"http://pos.lan:{port}/", allow=AllowList.parse(f"pos.lan:{port}"), lookup=lookup)
    assert named.is_success
    [other] = await send(f"http://evil.example:{port}/", allow=AllowList.parse(f"pos.lan:{port}"), lookup=lookup)
    assert other.error == "url-not-allowed"
    [metadata] = await send("http://pos.lan/", allow=AllowList.parse("pos.lan"), lookup=names(["169.254.169.254"]))
    assert metadata.error == "address-not-allowed"
    assert len(till.got) == 1


async def test_an_answer_that_does_not_come_ends_after_the_time_limit(till: Receiver) -> None:
    never = asyncio.Event()

    async def hang(_: Got) -> int:
        await never.wait()
        return 204

    till.answer = hang
    [answer] = await send(till.url, timeout_s=0.05)
    never.set()
    assert (answer.status, answer.error) == (None, "timeout")


@pytest.mark.parametrize(
    ("lookup", "word"),
    [(names(["127.0.0.1"]), "refused"), (names([]), "dns")],
)
async def test_what_is_not_there_has_a_word(lookup: Lookup, word: str) -> None:
    def failing(host: str, port: int) -> Sequence[tuple[int, str]]:
        if not (found := lookup(host, port)):
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        return found

    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        [answer] = await send(f"http://pos.lan:{port}/", allow=AllowList.parse("pos.lan"), lookup=failing)
    assert (answer.status, answer.error) == (None, word)


async def raw_answer(answer: bytes, *, then_close: bool = True) -> tuple[Answer, int]:
    """What a server that answers with these bytes does to an attempt; and how many bytes it could get rid of."""
    taken = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal taken
        await reader.readuntil(b"\r\n\r\n{}")
        try:
            while taken < 50_000_000:
                writer.write(answer)
                await writer.drain()
                taken += len(answer)
                if then_close:
                    break
        except ConnectionError:
            pass
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        [found] = await send(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/")
    return found, taken


async def test_an_endless_body_is_not_read_and_its_status_counts() -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\n"
    answer, taken = await raw_answer(head + b"x" * 65_536, then_close=False)
    assert answer.is_success
    assert taken < 20_000_000
    assert READ_BYTES_MAX == 16 * 1024


async def test_a_packed_body_is_not_unpacked() -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nnope"
    answer, _ = await raw_answer(head)
    assert answer.is_success


@pytest.mark.parametrize(
    "raw",
    [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 999999 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nx: " + b"y" * 100_000 + b"\r\n\r\n",
     b"SSH-2.0-OpenSSH_9\r\n"],
)  # fmt: skip
async def test_what_is_no_answer_is_a_failure(raw: bytes) -> None:
    answer, _ = await raw_answer(raw)
    assert not answer.is_success
    assert answer.error in ("broken", "status")


async def test_a_connection_is_used_again_and_one_that_was_closed_meanwhile_costs_no_attempt() -> None:
    """A server that ends each connection after its first answer, without saying so."""
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.readuntil(b"\r\n\r\n{}")
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        await writer.drain()
        if connections == 1:
            await reader.readexactly(10)  # the beginning of the next request, which is never answered
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        answers = await send(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/", times=2)
    assert [answer.is_success for answer in answers] == [True, True]
    assert connections == 2
