"""The escalation service as it runs, with a bridge and a webhook played by the test."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis.asyncio
from psycopg.types.json import Jsonb
from servers import Database  # type: ignore[import-not-found,unused-ignore]

from agiza.contracts import streams
from agiza.contracts.envelope import Received, Stamp, decode, encode
from agiza.contracts.events import (
    CallDialEnded,
    CallDialServed,
    CallHungUp,
    EscalationReason,
    Event,
    HandoffAnswered,
    HandoffRequested,
    LeaveRequested,
)
from agiza.domain.call_codec import call_to_json
from agiza.domain.call_state import CallState, Phase
from agiza.runtime.branch_files import LoadedBranch, load_branch_files
from agiza.runtime.clock import Clock
from agiza.runtime.process import Process
from agiza.runtime.settings import read_settings
from services.escalation.__main__ import serve
from services.escalation.settings import EscalationSettings

BRANCHES = Path(__file__).parents[2] / "branches"
INTERNAL_TOKEN = "internal-token-of-the-tests-0123456789"
CALL = "HD_7c21e04ab9f3"
REPLY_TO = streams.replies_channel("bridge-1")
TRACE = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"
NOON = datetime(2026, 3, 6, 9, 0, tzinfo=UTC)
NIGHT = datetime(2026, 3, 6, 1, 0, tzinfo=UTC)


@functools.cache
def _branch_files() -> tuple[LoadedBranch, ...]:
    return load_branch_files(BRANCHES)


class StartedProcess(Process):
    """Knows the URL once the service is ready."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock=clock, grace_s=5)
        self.url: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    def ready(self, **fields: object) -> None:
        super().ready(**fields)
        self.url.set_result(str(fields["url"]))


@dataclass
class Escalation:
    """One running service, the bridge's ear, and the database."""

    process: StartedProcess
    redis: redis.asyncio.Redis
    database_url: str
    heard: list[Received]

    @property
    def url(self) -> str:
        return self.process.url.result()

    async def send(self, event: Event, event_id: str | None = None, times: int = 1) -> str:
        """Put an event into its stream, as often as asked, with one id."""
        stamp = Stamp(event_id or str(uuid.uuid4()), "/agiza/bridge", self.process.clock.now(), TRACE)
        for _ in range(times):
            await self.redis.xadd(event.stream(), {"event": encode(event, stamp)})
        return stamp.id

    async def ask(
        self,
        *,
        times: int = 1,
        epoch: int = 0,
        call_id: str = CALL,
        language: str = "en",
        reason: EscalationReason = "caller_asked",
    ) -> str:
        """The agent escalates."""
        return await self.send(
            HandoffRequested(
                branch_id="westlands",
                call_id=call_id,
                leg_epoch=epoch,
                reason=reason,
                pii_summary="wants a cake",
                language=language,
                reply_to=REPLY_TO,
            ),
            times=times,
        )

    async def dial_served(self, handoff_id: str | None, contact_id: str = "front", attempt: int = 1) -> None:
        await self.send(
            CallDialServed(
                branch_id="westlands", call_id=CALL, handoff_id=handoff_id, contact_id=contact_id, attempt=attempt
            ),
            times=2,
        )

    async def dial_ended(self, handoff_id: str | None, connected: bool) -> None:
        await self.send(
            CallDialEnded(
                branch_id="westlands", call_id=CALL, handoff_id=handoff_id, connected=connected, carrier_state="x"
            ),
            times=2,
        )

    async def hung_up(self, reason: str | None = "caller_hung_up", call_id: str = CALL) -> None:
        """The call is over, as webhook and bridge tell it; without a reason the bridge says nothing."""
        await self.rows(
            "UPDATE calls SET ended_at = %s, stage = 'ended', outcome = %s, end_reason = %s,"
            " state = jsonb_set(state, '{call,phase}', '\"ended\"') WHERE call_id = %s",
            self.process.clock.now(),
            reason and "dropped",
            reason,
            call_id,
        )
        await self.send(CallHungUp(branch_id="westlands", call_id=call_id, duration_s=30), times=2)

    async def send_marker(self) -> None:
        """Wait until everything sent before has been handled, and the sweeper has come round.

        It takes overdue hand-offs in the order of their requests, so one more that is just due comes last.
        """
        before = self.process.metrics.value("stream_handled_total", stream="calls", outcome="done")
        await self.send(CallHungUp(branch_id="westlands", call_id="HD_marker"))

        async def is_handled() -> bool:
            groups = await self.redis.xinfo_groups(streams.CALLS)
            handled = self.process.metrics.value("stream_handled_total", stream="calls", outcome="done")
            return handled > before and all(group["pending"] == 0 and not group["lag"] for group in groups)

        await until(is_handled)
        marker = str(uuid.uuid4())
        await self.rows(
            "INSERT INTO handoffs (handoff_id, call_id, leg_epoch, branch_id, contact_id, reason, state, traceparent,"
            " requested_at, updated_at, leave_by) SELECT %s, %s, 0, 'westlands', 'front', 'technical', 'requested',"
            " 't', t, t, t FROM (SELECT %s::timestamptz - interval '0.1 seconds' AS t) moment",
            marker,
            f"HD_marker{marker[:8]}",
            self.process.clock.now(),
        )

        async def is_swept() -> bool:
            return await self.rows("SELECT state FROM handoffs WHERE handoff_id = %s", marker) == [("leaving",)]

        await until(is_swept)

    async def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        async with await psycopg.AsyncConnection.connect(self.database_url, autocommit=True) as conn:
            cursor = await conn.execute(statement, values)
            return await cursor.fetchall() if cursor.description else []

    async def call(self, caller: str | None = "+254711000001", call_id: str = CALL) -> None:
        """What the webhook has stored of the call."""
        now = self.process.clock.now()
        streaming = CallState(phase=Phase.STREAMING, offered_at=now)
        await self.rows(
            "INSERT INTO calls (call_id, branch_id, menu_version, pii_caller, stage, state, traceparent, started_at)"
            " VALUES (%s, 'westlands', 1, %s, 'streaming', %s, 't', %s)",
            call_id,
            caller,
            Jsonb({"call": call_to_json(streaming), "unsent": []}),
            now,
        )

    async def session_record(self, bridge_id: str, epoch: int = 0, call_id: str = CALL) -> None:
        """What a bridge that holds the call has written; its heartbeat is another matter."""
        writing: Any = self.redis.hset(  # typed as sync, too
            streams.session_key(call_id), mapping={"bridge_id": bridge_id, "leg_epoch": str(epoch)}
        )
        await writing

    async def until_outbound(self, state: str) -> None:
        """Until the service has said so of calls of our own."""

        async def is_so() -> bool:
            return bool(await self.redis.get(streams.OUTBOUND_STATE) == state)

        await until(is_so)

    async def states(self) -> list[tuple[Any, ...]]:
        return await self.rows(
            "SELECT state, contact_id, attempts FROM handoffs WHERE NOT starts_with(call_id, 'HD_marker')"
            " ORDER BY leg_epoch"
        )

    async def until_state(self, state: str) -> None:
        async def is_so() -> bool:
            return [row[0] for row in await self.states()][-1:] == [state]

        await until(is_so)

    async def until_heard(self, count: int) -> list[Event]:
        """The bridge's messages, once there are so many."""

        async def has_heard() -> bool:
            return len(self.heard) >= count

        await until(has_heard)
        return [received.event for received in self.heard]

    async def until_ordered(self, count: int = 1) -> list[LeaveRequested]:
        """The orders to leave, once there are so many."""

        async def is_ordered() -> bool:
            return len(self.orders()) >= count

        await until(is_ordered)
        return self.orders()

    def answers(self) -> list[HandoffAnswered]:
        return [item.event for item in self.heard if isinstance(item.event, HandoffAnswered)]

    def orders(self) -> list[LeaveRequested]:
        return [item.event for item in self.heard if isinstance(item.event, LeaveRequested)]


