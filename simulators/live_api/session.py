"""One websocket: setup first, then every client message to its place, until a close in either direction."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import socket
import struct
from collections.abc import Callable, Coroutine
from dataclasses import dataclass

import structlog
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed
from websockets.protocol import State
from websockets.typing import Data

from simulators.live_api import replies
from simulators.live_api.brain import Brain
from simulators.live_api.clock import Clock
from simulators.live_api.context import Context, Handles, Saved
from simulators.live_api.conversation import Conversation
from simulators.live_api.faults import Faults
from simulators.live_api.intake import Intake
from simulators.live_api.listening import Listener
from simulators.live_api.outbox import Frame, Outbox
from simulators.live_api.protocol import ProtocolError, SetupRequest, close_reason, decode_client
from simulators.live_api.record import SessionRecord
from simulators.live_api.setup import Endpoint, Setup, parse_setup
from simulators.live_api.stage import Stage
from simulators.live_api.voices import Voice

log = structlog.get_logger(__name__)

INTERNAL_ERROR = (1011, "Internal error encountered.")
DEADLINE = (1011, "Deadline expired before operation could complete.")
_FLUSH_S = 2.0


@dataclass(frozen=True, slots=True)
class Shop:
    """What a session takes from its server."""

    brain: Brain
    voice: Voice
    text_voice: Voice
    clock: Clock
    handles: Handles
    is_live: Callable[[str], bool]
    connection_s_max: float
    go_away_s: float
    hears_marked: bool


class LiveSession:
    """`run` returns when the websocket is closed. `logical_id` stays the same across resumptions."""

    def __init__(self, socket: ServerConnection, endpoint: Endpoint, shop: Shop, faults: Faults) -> None:
        self._socket = socket
        self._endpoint = endpoint
        self._shop = shop
        self._faults = faults
        self.record = SessionRecord(id=secrets.token_hex(8))
        self.logical_id = self.record.id
        self._outbox = Outbox(self._send, faults)
        self._ending: asyncio.Future[tuple[int, str]] = asyncio.get_running_loop().create_future()
        self._talk: Conversation | None = None
        self._stage: Stage | None = None

    @property
    def is_open(self) -> bool:
        return self._socket.state is State.OPEN and not self._ending.done()

    def end(self, code: int, reason: str) -> None:
        """Close with this code and reason after what is queued has left. The first caller wins."""
        if not self._ending.done():
            self._ending.set_result((code, close_reason(reason)))

    async def run(self) -> None:
        tasks: set[asyncio.Task[None]] = set()

        def start(work: Coroutine[object, object, None]) -> None:
            tasks.add(asyncio.ensure_future(self._guarded(work)))

        start(self._outbox.run())
        start(self._read(start))
        try:
            code, reason = await self._ending
            if self._socket.state is State.OPEN:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_FLUSH_S):
                        await self._outbox.empty()
            self._outbox.close()
            await self._socket.close(code, reason)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            code = self._socket.close_code or 1006
            self.record.close = (code, self._socket.close_reason or "")
            self.record.messages_out = self._outbox.sent
            log.info("live_session_closed", session_id=self.record.id, code=code, problem=self.record.problem)

    async def _guarded(self, work: Coroutine[object, object, None]) -> None:
        """Whatever a part of the session runs into ends the session in a defined way."""
        try:
            await work
        except ProtocolError as error:
            self.record.problem = str(error)
            self.end(error.code, error.reason)
        except ConnectionClosed:
            self.end(1000, "")
        except Exception as error:  # a brain's mistake must show in the record, not vanish with its task
            log.exception("live_session_failed", session_id=self.record.id)
            self.record.problem = f"{type(error).__name__}: {error}"
            self.end(*INTERNAL_ERROR)

    async def _send(self, frame: Frame) -> None:
        await self._socket.send(frame)

    # --- setup ------------------------------------------------------------------------------------------------------

    async def _read(self, start: Callable[[Coroutine[object, object, None]], None]) -> None:
        first = decode_client(_frame(await self._socket.recv()))
        if len(first) != 1 or not isinstance(first[0], SetupRequest):
            raise ProtocolError(1007, "setup must be the first message and only the first.")
        if self._faults.setup_never:
            while True:
                await self._socket.recv()
        await self._shop.clock.sleep(self._faults.setup_delay_ms / 1000)
        talk, intake = self._set_up(parse_setup(first[0].body, self._endpoint))
        start(self._shop.brain.run(talk))
        start(self._end_of_connection())
        start(self._planned_faults())
        log.info("live_session_opened", session_id=self.record.id, model=talk.setup.model.id, resumed=talk.resumed)
        while True:
            frame = _frame(await self._socket.recv())
            self.record.messages_in += 1
            for message in decode_client(frame):
                intake.handle(message)

    def _set_up(self, setup: Setup) -> tuple[Conversation, Intake]:
        saved = self._resume(setup)
        context = Context() if saved is None else saved.context
        self.record.setup = setup.body
        self._stage = Stage(self._outbox, self._shop.clock, setup, self._faults, context, self.record)
        listener = Listener(setup.detection, hears_marked=self._shop.hears_marked)
        talk = Conversation(
            self._stage,
            listener,
            voice=self._shop.voice,
            text_voice=self._shop.text_voice,
            memory=None if saved is None else saved.memory,
            on_settled=self._settled,
            on_close=self.end,
        )
        self._outbox.put(replies.setup_complete(self.record.id if setup.endpoint.vertex else None))
        if self._faults.unknown_message:
            self._outbox.put({"modelWeather": {"outlook": "fair"}})
        talk.resumed = saved is not None
        if saved is not None and saved.text_caller:
            talk.beacon()
        self._talk = talk
        self._offer_handle()
        initial_history = setup.initial_history and saved is None
        return talk, Intake(self._stage, listener, talk, initial_history=initial_history)

    def _resume(self, setup: Setup) -> Saved | None:
        """The state behind the setup's handle. Raises ProtocolError when the handle cannot be used."""
        if setup.handle is None or self._faults.ignore_handle:
            return None
        if self._faults.refuse_handle:
            raise ProtocolError(1007, "Invalid session resumption handle.")
        saved = self._shop.handles.find(setup.handle, self._shop.clock.now())
        if saved is None or saved.model_id != setup.model.id:
            raise ProtocolError(1007, "Invalid session resumption handle.")
        if self._shop.is_live(saved.session_id):
            raise ProtocolError(1011, "The session of this handle is still connected.")
        self.logical_id = saved.session_id
        self.record.resumed_from = setup.handle
        return saved

    def _offer_handle(self) -> None:
        stage, talk = self._stage, self._talk
        if stage is None or talk is None or not stage.setup.resumption or talk.calls.any_open:
            return
        now_s = self._shop.clock.now()
        handle = self._shop.handles.issue(
            Saved(self.logical_id, stage.setup.model.id, stage.context, talk.memory, talk.text_caller, now_s)
        )
        self.record.handles.append(handle)
        consumed = self.record.messages_in if stage.setup.transparent else None
        self._outbox.put(replies.resumption_update(handle, consumed_index=consumed))

    def _settled(self) -> None:
        """After each turn of the model: slide the window, offer a handle, end a session that is too long."""
        stage = self._stage
        assert stage is not None
        stage.context.compress(stage.setup)
        if not stage.setup.sliding_window and stage.context.tokens > stage.setup.model.context_tokens:
            self.end(1007, "Request contains an invalid argument: the context window is exhausted.")
        self._offer_handle()

    # --- the end, planned or not ------------------------------------------------------------

    async def _end_of_connection(self) -> None:
        """goAway, then the close at the deadline: from the fault switch, or when the connection is old enough."""
        clock, fault = self._shop.clock, self._faults.go_away
        if fault is not None:
            wait_s, left_s, silent = fault.after_ms / 1000, fault.time_left_ms / 1000, fault.silent
        else:
            left_s, silent = min(self._shop.go_away_s, self._shop.connection_s_max), False
            wait_s = self._shop.connection_s_max - left_s
        await clock.sleep(wait_s)
        self._outbox.put(replies.go_away(left_s))
        if silent:
            self._outbox.close()
        await clock.sleep(left_s)
        self.end(*DEADLINE)

    async def _planned_faults(self) -> None:
        clock, faults = self._shop.clock, self._faults
        if faults.tcp_reset_after_ms is not None:
            await clock.sleep(faults.tcp_reset_after_ms / 1000)
            self._reset()
        elif faults.close is not None:
            await clock.sleep(faults.close.after_ms / 1000)
            self.end(faults.close.code, faults.close.reason)

    def _reset(self) -> None:
        """RST instead of a goodbye."""
        transport = self._socket.transport
        raw: socket.socket = transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
        self.end(1006, "")


def _frame(data: Data) -> str | bytes:
    return data if isinstance(data, str) else bytes(data)
