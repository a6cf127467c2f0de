"""The words and options of ``agiza feed``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from agiza.cli import feed
from agiza.cli.errors import CliError, enter
from agiza.cli.feed_client import FeedClient
from agiza.cli.options import run
from agiza.cli.site import read_site
from agiza.cli.up_note import noted_orders

feed_app = typer.Typer(help="A branch's feed of order events: prove it, follow it, rebuild it.", no_args_is_help=True)

Url = Annotated[str, typer.Option("--url", envvar="AGIZA_ORDERS_URL", help="Where the orders API answers.")]
Key = Annotated[
    str, typer.Option("--key", envvar="AGIZA_KEY", help="A key with orders:read; better kept in AGIZA_KEY.")
]
Branch = Annotated[str, typer.Option("--branch", help="The branch's id.")]


@feed_app.command("rebuild")
def rebuild(
    branch: Annotated[list[str] | None, typer.Option("--branch", help="A branch's id; may be given again.")] = None,
    every_branch: Annotated[bool, typer.Option("--all-branches", help="Every branch.")] = False,
) -> None:
    """Write the branches' Redis streams anew from the database. Consumer groups keep their place."""
    if bool(branch) == every_branch:
        raise CliError("--branch or --all-branches: give one of them")
    site = read_site()
    database = site.database_url.get_secret_value() if site.database_url else noted_orders().get("DATABASE_URL")
    redis = site.redis_url.get_secret_value() if site.redis_url else None
    run(feed.rebuild(branch or [], database, redis, Console()))


@feed_app.command("verify")
def verify(
    url: Url,
    key: Key,
    branch: Branch,
    first: Annotated[int | None, typer.Option("--from", help="The first number; without, the oldest.", min=1)] = None,
    last: Annotated[int | None, typer.Option("--to", help="The last number; without, the newest.", min=1)] = None,
    file: Annotated[
        Path | None, typer.Option("--file", help="Your own events, one JSON object a line; without, they are pulled.")
    ] = None,
) -> None:
    """Prove that every event is held, unchanged: 0 they are, 1 they are not (with each number), 2 not to be told."""

    async def work() -> int:
        async with FeedClient.open(url, key, branch) as client:
            return await feed.verify(client, Console(), first=first, last=last, file=file)

    run(work())


@feed_app.command("follow")
def follow(
    url: Url,
    key: Key,
    branch: Branch,
    after: Annotated[int | None, typer.Option("--after", help="The last number that is known already.", min=0)] = None,
    state: Annotated[
        Path | None, typer.Option("--state", help="A file that keeps the last number over a restart.")
    ] = None,
    count: Annotated[int | None, typer.Option("--count", help="Stop after so many.", min=0)] = None,
) -> None:
    """Print the branch's events as JSON lines as they come; goes on by itself after a lost line."""

    async def work() -> int:
        async with FeedClient.open(url, key, branch) as client:
            return await feed.follow(client, feed.standard_output(), after=after, state=state, count=count)

    run(work())


if __name__ == "__main__":  # inside the services' image, which has no simulators
    enter(feed_app)
