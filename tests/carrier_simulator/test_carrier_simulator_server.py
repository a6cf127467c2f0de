"""The carrier as a server: placing calls over HTTP and the REST interface of a live call."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from carrier_application import CALLER, NUMBER, STAFF, Application
from websockets.asyncio.server import ServerConnection

from simulators.carrier.carrier import Carrier
from simulators.carrier.server import make_app
from simulators.carrier.settings import CarrierSettings

ROOT = Path(__file__).parents[2]


@pytest.fixture
async def client(application: Application) -> AsyncIterator[httpx.AsyncClient]:
    carrier = Carrier(CarrierSettings(voice_url=application.url("/voice")))
    app = make_app(carrier, api_key="key")
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://carrier") as client:
        yield client
    await app.state.desk.close()


def order(**changes: object) -> dict[str, object]:
    return {"from": CALLER, "to": NUMBER, "caller": {"silent_s": 0.1}} | changes


KEY = {"Authorization": "Bearer key"}


async def wait(socket: ServerConnection) -> None:
    await socket.wait_closed()


async def test_a_call_is_placed_and_its_record_returned(client: httpx.AsyncClient, application: Application) -> None:
    application.media = wait
    application.answers = {("/voice", "Ringing"): application.stream()}
    assert (await client.get("/healthz")).json() == {"status": "ok"}
    record = (await client.post("/calls", json=order())).json()
    assert record["states"][0] == "Ringing"
    assert record["ended_by"] == "caller"
    again = (await client.get(f"/calls/{record['session_id']}")).json()
    assert again["status"] == "completed"


async def test_a_live_call_is_seen_and_hung_up_by_rest(client: httpx.AsyncClient, application: Application) -> None:
    connected = asyncio.Event()

    async def hold(socket: ServerConnection) -> None:
        connected.set()
        await socket.wait_closed()

    application.media = hold
    application.answers = {("/voice", "Ringing"): application.stream()}
    placed = await client.post("/calls", json=order(caller={"silent_s": 600}, wait=False))
    session_id = placed.json()["session_id"]
    await connected.wait()
    seen = (await client.get(f"/v1/calls/{session_id}", headers=KEY)).json()["call"]
    assert (seen["status"], seen["remote_e164"], seen["ended_at"]) == ("answered", CALLER, None)
    for name in (session_id, seen["id"], session_id):
        answer = await client.post(f"/v1/calls/{name}/hangup", headers=KEY)
        assert answer.json() == {"call_id": seen["id"], "status": "hung_up"}
    await application.sockets[0].wait_closed()
    while (record := (await client.get(f"/calls/{session_id}")).json())["status"] != "completed":  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    assert record["ended_by"] == "rest"


async def test_rest_wants_its_key_and_speaks_in_its_envelope(client: httpx.AsyncClient) -> None:
    for headers in ({}, {"Authorization": "Bearer other"}):
        answer = await client.get("/v1/wallet", headers=headers)
        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == "api_key.invalid"
    assert (await client.get("/v1/wallet", headers=KEY)).json()["currency"] == "KES"
    missing = await client.post("/v1/calls/HD_none/hangup", headers=KEY)
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "calls.not_found")


@pytest.mark.parametrize(
    "body",
    [
        order(caller={}),
        order(caller={"say": ["a"], "silent_s": 1}),
        order(caller={"wav": "/none.wav"}),
        order(**{"from": "0711000001"}),
        order(surprise=1),
    ],
)
async def test_a_call_that_cannot_be_placed_is_refused(
    client: httpx.AsyncClient, application: Application, body: dict[str, object]
) -> None:
    answer = await client.post("/calls", json=body)
    assert answer.status_code == 422
    assert application.requests == []


async def test_words_for_an_unknown_call_are_refused(client: httpx.AsyncClient) -> None:
    assert (await client.post("/calls/HD_none/words", json={"text": "hello"})).status_code == 404


async def test_the_program_starts_calls_and_ends_on_a_signal(application: Application) -> None:
    application.media = wait
    application.answers = {("/voice", "Ringing"): application.stream()}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "simulators.carrier", "--voice-url", application.url("/voice"), "--staff", f"{STAFF}=answers:0.5"),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        url = json.loads(await asyncio.wait_for(process.stdout.readline(), 60))["url"]
        async with httpx.AsyncClient(base_url=url, trust_env=False, timeout=30) as client:
            running = asyncio.create_task(client.post("/calls", json=order(caller={"silent_s": 600})))
            while not application.sockets:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
            process.send_signal(signal.SIGTERM)
            record = (await running).json()
        assert record["ended_by"] == "rest"
        assert await asyncio.wait_for(process.wait(), 20) == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert application.states()[-1] == "Completed"
