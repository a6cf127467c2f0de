"""``agiza carrier probe``: one guided live call that finds out how the carrier behaves."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import socket
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Generator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Literal

import uvicorn
from rich.console import Console
from rich.table import Table

from agiza.carrier.capabilities import (
    Answers,
    Capabilities,
    SocketClosed,
    Waited,
    conclude,
    is_ambiguous,
    write_capabilities,
)
from agiza.carrier.errors import CarrierApiError
from agiza.carrier.numbers import MEANINGS, refusal
from agiza.carrier.rest import CarrierApi
from agiza.carrier.routing import NotRouted, Routing, route
from agiza.cli.branches import branch_to_call
from agiza.cli.errors import CliError
from agiza.cli.number import apply_routing, explain, number_of
from agiza.cli.probe_call import FAREWELL, ProbeCall, Times, Urls, probe_app
from agiza.cli.probe_report import report_rows
from agiza.cli.site import SiteSettings, need_carrier_api
from agiza.domain.menu import Branch

SOCKET_OPENS_S: Final = 15.0
ENDS_S: Final = 15.0
HANG_UP_S: Final = 5.0
NOT_FOUND_OUT: Final = 3
"""Exit code of a call that did not get far enough to tell how streams end."""

Ask = Callable[[str], Awaitable[bool | None]]
"""Ask the person on the phone a yes-or-no question; None when nobody can be asked."""


@dataclass(frozen=True, slots=True)
class ProbeOptions:
    """The options of ``agiza carrier probe``, as typed. ``ring`` places the call instead of waiting for it."""

    branch: str
    branches: Path
    listen: tuple[str, int]
    public_url: str | None
    out: Path
    ring: str | None = None
    route: bool = False
    wait_s: float = 180.0
    as_json: bool = False
    times: Times = field(default_factory=Times)


async def probe(options: ProbeOptions, site: SiteSettings, console: Console, ask: Ask) -> int:
    """Hold the call, write the file, show what was learnt. Raises :class:`CliError` when there was no call."""
    branch = branch_to_call(options.branches, options.branch).branch
    public = options.public_url or site.agiza_public_url
    if public is None:
        raise CliError(
            "under which address does the carrier reach this probe? Give --public-url or set AGIZA_PUBLIC_URL"
        )
    if options.ring is not None and (reason := refusal(options.ring, branch.phone)):
        raise CliError(f"--ring: the number {MEANINGS[reason]}")
    if options.ring is not None and options.route:
        raise CliError("--ring places the call itself: leave out --route")
    urls = Urls(public, secrets.token_urlsafe(24))
    call = ProbeCall(urls, options.times, site.signing_secrets, is_placed=options.ring is not None)
    async with contextlib.AsyncExitStack() as cleanup:
        needs_api = options.ring is not None or options.route
        api = need_carrier_api(site) if needs_api else site.carrier_api()
        if api is not None:
            await cleanup.enter_async_context(api)
        await cleanup.enter_async_context(_served(call, options.listen))
        if options.route and api is not None:
            await cleanup.enter_async_context(_routed_here(api, branch, call.urls, console))
        await _begin(call, options, branch, api, console)
        answers = await _follow(call, options, api, console, ask)
    direction: Literal["inbound", "outbound"] = "inbound" if options.ring is None else "outbound"
    learnt = conclude(call.seen, answers, probed_at=datetime.now(UTC).replace(microsecond=0), direction=direction)
    # A call that broke off early must not cost what an earlier one has found out.
    is_kept = learnt.stream_end is not None or not options.out.exists()
    if is_kept:
        _write(options.out, learnt)
    _show(learnt, call, options, console, is_kept=is_kept)
    return 0 if learnt.stream_end is not None else NOT_FOUND_OUT


async def _begin(
    call: ProbeCall, options: ProbeOptions, branch: Branch, api: CarrierApi | None, console: Console
) -> None:
    """Until the carrier's first request. Raises :class:`CliError` when none comes."""
    if options.ring is not None and api is not None:
        console.print("ringing you now: pick up and listen")
        try:
            await api.place_call(
                from_number=branch.phone,
                to_number=options.ring,
                callback_url=call.urls.voice,
                request_id=f"probe-{uuid.uuid4().hex}",
            )
        except CarrierApiError as error:
            raise CliError(f"the carrier places no call: {explain(error)}") from None
    else:
        if not options.route:
            console.print("set the number's voice URL and events URL in the carrier's console to:")
            console.print(f"  {call.urls.voice}", soft_wrap=True, highlight=False)
        console.print(
            f"then ring {branch.phone} and listen" if not options.route else f"ring {branch.phone} and listen"
        )
    times = options.times
    console.print(
        f"You will hear a tone of {times.tone_s:g} s, then one that should break off after {times.kill_after_s:g} s, "
        f"then silence or a voice. Stay on the line until this command tells you more.",
        soft_wrap=True,
    )
    if not await _happens(call.rung, options.wait_s):
        raise CliError(
            f"no request of the carrier came within {options.wait_s:g} s: is the address reachable from outside, and "
            "is the number routed to it?"
        )


