"""The short way of frames beside the library's own reading of the same bytes; writing; back-pressure; shared ticks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from google.genai.live import AsyncSession
from hypothesis import given
from hypothesis import strategies as st
from raw_frames import BINARY, CLOSE, CONT, PING, PONG, TEXT, close_frame, frame
from websockets.client import ClientProtocol
from websockets.exceptions import ConnectionClosed
from websockets.frames import DATA_OPCODES, Frame
from websockets.protocol import OPEN, Protocol
from websockets.server import ServerProtocol
from websockets.uri import parse_uri

from agiza.runtime.metrics import Metrics
from services.bridge.legs import carrier_leg, frames, wire
from services.bridge.legs.carrier_leg import KILL_AUDIO, PUSH_OUT, CarrierLeg
from services.bridge.legs.live_leg import LiveLeg
from services.bridge.legs.ticks import TICK_S, Ticks
from services.bridge.legs.uplink import KEPT_MS_MAX, Uplink
from services.bridge.legs.wire import EARLY_MESSAGES_MAX, ClientWire, ServerWire, Wire
from services.bridge.session.inputs import ModelAudio

LIMIT = 4_000
MS = 32


class Transport:
    """A transport that keeps what is written. The test says when it is full and when it is lost."""

    def __init__(self) -> None:
        self.written = b""
        self.is_reading = True
        self.is_aborted = False

    def write(self, data: bytes) -> None:
        self.written += data

    def is_closing(self) -> bool:
        return self.is_aborted

    def abort(self) -> None:
        self.is_aborted = True

    close = abort

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.written += b"<EOF>"

    def pause_reading(self) -> None:
        self.is_reading = False

    def resume_reading(self) -> None:
        self.is_reading = True

    def set_write_buffer_limits(self, high: int, low: int | None) -> None:
        pass

    def get_extra_info(self, _name: str) -> None:
        return None


class NoServer:
    """What a server's connection wants of its server; there is no handshake to be held."""

    def __init__(self) -> None:
        self.handler_tasks: set[asyncio.Task[None]] = set()

    async def handler(self, _connection: ServerWire) -> None:
        pass


def protocol_of(is_server: bool) -> Protocol:
    if is_server:
        return ServerProtocol(state=OPEN, max_size=LIMIT)
    return ClientProtocol(parse_uri("ws://x/"), state=OPEN, max_size=LIMIT)


def after_handshake(is_server: bool) -> tuple[Wire, Transport]:
    protocol, transport = protocol_of(is_server), Transport()
    made: Wire
    if is_server:
        made = ServerWire(cast(ServerProtocol, protocol), NoServer(), ping_interval=None)
        made.request = cast(Any, object())
    else:
        made = ClientWire(protocol, ping_interval=None)
        made.response = cast(Any, object())
    made.connection_made(cast(asyncio.Transport, transport))
    made._is_head_whole = True
    return made, transport


class Heard(list[tuple[bytes, bool]]):
    """Attached to a wire: its messages, and how often it said that it is gone or has room."""

    def __init__(self, of: Wire) -> None:
        super().__init__()
        self.gone = self.room = 0
        of.attach(lambda payload, is_text: self.append((payload, is_text)), gone=self._on_gone, room=self._on_room)

    def _on_gone(self) -> None:
        self.gone += 1

    def _on_room(self) -> None:
        self.room += 1


def as_the_library_reads(is_server: bool, data: bytes) -> tuple[list[tuple[bytes, bool]], bytes]:
    """Messages and answers of the library's protocol object, which nobody can hurry or cut."""
    protocol = protocol_of(is_server)
    protocol.receive_data(data)
    messages, message, is_text = [], b"", False
    for event in protocol.events_received():
        if isinstance(event, Frame) and event.opcode in DATA_OPCODES:
            is_text = event.opcode == TEXT if event.opcode != CONT else is_text
            message += event.data
            if event.fin:
                messages.append((message, is_text))
                message = b""
    return messages, b"".join(written or b"<EOF>" for written in protocol.data_to_send())


