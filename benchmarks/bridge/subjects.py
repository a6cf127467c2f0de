"""The bridges that are compared: how each is started, and what one has to know of its audio.

Every one is its own process on the bridge's core and is told of the model as it would be of another server than
Google's: by base URL and certificate authority.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from agiza.cli.processes import Child, die_with_parent
from benchmarks.bridge.surroundings import Surroundings

PEERS: Final = Path(__file__).parents[1] / "peers"
NODE_FOLDER: Final = PEERS / "node"
PIPECAT: Final = PEERS.parents[1] / ".venv-peer-pipecat"
READY_S: Final = 60.0
LISTENING_S: Final = 10.0
COMPILED: Final = PEERS.parents[1] / ".compiled"
MODEL_NAME: Final = "gemini-3.8-live"


@dataclass(frozen=True, slots=True)
class World:
    """What a bridge is started in."""

    port: int
    """The bridge's own."""
    model_port: int
    ca_file: Path
    around: Surroundings


@dataclass(frozen=True, slots=True)
class Subject:
    """One bridge."""

    name: str
    title: str
    carrier_rate: int
    """Samples in a second of what it sends to the carrier."""
    command: Callable[[World], Sequence[str]]
    environment: Callable[[World], Mapping[str, str]]
    path: Callable[[World], str]
    """Of the media socket of a new call."""
    calls: Sequence[int] | None = None
    """The N to measure, where those that are asked for are known to be beyond it."""
    knee_step: int = 50
    """How many calls more the next try at the knee has."""
    held_back_ms: int = 0
    """What a filter or a chunk keeps of an utterance until the next one."""


def _ours(world: World) -> dict[str, str]:
    return {
        "REDIS_URL": world.around.redis_url,
        "AGIZA_PORT": str(world.port),
        "AGIZA_TOKEN_SECRET": world.around.token_secret,
        "AGIZA_INTERNAL_TOKEN": secrets.token_hex(24),
        "AGIZA_ORDERS_URL": world.around.orders_url,
        "GEMINI_API_KEY": "any",
        "AGIZA_LIVE_URL": f"https://localhost:{world.model_port}",
        "AGIZA_LIVE_CA_FILE": str(world.ca_file),
        "AGIZA_BRIDGE_SLOTS": "1000",
        "AGIZA_DRAIN_S": "0",
    }


def _ours_compiled(world: World) -> dict[str, str]:
    return {**_ours(world), "PYTHONPATH": str(COMPILED)}


def _peer(world: World) -> dict[str, str]:
    return {
        "PORT": str(world.port),
        "GEMINI_API_KEY": "any",
        "GEMINI_MODEL": MODEL_NAME,
        "GEMINI_URL": f"https://localhost:{world.model_port}",
        "SSL_CERT_FILE": str(world.ca_file),
        "NODE_EXTRA_CA_CERTS": str(world.ca_file),
        "NO_PROXY": "localhost,127.0.0.1",
    }


SUBJECTS: Final[tuple[Subject, ...]] = (
    Subject(
        "ours",
        "Agiza's bridge, compiled as in the image",
        16_000,
        lambda _: (sys.executable, "-P", "-m", "services.bridge"),
        _ours_compiled,
        lambda world: world.around.media_path(),
    ),
    Subject(
        "plain",
        "Agiza's bridge, not compiled",
        16_000,
        lambda _: (sys.executable, "-m", "services.bridge"),
        _ours,
        lambda world: world.around.media_path(),
    ),
    Subject(
        "node",
        "Node `ws`, as in the tutorial (no resampling, no pacing)",
        24_000,
        lambda _: ("node", str(NODE_FOLDER / "bridge.js")),
        _peer,
        lambda _: "/",
    ),
    Subject(
        "fastapi",
        "FastAPI and google-genai's own send and receive (no resampling, no pacing)",
        24_000,
        lambda _: (sys.executable, str(PEERS / "fastapi" / "bridge.py")),
        _peer,
        lambda _: "/",
    ),
    Subject(
        "pipecat",
        "Pipecat pipeline with GeminiLiveLLMService",
        16_000,
        lambda _: (str(PIPECAT / "bin" / "python"), str(PEERS / "pipecat" / "bridge.py")),
        _peer,
        lambda _: "/",
        calls=(5, 10, 20),
        knee_step=10,
        held_back_ms=80,
    ),
)
BY_NAME: Final[Mapping[str, Subject]] = {subject.name: subject for subject in SUBJECTS}


@contextlib.asynccontextmanager
async def running(subject: Subject, world: World, core: int) -> AsyncIterator[Child]:
    """The bridge on its core, ready for calls. Raises :class:`~agiza.cli.errors.CliError` when it does not start."""

    def settle() -> None:
        die_with_parent()
        os.sched_setaffinity(0, {core})

    inherited = {
        key: value for key, value in os.environ.items() if not key.startswith(("AGIZA_", "GEMINI_", "GOOGLE_"))
    }
    process = await asyncio.create_subprocess_exec(
        *subject.command(world),
        env={**inherited, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", **subject.environment(world)},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        preexec_fn=settle,
        limit=1 << 20,
    )
    child = Child(subject.name, process, None)
    child.follow(None)
    try:
        await child.wait_ready(READY_S)
        await _until_listening(world.port)  # uvicorn says that it is ready before it is
        yield child
    finally:
        await child.stop()


async def _until_listening(port: int) -> None:
    async with asyncio.timeout(LISTENING_S):
        while True:
            with contextlib.suppress(ConnectionRefusedError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(0.05)


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
