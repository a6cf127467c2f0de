"""The whole system on this machine: servers, migration, simulator of the model, four services.

    async with running_stack(StackOptions(...)) as stack:
        stack.voice_url          # what a carrier is given
        stack.endpoints          # where results are read

Everything is on the loopback interface with secrets made for this start. Ports are chosen before the services
start, since they need to know each other's addresses; all of them start at the same time.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from agiza.cli.errors import CliError
from agiza.cli.processes import Child, LogListener, start_child
from agiza.cli.result import Endpoints
from agiza.runtime.backends import BackendUnavailable, Servers, demo_servers
from agiza.runtime.embedded import HeldServer
from agiza.runtime.embedded.ports import free_port
from agiza.runtime.prepare import ServiceUrls, prepare
from agiza.runtime.redis_users import USERS, User

ROOT = Path(__file__).parents[2]
BRANCHES = ROOT / "branches"
READY_S = 90.0
SERVICES: tuple[User, ...] = ("orders", "escalation", "bridge", "webhook")

Brain = Literal["offline", "scripted"]

_OF_PLACED_CALLS = ("AGIZA_PUBLIC_URL", "AGIZA_PATH_TOKEN", "AGIZA_TOKEN_SECRET")


@dataclass(frozen=True, slots=True)
class StackOptions:
    """What to start, and how.

    ``data_folder`` keeps the servers' data (None: thrown away at the end). ``now`` sets the clock of all services.
    ``live_url`` names a running Live server, ``live_key`` alone means the real model; with neither our simulator
    is started. ``ports`` fixes the port of a service by its name; the others take free ones.

    ``carrier_api_url`` and ``carrier_api_key`` (both or neither) are the carrier's REST interface: with it calls are
    placed, so that calls back are promised and a carrier that asks nothing after a stream is no dead end. ``arq``
    says whether escalation works on the jobs, or leaves everything to its sweeper. ``media_url`` is where the carrier
    is sent with its media sockets, when something stands before the bridge.
    """

    branches_folder: Path = BRANCHES
    data_folder: Path | None = None
    log_folder: Path | None = None
    now: datetime | None = None
    live_url: str | None = None
    live_ca_file: Path | None = None
    live_key: str | None = None
    brain: Brain = "offline"
    brain_script: Path | None = None
    voice: str = "piper"
    ports: Mapping[str, int] = field(default_factory=dict)
    carrier_api_url: str | None = None
    carrier_api_key: str | None = None
    arq: bool = True
    media_url: str | None = None

    def __post_init__(self) -> None:
        if (self.carrier_api_url is None) != (self.carrier_api_key is None):
            raise ValueError("carrier_api_url and carrier_api_key: give both or neither")


@dataclass(frozen=True, slots=True)
class Stack:
    """A running system."""

    voice_url: str
    endpoints: Endpoints
    redis_url: str
    database_url: str
    live_url: str | None
    live_control_url: str | None
    bridge_url: str
    children: dict[str, Child]
    servers: Mapping[str, HeldServer]
    environments: Mapping[str, Mapping[str, str]]
    started_in_s: float

    async def kill(self, name: str) -> None:
        """SIGKILL for a service, the simulator, or an embedded server (``postgres``, ``redis``); gone on return."""
        if name in self.servers:
            await asyncio.to_thread(self.servers[name].kill)
            return
        self.children[name].kill()
        await self.children[name].process.wait()

    async def restart(self, name: str, listener: LogListener | None = None) -> None:
        """Start a service or an embedded server again that was killed, as its supervisor would."""
        if name in self.servers:
            await asyncio.to_thread(self.servers[name].start_again)
            return
        child = await _start_service(name, self.environments[name], None, listener)
        self.children[name] = child
        await child.wait_ready(READY_S)


@contextlib.asynccontextmanager
async def running_stack(options: StackOptions, listener: LogListener | None = None) -> AsyncIterator[Stack]:
    """Start everything, hand it over ready, and stop it at the end, children first."""
    began = time.monotonic()
    async with contextlib.AsyncExitStack() as cleanup:
        if options.log_folder is not None:
            options.log_folder.mkdir(parents=True, exist_ok=True)
        folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="agiza-")))
        servers_cleanup = await cleanup.enter_async_context(contextlib.AsyncExitStack())
        children: dict[str, Child] = {}
        cleanup.push_async_callback(_stop_all, children)  # entered after the servers, so left before them
        if _needs_simulator(options):
            children["live"] = await _start_live(options, folder, listener)  # slowest to load, so first
        servers = await _open_servers(options, servers_cleanup)
        urls = await asyncio.to_thread(prepare, servers.database_url, servers.redis_url, _passwords())
        live = await children["live"].wait_ready(READY_S) if "live" in children else {}
        plan = _Plan.of(options, urls, live)
        for name in SERVICES:
            children[name] = await _start_service(name, plan.environments[name], options.log_folder, listener)
        for name in SERVICES:
            await children[name].wait_ready(READY_S)
        yield Stack(
            voice_url=f"{plan.url('webhook')}/carrier/{plan.path_token}/voice",
            endpoints=Endpoints(plan.url("webhook"), plan.url("orders"), plan.url("escalation"), plan.internal_token),
            redis_url=servers.redis_url,
            database_url=servers.database_url,
            live_url=plan.live_url,
            live_control_url=str(live["control_url"]) if live.get("control_url") else None,
            bridge_url=plan.url("bridge"),
            children=children,
            servers=servers.embedded,
            environments=plan.environments,
            started_in_s=time.monotonic() - began,
        )


def _needs_simulator(options: StackOptions) -> bool:
    return options.live_url is None and options.live_key is None


def _passwords() -> dict[User, str]:
    return {user: secrets.token_hex(24) for user in USERS}


async def _open_servers(options: StackOptions, cleanup: contextlib.AsyncExitStack) -> Servers:
    """The servers block while they start; their context is entered in a thread and left in one."""
    context = demo_servers(os.environ, keep_in=options.data_folder)
    try:
        servers = await asyncio.to_thread(context.__enter__)
    except BackendUnavailable as error:
        raise CliError(str(error)) from None
    cleanup.push_async_callback(asyncio.to_thread, context.__exit__, None, None, None)
    return servers


async def _start_live(options: StackOptions, folder: Path, listener: LogListener | None) -> Child:
    arguments = [
        "-m", "simulators.live_api", "--port", str(options.ports.get("live", 0)), "--control-port", "0",
        "--brain", options.brain, "--voice", options.voice, "--ca-file", str(folder / "live-ca.pem"),
    ]  # fmt: skip
    if options.brain_script is not None:
        arguments += ["--script", str(options.brain_script)]
    return await start_child("live", arguments, {}, log_folder=options.log_folder, listener=listener)


async def _start_service(
    name: str, environment: Mapping[str, str], log_folder: Path | None, listener: LogListener | None
) -> Child:
    return await start_child(name, ["-m", f"services.{name}"], environment, log_folder=log_folder, listener=listener)


async def _stop_all(children: Mapping[str, Child]) -> None:
    """The webhook first, so that nothing new begins; then all others at once."""
    if "webhook" in children:
        await children["webhook"].stop()
    await asyncio.gather(*(child.stop() for name, child in children.items() if name != "webhook"))


@dataclass(frozen=True, slots=True)
class _Plan:
    """Ports, secrets and the environment of each service."""

    ports: Mapping[str, int]
    path_token: str
    internal_token: str
    live_url: str | None
    environments: Mapping[str, Mapping[str, str]]

    def url(self, service: str) -> str:
        return f"http://127.0.0.1:{self.ports[service]}"

    @classmethod
    def of(cls, options: StackOptions, urls: Mapping[User, ServiceUrls], live: Mapping[str, object]) -> _Plan:
        ports: dict[str, int] = {name: options.ports.get(name) or free_port() for name in SERVICES}
        path_token, internal_token, token_secret, screen_secret = (secrets.token_hex(24) for _ in range(4))
        live_url = options.live_url or (str(live["url"]) if live else None)
        ca_file = str(options.live_ca_file or live.get("ca_file") or "")
        moment = _clock(options.now)
        common: dict[str, dict[str, str]] = {
            name: _common(urls[name], ports[name], internal_token) | moment for name in SERVICES
        }
        common["webhook"] |= {
            "AGIZA_PUBLIC_URL": f"http://127.0.0.1:{ports['webhook']}",
            "AGIZA_MEDIA_URL": options.media_url or f"ws://127.0.0.1:{ports['bridge']}",
            "AGIZA_TOKEN_SECRET": token_secret,
            "AGIZA_PATH_TOKEN": path_token,
            # Here one telephone stands for all callers.
            "AGIZA_CALLS_PER_CALLER": "0",
            "AGIZA_DIALS_PER_CALLER_DAY": "100000",
        }
        common["bridge"] |= {
            "AGIZA_ORDERS_URL": f"http://127.0.0.1:{ports['orders']}",
            "AGIZA_TOKEN_SECRET": token_secret,
            "GEMINI_API_KEY": options.live_key or "offline-simulator-needs-no-key",
            "AGIZA_LIVE_URL": live_url or "",
            "AGIZA_LIVE_CA_FILE": ca_file,
        }
        common["orders"] |= {
            "AGIZA_SCREEN_SECRET": screen_secret,
            "AGIZA_HTTPS": "false",
            # Here a subscriber's endpoint is on this machine too.
            "AGIZA_WEBHOOK_ALLOW": "localhost, 127.0.0.0/8",
        }
        common["escalation"] |= {
            "AGIZA_ORDERS_URL": f"http://127.0.0.1:{ports['orders']}",
            "AGIZA_SCREEN_SECRET": screen_secret,
            "AGIZA_HTTPS": "false",
            "AGIZA_ARQ": "true" if options.arq else "false",
        }
        if options.carrier_api_url is not None and options.carrier_api_key is not None:
            common["webhook"]["AGIZA_OUTBOUND"] = "true"
            common["escalation"] |= {
                "AGIZA_CARRIER_API_URL": options.carrier_api_url,
                "AGIZA_CARRIER_API_KEY": options.carrier_api_key,
                # The calls that it places are answered by the webhook, under URLs that both must sign alike.
                **{name: common["webhook"][name] for name in _OF_PLACED_CALLS},
            }
        for name in SERVICES:
            if name != "bridge":  # it gets its menus from orders
                common[name]["AGIZA_BRANCHES_DIR"] = str(options.branches_folder)
        return cls(ports, path_token, internal_token, live_url, common)


def _common(urls: ServiceUrls, port: int, internal_token: str) -> dict[str, str]:
    environment = {
        "REDIS_URL": urls.redis_url,
        "AGIZA_HOST": "127.0.0.1",
        "AGIZA_PORT": str(port),
        "AGIZA_INTERNAL_TOKEN": internal_token,
    }
    if urls.database_url is not None:
        environment["DATABASE_URL"] = urls.database_url
    return environment


def _clock(now: datetime | None) -> dict[str, str]:
    """Both moments are given, so that services that start seconds apart still agree on the time."""
    if now is None:
        return {}
    return {"AGIZA_NOW": now.isoformat(), "AGIZA_NOW_SET_AT": datetime.now(UTC).isoformat()}