SIZES = st.sampled_from([0, 1, 4, 124, 125, 126, 127, 640, 1_280, LIMIT - 1, LIMIT, LIMIT + 1])
GOOD = st.tuples(st.just(BINARY), SIZES, st.just(True), st.just(0), st.booleans())
ANY = st.tuples(
    st.sampled_from([BINARY, BINARY, TEXT, CONT, CONT, PING, PONG, CLOSE, 0x3, 0xB]),
    SIZES, st.booleans(), st.sampled_from([0] * 9 + [1, 4]), st.booleans(),
)  # fmt: skip


def bytes_of(frames: list[tuple[int, int, bool, int, bool]], is_server: bool) -> bytes:
    made = b""
    for number, (opcode, size, fin, rsv, is_odd) in enumerate(frames):
        payload = b"\x03\xe8" if opcode == CLOSE else bytes([65 + number % 26]) * size
        masked = is_server != (is_odd and number % 7 == 6)  # seldom the wrong way round
        made += frame(opcode, payload, fin=fin, rsv=rsv, masked=masked)
    return made


@given(
    st.lists(GOOD | GOOD | ANY, min_size=1, max_size=12),
    st.lists(st.integers(1, 3_000) | st.integers(1, 9), min_size=1, max_size=8),
    st.booleans(),
)
def test_however_it_is_cut_it_is_read_as_the_library_reads_it(
    said: list[tuple[int, int, bool, int, bool]], cuts: list[int], is_server: bool
) -> None:
    async def read() -> None:
        data = bytes_of(said, is_server)
        made, transport = after_handshake(is_server)
        heard = Heard(made)
        at = turn = 0
        while at < len(data):
            made.data_received(data[at : at + cuts[turn % len(cuts)]])
            at, turn = at + cuts[turn % len(cuts)], turn + 1
        messages, answers = as_the_library_reads(is_server, data)
        assert list(heard) == messages
        if is_server:  # a client's answers are masked by chance
            assert transport.written == answers
        assert bool(transport.written) == bool(answers)
        assert made._frames is not None
        assert made._frames.held_bytes <= LIMIT + 14

    asyncio.run(read())


@pytest.mark.parametrize("is_server", [True, False])
async def test_what_is_written_is_read_back_by_the_other_side(is_server: bool) -> None:
    made, transport = after_handshake(is_server)
    sizes = (0, 1, 125, 126, 1_280, 65_535, 65_536, 200_000)
    for size in sizes:
        made.write(bytes([size % 251]) * size)
        made.write(b"a" * size, frames.TEXT)
    other = protocol_of(not is_server)
    other.max_message_size = None
    other.receive_data(transport.written)
    events = [event for event in other.events_received() if isinstance(event, Frame)]
    assert [(event.opcode, bytes(event.data), event.fin) for event in events] == [
        each for size in sizes for each in ((BINARY, bytes([size % 251]) * size, True), (TEXT, b"a" * size, True))
    ]
    if not is_server:
        again, seen = after_handshake(False)
        again.write(bytes(1_280))
        assert seen.written[4:8] not in (b"\0\0\0\0", transport.written[2:6]), "every frame has a mask of its own"


async def test_nothing_is_written_to_what_is_closing() -> None:
    made, transport = after_handshake(True)
    heard = Heard(made)
    made.data_received(close_frame(1000))
    answered = transport.written
    made.write(b"late")
    made.data_received(frame(BINARY, b"late"))
    assert transport.written == answered
    assert heard == []
    made.connection_lost(None)
    assert (heard.gone, made.close_code) == (1, 1000)


async def test_who_does_not_let_go_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "CLOSING_S", 0.01)
    made, transport = after_handshake(True)
    made.data_received(b"\xff\xff")
    assert not transport.is_aborted, "the other side may read why"
    await asyncio.sleep(0.03)
    assert transport.is_aborted