async def _follow(
    call: ProbeCall, options: ProbeOptions, api: CarrierApi | None, console: Console, ask: Ask
) -> Answers:
    """From the first request to the end of the call."""
    if not await _happens(call.socket_opened, SOCKET_OPENS_S, call.over):
        console.print("the carrier asked, but opened no media socket", style="red")
    elif await _happens(call.socket_done, _talk_s(options.times)):
        console.print(f"the tones are over; waiting {options.times.watch_s:g} s for what the carrier does now")
        await _happens(call.decided, options.times.watch_s, call.over)
    call.seen.append(Waited(call.monotonic()))
    hung_up = await _end(call, api, console)
    closed_by_us = any(isinstance(each, SocketClosed) and each.by_us for each in call.seen)
    kill_audio, heard_farewell = call.kill_audio, None
    if closed_by_us and kill_audio is None:
        after, whole = options.times.kill_after_s, options.times.long_tone_s
        kill_audio = await ask(f"Did the second tone break off after {after:g} s (yes), or last {whole:g} s (no)?")
    if is_ambiguous(call.seen):
        heard_farewell = await ask(f"Did a voice say {FAREWELL!r} at the end?")
    return Answers(call.marks, kill_audio, hung_up, heard_farewell)


async def _end(call: ProbeCall, api: CarrierApi | None, console: Console) -> bool | None:
    """See the call to its end; whether REST could end it, None where that was not needed."""
    if call.decided.is_set() and await _happens(call.over, ENDS_S):
        return None
    if call.over.is_set() or call.call_id is None:
        return None
    if api is not None:
        try:
            was_known = await api.hang_up(call.call_id)
        except (CarrierApiError, ValueError) as error:
            console.print(f"the carrier does not end the call by REST: {error}", style="yellow")
            was_known = False
        if await _happens(call.over, HANG_UP_S):
            return was_known
    console.print("please hang up now")
    await _happens(call.over, ENDS_S)
    return None if api is None else False


async def _happens(event: asyncio.Event, within_s: float, *instead: asyncio.Event) -> bool:
    """Whether ``event`` is set within the time; not waited for any longer once one of ``instead`` is."""
    waits = [asyncio.ensure_future(each.wait()) for each in (event, *instead)]
    try:
        await asyncio.wait(waits, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
        return event.is_set()
    finally:
        for wait in waits:
            wait.cancel()
        await asyncio.gather(*waits, return_exceptions=True)


def _talk_s(times: Times) -> float:
    return times.tone_s + times.mark_wait_s + times.long_tone_s + times.kill_after_s + times.kill_wait_s + 10.0


@contextlib.asynccontextmanager
async def _routed_here(api: CarrierApi, branch: Branch, urls: Urls, console: Console) -> AsyncIterator[None]:
    """The number's calls come to the probe meanwhile; afterwards they go where they went before."""
    number = await number_of(api, branch.phone)
    try:
        await apply_routing(api, number, Routing(urls.voice, urls.voice))
        yield
    finally:
        try:
            moved = await number_of(api, branch.phone)
            await route(api, moved, number.routing)
            console.print("the number is routed as it was before")
        except (NotRouted, CarrierApiError, CliError):
            console.print(
                f"{branch.phone} is still routed to the probe: set it in the carrier's console, or run\n"
                f"agiza number route {branch.phone} --branch {branch.id} --apply",
                style="red",
                soft_wrap=True,
            )


@contextlib.asynccontextmanager
async def _served(call: ProbeCall, listen: tuple[str, int]) -> AsyncIterator[None]:
    try:
        listener = socket.create_server(listen)
    except OSError as error:
        raise CliError(f"--listen {listen[0]}:{listen[1]}: {error.strerror or error}") from None
    config = uvicorn.Config(
        probe_app(call),
        log_config=None,
        access_log=False,  # the paths hold the token
        lifespan="off",
        server_header=False,
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        ws_max_size=1024 * 1024,
        timeout_graceful_shutdown=3,
    )
    server = _Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await serving
        listener.close()


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Ctrl-C belongs to the command, which puts the routing back."""
        yield


def _write(path: Path, learnt: Capabilities) -> None:
    try:
        write_capabilities(path, learnt)
    except OSError as error:
        raise CliError(f"--out {path}: {error.strerror or error}") from None


def _show(learnt: Capabilities, call: ProbeCall, options: ProbeOptions, console: Console, *, is_kept: bool) -> None:
    if options.as_json:
        file = str(options.out) if is_kept else None
        document = asdict(learnt) | {"probed_at": learnt.probed_at.isoformat(), "file": file}
        print(json.dumps(document), flush=True)
        return
    table = Table("", "found", "what follows", title="The carrier, as this call showed it", title_justify="left")
    for row in report_rows(learnt, call.frame_bytes, call.subprotocol_offered):
        table.add_row(*row)
    console.print(table)
    if is_kept:
        console.print(f"kept in {options.out}", soft_wrap=True, highlight=False)
    else:
        console.print(f"too little was found out: {options.out} stays as it was; probe again", soft_wrap=True)
