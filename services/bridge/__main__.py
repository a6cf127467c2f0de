"""python -m services.bridge"""

from __future__ import annotations

import asyncio
import secrets
import sys
from functools import partial

import httpx

from agiza.contracts import streams
from agiza.runtime.process import Process, run_service
from agiza.runtime.publisher import Publisher
from agiza.runtime.redis_clients import answers, open_redis
from services.bridge.beginnings import Beginnings
from services.bridge.breaker import ModelBreaker
from services.bridge.call_events import SOURCE
from services.bridge.costs import Prices
from services.bridge.cue_book import load_cues
from services.bridge.heartbeat import Heartbeat
from services.bridge.legs.judge import judge_of_this_machine
from services.bridge.legs.live_model import LiveModel
from services.bridge.media_server import MediaServer
from services.bridge.menu_cache import MenuCache
from services.bridge.openings import Openings
from services.bridge.outlet import Outlet
from services.bridge.past import Pasts
from services.bridge.record import RecordWriter
from services.bridge.recording import Recordings
from services.bridge.replies import Replies
from services.bridge.session import Limits
from services.bridge.settings import BridgeSettings
from services.bridge.shared import Shared
from services.bridge.taking_over import TakeOvers

AFTER_DRAIN_S = 15.0
"""For ending what the drain left, and for the last writes."""
HTTP_CONNECTIONS_MAX = 50


async def serve(settings: BridgeSettings, process: Process) -> None:
    """One bridge replica, until it is asked to stop and its calls are over."""
    process.grace_s = settings.agiza_drain_s + AFTER_DRAIN_S
    bridge_id = secrets.token_hex(6)
    finished = asyncio.Event()  # later than ``process.stopping``: live calls need all of this until they end
    model = LiveModel(
        api_key=settings.gemini_api_key.get_secret_value(),
        model=settings.agiza_model,
        voice=settings.agiza_voice,
        base_url=settings.agiza_live_url,
        ca_file=settings.agiza_live_ca_file,
        metrics=process.metrics,
    )
    orders = httpx.AsyncClient(
        base_url=settings.agiza_orders_url,
        headers={"authorization": f"Bearer {settings.agiza_internal_token.get_secret_value()}"},
        limits=httpx.Limits(max_connections=HTTP_CONNECTIONS_MAX),
        trust_env=False,
    )
    async with open_redis(settings.redis_url.get_secret_value(), service="bridge") as redis, orders:
        publisher = Publisher(redis.commands, source=SOURCE, clock=process.clock, metrics=process.metrics)
        records = RecordWriter(redis.commands, process.clock, process.metrics)
        replies = Replies(redis.subscriber, streams.replies_channel(bridge_id), process.metrics)
        outlet = Outlet(publisher, orders, process.clock, process.metrics)
        shared = Shared(
            model=model,
            menus=MenuCache(orders),
            beginnings=Beginnings(
                Openings(orders),
                TakeOvers(outlet, replies),
                Pasts(redis.commands, process.clock),
                process.metrics,
            ),
            outlet=outlet,
            replies=replies,
            records=records,
            metrics=process.metrics,
            limits=Limits(),
            breaker=ModelBreaker(),
            bridge_id=bridge_id,
            prices=Prices(settings.model_prices, settings.carrier_prices),
            cues=load_cues(),
            judge=judge_of_this_machine(),
            recordings=Recordings(settings.agiza_record_folder, settings.agiza_record_calls)
            if settings.agiza_record_calls
            else None,
        )
        media = MediaServer(
            process,
            shared,
            redis.commands,
            settings.agiza_token_secret,
            slots=settings.agiza_bridge_slots,
            per_address=settings.agiza_opening_per_source,
        )
        process.health.needs("redis", partial(answers, redis.commands))
        process.health.needs("replies", replies.listens)
        process.supervise("replies", replies.run(finished))
        heartbeat = Heartbeat(redis.commands, bridge_id, media.status, process.clock, records.look_again)
        process.supervise("heartbeat", heartbeat.run(finished))
        process.supervise("records", records.run())
        url = await media.start(settings.agiza_host, settings.agiza_port)
        process.ready(url=url, bridge_id=bridge_id)
        try:
            await process.stopping.wait()
            await media.drain(settings.agiza_drain_s)
        finally:
            await media.close()
            await records.finish()
            finished.set()
            await model.close()
        await process.run_until_stopped()


if __name__ == "__main__":
    sys.exit(run_service("bridge", BridgeSettings, lambda settings: partial(serve, settings)))
