"""`python -m simulators.live_api`: a Live server on its own.

Prints one JSON line with `url`, `ca_file` and `control_url` when it is ready; SIGTERM or SIGINT ends it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import signal
import sys
from pathlib import Path

import structlog

from simulators.live_api.brain import Brain
from simulators.live_api.control import ControlServer
from simulators.live_api.script import ScriptError
from simulators.live_api.scripted import ScriptedBrain
from simulators.live_api.server import LiveServer, LiveServerSettings
from simulators.live_api.voices import VOICE_NAMES, voice_named


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m simulators.live_api", description=__doc__.splitlines()[0])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--control-port", type=int, help="loopback HTTP port of the control API; 0 takes a free one")
    parser.add_argument("--brain", choices=("offline", "scripted"), default="offline")
    parser.add_argument("--script", type=Path, help="YAML file of the scripted brain")
    parser.add_argument("--voice", choices=VOICE_NAMES, default="piper")
    parser.add_argument("--ca-file", type=Path, help="where to write the CA certificate")
    parser.add_argument("--hostname", action="append", default=[], help="a further name for the certificate")
    parser.add_argument("--speed", type=float, default=1.0, help="how much faster the simulator's time passes")
    parser.add_argument(
        "--no-text-callers", action="store_true", help="do not look for marked PCM: saves CPU under load"
    )
    parser.add_argument("--refuse-v1", action="store_true", help="answer 404 on the v1 path")
    arguments = parser.parse_args()
    if arguments.brain == "scripted" and arguments.script is None:
        parser.error("--brain scripted needs --script FILE")
    return arguments


def _brain(arguments: argparse.Namespace) -> Brain:
    if arguments.brain == "scripted":
        return ScriptedBrain.from_file(arguments.script)
    from simulators.live_api.offline_brain import OfflineBrain  # needs the speech extra

    return OfflineBrain()


async def _serve(arguments: argparse.Namespace) -> None:
    settings = LiveServerSettings(
        brain=_brain(arguments),
        voice=voice_named(arguments.voice),
        host=arguments.host,
        port=arguments.port,
        hosts=tuple(arguments.hostname),
        ca_file=arguments.ca_file,
        refuses_v1=arguments.refuse_v1,
        speed=arguments.speed,
        hears_marked=not arguments.no_text_callers,
    )
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    async with LiveServer(settings) as server:
        ready = {"url": server.url, "ca_file": str(server.ca_file.resolve())}
        if arguments.control_port is None:
            print(json.dumps(ready), flush=True)
            await stopped.wait()
            return
        with ControlServer(
            loop, lambda: list(server.sessions), server.next_faults, port=arguments.control_port
        ) as control:
            print(json.dumps(ready | {"control_url": control.url}), flush=True)
            await stopped.wait()


def main() -> int:
    arguments = _arguments()
    # stdout carries the one line that a starter waits for; everything else is a log.
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        processors=[structlog.processors.TimeStamper("iso"), structlog.processors.JSONRenderer()],
    )
    try:
        asyncio.run(_serve(arguments))
    except ScriptError as error:
        print(f"{arguments.script}: the script cannot be used:\n{error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"cannot serve: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
