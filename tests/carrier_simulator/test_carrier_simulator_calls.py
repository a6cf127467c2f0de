"""Whole calls in real time against a small application: four ways of ending a stream, media, Dial, failures."""

from __future__ import annotations

import asyncio
import json
import wave
from dataclasses import replace
from pathlib import Path

import pytest
from carrier_application import CALLER, NUMBER, STAFF, Application
from websockets.asyncio.server import ServerConnection

from simulators.carrier.caller import Moment, SilentCaller
from simulators.carrier.carrier import Carrier
from simulators.carrier.playback import PlaybackOptions
from simulators.carrier.record import CallRecord, TalkLine
from simulators.carrier.settings import (
    CarrierSettings,
    MediaOptions,
    StaffAbsent,
    StaffAnswers,
    StaffBusy,
    StreamEnd,
)
from simulators.carrier.sounds import FRAME_BYTES, LINE_RATE, level_dbfs, tone

MS = LINE_RATE * 2 // 1000
PADDING = bytes(160 * MS)


class HummingCaller(SilentCaller):
    """Hums from the moment anybody is on the line until it hangs up."""

    _hum = tone(300, 20, dbfs=-18.2)

    def tick(self, moment: Moment) -> bytes | None:
        frame = super().tick(moment)
        return self._hum if frame is not None and moment.party in ("agent", "staff") else frame


class Beep:
    """A voice that says everything in 200 ms."""

    rate = 22_050

    def synthesize(self, text: str) -> bytes:
        return tone(600, 200, self.rate)


def settings(application: Application, **changes: object) -> CarrierSettings:
    staff = {STAFF: StaffAnswers(after_s=0.1, says="hi", talk_s=0.2)}
    base = CarrierSettings(
        voice_url=application.url("/voice"), staff=staff, ringback=False, voice=Beep(), event_retry_s=(0.05, 0.05)
    )
    return replace(base, **changes)  # type: ignore[arg-type]


def dial(*after: str, number: str = STAFF, shown: str = NUMBER, timeout: int = 5) -> str:
    target = f'<Dial callerId="{shown}" timeout="{timeout}"><Number>{number}</Number></Dial>'
    return f"<Response>{target}{''.join(after)}</Response>"


async def call(carrier: Carrier, caller: SilentCaller | None = None) -> CallRecord:
    try:
        return await carrier.call(caller or SilentCaller(20_000), CALLER, NUMBER)
    finally:
        await carrier.aclose()
        assert not [task for task in asyncio.all_tasks() if "simulators/carrier" in repr(task)]


async def speak_briefly(socket: ServerConnection) -> None:
    """200 ms of tone, heard to its end, then goodbye."""
    await socket.send(tone(440, 200) + PADDING)
    await asyncio.sleep(0.6)
    await socket.close(1000)


# --- the four ways ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "states", "verbs", "reached", "ended_by"),
    [
        (
            StreamEnd.ASK_VOICE_URL,
            ["Ringing", "StreamStarted", "StreamStopped", "Completed"],
            ["Stream", "Dial"],
            [STAFF],
            "staff",
        ),
        (
            StreamEnd.NEXT_VERB,
            ["Ringing", "StreamStarted", "Answered", "Completed"],
            ["Stream", "Redirect", "Dial"],
            [STAFF],
            "staff",
        ),
        (StreamEnd.SILENCE, ["Ringing", "StreamStarted", "Completed"], ["Stream"], [], "caller"),
        (StreamEnd.HANG_UP, ["Ringing", "StreamStarted", "Completed"], ["Stream"], [], "stream_end"),
    ],
)
async def test_a_closed_stream_ends_in_each_of_four_ways(
    application: Application, mode: StreamEnd, states: list[str], verbs: list[str], reached: list[str], ended_by: str
) -> None:
    application.media = speak_briefly
    application.answers = {
        ("/voice", "Ringing"): application.stream(f"<Redirect>{application.url('/next')}</Redirect>"),
        ("/voice", "StreamStopped"): dial(),
        ("/next", "*"): dial(),
    }
    caller = HummingCaller(1_500 if mode is StreamEnd.SILENCE else 20_000)
    record = await call(Carrier(settings(application, stream_end=mode)), caller)
    assert record.states == states
    assert record.verbs == verbs
    assert record.staff_reached == reached
    assert record.ended_by == ended_by
    assert record.violations == []
    assert 180 <= record.heard_from("agent") <= 220
    if reached:
        assert record.dials[0].staff_heard_ms >= 300
        assert record.heard_from("staff") == pytest.approx(200, abs=30)


