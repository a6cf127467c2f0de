"""The Stream verb: open the socket, hold the leg while it lives, and behave in one of four ways when it ends."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from typing import assert_never

from .callbacks import CallState
from .leg import End, Leg, NewDocument, NextVerb, Step, carrier_message, hold
from .line import Nothing
from .media import MediaLink, MediaRefused, metadata_frame, open_media
from .posting import AnswerFailed
from .record import StreamRecord
from .settings import SocketClose, StreamEnd
from .verbs import Document, StatusEvent, Stream

STATE_OF: dict[StatusEvent, CallState] = {
    "stream-started": "StreamStarted",
    "stream-stopped": "StreamStopped",
    "stream-error": "StreamError",
}


async def run_stream(leg: Leg, stream: Stream) -> Step:
    """The whole life of one media socket. Cancelled (the caller hung up), it closes the socket as the switch says."""
    record = StreamRecord(url=stream.url, started_ms=leg.line.now_ms())
    leg.record.streams.append(record)
    stream_id = f"MZ{uuid.uuid4().hex}"
    if stream.bidirectional_rate is None:
        leg.violation("a Stream without bidirectionalSamplingRate: nothing that is sent will be heard")
    track = leg.recorder.track(f"bridge-heard-{len(leg.record.streams)}", stream.output_rate)
    try:
        link = await open_media(stream, leg.settings, record, track, leg.line.now_ms, leg.tls)
    except MediaRefused as error:
        record.refused = str(error)
        record.ended_ms = leg.line.now_ms()
        await _post_status(leg, stream, stream_id, "stream-error")
        return await _after_refusal(leg)
    how: SocketClose = leg.settings.media.close_on_hang_up
    notices: set[asyncio.Task[None]] = set()
    try:
        link.start(metadata_frame(stream, leg.facts, stream_id, leg.settings))
        leg.line.route = link
        notices.add(asyncio.create_task(_post_started(leg, stream, stream_id)))
        if not stream.connect:
            # Fire and forget: the document goes on to its end, and with it the leg.
            leg.violation('a Stream without connect="true" does not hold the call')
            await asyncio.sleep(leg.settings.media.unconnected_leg_s)
            how = "1006"
            record.ended_by = "carrier"
            return End("stream_end")
        await link.ended.wait()
        record.ended_by = "bridge"
        how = "1000"
    finally:
        leg.line.route = Nothing()
        record.ended_by = record.ended_by or "carrier"
        record.ended_ms = leg.line.now_ms()
        await _close(leg, link, how)
        await asyncio.gather(*notices)
    return await _after_stream(leg, stream, stream_id)


async def _close(leg: Leg, link: MediaLink, how: SocketClose) -> None:
    if how == "half_open":
        leg.left_open.append(link)
    await link.close(how)


async def _after_refusal(leg: Leg) -> Step:
    match leg.settings.stream_refused:
        case "next_verb":
            return NextVerb()
        case "silence":
            return await hold(leg)
        case "hang_up":
            return End("stream_end")
        case _:
            assert_never(leg.settings.stream_refused)


async def _after_stream(leg: Leg, stream: Stream, stream_id: str) -> Step:
    """What the carrier does after our side closed the socket, by the reading that is switched on."""
    mode = leg.settings.stream_end
    extra = _stream_fields(stream, stream_id, "stream-stopped")
    if mode is StreamEnd.HANG_UP:
        return End("stream_end")
    executed = await _post_status(leg, stream, stream_id, "stream-stopped")
    if executed:
        return NewDocument(executed)
    match mode:
        case StreamEnd.ASK_VOICE_URL:
            try:
                return NewDocument(await leg.poster.edge("StreamStopped", extra))
            except AnswerFailed:
                return await carrier_message(leg)
        case StreamEnd.NEXT_VERB:
            return NextVerb()
        case StreamEnd.SILENCE:
            await leg.events.raw("StreamStopped", extra)
            return await hold(leg)
        case _:
            assert_never(mode)


async def _post_started(leg: Leg, stream: Stream, stream_id: str) -> None:
    if leg.settings.stream_started_posted:
        with contextlib.suppress(AnswerFailed):
            await leg.poster.edge("StreamStarted", _stream_fields(stream, stream_id, "stream-started"))
    await _post_status(leg, stream, stream_id, "stream-started")


async def _post_status(leg: Leg, stream: Stream, stream_id: str, event: StatusEvent) -> Document:
    """Tell the Stream's own status URL; the verbs it answers if the carrier is switched to run them, else none."""
    if stream.status_callback is None or event not in stream.status_events:
        return ()
    extra = _stream_fields(stream, stream_id, event)
    answer = await leg.poster.tell(stream.status_callback, "status", STATE_OF[event], extra)
    return answer if leg.settings.status_answer_executed else ()


def _stream_fields(stream: Stream, stream_id: str, event: StatusEvent) -> dict[str, str]:
    fields = {"streamSid": stream_id, "streamEvent": event, "streamStatus": event.removeprefix("stream-")}
    return fields | ({"streamName": stream.name} if stream.name else {})
