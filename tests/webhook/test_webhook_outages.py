"""Postgres or Redis away: the caller is put through to the branch, and never offered a Stream that cannot order."""

from __future__ import annotations

import asyncio

import psycopg
from webhook_desk import PATH_TOKEN, Start, Webhook, noon, posted, until

FRONT = ["+254700000001"]


async def test_without_postgres_the_branch_is_rung(webhook: Webhook) -> None:
    assert (await webhook.voice("Ringing", "HD_before")).verbs == ["Stream", "Redirect"]
    await webhook.database_wire.cut()
    answers = await asyncio.gather(*(webhook.voice("Ringing", f"HD_during{n:03d}") for n in range(50)))
    assert all(answer.verbs == ["Say", "Dial", "Redirect", "Say", "Hangup"] for answer in answers)
    assert all(answer.dialled == FRONT for answer in answers)
    assert (await webhook.voice("Ringing", "HD_unknown", destinationNumber="+254799999999")).verbs == ["Reject"]


async def test_call_goes_on_from_memory_while_postgres_is_away(webhook: Webhook) -> None:
    first = await webhook.voice("Ringing")
    await webhook.voice("StreamStarted")
    await webhook.database_wire.cut()
    assert (await webhook.voice("Ringing")).verbs == []
    answer = await webhook.post(first.redirect, posted("StreamStopped"))
    assert answer.dialled == FRONT
    assert (await webhook.post(first.redirect, posted("StreamStopped"))).body == answer.body
    following = await webhook.post(answer.redirect, posted("Answered", dialStatus="busy"))
    assert following.dialled == ["+254700000002"]
    last = await webhook.post(following.redirect, posted("Answered", dialStatus="busy"))
    assert last.verbs == ["Say", "Hangup"]
    assert (await webhook.voice("Completed")).verbs == []
    assert (await webhook.voice("StreamStopped")).verbs == []


async def test_what_was_decided_without_postgres_holds_when_it_is_back(webhook: Webhook) -> None:
    await webhook.voice("Ringing", "HD_offered")
    await webhook.voice("StreamStarted", "HD_offered")
    await webhook.database_wire.cut()
    dialled = await webhook.voice("Ringing", "HD_new1")
    assert (await webhook.voice("StreamStopped", "HD_offered")).dialled == FRONT
    await webhook.database_wire.mend()
    numbers = iter(range(10_000))

    async def is_back() -> bool:
        return (await webhook.voice("Ringing", f"HD_later{next(numbers):05d}")).verbs[0] == "Stream"

    await until(is_back)
    # Still ringing: no second Dial of another kind, and no Stream.
    assert (await webhook.voice("Ringing", "HD_new1")).body == dialled.body
    assert (await webhook.voice("StreamStarted", "HD_offered")).verbs == []
    assert (await webhook.voice("Completed", "HD_offered")).verbs == []
    rows = dict(await webhook.rows("SELECT call_id, stage FROM calls WHERE call_id IN ('HD_new1', 'HD_offered')"))
    assert rows == {"HD_new1": "dialling", "HD_offered": "ended"}


async def test_call_of_which_this_process_knows_nothing_reaches_a_person(start_webhook: Start) -> None:
    async with start_webhook(noon()) as one, start_webhook(noon(), is_published=False) as two:
        first = await one.voice("Ringing")
        await two.database_wire.cut()
        assert (await two.post(first.redirect, posted("StreamStopped"))).dialled == FRONT
        assert (await two.voice("StreamStarted", "HD_other")).verbs == []


async def test_without_redis_the_branch_is_rung(webhook: Webhook) -> None:
    await webhook.redis_wire.cut()
    answers = await asyncio.gather(*(webhook.voice("Ringing", f"HD_during{n:03d}") for n in range(20)))
    assert all(answer.dialled == FRONT for answer in answers)
    assert await webhook.rows("SELECT DISTINCT stage FROM calls") == [("dialling",)]


async def test_events_wait_for_redis(webhook: Webhook) -> None:
    await webhook.voice("Ringing")
    assert await webhook.event_types(1) == ["started"]
    await webhook.redis_wire.cut()
    await webhook.voice("Completed", durationInSeconds="7")
    ((waiting,),) = await webhook.rows("SELECT jsonb_array_length(state->'unsent') FROM calls")
    assert waiting == 1
    await webhook.redis_wire.mend()
    assert await webhook.event_types(2) == ["started", "hung_up"]

    async def is_forgotten() -> bool:
        return await webhook.rows("SELECT state->'unsent' FROM calls") == [([],)]

    await until(is_forgotten)


async def test_events_of_a_process_that_died_are_sent_by_another(start_webhook: Start) -> None:
    async with start_webhook(noon()) as dying:
        await dying.voice("Ringing")
        assert await dying.event_types(1) == ["started"]
        await dying.redis_wire.cut()
        await dying.voice("Completed", durationInSeconds="7")
    async with await psycopg.AsyncConnection.connect(dying.database_url, autocommit=True) as conn:
        await conn.execute(
            "UPDATE calls SET state = jsonb_set(state, '{unsent,0,at}', to_jsonb('2026-03-06T08:00:00+00:00'::text))"
        )
    async with start_webhook(noon(), is_published=False) as other:
        assert await other.event_types(2) == ["started", "hung_up"]


async def test_service_starts_and_helps_callers_without_any_server(start_webhook: Start) -> None:
    nowhere = {"database_url": "postgresql://x:y@127.0.0.1:9", "redis_url": "redis://127.0.0.1:9"}
    async with start_webhook(noon(), **nowhere) as dark:
        assert (await dark.voice("Ringing")).dialled == FRONT
        assert (await dark.http.get("/healthz")).status_code == 200
        again = await dark.post(f"/carrier/{PATH_TOKEN}/voice", posted("Completed"))
        assert again.verbs == []
