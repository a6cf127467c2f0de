"""The words and options of ``agiza webhooks``."""

from __future__ import annotations

import re
import sys
from collections.abc import Awaitable, Callable
from typing import Annotated

import typer
from rich.console import Console

from agiza.cli import webhooks
from agiza.cli.errors import CliError, enter
from agiza.cli.options import run
from agiza.cli.orders_client import ApiAccess, OrdersClient, open_orders
from agiza.cli.up_note import noted_orders
from agiza.cli.webhooks import Screen

webhooks_app = typer.Typer(help="Where a branch's events are sent, over the orders API.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(help="The webhook's id, as agiza webhooks list shows it.")]
Url = Annotated[
    str | None,
    typer.Option("--url", envvar="AGIZA_API_URL", help="The orders API; without, of agiza up in this folder."),
]
Key = Annotated[str | None, typer.Option("--key", envvar="AGIZA_API_KEY", help="A key of agiza keys create.")]
Json = Annotated[bool, typer.Option("--json", help="Print exactly one JSON object.")]
Limit = Annotated[int, typer.Option("--limit", help="So many, the newest.", min=1, max=10_000)]

Work = Callable[[OrdersClient, Screen], Awaitable[int]]
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


@webhooks_app.command("create")
def create(
    endpoint: Annotated[str, typer.Argument(help="Where events are sent, https://...")],
    branch: Annotated[list[str] | None, typer.Option("--branch", help="A branch's id; may be given again.")] = None,
    every_branch: Annotated[bool, typer.Option("--all-branches", help="Every branch, also later ones.")] = False,
    type: Annotated[
        list[str] | None, typer.Option("--type", help="Such as agiza.order.placed; without: all. May be given again.")
    ] = None,
    description: Annotated[str, typer.Option("--description", help="Whose it is.")] = "",
    url: Url = None,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Have events sent to a URL. Prints the id and the secret, once."""
    if bool(branch) == every_branch:
        raise CliError("--branch or --all-branches: give one of them")
    branches = ["*"] if every_branch else list(branch or ())
    _do(url, key, as_json, lambda api, to: webhooks.create(api, to, endpoint, branches, type or [], description))


@webhooks_app.command("list")
def show_list(
    branch: Annotated[str | None, typer.Option("--branch", help="Only those that get its events.")] = None,
    url: Url = None,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Show the webhooks of the key."""
    _do(url, key, as_json, lambda api, to: webhooks.show_list(api, to, branch))


@webhooks_app.command("show")
def show(webhook_id: Id, url: Url = None, key: Key = None, as_json: Json = False) -> None:
    """Show one, and how it fares."""
    _do(url, key, as_json, lambda api, to: webhooks.show_one(api, to, _id(webhook_id)))


@webhooks_app.command("pause")
def pause(webhook_id: Id, url: Url = None, key: Key = None, as_json: Json = False) -> None:
    """Let deliveries wait."""
    _do(url, key, as_json, lambda api, to: webhooks.pause(api, to, _id(webhook_id)))


@webhooks_app.command("resume")
def resume(webhook_id: Id, url: Url = None, key: Key = None, as_json: Json = False) -> None:
    """Send again: what was paused, or disabled because of what it answered."""
    _do(url, key, as_json, lambda api, to: webhooks.resume(api, to, _id(webhook_id)))


@webhooks_app.command("rotate")
def rotate(
    webhook_id: Id,
    hours: Annotated[int, typer.Option("--hours", help="So long the old secret signs too.", min=0, max=168)] = 24,
    drop_former: Annotated[
        bool, typer.Option("--drop-former", help="Although the secret before is still good: it ends at once.")
    ] = False,
    url: Url = None,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Change the secret. Prints the new one, once."""
    _do(url, key, as_json, lambda api, to: webhooks.rotate(api, to, _id(webhook_id), hours, drop_former))


@webhooks_app.command("ping")
def ping(
    webhook_id: Id,
    wait_s: Annotated[
        float, typer.Option("--wait", help="Seconds to wait for the outcome; 0: only send.", min=0, max=120)
    ] = 20.0,
    url: Url = None,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Send a test delivery and say what came of it; ends with 1 when that was no 2xx."""
    _do(url, key, as_json, lambda api, to: webhooks.ping(api, to, _id(webhook_id), wait_s))


@webhooks_app.command("replay")
def replay(
    webhook_id: Id,
    branch: Annotated[str, typer.Option("--branch", help="Whose events.")],
    first: Annotated[int, typer.Option("--from", help="The first number.", min=1)],
    last: Annotated[int, typer.Option("--to", help="The last number.", min=1)],
    url: Url = None,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Send a range of a branch's events again, with their old ids."""
    _do(url, key, as_json, lambda api, to: webhooks.replay(api, to, _id(webhook_id), branch, first, last))


@webhooks_app.command("attempts")
def attempts(
    webhook_id: Id,
    event: Annotated[str | None, typer.Option("--event", help="Only of this webhook-id.")] = None,
    limit: Limit = 20,
    url: Url = None,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Show what was tried, and what came of it."""
    _do(url, key, as_json, lambda api, to: webhooks.show_attempts(api, to, _id(webhook_id), event, limit))


@webhooks_app.command("deliveries")
def deliveries(
    webhook_id: Id,
    state: Annotated[str | None, typer.Option("--state", help="pending, delivered, or expired: given up.")] = None,
    limit: Limit = 20,
    url: Url = None,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """Show what waits, what has arrived, and what was given up."""
    _do(url, key, as_json, lambda api, to: webhooks.show_deliveries(api, to, _id(webhook_id), state, limit))


@webhooks_app.command("delete")
def delete(
    webhook_id: Id,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    url: Url = None,
    key: Key = None,
    as_json: Json = False,
) -> None:
    """End a webhook for good, with its deliveries and attempts."""
    if not yes and not (sys.stdin.isatty() and typer.confirm("Delete it for good?")):
        raise CliError("nothing was deleted: say --yes")
    _do(url, key, as_json, lambda api, to: webhooks.delete(api, to, _id(webhook_id)))


def _do(url: str | None, key: str | None, as_json: bool, work: Work) -> None:
    access = access_of(url, key)
    wide = Console() if sys.stdout.isatty() else Console(width=240)  # a table in a pipe is not cut to eighty columns

    async def carry_out() -> int:
        async with open_orders(access) as orders:
            return await work(orders, Screen(wide, Console(stderr=True), as_json))

    run(carry_out())


def access_of(url: str | None, key: str | None) -> ApiAccess:
    """Where to ask and with what. Raises :class:`CliError` for what is missing."""
    where = url or noted_orders().get("AGIZA_ORDERS_URL")
    if where is None:
        raise CliError("say where the orders API is: --url, or AGIZA_API_URL, or the folder in which agiza up runs")
    if not re.match(r"https?://[^\s/?#]+", where):
        raise CliError("the address of the API begins with https:// (or http:// inside the network)")
    if not key:
        raise CliError("say with which key: --key, or AGIZA_API_KEY; agiza keys create makes one")
    if not key.isascii() or not key.isprintable() or " " in key:
        raise CliError("that is no key: agiza keys create makes one")
    return ApiAccess(where.rstrip("/"), key)


def _id(webhook_id: str) -> str:
    """It becomes part of an address. Raises :class:`CliError`."""
    if _ID.fullmatch(webhook_id) is None:
        raise CliError("that is no webhook's id: agiza webhooks list shows them")
    return webhook_id


if __name__ == "__main__":  # inside the services' image, which has no simulators
    enter(webhooks_app)
