"""``agiza call``: one call into an own stack that lasts as long as the call, or into a running one."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from pathlib import Path
from zoneinfo import ZoneInfo

from rich.console import Console

from agiza.cli.branches import branch_to_call
from agiza.cli.call import CallRequest, Line, PlacedCall, place_call
from agiza.cli.errors import CliError
from agiza.cli.result import Outcome
from agiza.cli.running import running_line
from agiza.cli.stack import StackOptions, running_stack
from agiza.cli.view import CallView
from agiza.domain.menu import BranchFile
from agiza.domain.phone import is_e164
from simulators.carrier.exchange import Exchange, open_exchange
from simulators.carrier.settings import StreamEnd, Voice
from simulators.speech.extra import SpeechUnavailable

SAID_MAX = 40
SAID_CHARS_MAX = 500

EXIT_CODES: dict[Outcome, int] = {"placed": 0, "handoff": 0, "no_order": 0, "dropped": 3}


@dataclass(frozen=True, slots=True)
class CallOptions:
    """The options of ``agiza call``, as typed."""

    branch: str
    say: tuple[str, ...]
    wav: Path | None
    text: bool
    as_json: bool
    record: Path | None
    now: datetime | None
    from_number: str
    reading: str
    carrier_url: str | None
    live_url: str | None
    live_ca: Path | None
    live: bool
    branches: Path


async def call(options: CallOptions) -> int:
    """Place the call, show it, and return the exit code: 3 when the line dropped, 0 when the call had an end."""
    branch = branch_to_call(options.branches, options.branch)
    request = _request(options, branch)
    voice = None if options.text else await asyncio.to_thread(caller_voice)
    notes = Console(stderr=True)
    view = CallView(notes if options.as_json else Console(), quiet=options.as_json)
    if options.carrier_url is not None:
        placed = await _place(running_line(options.carrier_url), request, voice, view)
    else:
        stack_options = _stack_options(options, branch, notes)
        view.note("starting Postgres, Redis, the model and four services ...")
        async with (
            open_exchange() as exchange,
            running_stack(
                replace(stack_options, carrier_api_url=exchange.url, carrier_api_key=exchange.api_key), view.on_log
            ) as stack,
        ):
            view.note(f"everything is up after {stack.started_in_s:.1f} s")
            line = Line(stack.voice_url, stack.endpoints, stack.redis_url)
            placed = await _place(line, request, voice, view, exchange)
    if options.as_json:
        print(json.dumps(placed.result.to_json(), ensure_ascii=False))
        sys.stdout.flush()
    else:
        view.show_end(placed, branch)
    return EXIT_CODES[placed.result.outcome]


def caller_voice() -> Voice:
    """The synthesised caller's voice. Raises :class:`CliError` when the speech extra is not installed."""
    try:
        from simulators.speech.voices import PiperVoice

        return PiperVoice(16_000)
    except SpeechUnavailable as error:
        raise CliError(f"{error} (or use --text, which needs no speech)") from None


async def _place(
    line: Line, request: CallRequest, voice: Voice | None, view: CallView, exchange: Exchange | None = None
) -> PlacedCall:
    async with view.following(line, request.call_id, request.branch):
        return await place_call(line, request, voice, exchange)


def _request(options: CallOptions, branch: BranchFile) -> CallRequest:
    if options.wav is not None and (options.say or options.text):
        raise CliError("--wav is the whole caller: leave out --say and --text")
    if options.wav is None and not options.say:
        raise CliError('what does the caller say? Give --say "two chicken burgers" (several times), or --wav FILE')
    if options.wav is not None and not options.wav.is_file():
        raise CliError(f"there is no file {options.wav}")
    if len(options.say) > SAID_MAX or any(len(line) > SAID_CHARS_MAX for line in options.say):
        raise CliError(f"a caller says at most {SAID_MAX} lines of {SAID_CHARS_MAX} characters")
    if any(not line.strip() for line in options.say):
        raise CliError("an empty --say: leave it out")
    if options.from_number and not is_e164(options.from_number):
        raise CliError(f"--from {options.from_number!r} is not a number like +254711000001")
    if options.reading not in {mode.value for mode in StreamEnd}:
        raise CliError(f"--carrier-mode {options.reading!r} is none of R1, R2, R3, R4")
    fixed = {"--now": options.now, "--live-url": options.live_url, "--live-ca": options.live_ca, "--live": options.live}
    if options.carrier_url is not None and (given := [name for name, value in fixed.items() if value]):
        raise CliError(f"{', '.join(given)}: a running stack (--carrier-url) has its own; leave it out")
    if options.live and not os.environ.get("GEMINI_API_KEY"):
        raise CliError("--live needs the environment variable GEMINI_API_KEY")
    if options.live and options.text:
        raise CliError("--text is understood by the simulators only: leave it out with --live")
    return CallRequest(
        branch=branch,
        say=options.say,
        wav=options.wav,
        text=options.text,
        from_number=options.from_number,
        record_folder=options.record,
        reading=StreamEnd(options.reading),
    )


def _stack_options(options: CallOptions, branch: BranchFile, notes: Console) -> StackOptions:
    stack = StackOptions(
        branches_folder=options.branches,
        now=options.now or open_hours(branch, datetime.now(UTC), notes),
        live_url=options.live_url,
        live_ca_file=options.live_ca,
        voice="marked" if options.text else "piper",
    )
    return replace(stack, live_key=os.environ["GEMINI_API_KEY"]) if options.live else stack


def open_hours(branch: BranchFile, now: datetime, notes: Console | None) -> datetime | None:
    """None while the branch is open; else noon of today there, with a note, since a closed branch takes no order."""
    if branch.branch.is_open(now):
        return None
    zone = ZoneInfo(branch.branch.timezone)
    noon = datetime.combine(now.astimezone(zone).date(), time(12), zone)
    if notes is not None:
        notes.print(f"{branch.branch.name} is closed at this hour: the simulation's clock says noon (or give --now)")
    return noon
