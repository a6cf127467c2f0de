"""`python -m simulators.carrier --voice-url URL`: a carrier on its own, which calls when asked over HTTP.

Prints one JSON line with `url` when it is ready; SIGTERM or SIGINT hangs up all calls and ends it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import signal
import socket
from pathlib import Path

from .carrier import Carrier
from .numbers import RoutingSpelling
from .server import CallDesk, make_app
from .serving import server_of
from .settings import CarrierSettings, StaffAbsent, StaffAnswers, StaffBusy, StaffScript, StreamEnd, Voice


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m simulators.carrier", description=str(__doc__).splitlines()[0])
    parser.add_argument("--voice-url", required=True, help="where the number's voice callbacks go")
    parser.add_argument("--events-url", help="a separate URL for call events and stream edges")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--our-number", action="append", default=[], help="a number of the workspace")
    parser.add_argument(
        "--routing",
        default=RoutingSpelling(),
        type=RoutingSpelling.parse,
        metavar="METHOD:SUFFIX:FIELD",
        help="which request routes a number, such as PATCH:/routing:voice_url",
    )
    parser.add_argument("--wallet-minor", type=int, default=500_000, help="what is in the purse")
    parser.add_argument("--stream-end", choices=[mode.value for mode in StreamEnd], default="R1")
    parser.add_argument("--body", choices=("form", "json"), default="form")
    parser.add_argument(
        "--staff",
        action="append",
        default=[],
        metavar="NUMBER=answers:SECONDS|busy|absent",
        help="what happens at a staff number; may be given several times",
    )
    parser.add_argument("--staff-default", default=None, metavar="SCRIPT", help="the same for all other numbers")
    parser.add_argument("--voice", choices=("none", "espeak", "piper"), default="none", help="how people sound")
    parser.add_argument("--record-dir", type=Path, help="where the WAV files of the calls go")
    parser.add_argument("--ca-file", type=Path, help="trust this CA certificate and no other")
    return parser.parse_args()


def staff_script(text: str) -> StaffScript:
    """`answers:1.5`, `answers`, `busy` or `absent`."""
    kind, _, seconds = text.partition(":")
    if kind == "answers":
        return StaffAnswers(after_s=float(seconds or 1.0))
    if kind == "busy" and not seconds:
        return StaffBusy()
    if kind == "absent" and not seconds:
        return StaffAbsent()
    raise SystemExit(f"{text!r} is none of answers, answers:SECONDS, busy, absent")


def _voice(name: str) -> Voice | None:
    if name == "none":
        return None
    from simulators.speech.voices import EspeakVoice, PiperVoice  # needs the speech extra

    return PiperVoice(16_000) if name == "piper" else EspeakVoice(16_000)


def _settings(arguments: argparse.Namespace, voice: Voice | None) -> CarrierSettings:
    staff = dict(entry.split("=", 1) for entry in arguments.staff if "=" in entry)
    default = arguments.staff_default
    return CarrierSettings(
        voice_url=arguments.voice_url,
        events_url=arguments.events_url,
        our_numbers=frozenset(arguments.our_number),
        signing_secret=os.environ.get("CARRIER_SIGNING_SECRET"),
        body=arguments.body,
        stream_end=StreamEnd(arguments.stream_end),
        staff={number: staff_script(script) for number, script in staff.items()},
        staff_default=None if default is None else staff_script(default),
        voice=voice,
        record_dir=arguments.record_dir,
        ca_file=arguments.ca_file,
    )


async def _serve(arguments: argparse.Namespace) -> None:
    voice = _voice(arguments.voice)
    carrier = Carrier(_settings(arguments, voice))
    api_key = os.environ.get("CARRIER_API_KEY", "simulated")
    app = make_app(carrier, voice=voice, api_key=api_key, wallet_minor=arguments.wallet_minor)
    app.state.rest.numbers.spelling = arguments.routing
    desk: CallDesk = app.state.desk
    listener = socket.create_server((arguments.host, arguments.port))
    server = server_of(app)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    host, port = listener.getsockname()[:2]
    print(json.dumps({"url": f"http://{host}:{port}"}), flush=True)
    await stop.wait()
    await desk.close()  # hung-up calls still get their answers
    server.should_exit = True
    await serving


if __name__ == "__main__":
    asyncio.run(_serve(_arguments()))