async def test_edges_go_to_a_separate_events_url_and_their_answer_is_run(application: Application) -> None:
    application.media = speak_briefly
    application.answers = {("/voice", "Ringing"): application.stream(), ("/events", "StreamStopped"): dial()}
    record = await call(Carrier(settings(application, events_url=application.url("/events"))))
    assert application.states("/voice") == ["Ringing", "Completed"]
    assert [s for s in application.states("/events") if s] == ["StreamStarted", "StreamStopped", "Completed"]
    kinds = [
        json.loads(r.body)["kind"] for r in application.requests if r.headers.get("content-type") == "application/json"
    ]
    assert kinds == ["call.started", "call.completed"]
    assert record.staff_reached == [STAFF]


async def test_an_event_that_is_not_accepted_is_delivered_again_with_the_same_id(application: Application) -> None:
    application.answers = {
        ("/voice", "Ringing"): "<Response><Reject/></Response>",
        ("/events", "*"): (503, "text/plain", ""),
    }
    changed = settings(application, events_url=application.url("/events"), event_shape="enveloped")
    await call(Carrier(changed))
    ids = [json.loads(r.body)["event_id"] for r in application.requests if r.path == "/events"]
    assert len(ids) == 6
    assert len(set(ids)) == 2


async def test_status_events_are_told_and_their_answer_run_only_by_switch(application: Application) -> None:
    application.media = speak_briefly
    status = f'statusCallback="{application.url("/status")}" name="orders"'
    application.answers = {("/voice", "Ringing"): application.stream("", status), ("/status", "StreamStopped"): dial()}
    for executed, reached in ((False, []), (True, [STAFF])):
        application.requests.clear()
        changed = settings(application, stream_end=StreamEnd.NEXT_VERB, status_answer_executed=executed)
        record = await call(Carrier(changed))
        assert record.staff_reached == reached
        assert application.states("/status") == ["StreamStarted", "StreamStopped"]
        form = next(r.form for r in application.requests if r.path == "/status")
        assert (form["streamEvent"], form["streamName"]) == ("stream-started", "orders")


# --- media -----------------------------------------------------------------------------------------------------------


async def test_the_socket_is_opened_as_the_module_does_and_sound_flows_in_real_time(
    application: Application, tmp_path: Path
) -> None:
    seen: dict[str, object] = {}

    async def listen(socket: ServerConnection) -> None:
        assert socket.request is not None
        seen["path"], seen["headers"] = socket.request.path, socket.request.headers
        messages: list[str | bytes] = []
        async with asyncio.timeout(20):
            async for message in socket:
                messages.append(message)
                if len(messages) == 26:
                    break
        seen["messages"] = messages
        await socket.close()

    application.media = listen
    metadata = "headerMetadata='{&quot;branch&quot;:&quot;westlands&quot;}'"
    application.answers = {("/voice", "Ringing"): application.stream("", metadata)}
    record = await call(Carrier(settings(application, record_dir=tmp_path)), HummingCaller())
    assert seen["path"] == "/media?sid=x&tok=K1.x"
    headers = seen["headers"]
    assert headers["Sec-WebSocket-Protocol"] == "audio.drachtio.org"  # type: ignore[index]
    assert "Sec-WebSocket-Extensions" not in headers  # type: ignore[operator]
    first, *audio = seen["messages"]  # type: ignore[misc]
    assert json.loads(first)["headers"] == {"branch": "westlands"}
    assert json.loads(first)["sessionId"] == record.session_id
    assert all(isinstance(frame, bytes) and len(frame) % FRAME_BYTES == 0 for frame in audio)
    assert level_dbfs(b"".join(audio)) == pytest.approx(-20, abs=1)
    assert sum(map(len, audio)) >= 25 * FRAME_BYTES
    with wave.open(str(record.wavs["bridge-heard-1"])) as file:
        assert file.readframes(file.getnframes()).startswith(b"".join(audio))
    with wave.open(str(record.wavs["caller-said"])) as file:
        assert file.getnframes() * 1000 / LINE_RATE == pytest.approx(record.ended_ms - record.answered_ms, abs=1_000)


