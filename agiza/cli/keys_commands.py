"""The words and options of ``agiza keys``."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from agiza.cli import keys
from agiza.cli.errors import enter
from agiza.cli.options import run
from agiza.cli.site import read_site
from agiza.cli.up_note import noted_orders
from services.orders.public_api.keys import RIGHTS

keys_app = typer.Typer(help="Keys of the orders API, scoped to branches and rights.", no_args_is_help=True)

_DEFAULT_RIGHTS = [right for right in RIGHTS if right != "carts:read"]


@keys_app.command("create")
def create(
    name: Annotated[str, typer.Option("--name", help="Who uses it, such as 'till 1 of Westlands'.")],
    branch: Annotated[list[str] | None, typer.Option("--branch", help="A branch's id; may be given again.")] = None,
    every_branch: Annotated[bool, typer.Option("--all-branches", help="Every branch, also later ones.")] = False,
    right: Annotated[
        list[str] | None, typer.Option("--right", help=f"One of {', '.join(RIGHTS)}; without, all but carts:read.")
    ] = None,
    days: Annotated[int | None, typer.Option("--days", help="How long it is good for.", min=1, max=3650)] = None,
) -> None:
    """Make a key and print it, once."""
    options = keys.KeyOptions(name, tuple(branch or ()), every_branch, tuple(right or _DEFAULT_RIGHTS), days)
    run(keys.create(options, _database_url(), Console(), Console(stderr=True)))


@keys_app.command("list")
def show() -> None:
    """Show all keys, when each was used last, and whether it is still good."""
    run(keys.show(_database_url(), Console(width=200)))


@keys_app.command("revoke")
def revoke(key_id: Annotated[str, typer.Argument(help="The key's id, as agiza keys list shows it.")]) -> None:
    """End a key from its next request on."""
    run(keys.revoke(key_id, _database_url(), Console()))


def _database_url() -> str | None:
    url = read_site().database_url
    return url.get_secret_value() if url is not None else noted_orders().get("DATABASE_URL")


if __name__ == "__main__":  # inside the services' image, which has no simulators
    enter(keys_app)
