"""The small orders API that an endpoint is pointed at while it is certified: the feed, its digest, the kitchen's words.

What the endpoint does is seen here, and nowhere else: which orders it received and accepted, under which
Idempotency-Keys, and which numbers it fetched. Words and moves are judged by the rules of the real API.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from fastapi import APIRouter, Body, Depends, FastAPI, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import SecretStr

from agiza.cli.pos.making import EventMaker, content_of
from agiza.contracts.feed_digest import NOTHING, chain
from agiza.domain.orders import OrderState, steps
from services.orders.feed.reading import FeedItem
from services.orders.public_api.problems import MEDIA_TYPE, Problem, PublicRoute
from services.orders.public_api.shapes import PAGE_MAX, IdempotencyKey, OrderId, Word

SAID_MAX: Final = 10_000
"""Words of one run that are kept; an endpoint that says more says them in a loop."""


@dataclass(frozen=True, slots=True)
class Said:
    """A word that the endpoint said, and how it was answered."""

    order_id: str
    state: str
    key: str | None
    eta_minutes: int | None
    status: int


@dataclass(frozen=True, slots=True)
class Pulled:
    """A page of the feed that the endpoint asked for. ``upto`` is the last number of the answer."""

    after: int
    upto: int
    status: int


@dataclass
class KitApi:
    """What the endpoint may ask, and what it did. ``key`` is the bearer key that it must send.

    ``trips``: orders of which each word is carried out, and answered with 503 the first time. ``is_away``: the feed is
    not to be read now.
    """

    maker: EventMaker
    key: SecretStr
    states: dict[str, OrderState] = field(default_factory=dict)
    trips: set[str] = field(default_factory=set)
    is_away: bool = False
    said: list[Said] = field(default_factory=list)
    pulled: list[Pulled] = field(default_factory=list)
    refused_keys: int = 0

    @property
    def requests(self) -> int:
        """How often it was asked, so that silence can be noticed."""
        return len(self.said) + len(self.pulled) + self.refused_keys

    def word(self, order_id: str, word: Word, key: str | None) -> tuple[int, dict[str, Any]]:
        """Carry out a word; status and body of the answer."""
        state = self.states.get(order_id)
        told = OrderState(word.state)
        body: dict[str, Any]
        if state is None:
            status, body = 404, _problem("not-found", 404, f"there is no order {order_id}")
        elif self._trips_over(order_id, word.state):
            self._move(order_id, state, told)
            status, body = 503, _problem("unavailable", 503, "say it again, with the same Idempotency-Key")
        elif state is told or steps(state, told):
            self._move(order_id, state, told)
            status, body = 200, {"order_id": order_id, "branch_id": self.maker.branch_id, "state": told.value}
        else:
            status, body = 409, _problem("move-not-allowed", 409, f"the order is {state.value}")
        if len(self.said) < SAID_MAX:
            self.said.append(Said(order_id, word.state, key, getattr(word, "eta_minutes", None), status))
        return status, body

    def page(self, after: int, limit: int) -> tuple[int, dict[str, Any]]:
        """A page of the feed; status and body of the answer."""
        first = self.maker.first
        status, events = 200, [item for item in self.maker.feed if item.sequence > after][:limit]
        body: dict[str, Any] = {"events": [content_of(item) for item in events]}
        if self.is_away:
            status, body = 503, _problem("unavailable", 503, "the feed cannot be read now")
        elif after < first - 1:
            status, body = 410, _problem("events-forgotten", 410, "older than what is kept") | {"oldest": first}
        if len(self.pulled) < SAID_MAX:
            upto = events[-1].sequence if events and status == 200 else after
            self.pulled.append(Pulled(after, upto, status))
        return status, body

    def _trips_over(self, order_id: str, state: str) -> bool:
        is_first = not any(said.order_id == order_id and said.state == state for said in self.said)
        return order_id in self.trips and is_first

    def _move(self, order_id: str, state: OrderState, told: OrderState) -> None:
        if steps(state, told):
            self.states[order_id] = told


def kit_app(api: KitApi) -> FastAPI:
    """The application. Whatever else is asked is not there."""

    async def keyed(request: Request) -> None:
        given = request.headers.get("authorization", "").encode("utf-8", "surrogateescape")
        if not hmac.compare_digest(given, f"Bearer {api.key.get_secret_value()}".encode()):
            api.refused_keys += 1
            raise Problem("not-authenticated", "send the key that agiza pos certify was given")

    app = FastAPI(openapi_url=None)
    routes = APIRouter(prefix="/v1", route_class=PublicRoute, dependencies=[Depends(keyed)])

    @routes.get("/branches/{branch_id}/events")
    async def events(
        branch_id: str, after: Annotated[int, Query(ge=0)] = 0, limit: Annotated[int, Query(ge=1, le=PAGE_MAX)] = 100
    ) -> Response:
        if branch_id != api.maker.branch_id:
            return _answer(404, _problem("not-found", 404, f"there is no branch {branch_id}"))
        return _answer(*api.page(after, limit))

    @routes.get("/branches/{branch_id}/events/digest")
    async def digest(branch_id: str, first: Annotated[int, Query(alias="from")], to: int) -> Response:
        if branch_id != api.maker.branch_id:
            return _answer(404, _problem("not-found", 404, f"there is no branch {branch_id}"))
        items = [item for item in api.maker.feed if first <= item.sequence <= to]
        shown = {"branch_id": branch_id, "from": first, "to": to, "count": len(items), "digest": digest_of(items)}
        return _answer(200, shown | {"complete": len(items) == to - first + 1})

    @routes.post("/orders/{order_id}/state")
    async def say(order_id: OrderId, word: Annotated[Word, Body()], idempotency_key: IdempotencyKey = None) -> Response:
        return _answer(*api.word(order_id, word, idempotency_key))

    app.include_router(routes)
    return app


def digest_of(items: Iterable[FeedItem]) -> str:
    """The feed's digest over these events."""
    return chain(NOTHING, (item.body for item in items)).hex()


def _answer(status: int, body: dict[str, Any]) -> Response:
    return JSONResponse(body, status, media_type=MEDIA_TYPE if status >= 400 else None)


def _problem(code: str, status: int, detail: str) -> dict[str, Any]:
    return {"type": f"urn:agiza:problem:{code}", "status": status, "code": code, "detail": detail}