async def test_kill_audio_stops_a_burst_that_was_already_sent(application: Application) -> None:
    async def barge_in(socket: ServerConnection) -> None:
        await socket.send(tone(440, 5_000))
        await asyncio.sleep(0.5)
        await socket.send('{"type":"killAudio"}')
        await socket.send('{"event":"clear"}')
        await asyncio.sleep(0.5)
        await socket.close()

    application.media = barge_in
    application.answers = {("/voice", "Ringing"): application.stream()}
    record = await call(Carrier(settings(application)))
    (kill,) = record.streams[0].kills
    assert kill.dropped_ms > 1_000
    assert kill.done_ms is not None
    assert record.heard_from("agent") + kill.dropped_ms == pytest.approx(5_000, abs=30)
    assert record.streams[0].texts_ignored == ['{"event":"clear"}']


async def test_an_ignored_kill_lets_the_caller_hear_everything(application: Application) -> None:
    async def barge_in(socket: ServerConnection) -> None:
        await socket.send(tone(440, 600) + PADDING)
        await socket.send('{"type":"killAudio"}')
        await asyncio.sleep(1.0)
        await socket.close()

    application.media = barge_in
    application.answers = {("/voice", "Ringing"): application.stream()}
    record = await call(Carrier(settings(application, playback=PlaybackOptions(honours_kill=False))))
    assert record.heard_from("agent") == pytest.approx(600, abs=30)
    assert record.streams[0].kills[0].done_ms is None


async def test_marks_come_back(application: Application) -> None:
    told: list[object] = []

    async def mark(socket: ServerConnection) -> None:
        await socket.send(tone(440, 200))
        await socket.send('{"type":"mark","data":{"name":"m1"}}')
        async with asyncio.timeout(20):
            async for message in socket:
                if isinstance(message, str) and "mark" in message:
                    told.append(json.loads(message))
                    break
        await socket.close()

    application.media = mark
    application.answers = {("/voice", "Ringing"): application.stream()}
    await call(Carrier(settings(application)))
    assert told == [{"type": "mark", "data": {"name": "m1", "event": "playout"}}]


@pytest.mark.parametrize("subprotocols", [[], ["other"]])
async def test_a_server_that_does_not_select_the_subprotocol_is_left(
    application: Application, subprotocols: list[str]
) -> None:
    application.subprotocols = subprotocols
    status = f'statusCallback="{application.url("/status")}"'
    application.answers = {("/voice", "Ringing"): application.stream("<Hangup/>", status)}
    record = await call(Carrier(settings(application)))
    assert record.streams[0].refused is not None
    assert application.states("/status") == ["StreamError"]
    assert record.verbs == ["Stream", "Hangup"]


async def test_a_stream_that_does_not_connect_drops_the_call(application: Application) -> None:
    application.answers = {("/voice", "Ringing"): application.stream().replace('connect="true"', "")}

    async def wait(socket: ServerConnection) -> None:
        await socket.wait_closed()

    application.media = wait
    changed = settings(application, media=MediaOptions(unconnected_leg_s=0.2))
    record = await call(Carrier(changed))
    assert record.ended_by == "stream_end"
    assert application.sockets[0].close_code == 1006
    assert "connect" in record.violations[0]


@pytest.mark.parametrize(("how", "code"), [("1000", 1000), ("1006", 1006), ("reset", 1006)])
async def test_a_hang_up_closes_the_socket_as_the_switch_says(application: Application, how: str, code: int) -> None:
    async def wait(socket: ServerConnection) -> None:
        await socket.wait_closed()

    application.media = wait
    application.answers = {("/voice", "Ringing"): application.stream()}
    changed = settings(application, media=MediaOptions(close_on_hang_up=how))  # type: ignore[arg-type]
    record = await call(Carrier(changed), SilentCaller(200))
    assert record.ended_by == "caller"
    await asyncio.wait_for(application.sockets[0].wait_closed(), 5)
    assert application.sockets[0].close_code == code
    assert record.streams[0].ended_by == "carrier"


async def test_a_half_open_socket_is_silent_until_the_simulation_ends(application: Application) -> None:
    async def wait(socket: ServerConnection) -> None:
        await socket.wait_closed()

    application.media = wait
    application.answers = {("/voice", "Ringing"): application.stream()}
    carrier = Carrier(settings(application, media=MediaOptions(close_on_hang_up="half_open")))
    record = await carrier.call(SilentCaller(100), CALLER, NUMBER)
    assert record.states[-1] == "Completed"
    assert application.sockets[0].close_code is None
    await carrier.aclose()
    await asyncio.wait_for(application.sockets[0].wait_closed(), 5)


