"""A Live server with an agent of a benchmark, as a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
from pathlib import Path

from simulators.live_api.brain import Brain
from simulators.live_api.server import LiveServer, LiveServerSettings
from simulators.live_api.voices import voice_named


def run(brain: Brain, description: str | None) -> None:
    """Take ``--ca-file FILE`` from the command line, print one line with the server's ``url``, serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--ca-file", type=Path, required=True)
    asyncio.run(_serve(brain, parser.parse_args().ca_file))


async def _serve(brain: Brain, ca_file: Path) -> None:
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with LiveServer(LiveServerSettings(brain=brain, voice=voice_named("marked"), ca_file=ca_file)) as server:
        print(json.dumps({"url": server.url, "ca_file": str(server.ca_file.resolve())}), flush=True)
        await stopped.wait()
