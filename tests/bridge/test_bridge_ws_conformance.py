"""RFC 6455 against the carrier's socket, byte by byte over TCP: what is taken, what is answered, what ends it how."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from bridge_world import World, open_world
from raw_frames import BINARY, CLOSE, CONT, PING, PONG, TEXT, RawClient, close_frame, connect_raw, frame

from services.bridge.legs.carrier_leg import FRAME_BYTES_MAX
from services.bridge.legs.wire import ServerWire

pytestmark = pytest.mark.integration

STEPS: list[object] = ["wait_for_prompt", {"pause": 30}]
AT_ONCE = 16
LIMIT_S = 10.0
OPEN = None
"""Still open, and the next ping is answered."""
ABRUPT = -1
"""The client is gone without a word; nothing to expect but that the call ends."""

PCM = bytes(range(256)) * 5
"""40 ms: what is handed on as one piece."""
TWO = PCM + PCM[::-1]
BIG = bytes(FRAME_BYTES_MAX)


@dataclass(frozen=True)
class Case:
    """``segments`` are written one after the other; ``code`` is that of the server's close frame."""

    name: str
    segments: list[bytes]
    code: int | None = OPEN
    heard: bytes = b""
    pongs: tuple[bytes, ...] = ()
    hurried: bytes = b""


def binary(payload: bytes = PCM) -> bytes:
    return frame(BINARY, payload)


def each_byte(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(len(data))]


def cut(data: bytes, at: int) -> list[bytes]:
    return [data[:at], data[at:]]


