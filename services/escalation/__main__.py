"""``python -m services.escalation``: finds the person for a caller, and sees the hand-off through."""

from __future__ import annotations

import contextlib
import sys
from functools import partial

import httpx

from agiza.contracts import streams
from agiza.runtime import postgres, redis_clients
from agiza.runtime.branch_files import load_branch_files
from agiza.runtime.consumer import TOOL_LIMITS, Handler, StreamConsumer
from agiza.runtime.http import HttpServer, create_app
from agiza.runtime.jobs import JobWorker, open_job_queue
from agiza.runtime.postgres import open_pool
from agiza.runtime.process import Process, Serve, run_service
from agiza.runtime.publisher import Publisher
from agiza.runtime.redis_clients import RedisClients, open_redis
from services.escalation.branches import Branches
from services.escalation.listeners import is_away
from services.escalation.order_owner import OrderOwner
from services.escalation.page.acting import CartDesk
from services.escalation.page.routes import PageParts, page_routes
from services.escalation.routes import handoff_routes
from services.escalation.settings import EscalationSettings
from services.escalation.wiring import Surroundings, put_together

SOURCE = "/agiza/escalation"


async def serve(settings: EscalationSettings, process: Process) -> None:
    """Run the service until it is told to stop."""
    redis_url = settings.redis_url.get_secret_value()
    branches = Branches(each.file for each in load_branch_files(settings.agiza_branches_dir))
    async with (
        open_redis(redis_url, service="escalation") as redis,
        open_pool(settings.database_url.get_secret_value(), service="escalation") as pool,
        open_job_queue(redis_url, service="escalation") as queue,
        httpx.AsyncClient(follow_redirects=False) as hook_http,
        contextlib.AsyncExitStack() as stack,
    ):
        await branches.begin(pool)
        api = settings.carrier_api()
        if api is not None:
            await stack.enter_async_context(api)
        orders = await stack.enter_async_context(_orders(settings)) if settings.agiza_orders_url is not None else None
        parts = put_together(
            settings,
            Surroundings(
                pool=pool,
                redis=redis.commands,
                publisher=Publisher(redis.commands, source=SOURCE, clock=process.clock, metrics=process.metrics),
                queue=queue,
                carrier=api,
                hook_http=hook_http,
                orders=orders,
                branches=branches,
                clock=process.clock,
                metrics=process.metrics,
            ),
        )
        handoffs = _consumer(streams.HANDOFFS, parts.listeners.handoffs, redis, process)
        calls = _consumer(streams.CALLS, parts.listeners.calls, redis, process)
        app = create_app("escalation", process)
        app.include_router(handoff_routes(settings.agiza_internal_token, pool))
        if settings.agiza_screen_secret is not None:
            assert orders is not None, "the settings ask for its address"
            app.include_router(
                page_routes(
                    PageParts(
                        pool=pool,
                        redis=redis.commands,
                        clock=process.clock,
                        carts=CartDesk(orders),
                        owner=OrderOwner(orders),
                        secrets=(settings.agiza_screen_secret.get_secret_value(),),
                        is_https=settings.agiza_https,
                    )
                )
            )
        server = HttpServer(app, host=settings.agiza_host, port=settings.agiza_port)
        process.health.needs("database", partial(postgres.answers, pool))
        process.health.needs("redis", partial(redis_clients.answers, redis.commands))
        await parts.line.look_into_wallet()
        process.supervise("carrier", parts.line.watch(process.stopping))
        process.supervise("branches", branches.keep_fresh(pool, process.stopping))
        process.supervise("sweeper", parts.sweeper.run(process.stopping))
        process.supervise("handoffs", handoffs.run(process.stopping))
        process.supervise("calls", calls.run(process.stopping))
        if settings.agiza_arq:
            worker = JobWorker(redis_url, parts.jobs, service="escalation", metrics=process.metrics, is_away=is_away)
            process.supervise("jobs", worker.run(process.stopping))
        process.supervise("http", server.run(process.stopping))
        process.ready(
            url=f"http://{server.host}:{server.port}",
            port=server.port,
            arq=settings.agiza_arq,
            outbound=parts.line.state,
        )
        await process.run_until_stopped()
        await parts.errands.settle()


def _consumer(stream: str, handler: Handler, redis: RedisClients, process: Process) -> StreamConsumer:
    return StreamConsumer(
        redis,
        streams=[stream],
        group="escalation",
        handler=handler,
        limits=TOOL_LIMITS,
        clock=process.clock,
        metrics=process.metrics,
        is_away=is_away,
    )


def _orders(settings: EscalationSettings) -> httpx.AsyncClient:
    token = settings.agiza_internal_token.get_secret_value()
    return httpx.AsyncClient(
        base_url=str(settings.agiza_orders_url), headers={"authorization": f"Bearer {token}"}, trust_env=False
    )


def build(settings: EscalationSettings) -> Serve:
    """What :func:`run_service` runs."""
    return partial(serve, settings)


if __name__ == "__main__":
    sys.exit(run_service("escalation", EscalationSettings, build))
