"""``python -m services.webhook``: answers every HTTP request of the carrier."""

from __future__ import annotations

import contextlib
import sys
from functools import partial

from redis.exceptions import RedisError

from agiza.contracts import streams
from agiza.runtime.branch_files import load_branch_files
from agiza.runtime.consumer import TOOL_LIMITS, StreamConsumer
from agiza.runtime.http import HttpServer, create_app
from agiza.runtime.logs import get_logger
from agiza.runtime.postgres import UNAVAILABLE, open_pool
from agiza.runtime.process import Process, Serve, run_service
from agiza.runtime.publisher import Publisher
from agiza.runtime.redis_clients import Client, open_redis
from services.webhook.admission import Admission
from services.webhook.announcer import Announcer
from services.webhook.answers import Urls
from services.webhook.dialling import Dialling
from services.webhook.directory import Directory
from services.webhook.fleet import Fleet
from services.webhook.in_flight import InFlightLimit
from services.webhook.outage import Watched, postgres_probe, redis_probe
from services.webhook.replays import Replays
from services.webhook.reports import Reports
from services.webhook.routes import CarrierDoor, call_routes, carrier_routes
from services.webhook.settings import WebhookSettings
from services.webhook.side_notes import SideNotes
from services.webhook.switchboard import Switchboard, TokenUsed

SOURCE = "/agiza/webhook"

log = get_logger(__name__)


async def serve(settings: WebhookSettings, process: Process) -> None:
    """Run the webhook until it is told to stop. It starts, and answers, with Postgres or Redis away."""
    async with (
        open_redis(settings.redis_url.get_secret_value(), service="webhook") as redis,
        open_pool(
            settings.database_url.get_secret_value(), service="webhook", size_min=2, wait_until_open=False
        ) as pool,
    ):
        directory = Directory(loaded.file for loaded in load_branch_files(settings.agiza_branches_dir))
        database = Watched("postgres", postgres_probe(settings.database_url.get_secret_value()))
        redis_watch = Watched("redis", redis_probe(redis.commands))
        if await database.check():
            with contextlib.suppress(*UNAVAILABLE):
                await directory.refresh(pool)
        urls = Urls(
            public=settings.agiza_public_url,
            media=settings.agiza_media_url,
            path_token=settings.agiza_path_token.get_secret_value(),
            secret=settings.agiza_token_secret.get_secret_value(),
        )
        publisher = Publisher(redis.commands, source=SOURCE, clock=process.clock, metrics=process.metrics)
        announcer = Announcer(publisher=publisher, pool=pool, directory=directory, clock=process.clock)
        dialling = Dialling(
            redis.commands,
            process.metrics,
            is_allowed=settings.agiza_dial,
            can_place_calls=settings.agiza_outbound,
            per_caller_day=settings.agiza_dials_per_caller_day,
        )
        notes = SideNotes(redis.commands)
        fleet = Fleet(redis.commands, process.metrics, process.clock)
        admission = Admission(
            redis.commands,
            watched=redis_watch,
            fleet=fleet,
            notes=notes,
            limits=settings.admission_limits,
            secret=settings.agiza_token_secret.get_secret_value(),
            metrics=process.metrics,
            clock=process.clock,
        )
        switchboard = Switchboard(
            pool=pool,
            directory=directory,
            urls=urls,
            database=database,
            redis=redis_watch,
            announcer=announcer,
            token_used=_token_used(redis.commands),
            dialling=dialling,
            admission=admission,
            clock=process.clock,
        )
        door = CarrierDoor(
            switchboard=switchboard,
            urls=urls,
            form=settings.agiza_carrier_format,
            policy=settings.agiza_carrier_signature,
            signing_secrets=settings.signing_secrets,
            replays=Replays(redis.commands, redis_watch, notes),
            clock=process.clock,
            metrics=process.metrics,
        )
        consumer = StreamConsumer(
            redis,
            streams=[streams.CALLS],
            group="webhook",
            handler=Reports(pool, process.metrics, admission).handle,
            limits=TOOL_LIMITS,
            clock=process.clock,
            metrics=process.metrics,
            is_away=lambda error: isinstance(error, UNAVAILABLE),
        )
        app = create_app("webhook", process)
        app.add_middleware(InFlightLimit, most=settings.agiza_in_flight_per_source)
        app.include_router(carrier_routes(door))
        app.include_router(call_routes(settings.agiza_internal_token, pool))
        server = HttpServer(app, host=settings.agiza_host, port=settings.agiza_port)
        # Ready without Postgres or Redis: then callers are still put through to the branch.
        process.supervise("directory", directory.keep_fresh(pool, process.stopping))
        process.supervise("database_watch", database.watch(process.stopping))
        process.supervise("redis_watch", redis_watch.watch(process.stopping))
        process.supervise("bridges", fleet.watch(process.stopping))
        process.supervise("minutes", admission.count_minutes(pool, directory, process.stopping))
        process.supervise("side_notes", notes.run(process.stopping))
        process.supervise("dialling", dialling.watch(process.stopping))
        process.supervise("announcer", announcer.run(process.stopping))
        process.supervise("sweep", announcer.sweep(process.stopping))
        process.supervise("reports", consumer.run(process.stopping))
        process.supervise("http", server.run(process.stopping))
        process.ready(url=f"http://{server.host}:{server.port}", port=server.port)
        await process.run_until_stopped()


def _token_used(client: Client) -> TokenUsed:
    async def used(nonce: str) -> bool:
        try:
            return await client.get(streams.nonce_key(nonce)) is not None
        except RedisError:
            return False  # the bridge asks Redis too, and refuses a second socket

    return used


def build(settings: WebhookSettings) -> Serve:
    """What :func:`run_service` runs."""
    return partial(serve, settings)


if __name__ == "__main__":
    sys.exit(run_service("webhook", WebhookSettings, build))
