"""The probe's own endpoint: who may come in, and what one call may do to it."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from agiza.carrier.capabilities import Posted, SocketClosed
from agiza.cli.probe_call import ProbeCall, Times, Urls, probe_app

TOKEN = "t" * 32
CALL = "HD_7c21e04ab9f3"


@pytest.fixture
def call() -> ProbeCall:
    quick = Times(tone_s=0.02, mark_wait_s=0.01, long_tone_s=0.02, kill_after_s=0.0, kill_wait_s=0.01)
    return ProbeCall(Urls("https://probe.example", TOKEN), quick)


@pytest.fixture
def client(call: ProbeCall) -> TestClient:
    return TestClient(probe_app(call))


def post(client: TestClient, place: str = "voice", state: str = "Ringing", session: str = CALL, token: str = TOKEN):  # type: ignore[no-untyped-def]
    fields = {"sessionId": session, "callSessionState": state, "isActive": "0" if state == "Completed" else "1"}
    return client.post(
        f"/probe/{token}/{place}",
        content=urlencode(fields),
        headers={"content-type": "application/x-www-form-urlencoded"},
    )


def is_refused(client: TestClient, token: str) -> bool:
    """Whether this media socket is not opened."""
    try:
        client.websocket_connect(f"/probe/{token}/media").__enter__()
    except WebSocketDisconnect:
        return True
    return False


def test_a_stranger_finds_nothing(client: TestClient, call: ProbeCall) -> None:
    assert post(client, token="u" * 32).status_code == 404
    assert post(client, place="media").status_code == 404
    assert post(client, place="other").status_code == 404
    assert client.get(f"/probe/{TOKEN}/voice").status_code == 405
    assert is_refused(client, "u" * 32)
    assert call.seen == []
    assert not call.socket_opened.is_set()


def test_only_the_first_caller_is_served(client: TestClient, call: ProbeCall) -> None:
    assert "<Stream" in post(client).text
    assert "<Reject" in post(client, session="HD_somebody_else").text
    assert "<Stream" in post(client).text, "a repeated first request gets its answer again"
    assert call.call_id == CALL
    assert len(call.seen) == 2, "what somebody else did is not taken for the carrier's habit"


def test_the_end_is_no_first_request(client: TestClient, call: ProbeCall) -> None:
    assert "<Reject" in post(client, state="Completed").text
    assert call.call_id is None


def test_of_a_call_that_was_placed_the_end_may_come_first(client: TestClient, call: ProbeCall) -> None:
    call.is_placed = True
    assert "<Reject" not in post(client, state="Completed").text
    assert (call.rung.is_set(), call.over.is_set()) == (True, True)


def test_a_mark_that_comes_back_too_early_says_nothing_of_the_ear(client: TestClient, call: ProbeCall) -> None:
    call.monotonic = lambda: 0.0
    post(client)
    with client.websocket_connect(f"/probe/{TOKEN}/media") as socket:
        for name in ("probe-1", "probe-2"):
            socket.send_text(f'{{"type":"mark","data":{{"name":"{name}"}}}}')
        while socket.receive()["type"] != "websocket.close":
            pass
    assert (call.marks, call.kill_audio) == (False, None)


def test_no_second_stream_is_given_while_one_is_attached(client: TestClient, call: ProbeCall) -> None:
    post(client)
    with client.websocket_connect(f"/probe/{TOKEN}/media", subprotocols=["audio.drachtio.org"]) as socket:
        assert str(socket.accepted_subprotocol) == "audio.drachtio.org"  # Starlette types it as None
        assert "Stream" not in post(client, state="StreamStarted").text
        assert is_refused(client, TOKEN)
    assert call.subprotocol_offered is True


def test_a_carrier_that_goes_first_is_not_taken_for_us(client: TestClient, call: ProbeCall) -> None:
    call.times = Times(tone_s=0.02, mark_wait_s=30)
    post(client)
    with client.websocket_connect(f"/probe/{TOKEN}/media"):
        pass
    assert call.seen[-1] == SocketClosed(call.seen[-1].at_s, by_us=False)
    assert call.socket_done.is_set()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"type": "mark"}', '{"type":"mark","data":{"name":{}}}', "[" * 5_000])
def test_any_text_on_the_socket_is_borne(client: TestClient, call: ProbeCall, text: str) -> None:
    post(client)
    with client.websocket_connect(f"/probe/{TOKEN}/media") as socket:
        socket.send_text(text)
        while socket.receive()["type"] != "websocket.close":
            pass
    assert call.seen[-1] == SocketClosed(call.seen[-1].at_s, by_us=True)
    assert call.marks is False


def test_a_body_without_end_is_refused(client: TestClient, call: ProbeCall) -> None:
    answer = client.post(f"/probe/{TOKEN}/voice", content=b"x" * 70_000)
    assert answer.status_code == 413
    assert client.post(f"/probe/{TOKEN}/voice", content=b"\xff\xfe", headers={"content-type": "x"}).status_code == 400
    assert call.seen == []


def test_after_the_stream_an_answer_is_given_that_tells_whether_it_is_carried_out(
    client: TestClient, call: ProbeCall
) -> None:
    post(client)
    call.socket_opened.set()
    call.socket_done.set()
    assert "told_by_voice" in post(client, state="StreamStopped").text
    assert "told_by_status" in post(client, "status", state="stream-stopped").text
    assert "Redirect" not in post(client, state="StreamStarted").text
    assert not call.decided.is_set()
    assert "<Hangup" in post(client, "told_by_voice", state="Answered").text
    assert call.decided.is_set()
    assert post(client, state="Completed").text.count("<") == 2, "an empty document"
    assert isinstance(call.seen[-1], Posted)
    assert call.seen[-1].is_end