EURO = "€".encode()
CASES = [
    # -- whole frames, however they come
    Case("one frame", [binary()], heard=PCM),
    Case("a frame of 125 bytes, many times", [binary(bytes(range(125))) * 11], heard=(bytes(range(125)) * 11)[:1374]),
    Case("126 bytes need a longer length", [binary(bytes(range(126))) * 11], heard=bytes(range(126)) * 11),
    Case("the longest frame that is allowed", [binary(BIG)], heard=BIG),
    Case("65535 bytes in two bytes of length", [binary(BIG[1:]), binary(b"\0")], heard=BIG),
    Case("an empty frame is no audio", [binary(b""), binary()], heard=PCM),
    Case("a length in more bytes than it needs", [frame(BINARY, PCM, wide=8)], heard=PCM),
    Case("a short length in two bytes", [frame(BINARY, PCM[:100], wide=2) * 13], heard=PCM[:100] * 13),
    Case("many frames in one segment", [binary() * 7], heard=PCM * 7),
    Case("a frame and half of the next header", [binary() + binary()[:1], binary()[1:]], heard=PCM * 2),
    Case("byte by byte", each_byte(binary(bytes(1280))), heard=bytes(1280)),
    *(Case(f"cut after byte {at}", cut(binary(), at), heard=PCM) for at in (1, 2, 3, 4, 5, 7, 8, 9, 700, 1287)),
    *(Case(f"a long one cut after byte {at}", cut(binary(BIG), at), heard=BIG) for at in (2, 5, 9, 10, 13, 14, 65_000)),
    Case("a tail that is the next one's head", [binary() + binary()[:5], binary()[5:] + binary()], heard=PCM * 3),
    Case("frames before the handshake was answered", [], heard=PCM * 2, hurried=binary() * 2),
    Case("half a frame before the handshake was answered", [binary()[3:]], heard=PCM, hurried=binary()[:3]),
    Case("PCM that looks like JSON", [binary(b'{"type":"x"}' * 110)], heard=b'{"type":"x"}' * 110),
    Case("half a sample waits", [binary(PCM[:641]), binary(PCM[641:])], heard=PCM),
    # -- fragments
    Case("two fragments", [frame(BINARY, PCM[:700], fin=False) + frame(CONT, PCM[700:])], heard=PCM),
    Case("five fragments, some empty",
         [frame(BINARY, b"", fin=False), frame(CONT, PCM[:1], fin=False), frame(CONT, b"", fin=False),
          frame(CONT, PCM[1:], fin=False), frame(CONT, b"")], heard=PCM),
    Case("fragments byte by byte", each_byte(frame(BINARY, PCM[:80], fin=False) + frame(CONT, PCM[80:])), heard=PCM),
    Case("a whole message after fragments",
         [frame(BINARY, PCM, fin=False) + frame(CONT, b"") + binary(PCM[::-1])], heard=TWO),
    Case("a ping between fragments",
         [frame(BINARY, PCM[:9], fin=False) + frame(PING, b"in") + frame(CONT, PCM[9:])], heard=PCM, pongs=(b"in",)),
    Case("a pong between fragments", [frame(BINARY, PCM, fin=False) + frame(PONG, b"?") + frame(CONT)], heard=PCM),
    Case("a continuation of nothing", [frame(CONT, PCM)], 1002),
    Case("an unfinished continuation of nothing", [frame(CONT, PCM, fin=False)], 1002),
    Case("a continuation after the end", [frame(BINARY, PCM, fin=False) + frame(CONT) + frame(CONT)], 1002, heard=PCM),
    Case("a new message within fragments", [frame(BINARY, PCM, fin=False) + binary()], 1002),
    Case("new fragments within fragments", [frame(BINARY, PCM, fin=False) + frame(TEXT, b"a", fin=False)], 1002),
    # -- control frames
    Case("a ping", [frame(PING)], pongs=(b"",)),
    Case("a ping with all it may carry", [frame(PING, PCM[:125])], pongs=(PCM[:125],)),
    Case("ten pings between audio", [(frame(PING, b"p") + binary()) * 10], heard=PCM * 10, pongs=(b"p",) * 10),
    Case("a ping byte by byte", each_byte(frame(PING, b"slow")), pongs=(b"slow",)),
    Case("a ping that is cut, and audio behind", [*cut(frame(PING, b"cut") + binary(), 4)], heard=PCM, pongs=(b"cut",)),
    Case("a pong that nobody asked for", [frame(PONG, b"hello"), binary()], heard=PCM),
    Case("a ping that is too long", [frame(PING, PCM[:126])], 1002),
    Case("a pong that is too long", [frame(PONG, PCM[:200])], 1002),
    Case("a ping in fragments", [frame(PING, b"a", fin=False)], 1002),
    Case("a close in fragments", [frame(CLOSE, b"\x03\xe8", fin=False)], 1002),
    Case("a close that is too long", [frame(CLOSE, b"\x03\xe8" + b"x" * 124)], 1002),
    # -- what is reserved
    *(Case(f"reserved bit {rsv:03b}", [frame(BINARY, PCM, rsv=rsv)], 1002) for rsv in (0b100, 0b010, 0b001, 0b111)),
    Case("a reserved bit on a ping", [frame(PING, rsv=0b100)], 1002),
    Case("a reserved bit after good frames", [binary() + frame(BINARY, PCM, rsv=1) + binary()], 1002, heard=PCM),
    *(Case(f"opcode {code:#x}", [frame(code, b"x")], 1002) for code in (0x3, 0x4, 0x7, 0xB, 0xC, 0xF)),
    # -- masking
    Case("a frame that is not masked", [frame(BINARY, PCM, masked=False)], 1002),
    Case("a ping that is not masked", [frame(PING, b"x", masked=False)], 1002),
    Case("a bare head that is not masked", [b"\x82\x05"], 1002),
    Case("a close that is not masked", [frame(CLOSE, b"\x03\xe8", masked=False)], 1002),
    # -- size
    Case("one byte too long", [binary(BIG + b"\0")], 1009),
    Case("the head alone of what is too long", [binary(BIG + b"\0")[:10]], 1009),
    Case("a length of 2^63 - 1", [b"\x82\xff\x7f" + b"\xff" * 7], 1009),
    Case("fragments that are too long together", [frame(BINARY, BIG, fin=False) + frame(CONT, b"\0\0")], 1009),
    Case("fragments that are just short enough",
         [frame(BINARY, BIG[:-1280], fin=False) + frame(CONT, PCM)], heard=BIG[:-1280] + PCM),
    Case("text that is too long", [frame(TEXT, b"a" * (FRAME_BYTES_MAX + 1))], 1009),
    # -- text
    Case("text is no audio", [frame(TEXT, b'{"event":"start"}'), binary()], heard=PCM),
    Case("text that is no JSON", [frame(TEXT, b"hello"), binary()], heard=PCM),
    Case("empty text", [frame(TEXT), binary()], heard=PCM),
    Case("a character over two fragments",
         [frame(TEXT, EURO[:1], fin=False) + frame(CONT, EURO[1:]) + binary()], heard=PCM),
    Case("text in fragments around a ping",
         [frame(TEXT, b"a", fin=False) + frame(PING, b"t") + frame(CONT, b"b") + binary()], heard=PCM, pongs=(b"t",)),
    *(Case(f"text that is not UTF-8: {bad.hex()}", [frame(TEXT, bad)], 1007)
      for bad in (b"\xff", b"a\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", EURO[:2])),
    Case("fragments that are not UTF-8", [frame(TEXT, b"a", fin=False) + frame(CONT, b"\xff")], 1007),
    Case("a character that the last fragment leaves open",
         [frame(TEXT, b"a", fin=False) + frame(CONT, EURO[:2])], 1007),
    Case("bad text is refused before the message ends", [frame(TEXT, b"\xff", fin=False)], 1007),
    Case("binary that is not UTF-8 is audio", [binary(b"\xff\xfe" * 640)], heard=b"\xff\xfe" * 640),
    # -- the end
    Case("a close without a code", [close_frame()], 1005),
    *(Case(f"close {code}", [close_frame(code)], code)
      for code in (1000, 1001, 1003, 1007, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999)),
    Case("close with a reason", [close_frame(1000, b"x" * 123)], 1000),
    *(Case(f"close {code}, which may not be sent", [close_frame(code)], 1002)
      for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000)),
    Case("a close of one byte", [frame(CLOSE, b"\x03")], 1002),
    Case("a close whose reason is not UTF-8", [close_frame(1000, b"\xff")], 1007),
    Case("audio after the close is not heard", [binary() + close_frame(1000) + binary()], 1000, heard=PCM),
    Case("a ping after the close is not answered", [close_frame(1000) + frame(PING, b"late")], 1000),
    Case("two closes are answered once", [close_frame(1001) + close_frame(1000)], 1001),
    Case("a close within fragments", [frame(BINARY, PCM, fin=False) + close_frame(1000)], 1002),
    Case("a close byte by byte", each_byte(close_frame(1000, b"bye")), 1000),
    Case("gone between frames", [binary()], ABRUPT, heard=PCM),
    Case("gone within a header", [binary() + b"\x82"], ABRUPT, heard=PCM),
    Case("gone within a frame", [binary() + binary()[:200]], ABRUPT, heard=PCM),
    Case("gone within fragments", [binary() + frame(BINARY, PCM, fin=False)], ABRUPT, heard=PCM),
]  # fmt: skip


