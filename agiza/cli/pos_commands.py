"""The words and options of ``agiza pos``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from agiza.cli.errors import CliError, enter
from agiza.cli.options import run
from agiza.cli.pos.certify import CertifyOptions, certify

pos_app = typer.Typer(help="For those who connect a point of sale.", no_args_is_help=True)


@pos_app.callback()
def pos() -> None:
    """For those who connect a point of sale."""


@pos_app.command("certify")
def pos_certify(
    url: Annotated[str, typer.Argument(help="Your endpoint, such as http://127.0.0.1:9000/webhooks.")],
    secret: Annotated[str, typer.Option("--secret", envvar="POS_SECRET", help="Its secret, whsec_...")],
    former_secret: Annotated[str | None, typer.Option("--former-secret", help="The secret that it had before.")] = None,
    new_secret: Annotated[str | None, typer.Option("--new-secret", help="The secret that it gets next.")] = None,
    api_listen: Annotated[
        str | None, typer.Option("--api-listen", help="HOST:PORT of a small API; point your endpoint's API there.")
    ] = None,
    api_key: Annotated[
        str, typer.Option("--api-key", help="The key that your endpoint sends to it.")
    ] = "certification",
    branch: Annotated[
        str | None, typer.Option("--branch", help="The branch's id; without, a new one each time.")
    ] = None,
    first_number: Annotated[int, typer.Option("--first-number", help="Where the numbers begin.", min=1)] = 1,
    digest_url: Annotated[
        str | None, typer.Option("--digest-url", help="Where your endpoint shows its digest (?branch=&from=&to=).")
    ] = None,
    crash: Annotated[
        str | None, typer.Option("--crash", help="A command that kills your endpoint (kill -9) and starts it again.")
    ] = None,
    report: Annotated[Path | None, typer.Option("--report", help="Keep the report as JSON.", dir_okay=False)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print exactly one JSON object.")] = False,
) -> None:
    """Drive an endpoint through what a real day brings, and say what to mend. Ends with 1 when something fails."""
    options = CertifyOptions(
        url=url,
        secret=secret,
        former_secret=former_secret,
        new_secret=new_secret,
        api_listen=None if api_listen is None else _address(api_listen),
        api_key=api_key,
        branch=branch,
        first_number=first_number,
        digest_url=digest_url,
        crash=crash,
        report=report,
        as_json=as_json,
    )
    run(certify(options, Console()))


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65_535:
        raise CliError(f"--api-listen {text!r}: write it as 127.0.0.1:9900")
    return host.strip("[]"), int(port)


if __name__ == "__main__":  # inside the services' image, which has no simulators
    enter(pos_app)