async def until(condition: Callable[[], Awaitable[bool]], limit_s: float = 20.0) -> None:
    """Wait for a condition that a running service brings about."""
    async with asyncio.timeout(limit_s):
        while not await condition():  # noqa: ASYNC110 - the condition is in another process
            await asyncio.sleep(0.02)


async def _publish_branches(database_url: str) -> None:
    async with await psycopg.AsyncConnection.connect(database_url) as conn:
        for loaded in _branch_files():
            branch = loaded.file.branch
            await conn.execute(
                "INSERT INTO branches (branch_id, phone, name, menu_version) VALUES (%s, %s, %s, 1)"
                " ON CONFLICT DO NOTHING",
                (branch.id, branch.phone, branch.name),
            )


Start = Callable[..., contextlib.AbstractAsyncContextManager[Escalation]]


@pytest.fixture
def start_escalation(
    database: Database, redis_url: str, redis_urls: Mapping[str, str], logged: object, monkeypatch: pytest.MonkeyPatch
) -> Start:
    """Start the service at a moment; keyword arguments are settings. It sweeps more often than it would."""
    monkeypatch.setattr("services.escalation.sweeper.SWEEP_S", 0.2)

    @contextlib.asynccontextmanager
    async def start(moment: datetime = NOON, **settings: object) -> AsyncIterator[Escalation]:
        await _publish_branches(database.url)
        given = {
            "database_url": database.urls["agiza_escalation"],
            "redis_url": redis_urls["escalation"],
            "agiza_internal_token": INTERNAL_TOKEN,
            "agiza_branches_dir": BRANCHES,
            "agiza_port": 0,
            **settings,
        }
        process = StartedProcess(Clock.starting_at(moment))
        admin = redis.asyncio.Redis.from_url(redis_url, decode_responses=True)
        heard: list[Received] = []
        hearing = asyncio.create_task(_hear(admin, heard))
        serving = asyncio.create_task(serve(read_settings(EscalationSettings, **given), process))
        try:
            await asyncio.wait((serving, process.url), return_when=asyncio.FIRST_COMPLETED)
            if serving.done():
                serving.result()
            yield Escalation(process, admin, database.url, heard)
        finally:
            process.stop()
            await serving
            hearing.cancel()
            await asyncio.gather(hearing, return_exceptions=True)
            await admin.aclose()

    return start


async def _hear(client: redis.asyncio.Redis, heard: list[Received]) -> None:
    async with client.pubsub() as pubsub:
        await pubsub.subscribe(REPLY_TO)
        async for message in pubsub.listen():
            if message["type"] == "message":
                heard += [decode(message["data"])]
