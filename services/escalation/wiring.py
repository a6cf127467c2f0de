"""The parts of the service and how they hang together. Nothing runs here yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import httpx

from agiza.carrier.rest import CarrierApi
from agiza.domain.ids import BranchId
from agiza.domain.menu import BranchFile
from agiza.runtime.clock import Clock
from agiza.runtime.jobs import JobFunction, JobQueue
from agiza.runtime.metrics import Metrics
from agiza.runtime.postgres import Pool
from agiza.runtime.publisher import Publisher
from agiza.runtime.redis_clients import Client
from services.escalation.answering import Answering
from services.escalation.callbacks import Callbacks
from services.escalation.carrier_line import CarrierLine, Limits
from services.escalation.desk import Desk
from services.escalation.errands import Errands
from services.escalation.joining import Joining
from services.escalation.kitchen_rings import KitchenRings
from services.escalation.listeners import Listeners
from services.escalation.lost_bridges import LostBridges
from services.escalation.lost_legs import LostLegs
from services.escalation.order_owner import OrderOwner
from services.escalation.orders_watch import OrdersWatch
from services.escalation.outbound import OutboundCalls
from services.escalation.rescuer import Rescuer
from services.escalation.settings import EscalationSettings
from services.escalation.staff_hook import StaffHook
from services.escalation.store_callbacks import kind_of
from services.escalation.sweeper import Sweeper
from services.escalation.work import jobs


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the parts work with."""

    pool: Pool
    redis: Client
    publisher: Publisher
    queue: JobQueue
    carrier: CarrierApi | None
    hook_http: httpx.AsyncClient
    orders: httpx.AsyncClient | None
    branches: Mapping[BranchId, BranchFile]
    clock: Clock
    metrics: Metrics


@dataclass(frozen=True, slots=True)
class Parts:
    """What runs."""

    line: CarrierLine
    errands: Errands
    listeners: Listeners
    sweeper: Sweeper
    jobs: Mapping[str, JobFunction]


def put_together(settings: EscalationSettings, around: Surroundings) -> Parts:
    """Build everything."""
    pool, clock, metrics, branches = around.pool, around.clock, around.metrics, around.branches
    limits = Limits(for_customer_day=settings.agiza_calls_for_customer_day)
    line = CarrierLine(around.carrier, settings.urls(), around.redis, metrics, limits)
    errands = Errands(around.publisher, around.queue, line.hang_up)
    answering = Answering(line, branches, clock)
    callbacks = Callbacks(pool=pool, line=line, errands=errands, branches=branches, clock=clock, metrics=metrics)
    rings = KitchenRings(pool, line, callbacks, errands, OrderOwner(around.orders), branches, clock, metrics)

    async def ring(callback_id: str) -> None:
        """The next attempt of whatever this is."""
        async with pool.connection() as conn:
            kind = await kind_of(conn, callback_id)
        await (rings if kind == "kitchen" else callbacks).attempt(callback_id)

    joining = Joining(callbacks, answering, line, branches, clock, metrics)
    outbound = OutboundCalls(
        pool=pool,
        line=line,
        errands=errands,
        matters={
            "staff_bridge": callbacks,
            "ring_back": callbacks,
            "staff_join": joining,
            "customer_join": joining,
            "staff_alarm": rings,
        },
        branches=branches,
        clock=clock,
        metrics=metrics,
    )
    desk = Desk(pool, errands, line, answering, callbacks, joining, clock, metrics)
    silent = timedelta(seconds=settings.agiza_carrier_silent_s)
    rescuer = Rescuer(pool, errands, line, answering, callbacks, joining, desk, clock, metrics, silent)
    hook = StaffHook(
        pool,
        around.redis,
        around.hook_http,
        clock,
        metrics,
        url=settings.agiza_staff_webhook_url,
        secret=settings.agiza_staff_webhook_secret.get_secret_value() if settings.agiza_staff_webhook_secret else None,
    )
    sweeper = Sweeper(
        pool=pool,
        desk=desk,
        rescuer=rescuer,
        legs=LostLegs(pool, errands, line, answering, callbacks, rescuer, clock, metrics, silent),
        callbacks=callbacks,
        outbound=outbound,
        bridges=LostBridges(pool, around.redis, clock),
        rings=rings,
        orders=OrdersWatch(pool, line, callbacks, errands, branches, clock, metrics),
        hook=hook,
        clock=clock,
        metrics=metrics,
    )
    return Parts(
        line=line,
        errands=errands,
        listeners=Listeners(desk, rescuer, outbound),
        sweeper=sweeper,
        jobs=jobs(
            leave=desk.order_leave,
            place=outbound.place,
            ring_back=ring,
            look_after=rescuer.look_after,
            tell_staff=hook.tell,
        ),
    )