@pytest.fixture
def heard(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytearray]:
    """The whole binary messages that each call's socket handed on, by the call; its leg goes on as it would."""
    pieces: dict[str, bytearray] = {}
    attach = ServerWire.attach

    def attach_and_note(wire: ServerWire, take, **others) -> None:  # type: ignore[no-untyped-def]
        kept = pieces.setdefault(wire.token.call_id, bytearray())  # type: ignore[attr-defined]

        def note(message: bytes, is_text: bool) -> None:
            if not is_text:
                kept.extend(message)
            take(message, is_text)

        attach(wire, note, **others)

    monkeypatch.setattr(ServerWire, "attach", attach_and_note)
    return pieces


async def differs(world: World, case: Case, heard: Mapping[str, bytearray]) -> str | None:
    """What of this case was not as it should be."""
    call_id = "HD_" + secrets.token_hex(6)
    path = f"/media/{world.token(call_id=call_id)}"
    client = await connect_raw(world.url, path, hurried=case.hurried)
    try:
        async with asyncio.timeout(LIMIT_S):
            return await _differs(client, case, heard.get(call_id, bytearray()))
    except TimeoutError:
        return f"{case.name}: hangs; {client}"
    finally:
        await client.leave()


async def _differs(client: RawClient, case: Case, heard: bytearray) -> str | None:
    await client.send(case.segments)
    if case.code is ABRUPT:
        while bytes(heard) != case.heard:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        return None
    if case.code is OPEN:
        await client.send([frame(PING, b"the end")])
        await client.read_until_pong(b"the end")
        await client.send([close_frame(1000)])
    await client.read_until_end()
    audio = bytes(heard[: len(heard) & ~1])  # whole samples
    found = (client.close_code, audio, tuple(pong for pong in client.pongs if pong != b"the end"))
    wanted = (1000 if case.code is OPEN else case.code, case.heard, case.pongs)
    return None if found == wanted else f"{case.name}: {_short(found)}, not {_short(wanted)}"


def _short(outcome: tuple[int | None, bytes, tuple[bytes, ...]]) -> str:
    code, audio, pongs = outcome
    return f"(close {code}, {len(audio)} bytes {audio[:4].hex()}.., pongs {pongs})"


async def test_every_case(redis_url: str, redis_urls: Mapping[str, str], heard: dict[str, bytearray]) -> None:
    assert len(CASES) >= 100
    assert len({case.name for case in CASES}) == len(CASES)
    async with open_world(redis_url, redis_urls["bridge"], STEPS) as world:
        wrong = []
        for at in range(0, len(CASES), AT_ONCE):
            wrong += await asyncio.gather(*(differs(world, case, heard) for case in CASES[at : at + AT_ONCE]))
        assert [each for each in wrong if each] == []
        async with asyncio.timeout(LIMIT_S):
            while world.process.metrics.value("voice_call_active"):  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        assert world.process.metrics.value("unexpected_error_total", where="call") == 0
