"""The branch's own system is told of a hand-off before a phone is picked up: signed, and again when it is away."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from escalation_desk import Start, start_escalation, until
from fastapi import FastAPI, Request, Response

from agiza.runtime.standard_webhooks import key_of
from simulators.carrier.serving import serving

__all__ = ["start_escalation"]

KEY = bytes(range(32))
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"


@dataclass
class Receiver:
    """A system that takes what is signed, and fails as often as it is told to."""

    failing: int = 0
    url: str = ""
    ids: list[str] = field(default_factory=list)
    taken: list[dict[str, object]] = field(default_factory=list)

    def take(self, headers: dict[str, str], body: bytes) -> int:
        signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
        wanted = base64.b64encode(hmac.digest(KEY, signed, hashlib.sha256)).decode()
        if headers["webhook-signature"] != f"v1,{wanted}":
            return 401
        self.ids.append(headers["webhook-id"])
        if self.failing > 0:
            self.failing -= 1
            return 503
        self.taken.append(json.loads(body))
        return 204


@asynccontextmanager
async def receiver(failing: int = 0) -> AsyncIterator[Receiver]:
    app, one = FastAPI(), Receiver(failing)

    @app.post("/staff")
    async def staff(request: Request) -> Response:
        return Response(status_code=one.take(dict(request.headers), await request.body()))

    async with serving(app) as base:
        one.url = f"{base}/staff"
        yield one


@pytest.mark.parametrize("arq", [True, False])
@pytest.mark.parametrize("failing", [0, 2])
async def test_signed_once_with_what_the_page_shows(start_escalation: Start, arq: bool, failing: int) -> None:
    async with receiver(failing) as system:
        settings = {"agiza_staff_webhook_url": system.url, "agiza_staff_webhook_secret": SECRET, "agiza_arq": arq}
        async with start_escalation(**settings) as desk:
            await desk.call()
            await desk.ask(times=2)

            async def is_told() -> bool:
                rows = await desk.rows("SELECT told_at IS NOT NULL FROM handoffs")
                return rows == [(True,)]

            await until(is_told)
            [message] = system.taken
            assert len(set(system.ids)) == 1, "the same message has the same id however often it is sent"
            assert len(system.ids) == failing + 1
            assert message["type"] == "handoff.waiting"
            data = message["data"]
            assert isinstance(data, dict)
            assert (data["branch"], data["reason"], data["summary"]) == ("westlands", "caller_asked", "wants a cake")
            assert data["caller"] == "+254 … 01", "masked until somebody has taken the matter"
            delivered = {"class": "staff", "outcome": "delivered"}
            assert desk.process.metrics.value("delivery_total", **delivered) == 1


@pytest.mark.parametrize(
    ("secret", "says"),
    [("secret", "must begin with whsec_"), ("whsec_%%%", "must be base64"), ("whsec_AAAA", "24 to 64 bytes")],
)
def test_secret_is_judged_at_the_start(secret: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        key_of(secret)
