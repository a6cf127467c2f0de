"""One call's function calls on their way to orders and back, with the bridge's own parts.

The ladder (:class:`~services.bridge.session.tools.ToolDesk`), the events and the outlet are those of the bridge; only
the model and the caller's voice are missing. So it is asked over the stream, after 400 ms over HTTP with the same
event, after 2.5 s the model is told that nothing is confirmed, and after 8 s a person is due.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx

from agiza.contracts import streams
from agiza.contracts.events import Event, ToolAnswered
from agiza.contracts.tools import ORDER_TOOLS
from agiza.runtime.clock import Clock
from agiza.runtime.metrics import Metrics
from agiza.runtime.publisher import Publisher
from agiza.runtime.redis_clients import open_redis
from agiza.runtime.tasks import end
from agiza.runtime.traces import Trace
from services.bridge.call_events import SOURCE, input_of
from services.bridge.call_outlet import CallOutlet
from services.bridge.costs import UNKNOWN
from services.bridge.outlet import Outlet
from services.bridge.replies import Replies
from services.bridge.session import CallFacts, Limits
from services.bridge.session import actions as a
from services.bridge.session import inputs as i
from services.bridge.session.tools import ToolDesk

Response = dict[str, Any]
LIMITS: Final = Limits()
CLOSE_S: Final = 5.0
HTTP_CONNECTIONS_MAX: Final = 50
"""As in the bridge's own ``__main__``."""


@dataclass(frozen=True, slots=True)
class Bridge:
    """What all calls of one bridge share."""

    outlet: Outlet
    replies: Replies
    metrics: Metrics


@contextlib.asynccontextmanager
async def open_bridge(redis_url: str, orders_url: str, token: str, clock: Clock) -> AsyncIterator[Bridge]:
    """The parts that a bridge has for this, put together as in its ``__main__``."""
    metrics, stopping = Metrics(), asyncio.Event()
    orders = httpx.AsyncClient(
        base_url=orders_url,
        headers={"authorization": f"Bearer {token}"},
        limits=httpx.Limits(max_connections=HTTP_CONNECTIONS_MAX),
        trust_env=False,
    )
    async with open_redis(redis_url, service="bridge") as redis, orders:
        publisher = Publisher(redis.commands, source=SOURCE, clock=clock, metrics=metrics)
        replies = Replies(redis.subscriber, streams.replies_channel("faults"), metrics)
        listening = asyncio.create_task(replies.run(stopping))
        try:
            yield Bridge(Outlet(publisher, orders, clock, metrics), replies, metrics)
        finally:
            stopping.set()
            await listening


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of one function call. ``response`` is None when nothing came within the ladder: a person is due.

    ``word_ms`` is how long the model waited for anything that it could tell its caller, an honest "not confirmed yet"
    as well, ``end_ms`` for the answer itself or the end of the ladder.
    """

    request_id: str
    response: Response | None
    word_ms: int
    end_ms: int
    was_pending: bool


class Line:
    """One call. One function call at a time, as a caller who waits for each answer."""

    def __init__(self, call_id: str, branch_id: str, bridge: Bridge) -> None:
        facts = CallFacts(call_id, branch_id, menu_version=1)
        self._call_id = call_id
        self._bridge = bridge
        self._desk = ToolDesk(facts, LIMITS)
        self._outlet = CallOutlet(facts, Trace.new(), bridge.replies.channel, bridge.outlet, UNKNOWN, bridge.metrics)
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._asked = 0
        self._began = 0
        self._word_ms: int | None = None
        self._result: asyncio.Future[Response | None] = self._loop.create_future()

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[Line]:
        """For the length of the call."""
        publishing = asyncio.create_task(self._outlet.run(), name="publish")
        try:
            with self._bridge.replies.of_call(self._call_id, self._take):
                yield self
        finally:
            if self._timer is not None:
                self._timer.cancel()
            self._outlet.finish()
            await asyncio.wait((publishing,), timeout=CLOSE_S)
            await end({publishing, *self._tasks})

    async def ask(self, name: str, args: Response, read_back: a.ReadBackState | None = None) -> Heard:
        """One function call, to its answer or to the end of the ladder."""
        self._asked += 1
        self._began, self._word_ms = self._now(), None
        self._result = self._loop.create_future()
        call = i.ToolRequest(f"fc-{self._asked}", name, args)
        actions = self._desk.request((call,), ORDER_TOOLS, read_back, self._began)
        (request_id,) = (action.request_id for action in actions if isinstance(action, a.PublishTools))
        self._do(actions)
        response = await self._result
        end_ms = self._now() - self._began
        was_pending = self._word_ms is not None
        return Heard(request_id, response, self._word_ms if self._word_ms is not None else end_ms, end_ms, was_pending)

    async def ask_again(self, request_id: str) -> Response | None:
        """The very same event once more over HTTP: what orders knows of it. None when it does not say."""
        answer = await self._outlet.ask_orders(request_id)
        return answer.results[0].response if isinstance(answer, ToolAnswered) else None

    def _take(self, event: Event) -> None:
        answer = input_of(event)
        if not isinstance(answer, i.ToolsAnswered):
            return
        version = _version_shown(answer)
        outcome, actions = self._desk.on_answered(answer.request_id, answer.results, version, self._now())
        self._do(actions)
        if outcome.news:  # told to the model as news, which is how it comes to know the cart
            self._desk.told(version)
            self._settle(dict(outcome.news[0].response))

    def _do(self, actions: Sequence[a.Action]) -> None:
        for action in actions:
            match action:
                case a.PublishTools():
                    self._outlet.publish(action)
                case a.AskToolsOverHttp(request_id):
                    task = self._loop.create_task(self._over_http(request_id), name="tool-http")
                    self._tasks.add(task)
                    task.add_done_callback(self._tasks.discard)
                case a.AnswerTools((result,)):
                    if result.response.get("status") == "pending":
                        self._word_ms = self._now() - self._began
                    else:
                        self._settle(dict(result.response))
                case _:
                    pass  # observations and complaints
        self._set_timer()

    def _settle(self, response: Response | None) -> None:
        if not self._result.done():
            self._result.set_result(response)

    async def _over_http(self, request_id: str) -> None:
        answer = await self._outlet.ask_orders(request_id)
        if answer is not None:
            self._take(answer)

    def _tick(self) -> None:
        is_overdue, actions = self._desk.due(self._now())
        self._do(actions)
        if is_overdue:
            self._settle(None)

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = self._desk.next_due()
        if due is not None:
            self._timer = self._loop.call_later(max(0, due - self._now() + 1) / 1000, self._tick)

    def _now(self) -> int:
        return int(self._loop.time() * 1000)


def _version_shown(answer: i.ToolsAnswered) -> int:
    """The newest cart that the model sees in these answers, as the session has it."""
    shown = [version for each in answer.results if isinstance(version := each.response.get("cart_version"), int)]
    return min(answer.cart_version, max(shown)) if shown else answer.cart_version