async def test_an_eight_kilohertz_answer_is_heard_in_time(application: Application) -> None:
    async def speak(socket: ServerConnection) -> None:
        await socket.send(tone(440, 400, 8_000) + bytes(160 * 16))
        await asyncio.sleep(0.8)
        await socket.close()

    application.media = speak
    application.answers = {("/voice", "Ringing"): application.stream().replace("16000", "8000")}
    record = await call(Carrier(settings(application)))
    assert record.heard_from("agent") == pytest.approx(400, abs=60)


# --- answers ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "violation"),
    [
        ("<Response></Response>", None),
        ((500, "text/plain", "oops"), None),
        ((200, "text/html", "<p>hello</p>"), "text/html"),
        ("<Response><Pause/></Response>", "<Pause>"),
    ],
)
async def test_a_useless_first_answer_is_the_carriers_message(
    application: Application, answer: object, violation: str | None
) -> None:
    application.answers = {("/voice", "Ringing"): answer}  # type: ignore[dict-item]
    record = await call(Carrier(settings(application)), SilentCaller(10_000))
    assert record.ended_by == "carrier_message"
    assert record.streams == []
    assert record.heard_from("carrier") == pytest.approx(200, abs=30)
    assert application.sockets == []
    assert [violation in text for text in record.violations] == ([] if violation is None else [True])  # type: ignore[operator]


async def test_a_late_answer_is_no_answer(application: Application) -> None:
    application.answer_after_s = 0.5
    application.answers = {("/voice", "Ringing"): "<Response><Hangup/></Response>"}
    record = await call(Carrier(settings(application, answer_limit_s=0.1)), SilentCaller(10_000))
    assert record.ended_by == "carrier_message"
    assert "TimeoutError" in str(record.posts[0].error)


async def test_a_second_stream_and_a_verb_after_the_end_are_violations(application: Application) -> None:
    application.media = speak_briefly
    application.answers = {("/voice", "*"): application.stream()}
    record = await call(Carrier(settings(application, stream_end=StreamEnd.HANG_UP)))
    assert [text for text in record.violations if "fork twice" in text]
    assert [text for text in record.violations if "answered to Completed" in text]
    assert len(application.sockets) == 1


async def test_callbacks_carry_agent_name_signature_and_the_chosen_body(application: Application) -> None:
    application.answers = {("/voice", "Ringing"): "<Response><Reject/></Response>"}
    record = await call(Carrier(settings(application, signing_secret="s3", body="json")))
    request = application.requests[0]
    assert request.headers["user-agent"] == "Sautikit-VoiceProxy"
    assert request.headers["x-sautikit-signature"].startswith("t=")
    assert json.loads(request.body)["sessionId"] == record.session_id
    assert (record.ended_by, record.answered_ms, record.duration_s) == ("reject", None, 0)


@pytest.mark.parametrize(("mode", "times"), [("once", 1), ("twice", 2), ("missing", 0), ("before_socket_close", 1)])
async def test_the_end_is_told_once_twice_or_never(application: Application, mode: str, times: int) -> None:
    application.media = lambda socket: socket.wait_closed()
    application.answers = {("/voice", "Ringing"): application.stream()}
    await call(Carrier(settings(application, completed=mode)), SilentCaller(100))
    assert application.states().count("Completed") == times


async def test_a_state_can_be_posted_twice(application: Application) -> None:
    application.answers = {("/voice", "Ringing"): "<Response><Reject/></Response>"}
    await call(Carrier(settings(application, repeated_states=frozenset({"Ringing"}))))
    assert application.states() == ["Ringing", "Ringing", "Completed"]


async def test_a_redirect_loop_ends(application: Application) -> None:
    application.answers = {("/voice", "*"): f"<Response><Redirect>{application.url('/voice')}</Redirect></Response>"}
    record = await call(Carrier(settings(application, verbs_max=10)))
    assert record.ended_by == "refused"
    assert len(record.verbs) == 10


async def test_digits_come_back_to_the_voice_url(application: Application) -> None:
    application.answers = {
        ("/voice", "Ringing"): '<Response><GetDigits maxDigits="2"><Say>a</Say></GetDigits></Response>',
        ("/voice", "Answered"): "<Response><Hangup/></Response>",
    }
    record = await call(Carrier(settings(application, digits="417")))
    assert application.requests[1].form["Digits"] == "41"
    assert record.ended_by == "hangup"