async def test_what_comes_early_waits_and_is_not_without_bound() -> None:
    made, transport = after_handshake(True)
    made.data_received(frame(BINARY, b"1") * (EARLY_MESSAGES_MAX - 1))
    assert transport.is_reading
    made.data_received(frame(TEXT, b"last"))
    assert not transport.is_reading
    heard = Heard(made)
    assert transport.is_reading
    assert list(heard) == [(b"1", False)] * (EARLY_MESSAGES_MAX - 1) + [(b"last", True)]
    large, other = after_handshake(True)
    for _ in range(wire.EARLY_BYTES_MAX // LIMIT + 1):
        large.data_received(frame(BINARY, bytes(LIMIT)))
    assert not other.is_reading


async def test_whoever_dials_may_read_before() -> None:
    made, _ = after_handshake(False)
    assert isinstance(made, ClientWire)
    reading = asyncio.create_task(made.recv(decode=False))
    await asyncio.sleep(0)
    made.data_received(frame(BINARY, b'{"setupComplete":{}}', masked=False) + frame(TEXT, b"more", masked=False))
    assert await reading == b'{"setupComplete":{}}'
    assert await made.recv() == "more"
    made.data_received(frame(TEXT, b"rest", masked=False))
    heard = Heard(made)
    assert list(heard) == [(b"rest", True)]
    lost, _ = after_handshake(False)
    assert isinstance(lost, ClientWire)
    reading = asyncio.create_task(lost.recv(decode=False))
    await asyncio.sleep(0)
    lost.connection_lost(ConnectionResetError())
    with pytest.raises(ConnectionClosed):
        await reading
    assert Heard(lost).gone == 1, "said to whoever comes too late"


# -- back-pressure -------------------------------------------------------------------------------------------------


def carrier(stuck: Callable[[], None]) -> tuple[CarrierLeg, Wire, Transport, Metrics]:
    made, transport = after_handshake(True)
    assert isinstance(made, ServerWire)
    metrics = Metrics()
    leg = CarrierLeg(made, Ticks(metrics), metrics)

    def fault(error: Exception) -> None:
        raise error

    leg.open(lambda _pcm: None, gone=lambda: None, stuck=stuck, fault=fault)
    return leg, made, transport, metrics


async def test_a_carrier_that_takes_nothing_is_stuck_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carrier_leg, "STUCK_S", 0.05)
    is_stuck = asyncio.Event()
    leg, made, transport, _ = carrier(is_stuck.set)
    made.pause_writing()
    leg.play(bytes(400 * MS), 16_000)
    async with asyncio.timeout(5):
        await is_stuck.wait()
    assert transport.written == b"", "what cannot be taken stays here, where it can still be called back"


async def test_a_carrier_that_takes_again_is_not_stuck(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carrier_leg, "STUCK_S", 0.05)
    is_stuck = asyncio.Event()
    leg, made, transport, metrics = carrier(is_stuck.set)
    made.pause_writing()
    leg.play(bytes(400 * MS), 16_000)
    leg.flush()
    pushed = b"\x82" + bytes([126]) + len(PUSH_OUT).to_bytes(2, "big") + PUSH_OUT
    assert transport.written == pushed + b"\x81" + bytes([len(KILL_AUDIO)]) + KILL_AUDIO
    assert "voice_bargein_stop_seconds_count" not in metrics.render().decode(), "it is not out yet"
    await asyncio.sleep(0)
    made.resume_writing()
    leg.play(bytes([1, 1]) * (16 * 400), 16_000)
    async with asyncio.timeout(5):
        while len(transport.written) < 200 * MS:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await asyncio.sleep(0.06)
    assert not is_stuck.is_set()
    assert "voice_bargein_stop_seconds_count 1.0" in metrics.render().decode()


