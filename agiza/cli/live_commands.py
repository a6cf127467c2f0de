"""The commands with which an installation goes live and is looked after: doctor, number, carrier, dial."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from agiza.carrier.capabilities import FILE_NAME
from agiza.cli import dial as dial_command
from agiza.cli import number as number_command
from agiza.cli import probe as probe_command
from agiza.cli.branches import branch_to_call
from agiza.cli.doctor import visit
from agiza.cli.errors import CliError
from agiza.cli.options import BranchesFolder, run
from agiza.cli.site import read_site
from agiza.cli.stack import BRANCHES
from agiza.runtime.branch_keys import branch_key

number_app = typer.Typer(help="The telephone numbers at the carrier.", no_args_is_help=True)
carrier_app = typer.Typer(help="The carrier, as it really behaves.", no_args_is_help=True)
dial_app = typer.Typer(help="The switch that stops all dialling of people.", no_args_is_help=True)
handoffs_app = typer.Typer(help="The page on which a branch's people see who waits for them.", no_args_is_help=True)

CapabilitiesFile = Annotated[Path, typer.Option("--out", help="Where the findings are kept.", dir_okay=False)]


def add_live_commands(app: typer.Typer) -> None:
    """Put these commands into the command line."""
    app.command("doctor")(doctor)
    app.add_typer(number_app, name="number")
    app.add_typer(carrier_app, name="carrier")
    app.add_typer(dial_app, name="dial")
    app.add_typer(handoffs_app, name="handoffs")


def doctor(
    capabilities: Annotated[
        Path, typer.Option("--capabilities", help="What agiza carrier probe has written.", dir_okay=False)
    ] = Path(FILE_NAME),
    as_json: Annotated[bool, typer.Option("--json", help="Print exactly one JSON object.")] = False,
    branches: BranchesFolder = BRANCHES,
) -> None:
    """Look at everything that must be right for callers, and say what to mend. Ends with 1 when something fails."""
    run(visit.doctor(visit.DoctorOptions(branches, capabilities, as_json), Console()))


@number_app.command("route")
def number_route(
    number: Annotated[str, typer.Argument(help="The number, such as +254709000002.")],
    branch: Annotated[str, typer.Option("--branch", help="The branch that answers it, by its id.")],
    apply: Annotated[bool, typer.Option("--apply", help="Do it; without, only say what would be done.")] = False,
    branches: BranchesFolder = BRANCHES,
) -> None:
    """Make the carrier bring a number's calls here, and read back that it does."""
    options = number_command.RouteOptions(number, branch, apply, branches)
    run(number_command.route_number(options, read_site(), Console()))


@carrier_app.command("probe")
def carrier_probe(
    branch: Annotated[str, typer.Option("--branch", help="Whose number is rung, by the branch's id.")],
    public_url: Annotated[
        str | None, typer.Option("--public-url", help="Where the carrier reaches this probe (else AGIZA_PUBLIC_URL).")
    ] = None,
    listen: Annotated[
        str, typer.Option("--listen", help="Where the probe listens; the public URL must lead there.")
    ] = "127.0.0.1:8099",
    route: Annotated[
        bool, typer.Option("--route", help="Route the number to the probe for the length of the call.")
    ] = False,
    ring: Annotated[
        str | None, typer.Option("--ring", help="Ring this telephone instead of waiting for a call.")
    ] = None,
    wait_s: Annotated[float, typer.Option("--wait", help="Seconds to wait for the call.", min=5, max=3600)] = 180.0,
    out: CapabilitiesFile = Path(FILE_NAME),
    as_json: Annotated[bool, typer.Option("--json", help="Print exactly one JSON object.")] = False,
    branches: BranchesFolder = BRANCHES,
) -> None:
    """One guided live call that finds out how the carrier behaves, and keeps it in a file."""
    options = probe_command.ProbeOptions(
        branch=branch,
        branches=branches,
        listen=_address(listen),
        public_url=public_url,
        out=out,
        ring=ring,
        route=route,
        wait_s=wait_s,
        as_json=as_json,
    )
    console = Console(stderr=as_json)
    run(probe_command.probe(options, read_site(), console, _ask if sys.stdin.isatty() else _ask_nobody))


@dial_app.command("off")
def dial_off() -> None:
    """Ring nobody any more, in all running services, within a second."""
    run(_switch("off"))


@dial_app.command("on")
def dial_on() -> None:
    """Let people be rung again."""
    run(_switch("on"))


@dial_app.command("status")
def dial_status() -> None:
    """Say how the switch stands."""
    run(_switch("status"))


@handoffs_app.command("key")
def handoffs_key(
    branch: Annotated[str, typer.Argument(help="The branch, by its id.")],
    branches: BranchesFolder = BRANCHES,
) -> None:
    """Print the key that opens a branch's page; it is derived from AGIZA_SCREEN_SECRET."""
    secret = read_site().agiza_screen_secret
    if secret is None:
        raise CliError("set AGIZA_SCREEN_SECRET, as the escalation service has it: the key is derived from it")
    print(branch_key(branch_to_call(branches, branch).branch.id, secret.get_secret_value()))


async def _switch(action: dial_command.Action) -> int:
    url = read_site().redis_url
    return await dial_command.switch(action, url.get_secret_value() if url else None, Console())


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or int(port) > 65_535:
        raise CliError(f"--listen {text!r} is not an address like 127.0.0.1:8099")
    return host.strip("[]"), int(port)


async def _ask(question: str) -> bool | None:
    try:
        return await asyncio.to_thread(typer.confirm, question)
    except typer.Abort:  # what the call itself showed is kept
        return None


async def _ask_nobody(question: str) -> bool | None:
    """Without a terminal nobody can answer."""
    return None
