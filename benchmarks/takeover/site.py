"""Everything that a kill needs, started once: services with two bridges, a door before them, and three carriers.

async with open_site(calls) as site:
    site.carriers[StreamEnd.SILENCE]
    await site.bridges.kill()          # the one that holds the calls; the door leads to the other
    await site.bridges.restart()       # as its supervisor would
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from agiza.cli.processes import Child, start_child
from agiza.cli.stack import BRANCHES, Stack, StackOptions, running_stack
from agiza.runtime.embedded.ports import free_port
from benchmarks.escalation_matrix.site import NOON
from simulators.carrier.carrier import Carrier
from simulators.carrier.exchange import open_exchange
from simulators.carrier.scripted import Manners, ScriptedCaller
from simulators.carrier.settings import CarrierSettings, CustomerAnswers, StreamEnd

READY_S = 120.0
"""On a machine that does much else, too."""
CALL_S_MAX = 120.0
PIPE_BYTES = 64 * 1024
PATIENT = Manners(pause_ms=400, hang_up_after_ms=60_000)
"""The machine decides when a call is over, not a caller who gives up."""
AFTER_RING_BACK = ("that's all", "yes")
READINGS = (StreamEnd.ASK_VOICE_URL, StreamEnd.SILENCE, StreamEnd.HANG_UP)
PHONES = {reading: f"+25470900070{number}" for number, reading in enumerate(READINGS)}


@dataclass(frozen=True, slots=True)
class Caller:
    """One caller of one carrier."""

    number: int
    reading: StreamEnd

    @property
    def phone(self) -> str:
        return f"+254711{self.number:06d}"

    @property
    def call_id(self) -> str:
        return f"HD_taken{self.number:04d}"


class Door:
    """A TCP proxy as a cluster has one: it brings each new connection to the first replica that takes it."""

    def __init__(self, ports: Sequence[int]) -> None:
        self.ports = list(ports)
        self.port = 0

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator[Door]:
        """Serve on a free port of the loopback interface."""
        server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for port in list(self.ports):
            try:
                there = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                continue
            # Whoever closes first closes both, also by dying.
            both = [asyncio.create_task(_pipe(reader, there[1])), asyncio.create_task(_pipe(there[0], writer))]
            try:
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in both:
                    task.cancel()
                await asyncio.gather(*both, return_exceptions=True)
                there[1].close()
            break
        writer.close()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(PIPE_BYTES):
            writer.write(chunk)
            await writer.drain()


@dataclass
class Bridges:
    """The two replicas. The first of ``ports`` is where the door leads."""

    door: Door
    environment: Mapping[str, str]
    log_folder: Path | None
    children: dict[int, Child] = field(default_factory=dict)
    dead: list[int] = field(default_factory=list)

    async def kill(self) -> None:
        """SIGKILL for the one that holds the calls. From here on the door leads to the other one first."""
        port = self.door.ports[0]
        self.children[port].kill()
        self.door.ports = [*self.door.ports[1:], port]
        self.dead.append(port)
        await self.children[port].process.wait()

    async def restart(self) -> None:
        """Start what is dead, and wait until it is ready."""
        while self.dead:
            await self.start(self.dead.pop())

    async def start(self, port: int) -> None:
        """Start the replica of this port."""
        environment = {**self.environment, "AGIZA_PORT": str(port)}
        child = await start_child(f"bridge-{port}", ["-m", "services.bridge"], environment, log_folder=self.log_folder)
        self.children[port] = child
        await child.wait_ready(READY_S)

    async def stop(self) -> None:
        """Stop both."""
        await asyncio.gather(*(child.stop() for child in self.children.values()))


@dataclass(frozen=True, slots=True)
class Site:
    """The running whole."""

    stack: Stack
    branches: Path
    bridges: Bridges
    carriers: Mapping[StreamEnd, Carrier]


@contextlib.asynccontextmanager
async def open_site(callers: Sequence[Caller], log_folder: Path | None = None) -> AsyncIterator[Site]:
    """Start it for these callers."""
    async with contextlib.AsyncExitStack() as cleanup:
        folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="agiza-takeover-")))
        _write_branches(folder / "branches")
        exchange = await cleanup.enter_async_context(open_exchange())
        first, second = free_port(), free_port()
        door = await cleanup.enter_async_context(Door((first, second)).open())
        options = StackOptions(
            branches_folder=folder / "branches",
            log_folder=log_folder,
            now=NOON,
            voice="marked",
            ports={"bridge": first},
            media_url=f"ws://127.0.0.1:{door.port}",
            carrier_api_url=exchange.url,
            carrier_api_key=exchange.api_key,
        )
        stack = await cleanup.enter_async_context(running_stack(options))
        bridges = Bridges(door, stack.environments["bridge"], log_folder, {first: stack.children["bridge"]})
        cleanup.push_async_callback(bridges.stop)
        await bridges.start(second)
        carriers = {reading: Carrier(_settings(reading, callers, stack.voice_url)) for reading in READINGS}
        for carrier in carriers.values():
            cleanup.push_async_callback(carrier.aclose)
            exchange.join(carrier)
        yield Site(stack, folder / "branches", bridges, carriers)


def _settings(reading: StreamEnd, callers: Sequence[Caller], voice_url: str) -> CarrierSettings:
    own = [caller for caller in callers if caller.reading is reading]
    return CarrierSettings(
        voice_url=voice_url,
        our_numbers=frozenset({PHONES[reading]}),
        stream_end=reading,
        customers={caller.phone: CustomerAnswers(lambda: person(AFTER_RING_BACK), after_s=0.5) for caller in own},
        call_limit_s=CALL_S_MAX,
    )


def person(lines: Sequence[str]) -> ScriptedCaller:
    """Somebody who says these lines, as marked sound."""
    return ScriptedCaller(lines, text_mode=True, manners=PATIENT)


def _write_branches(folder: Path) -> None:
    """The first branch of the chain, once for each carrier, so that each carrier has a number of its own."""
    first = yaml.safe_load((BRANCHES / "westlands.yaml").read_text(encoding="utf-8"))
    folder.mkdir()
    for number, reading in enumerate(READINGS):
        branch = first["branch"] | {"id": f"taken-{number}", "name": f"Tamu Grill {number}", "phone": PHONES[reading]}
        text = yaml.safe_dump(first | {"branch": branch}, sort_keys=False)
        (folder / f"taken-{number}.yaml").write_text(text, encoding="utf-8")
