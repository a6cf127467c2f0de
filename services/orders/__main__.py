"""``python -m services.orders``: carts, orders, and the feed of each branch's order events."""

from __future__ import annotations

import functools
import sys

from agiza.contracts.streams import TOOL_PARTITIONS, tools_stream_of
from agiza.runtime import postgres, redis_clients
from agiza.runtime.branch_files import load_branch_files
from agiza.runtime.consumer import TOOL_LIMITS, StreamConsumer
from agiza.runtime.http import HttpServer, create_app
from agiza.runtime.outbox import OutboxRelay, in_turn
from agiza.runtime.process import Process, run_service
from agiza.runtime.publisher import Publisher
from services.orders.api import internal_routes
from services.orders.call_api import call_routes
from services.orders.call_news import CallNews
from services.orders.catalog import Catalog
from services.orders.feed.bell import FeedBell
from services.orders.feed.door import FeedDoor
from services.orders.feed.hints import FeedHints
from services.orders.handler import ToolHandler
from services.orders.kitchen.routes import add_kitchen
from services.orders.kitchen.watch import WatchParts
from services.orders.opening import Openings
from services.orders.owner_api import owner_routes
from services.orders.public_api.access import ApiParts
from services.orders.public_api.pace import Pace, PaceLimits
from services.orders.public_api.wiring import add_public_api
from services.orders.recorder import SOURCE
from services.orders.settings import OrdersSettings
from services.orders.silence import SilenceWatch
from services.orders.staff import StaffCounter
from services.orders.stock import StockBook
from services.orders.taking_over import TakeOvers
from services.orders.upkeep import Upkeep
from services.orders.webhooks.engine import WebhookEngine
from services.orders.webhooks.sending import open_sender
from services.orders.wiring import ToolDesk


async def serve(settings: OrdersSettings, process: Process) -> None:
    """Build the parts, publish the branch files, run until stopped."""
    token = settings.agiza_internal_token
    async with (
        postgres.open_pool(settings.database_url.get_secret_value(), service="orders") as pool,
        redis_clients.open_redis(settings.redis_url.get_secret_value(), service="orders") as redis,
        open_sender(settings.agiza_webhook_allow) as sender,
    ):
        catalog = Catalog(pool)
        await catalog.publish([loaded.document for loaded in load_branch_files(settings.agiza_branches_dir)])
        publisher = Publisher(redis.commands, source=SOURCE, clock=process.clock, metrics=process.metrics)
        upkeep = Upkeep(pool, redis.commands, process.metrics, process.clock)
        bell = FeedBell()
        hints = FeedHints(bell, pool, redis, process.metrics)
        door = FeedDoor(pool, bell, process.metrics)
        webhooks = WebhookEngine(pool, sender, clock=process.clock, metrics=process.metrics)
        bell.wakes(webhooks.wake)
        news = CallNews(publisher)
        relay = OutboxRelay(
            pool,
            redis.commands,
            clock=process.clock,
            metrics=process.metrics,
            on_numbered=in_turn(webhooks.make, news.note),
            tell=news.and_then(hints.tell),
            on_cut_off=upkeep.rebuild_feed,
        )
        openings = Openings(pool, catalog, process.metrics)
        handler = ToolHandler(pool, catalog, process.clock, process.metrics)
        desk = ToolDesk(handler, TakeOvers(pool, openings, process.metrics), publisher, relay.wake)
        consumer = StreamConsumer(
            redis,
            streams=[tools_stream_of(partition) for partition in range(TOOL_PARTITIONS)],
            group="orders",
            handler=desk.from_stream,
            limits=TOOL_LIMITS,
            clock=process.clock,
            metrics=process.metrics,
            is_away=postgres.is_away,
            exclusive=True,
        )
        app = create_app("Agiza orders", process, docs=True)
        app.include_router(internal_routes(token, catalog, desk.from_http))
        counter = StaffCounter(pool, catalog, process.clock, process.metrics)
        app.include_router(call_routes(token, openings, counter, desk.tell_of_staff))
        app.include_router(owner_routes(token, pool, process.clock, relay.wake))
        pace = Pace(PaceLimits(settings.agiza_api_per_second, settings.agiza_api_burst))
        parts = ApiParts(
            token,
            pool,
            catalog,
            process.clock,
            process.metrics,
            pace,
            relay.wake,
            door,
            settings.agiza_webhook_allow,
            webhooks.wake,
        )
        add_public_api(app, parts)
        if settings.agiza_screen_secret is not None:
            watched = WatchParts(
                pool,
                catalog,
                StockBook(pool, catalog, process.clock),
                bell,
                redis.subscriber,
                process.clock,
                process.metrics,
            )
            secrets = (settings.agiza_screen_secret.get_secret_value(),)
            screens = add_kitchen(app, watched, relay.wake, secrets, is_https=settings.agiza_https)
            process.supervise("kitchen screens", screens.run(process.stopping))
        server = HttpServer(app, host=settings.agiza_host, port=settings.agiza_port)
        process.health.needs("postgres", lambda: postgres.answers(pool))
        process.supervise("http", server.run(process.stopping))
        process.supervise("tool calls", consumer.run(process.stopping))
        process.supervise("outbox relay", relay.run(process.stopping))
        process.supervise("feed hints", hints.run(process.stopping))
        process.supervise("feed door", door.run(process.stopping))
        process.supervise("webhooks", webhooks.run(process.stopping))
        process.supervise("upkeep", upkeep.run(process.stopping))
        silence = SilenceWatch(pool, process.clock, process.metrics, relay.wake)
        process.supervise("silence", silence.run(process.stopping))
        process.ready(url=f"http://{server.host}:{server.port}")
        await process.run_until_stopped()


if __name__ == "__main__":
    sys.exit(run_service("orders", OrdersSettings, lambda settings: functools.partial(serve, settings)))