@pytest.mark.interpreted
async def test_audio_in_many_pieces_does_not_wake_the_pump_more_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tick that an earlier one has made needless began a series of its own, and they never became fewer."""
    leg, _, transport, _ = carrier(lambda: None)
    pumps = 0
    pump = leg._pump

    def counted() -> None:
        nonlocal pumps
        pumps += 1
        pump()

    monkeypatch.setattr(leg, "_pump", counted)
    for _ in range(20):
        leg.play(bytes([1, 1]) * (16 * 40), 16_000)
        await asyncio.sleep(0.003)
        leg.play(bytes([1, 1]), 16_000)
        await asyncio.sleep(0)
    pumps = 0
    async with asyncio.timeout(20):
        while len(transport.written) < 800 * MS:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    assert pumps <= 40, "some 800 ms of audio in pieces of 40 ms, and nothing else"


async def test_a_clock_that_is_behind_its_timers_does_not_stop_the_pump(monkeypatch: pytest.MonkeyPatch) -> None:
    leg, _, transport, _ = carrier(lambda: None)
    loop = asyncio.get_running_loop()
    behind = SimpleNamespace(time=lambda: loop.time() - 0.002, call_soon=loop.call_soon, call_later=loop.call_later)
    monkeypatch.setattr(leg, "_loop", behind)
    leg.play(bytes([1, 1]) * (16 * 600), 16_000)
    async with asyncio.timeout(10):
        while len(transport.written) < 600 * MS:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_model_that_takes_nothing_gets_the_newest_later() -> None:
    made, transport = after_handshake(False)
    assert isinstance(made, ClientWire)
    metrics = Metrics()
    uplink = Uplink(metrics)
    leg = LiveLeg(cast(AsyncSession, made), made, uplink, "[Greet.]", metrics)
    inputs: list[object] = []
    running = asyncio.create_task(leg.run(inputs.append))
    await asyncio.sleep(0)
    uplink.push(bytes(40 * MS))
    sent = len(transport.written)
    assert sent > 40 * MS, "inside the push, not a wake-up later"
    made.pause_writing()
    for _ in range(KEPT_MS_MAX // 40 + 5):
        uplink.push(bytes(40 * MS))
    assert len(transport.written) == sent
    assert metrics.value("voice_frames_dropped_total", direction="up") == 5
    made.resume_writing()
    assert len(transport.written) - sent > KEPT_MS_MAX * MS
    made.data_received(frame(TEXT, b'{"serverContent":{"modelTurn":{"parts":[{"inlineData":', fin=False, masked=False))
    rest = b'{"mimeType":"audio/pcm;rate=24000","data":"AAA="}}]}}}'
    made.data_received(frame(PING, b"between", masked=False) + frame(CONT, rest, masked=False))
    assert inputs == [ModelAudio(b"\0\0", 24_000)]
    running.cancel()
    await asyncio.sleep(0)
    made.data_received(frame(BINARY, b'{"goAway":{}}', masked=False))
    assert len(inputs) == 1, "nothing more of a session that was given up"
    made.connection_lost(None)
    await asyncio.gather(running, return_exceptions=True)
    assert uplink.listener is None


@pytest.mark.interpreted
async def test_what_a_closing_session_does_not_take_is_kept() -> None:
    made, _ = after_handshake(False)
    assert isinstance(made, ClientWire)
    uplink = Uplink(Metrics())
    leg = LiveLeg(cast(AsyncSession, made), made, uplink, "[Greet.]", Metrics())
    running = asyncio.create_task(leg.run(lambda _input: None))
    await asyncio.sleep(0)
    made.data_received(frame(CLOSE, b"\x03\xf3", masked=False))
    uplink.push(bytes(40 * MS))
    assert len(uplink.take()) == 40 * MS
    made.connection_lost(None)
    await running


# -- ticks ---------------------------------------------------------------------------------------------------------


@pytest.mark.interpreted
async def test_what_is_due_together_is_called_together_and_never_early() -> None:
    metrics = Metrics()
    ticks, loop = Ticks(metrics), asyncio.get_running_loop()
    called: list[tuple[int, float]] = []
    asked = loop.time()

    def broken() -> None:
        raise RuntimeError("a bug")

    def note(number: int) -> Callable[[], None]:
        return lambda: called.append((number, loop.time()))

    at = [asked + 0.021, asked + 0.0211, asked + 0.05]
    when = [ticks.at(due, note(number)) for number, due in enumerate(at)]
    ticks.at(at[0], broken)
    assert all(due <= told <= due + TICK_S + 1e-6 for due, told in zip(at, when, strict=True))
    async with asyncio.timeout(5):
        while len(called) < 3:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    assert [number for number, _ in called] == [0, 1, 2]
    assert all(moment >= told - 0.0015 for (_, moment), told in zip(called, when, strict=True))
    assert metrics.value("unexpected_error_total", where="call") == 1
    assert not ticks._due
