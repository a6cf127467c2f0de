"""The commands ``agiza dead ...`` as they are typed."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.console import Console

from agiza.cli import dead
from agiza.cli.errors import CliError
from agiza.cli.options import run
from agiza.cli.site import read_site

dead_app = typer.Typer(help="Events that could not be handled: look, send again, throw away.", no_args_is_help=True)

Stream = Annotated[str, typer.Argument(help="The stream, such as tools:3, calls or handoffs.")]
Ids = Annotated[list[str] | None, typer.Argument(help="Letters by their ids.")]


@dead_app.command("list")
def dead_list(
    stream: Annotated[str | None, typer.Option("--stream", help="Only this stream, such as tools:3.")] = None,
    limit: Annotated[int, typer.Option("--limit", help="So many of each stream.", min=1, max=1000)] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print exactly one JSON object.")] = False,
) -> None:
    """List dead letters, newest first, with why each was given up."""
    run(dead.show_list(_url(), _wide(), stream=stream, limit=limit, as_json=as_json))


@dead_app.command("show")
def dead_show(
    stream: Stream,
    id: Annotated[str, typer.Argument(help="The letter's id.")],
    pii: Annotated[bool, typer.Option("--pii", help="Also what the caller said.")] = False,
) -> None:
    """Show one letter with its event; what a caller said only with --pii."""
    run(dead.show_one(_url(), Console(), stream, id, with_pii=pii))


@dead_app.command("replay")
def dead_replay(
    stream: Stream, ids: Ids = None, all_: Annotated[bool, typer.Option("--all", help="Every one of it.")] = False
) -> None:
    """Send letters again with the ids that their events always had. What is too late stays too late."""
    run(dead.replay(_url(), Console(), stream, ids or [], everything=all_))


@dead_app.command("drop")
def dead_drop(
    stream: Stream,
    ids: Ids = None,
    all_: Annotated[bool, typer.Option("--all", help="Every one of it.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Throw letters away for good."""
    if not yes and not (sys.stdin.isatty() and typer.confirm("Throw them away for good?")):
        raise CliError("nothing was dropped: say --yes")
    run(dead.drop(_url(), Console(), stream, ids or [], everything=all_))


def _url() -> str | None:
    url = read_site().redis_url
    return url.get_secret_value() if url else None


def _wide() -> Console:
    """A table in a pipe must not be cut to eighty columns."""
    return Console() if sys.stdout.isatty() else Console(width=240)
