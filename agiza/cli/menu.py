"""``agiza menu``: look at branch files, publish them, and say what is sold out.

Also ``python -m agiza.cli.menu``, which runs in the services' image: it needs nothing of the simulators.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from agiza.cli import menu_files, menu_store
from agiza.cli.errors import enter
from agiza.cli.options import run
from agiza.domain.stock import StockKind

menu_app = typer.Typer(help="What the branches sell.", no_args_is_help=True, add_completion=False)

Files = Annotated[list[Path], typer.Argument(help="Branch files, YAML or JSON.", exists=True, dir_okay=False)]
Branch = Annotated[str, typer.Option("--branch", help="The branch, by its id.")]
By = Annotated[str | None, typer.Option("--by", help="Who says so; else the login's name.")]


@menu_app.command("check")
def menu_check(
    files: Files,
    as_json: Annotated[bool, typer.Option("--json", help="Print exactly one JSON object.")] = False,
) -> None:
    """Name every mistake with its line and what to do. Ends with 1 when there is one."""
    raise typer.Exit(menu_files.check(files, Console(), as_json=as_json))


@menu_app.command("publish")
def menu_publish(files: Files, by: By = None) -> None:
    """Make the files their branches' newest menus. The same content makes no new version. Ends with 1 for mistakes."""
    run(menu_store.publish(files, by, Console()))


@menu_app.command("versions")
def menu_versions(branch: Branch) -> None:
    """List the newest versions of a branch's menu: when, by whom."""
    run(menu_store.versions(branch, Console()))


@menu_app.command("show")
def menu_show(
    branch: Branch,
    version: Annotated[int | None, typer.Option("--version", help="Which; else the newest.", min=1)] = None,
) -> None:
    """Print a version as JSON, which can be published again: the way back to an earlier menu."""
    run(menu_store.show(branch, version, Console()))


@menu_app.command("sold-out")
def menu_sold_out(
    item: Annotated[str, typer.Argument(help="The item: its id or a whole name of it.")],
    branch: Branch,
    option: Annotated[
        bool, typer.Option("--option", help="It is a choice instead, in all its groups; GROUP/OPTION for one group.")
    ] = False,
    until: Annotated[
        str | None,
        typer.Option("--until", help="18:30, opening, or a whole moment. Without it: until it is put back."),
    ] = None,
    back: Annotated[bool, typer.Option("--back", help="Put it on sale again.")] = False,
    reason: Annotated[str, typer.Option("--reason", help="Why, for the staff.")] = "",
    by: By = None,
) -> None:
    """Say that a branch is out of something, in all calls from their next step on; or that it is there again."""
    kind: StockKind = "option" if option else "item"
    run(menu_store.sold_out(menu_store.SoldOutOptions(item, branch, kind, until, back, reason, by), Console()))


@menu_app.command("stock")
def menu_stock(branch: Branch) -> None:
    """List what a branch is out of now, until when, why, and who said so."""
    run(menu_store.stock(branch, Console()))


if __name__ == "__main__":
    enter(menu_app)
