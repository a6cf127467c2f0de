"""``python -m services.webhook``: answers every HTTP request of the carrier."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass
from functools import partial

from redis.exceptions import RedisError

from agiza.carrier.urls import Urls
from agiza.contracts import streams
from agiza.runtime.branch_files import load_branch_files
from agiza.runtime.consumer import TOOL_LIMITS, StreamConsumer
from agiza.runtime.http import HttpServer, create_app
from agiza.runtime.logs import get_logger
from agiza.runtime.postgres import UNAVAILABLE, Pool, is_away, open_pool
from agiza.runtime.process import Process, Serve, run_service
from agiza.runtime.publisher import Publisher
from agiza.runtime.redis_clients import Client, open_redis
from services.webhook.admission import Admission
from services.webhook.announcer import Announcer
from services.webhook.diallable import Diallable
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


@dataclass(frozen=True, slots=True)
class Parts:
    """What the service is made of, besides its HTTP server."""

    urls: Urls
    directory: Directory
    database: Watched
    redis: Watched
    announcer: Announcer
    dialling: Dialling
    notes: SideNotes
    fleet: Fleet
    admission: Admission
    switchboard: Switchboard


def put_together(settings: WebhookSettings, process: Process, redis: Client, pool: Pool) -> Parts:
    """Build everything; nothing runs yet."""
    clock, metrics = process.clock, process.metrics
    secret = settings.agiza_token_secret.get_secret_value()
    urls = Urls(
        public=settings.agiza_public_url,
        media=settings.agiza_media_url,
        path_token=settings.agiza_path_token.get_secret_value(),
        secret=secret,
    )
    directory = Directory(loaded.file for loaded in load_branch_files(settings.agiza_branches_dir))
    database = Watched("postgres", postgres_probe(settings.database_url.get_secret_value()))
    redis_watch = Watched("redis", redis_probe(redis))
    publisher = Publisher(redis, source=SOURCE, clock=clock, metrics=metrics)
    announcer = Announcer(publisher=publisher, pool=pool, directory=directory, clock=clock)
    dialling = Dialling(
        redis,
        metrics,
        is_allowed=settings.agiza_dial,
        can_place_calls=settings.agiza_outbound,
        per_caller_day=settings.agiza_dials_per_caller_day,
    )
    notes = SideNotes(redis)
    fleet = Fleet(redis, metrics, clock)
    admission = Admission(
        redis,
        watched=redis_watch,
        fleet=fleet,
        notes=notes,
        limits=settings.admission_limits,
        secret=secret,
        metrics=metrics,
        clock=clock,
    )
    switchboard = Switchboard(
        pool=pool,
        directory=directory,
        urls=urls,
        database=database,
        redis=redis_watch,
        announcer=announcer,
        token_used=_token_used(redis),
        dialling=dialling,
        diallable=Diallable(metrics, clock),
        admission=admission,
        clock=clock,
        metrics=metrics,
        prices=settings.carrier_prices,
    )
    return Parts(
        urls=urls,
        directory=directory,
        database=database,
        redis=redis_watch,
        announcer=announcer,
        dialling=dialling,
        notes=notes,
        fleet=fleet,
        admission=admission,
        switchboard=switchboard,
    )


async def serve(settings: WebhookSettings, process: Process) -> None:
    """Run the webhook until it is told to stop. It starts, and answers, with Postgres or Redis away."""
    async with (
        open_redis(settings.redis_url.get_secret_value(), service="webhook") as redis,
        open_pool(
            settings.database_url.get_secret_value(), service="webhook", size_min=2, wait_until_open=False
        ) as pool,
    ):
        parts = put_together(settings, process, redis.commands, pool)
        if await parts.database.check():
            with contextlib.suppress(*UNAVAILABLE):
                await parts.directory.refresh(pool)
        consumer = StreamConsumer(
            redis,
            streams=[streams.CALLS],
            group="webhook",
            handler=Reports(pool, process.metrics, parts.admission).handle,
            limits=TOOL_LIMITS,
            clock=process.clock,
            metrics=process.metrics,
            is_away=is_away,
        )
        app = create_app("webhook", process)
        app.add_middleware(InFlightLimit, most=settings.agiza_in_flight_per_source)
        app.include_router(carrier_routes(_door(settings, process, parts, redis.commands)))
        app.include_router(call_routes(settings.agiza_internal_token, pool))
        server = HttpServer(app, host=settings.agiza_host, port=settings.agiza_port)
        # Ready without Postgres or Redis: then callers are still put through to the branch.
        stopping = process.stopping
        process.supervise("directory", parts.directory.keep_fresh(pool, stopping))
        process.supervise("database_watch", parts.database.watch(stopping))
        process.supervise("redis_watch", parts.redis.watch(stopping))
        process.supervise("bridges", parts.fleet.watch(stopping))
        process.supervise("minutes", parts.admission.count_minutes(pool, parts.directory, stopping))
        process.supervise("side_notes", parts.notes.run(stopping))
        process.supervise("dialling", parts.dialling.watch(stopping))
        process.supervise("announcer", parts.announcer.run(stopping))
        process.supervise("sweep", parts.announcer.sweep(stopping))
        process.supervise("reports", consumer.run(stopping))
        process.supervise("http", server.run(stopping))
        process.ready(url=f"http://{server.host}:{server.port}", port=server.port)
        await process.run_until_stopped()


def _door(settings: WebhookSettings, process: Process, parts: Parts, redis: Client) -> CarrierDoor:
    return CarrierDoor(
        switchboard=parts.switchboard,
        urls=parts.urls,
        form=settings.agiza_carrier_format,
        policy=settings.agiza_carrier_signature,
        signing_secrets=settings.signing_secrets,
        replays=Replays(redis, parts.redis, parts.notes),
        clock=process.clock,
        metrics=process.metrics,
    )


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