# --- Dial ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "script", "outcome", "verbs"),
    [
        (dial("<Hangup/>"), StaffBusy(0.05), "busy", ["Dial", "Hangup"]),
        (dial("<Hangup/>", timeout=1), StaffAbsent(), "no_answer", ["Dial", "Hangup"]),
        (dial("<Hangup/>"), None, "unallocated", ["Dial", "Hangup"]),
        (dial("<Hangup/>", shown=CALLER), StaffAnswers(), "unauthorised", ["Dial", "Hangup"]),
        (dial("<Hangup/>", number=CALLER), StaffAnswers(), "unauthorised", ["Dial", "Hangup"]),
        (dial("<Hangup/>"), StaffAnswers(0.05, "hi", 0.1), "answered", ["Dial"]),
    ],
)
async def test_a_dial_that_reaches_nobody_goes_on(
    application: Application, answer: str, script: object, outcome: str, verbs: list[str]
) -> None:
    application.answers = {("/voice", "Ringing"): answer}
    staff = {} if script is None else {STAFF: script, CALLER: script}
    record = await call(Carrier(settings(application, staff=staff)))
    assert [d.outcome for d in record.dials] == [outcome]
    assert record.verbs == verbs
    assert bool(record.violations) is (outcome == "unauthorised")


async def test_verbs_may_always_run_after_a_dial_and_its_end_may_be_asked_about(application: Application) -> None:
    application.answers = {("/voice", "Ringing"): dial("<Say>a</Say>"), ("/voice", "DialCompleted"): "<Response/>"}
    record = await call(Carrier(settings(application, dial_tail="always", dial_completed_posted=True)))
    assert record.verbs == ["Dial", "Say"]
    assert application.requests[1].form["dialCallStatus"] == "answered"
    assert record.ended_by == "document_end"


async def test_of_several_numbers_the_first_to_answer_is_the_only_one_reached(
    application: Application, tmp_path: Path
) -> None:
    other = "+254711000008"
    application.answers = {("/voice", "Ringing"): f'<Response><Dial phoneNumbers="{other},{STAFF}"/></Response>'}
    staff = {other: StaffAnswers(after_s=2.0), STAFF: StaffAnswers(after_s=0.1, says="hi", talk_s=0.3)}
    record = await call(Carrier(settings(application, staff=staff, record_dir=tmp_path)), HummingCaller())
    assert record.staff_reached == [STAFF]
    assert [d.outcome for d in record.dials] == ["no_answer", "answered"]
    with wave.open(str(record.wavs["staff-heard-1"])) as file:
        heard = file.readframes(file.getnframes())
    assert len(heard) >= 500 * MS
    assert level_dbfs(heard) > -25


async def test_a_caller_who_hangs_up_while_it_rings_leaves_nobody_reached(application: Application) -> None:
    application.answers = {("/voice", "Ringing"): dial()}
    record = await call(Carrier(settings(application, staff={STAFF: StaffAbsent()}, ringback=True)), SilentCaller(300))
    assert record.ended_by == "caller"
    assert record.dials[0].outcome == "caller_gone"
    assert record.staff_reached == []
    assert record.heard_from("carrier") > 200


async def test_a_hang_up_from_outside_ends_the_leg(application: Application) -> None:
    connected = asyncio.Event()

    async def wait(socket: ServerConnection) -> None:
        connected.set()
        await socket.wait_closed()

    application.media = wait
    application.answers = {("/voice", "Ringing"): application.stream()}
    carrier = Carrier(settings(application))
    running = asyncio.create_task(carrier.call(SilentCaller(30_000), CALLER, NUMBER, session_id="HD_1234"))
    await connected.wait()
    assert carrier.hang_up("HD_1234")
    assert not carrier.hang_up("HD_none")
    record = await running
    assert record.ended_by == "rest"
    assert application.states()[-1] == "Completed"
    await carrier.aclose()


async def test_a_number_must_be_e164(application: Application) -> None:
    with pytest.raises(ValueError, match="0711000001"):
        await Carrier(settings(application)).call(SilentCaller(), "0711000001", NUMBER)
    assert application.requests == []


def test_what_was_said_is_part_of_the_record() -> None:
    record = CallRecord("HD_1", CALLER, NUMBER, talk=[TalkLine("caller", "hello", 20)])
    assert record.to_json()["talk"] == [{"who": "caller", "text": "hello", "at_ms": 20}]
