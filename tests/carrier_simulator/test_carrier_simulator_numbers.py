"""The numbers of the simulated workspace: one spelling routes them, all others do not."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from simulators.carrier.carrier import Carrier
from simulators.carrier.numbers import RoutingSpelling
from simulators.carrier.server import make_app
from simulators.carrier.settings import CarrierSettings

KEY = "key"
NUMBER = "+254709000002"
HERE = "https://here.example/voice"


@pytest.fixture
def app() -> FastAPI:
    carrier = Carrier(CarrierSettings(voice_url="http://127.0.0.1:9/", our_numbers=frozenset({NUMBER})))
    return make_app(carrier, api_key=KEY)


async def ask(app: FastAPI, method: str, path: str, body: Any = None, key: str = KEY) -> httpx.Response:
    transport = httpx.ASGITransport(app)
    headers = {"authorization": f"Bearer {key}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://carrier", headers=headers) as http:
        return await http.request(method, path, json=body)


async def only_number(app: FastAPI) -> dict[str, Any]:
    [number] = (await ask(app, "GET", "/v1/numbers")).json()["numbers"]
    assert isinstance(number, dict)
    return number


@pytest.mark.parametrize(
    ("events", "separate"), [(HERE, None), (None, None), ("https://e.example/", "https://e.example/")]
)
async def test_a_number_is_routed_and_its_calls_go_there(
    app: FastAPI, events: str | None, separate: str | None
) -> None:
    number = await only_number(app)
    assert (number["e164"], number["voice_callback_url"]) == (NUMBER, None)
    body = {"voice_callback_url": HERE, "events_url": events}
    answer = await ask(app, "PUT", f"/v1/numbers/{number['id']}/routing", body)
    assert answer.status_code == 200
    assert await only_number(app) == number | body
    settings = app.state.rest.carrier.settings
    assert (settings.voice_url, settings.events_url) == (HERE, separate)


async def test_only_one_spelling_works(app: FastAPI) -> None:
    app.state.rest.numbers.spelling = RoutingSpelling.parse("PATCH::routing_url")
    path = f"/v1/numbers/{(await only_number(app))['id']}"
    for method, suffix, name in [
        ("PUT", "/routing", "voice_callback_url"),
        ("PATCH", "", "voice_url"),
        ("PUT", "", "routing_url"),
    ]:
        answer = await ask(app, method, path + suffix, {name: HERE})
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found")
    assert (await only_number(app))["voice_callback_url"] is None
    assert (await ask(app, "PATCH", path, {"routing_url": HERE})).status_code == 200
    assert (await only_number(app))["voice_callback_url"] == HERE


async def test_a_carrier_may_say_ok_and_do_nothing(app: FastAPI) -> None:
    app.state.rest.numbers.swallows = True
    answer = await ask(app, "PATCH", "/v1/numbers/number-0", {"x": 1})
    assert (answer.status_code, answer.json()) == (200, {"ok": True})


@pytest.mark.parametrize(
    ("path", "body", "key", "status"),
    [
        ("/v1/numbers/number-0/routing", {"voice_callback_url": HERE}, "wrong", 401),
        ("/v1/numbers/number-9/routing", {"voice_callback_url": HERE}, KEY, 404),
        ("/v1/numbers/number-0/routing", {"voice_callback_url": "ftp://x"}, KEY, 422),
        ("/v1/numbers/number-0/routing", [1], KEY, 422),
        ("/v1/numbers/number-0/routing", {"voice_callback_url": "https://" + "x" * 9_000}, KEY, 413),
    ],
)
async def test_what_is_wrong_changes_nothing(app: FastAPI, path: str, body: Any, key: str, status: int) -> None:
    before = await only_number(app)
    assert (await ask(app, "PUT", path, body, key)).status_code == status
    assert await only_number(app) == before


@pytest.mark.parametrize("text", ["", "PUT", "GET:/routing:x", "PUT:/other:x", "PUT:/routing:"])
def test_a_spelling_has_three_parts(text: str) -> None:
    with pytest.raises(ValueError, match="METHOD:SUFFIX:FIELD"):
        RoutingSpelling.parse(text)
