"""The command line ``agiza``. Each command says what went wrong in one line and ends with a code other than 0."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from agiza.cli import demo as demo_command
from agiza.cli import place as place_command
from agiza.cli import up as up_command
from agiza.cli.dead_commands import dead_app
from agiza.cli.errors import CliError, enter
from agiza.cli.feed_commands import feed_app
from agiza.cli.keys_commands import keys_app
from agiza.cli.live_commands import add_live_commands
from agiza.cli.menu import menu_app
from agiza.cli.options import BranchesFolder, run
from agiza.cli.pos_commands import pos_app
from agiza.cli.replay import replay_command
from agiza.cli.stack import BRANCHES, StackOptions
from agiza.cli.webhooks_commands import webhooks_app

app = typer.Typer(
    help="Agiza answers a restaurant's phone and turns one spoken order into one clean ticket.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
add_live_commands(app)
app.add_typer(menu_app, name="menu")
app.add_typer(dead_app, name="dead")
app.add_typer(keys_app, name="keys")
app.add_typer(pos_app, name="pos")
app.add_typer(feed_app, name="feed")
app.add_typer(webhooks_app, name="webhooks")
app.command("replay")(replay_command)

Now = Annotated[
    str | None, typer.Option("--now", help="Set the clock of all services, for example 2026-11-22T12:00:00+03:00.")
]


@app.command()
def demo(
    record: Annotated[Path, typer.Option("--record", help="Where the WAV files go.")] = Path("recordings"),
    branches: BranchesFolder = BRANCHES,
) -> None:
    """Two callers through all four services: a spoken order, and a caller who asks for a person."""
    run(demo_command.demo(StackOptions(branches_folder=branches), record))


@app.command()
def up(
    live: Annotated[bool, typer.Option("--live", help="Use the real model; needs GEMINI_API_KEY.")] = False,
    live_url: Annotated[str | None, typer.Option("--live-url", help="A running Live server instead.")] = None,
    live_ca: Annotated[Path | None, typer.Option("--live-ca", help="Its certificate authority.")] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Throw the data away at the end.")] = False,
    now: Now = None,
    branches: BranchesFolder = BRANCHES,
) -> None:
    """Start everything, print the URLs, and stay until Ctrl-C. Data is kept in .agiza unless --fresh."""
    run(up_command.up(live=live, live_url=live_url, live_ca=live_ca, fresh=fresh, now=moment(now), branches=branches))


@app.command()
def call(
    branch: Annotated[str, typer.Option("--branch", help="Which branch is called, by its id.")] = "westlands",
    say: Annotated[list[str] | None, typer.Option("--say", help="What the caller says, line by line.")] = None,
    wav: Annotated[Path | None, typer.Option("--wav", help="A recorded caller instead.")] = None,
    text: Annotated[bool, typer.Option("--text", help="Quick, without speech.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print exactly one JSON object.")] = False,
    record: Annotated[Path | None, typer.Option("--record", help="Folder for WAV files of both ears.")] = None,
    now: Now = None,
    from_number: Annotated[
        str, typer.Option("--from", help="The caller's number; empty is withheld.")
    ] = "+254711000001",
    reading: Annotated[str, typer.Option("--carrier-mode", help="How the carrier ends a stream: R1 to R4.")] = "R1",
    carrier_url: Annotated[
        str | None, typer.Option("--carrier-url", help="Voice URL of a running stack (printed by agiza up).")
    ] = None,
    live_url: Annotated[str | None, typer.Option("--live-url", help="A running Live server for our bridge.")] = None,
    live_ca: Annotated[Path | None, typer.Option("--live-ca", help="Its certificate authority.")] = None,
    live: Annotated[bool, typer.Option("--live", help="Use the real model; needs GEMINI_API_KEY.")] = False,
    branches: BranchesFolder = BRANCHES,
) -> None:
    """Call a branch with a synthesised or recorded caller and show what came of it."""
    run(
        place_command.call(
            place_command.CallOptions(
                branch=branch,
                say=tuple(say or ()),
                wav=wav,
                text=text,
                as_json=as_json,
                record=record,
                now=moment(now),
                from_number=from_number,
                reading=reading,
                carrier_url=carrier_url,
                live_url=live_url,
                live_ca=live_ca,
                live=live,
                branches=branches,
            )
        )
    )


def moment(text: str | None) -> datetime | None:
    """The aware moment in ``text``. Raises :class:`CliError`."""
    if text is None:
        return None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        raise CliError(f"--now {text!r} is not a moment: write it as 2026-11-22T12:00:00+03:00") from None
    if parsed.tzinfo is None:
        raise CliError(f"--now {text!r} has no time zone: add one, such as +03:00")
    return parsed


def main() -> None:
    """Entry point of the console script."""
    enter(app)


if __name__ == "__main__":
    main()
